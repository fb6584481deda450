#!/usr/bin/env bash
# The second edition of the demo model, which learns its content as the paper does, as codes: five to six hours on two
# CPU cores. The face side of the third edition (run.sh) comes from it.
# Every stage can be killed and started again: preparation keeps finished shards, trainings go on from last.ckpt.
#
#   recipes/demo/codebook.sh --corpora DIR [--out runs/demo] [--bundle checkpoints/demo] [--vocoder DIR] [--stage 1] [--stop-stage 9]
#
# What follows "--" goes to the trainings of the stages that run, for example: --stop-stage 1 -- --trainer.max_epochs 1
set -euo pipefail
source "$(dirname "$0")/../common.sh"
conf=$root/recipes/demo/conf

corpora="" out=$root/runs/demo bundle=$root/runs/codebook vocoder=() stage=1 stop_stage=9
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --corpora) corpora=$(cd "$2" && pwd) ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --bundle) bundle=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --vocoder) vocoder=(--vocoder "$(cd "$2" && pwd)") ;;  # of recipes/vocoder, in place of Griffin-Lim
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ $# -eq 0 ] || shift
[ -n "$corpora" ] || fail "--corpora DIR is needed"

# train NAME OPTIONS…: start, or go on from, the training of conf/NAME.yaml
train() { "$bin/idfacevc" train --config "$conf/$1.yaml" $(resuming "$1") "${@:2}"; }
mkdir -p "$out"
cd "$out"  # the configurations' paths count from the run's folder

if runs 1; then  # the face tower, on gender and age labels
  train face_tower --data.init_args.corpora "$corpora" "$@"
  "$bin/idfacevc" train export face_tower/last.ckpt --out tower
fi
if runs 2; then  # features
  "$bin/idfacevc" prepare demo speech --corpora "$corpora" --out features --config "$conf/model.yaml"
  "$bin/idfacevc" prepare demo faces --corpora "$corpora" --out features --config "$conf/model.yaml" \
    --tower tower --face-views 3
fi
if runs 3; then  # stage A: voice conversion, the voice taken from speech
  train stage_a --config "$conf/model.yaml" "$@"
fi
if runs 4; then  # the judge that is asked whose voice a mel has
  train speaker_judge "$@"
fi
if runs 5; then  # the judge that is asked what a mel says
  train phoneme_judge "$@"
fi
if runs 6; then  # which voices are spoken well, and which of them goes with which face
  PYTHONPATH=$root "$bin/python" -m recipes.demo.rank_voices --checkpoint stage_a/last.ckpt --words phoneme_judge/last.ckpt \
    --features features/speech --out voices.tsv
  "$bin/idfacevc" prepare demo pairs --corpora "$corpora" --out features --voices voices.tsv
fi
if runs 7; then  # faces find their voices, without decoding
  train memory_stage --config "$conf/model.yaml" "$@"
fi
if runs 8; then  # stage B: Eq. 8, the voice taken from the face
  train stage_b --config "$conf/model.yaml" "$@"
fi
if runs 9; then
  "$bin/idfacevc" train export stage_b/last.ckpt --tower tower --name demo \
    ${vocoder[@]+"${vocoder[@]}"} --out "$bundle"
fi
