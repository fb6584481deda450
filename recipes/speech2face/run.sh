#!/usr/bin/env bash
# The bundle of Speech2Face, from the corpora folder: about a quarter of an hour of one core.
# Features keep what is there when started again; a training goes on from its last.ckpt.
#
#   recipes/speech2face/run.sh --corpora DIR [--out runs/speech2face] [--face-side checkpoints/demo]
#                              [--bundle OUT/bundle] [--stage 1] [--stop-stage 5]
#
# The paper's network on a corpus of videos: conf/paper.yaml (docs/speech2face.md).
set -euo pipefail
source "$(dirname "$0")/../common.sh"
export PYTHONPATH=$root
conf=$root/recipes/speech2face/conf

corpora="" out=$root/runs/speech2face faces=$root/checkpoints/demo bundle="" stage=1 stop_stage=5
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --corpora) corpora=$(cd "$2" && pwd) ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --face-side) faces=$(cd "$2" && pwd) ;;
    --bundle) bundle=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ -n "$corpora" ] || fail "--corpora DIR is needed"

step() { "$bin/python" -m "recipes.speech2face.$1" "${@:2}"; }
train() { "$bin/idfacevc" train --config "$conf/$1.yaml" $(resuming "$1") "${@:2}"; }
mkdir -p "$out"
cd "$out"  # the configurations' paths count from the run's folder

if runs 1; then  # pictures with landmarks, face features, speakers' vectors
  step features --corpora "$corpora" --out features --face-side "$faces"
fi
if runs 2; then  # the decoder by itself; fixed from here on
  train decoder
fi
if runs 3; then  # the voice encoder
  train voice --model.init_args.tower "$faces"
fi
if runs 4; then
  step assemble --voice voice/last.ckpt --decoder decoder/last.ckpt --face-side "$faces" --out "${bundle:-bundle}"
fi
if runs 5; then  # on speakers and faces that were kept out
  step test_pairs --corpora "$corpora" --out pairs
  for list in pairs adults; do
    "$bin/idfacevc" evaluate speech2face --checkpoint "${bundle:-bundle}" --pairs "pairs/$list.tsv"
  done
fi
