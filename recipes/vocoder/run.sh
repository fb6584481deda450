#!/usr/bin/env bash
# A vocoder for the front end of the demo, from the corpora folder to a vocoder's folder. Every stage can be killed and
# started again: trainings go on from last.ckpt, mels that are written stay.
#
#   recipes/vocoder/run.sh --corpora DIR [--small] [--out runs/vocoder] [--vocoder runs/vocoder/bundle]
#     [--checkpoint demo] [--stage 1] [--stop-stage 2]
#
# Stages: 1 train on recordings, 2 export, 3 the acoustic model's own mels, 4 finetune on them, 5 export again.
# --small takes the sizes for one CPU core. What follows "--" goes to the trainings of the stages that run.
set -euo pipefail
source "$(dirname "$0")/../common.sh"
conf=$root/recipes/vocoder/conf

corpora="" out=$root/runs/vocoder vocoder="" checkpoint=demo stage=1 stop_stage=2
configs=(--config "$conf/parallel_wavegan.yaml")
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ "$1" = --small ] || [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --small) configs+=(--config "$conf/small_cpu.yaml"); shift; continue ;;
    --corpora) corpora=$(cd "$2" && pwd) ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --vocoder) vocoder=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --checkpoint) if [ -d "$2" ]; then checkpoint=$(cd "$2" && pwd); else checkpoint=$2; fi ;;
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ $# -eq 0 ] || shift
[ -n "$corpora" ] || fail "--corpora DIR is needed"
vocoder=${vocoder:-$out/bundle}

# train NAME OPTIONS…: start, or go on from, the training that writes to the folder NAME
train() { "$bin/idfacevc" vocoder train "${configs[@]}" --data.corpora "$corpora" $(resuming "$1") "${@:2}"; }
mkdir -p "$out"
cd "$out"  # the configurations' paths count from the run's folder

if runs 1; then
  train train --data.espeak espeak "$@"
fi
if runs 2; then
  "$bin/idfacevc" vocoder export train/last.ckpt --out "$vocoder"
fi
if runs 3; then
  "$bin/idfacevc" vocoder mels --corpora "$corpora" --checkpoint "$checkpoint" --out mels
fi
if runs 4; then
  configs+=(--config "$conf/finetune.yaml")
  train finetune --model.init "$vocoder" --data.mels mels "$@"
fi
if runs 5; then
  "$bin/idfacevc" vocoder export finetune/last.ckpt --out "$vocoder"
fi
