#!/usr/bin/env bash
# The demo model, third edition, from the corpora folder to a bundle: about two hours on two CPU cores.
# Stages can be killed and started again: features keep what is there, trainings go on from their files.
#
#   recipes/demo/run.sh --corpora DIR [--out runs/demo] [--face-side checkpoints/demo] [--bundle runs/demo/bundle] [--stage 1] [--stop-stage 6]
#
# --face-side is the bundle whose tower, query-former and memory keys are taken; codebook.sh trains one.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export PYTHONPATH=$root

corpora="" out=runs/demo faces=$root/checkpoints/demo bundle="" stage=1 stop_stage=6
while [ $# -gt 0 ]; do
  case $1 in
    --corpora) corpora=$2 ;;
    --out) out=$2 ;;
    --face-side) faces=$2 ;;
    --bundle) bundle=$2 ;;
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$corpora" ] || { echo "run.sh: --corpora DIR is needed" >&2; exit 2; }

runs() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ]; }
step() { "$root/.venv/bin/python" -m "recipes.demo.$1" "${@:2}"; }

if runs 1; then  # the frozen encoder
  step whisper_weights --out "$out/whisper.safetensors"
fi
if runs 2; then  # two processes, for two cores
  step speech_features --corpora "$corpora" --whisper "$out/whisper.safetensors" --out "$out/features" --part 0 2 &
  step speech_features --corpora "$corpora" --whisper "$out/whisper.safetensors" --out "$out/features" --part 1 2
  wait $!
fi
if runs 3; then
  step converter --features "$out/features" --whisper "$out/whisper.safetensors" --out "$out/converter.pt" --minutes 38
fi
if runs 4; then  # on recordings
  step source_filter --features "$out/features" --out "$out/vocoder.pt" --minutes 36
fi
if runs 5; then  # on the converter's own mels, and the converter once more at a lower rate
  step predicted_mels --features "$out/features" --converter "$out/converter.pt" --out "$out/predicted.safetensors"
  step source_filter --features "$out/features" --out "$out/vocoder.pt" --minutes 14 --rate 6e-4 \
    --adversarial-from 0 --predicted "$out/predicted.safetensors"
  step converter --features "$out/features" --whisper "$out/whisper.safetensors" --out "$out/converter.pt" \
    --minutes 11 --rate 5e-4
fi
if runs 6; then
  step assemble --features "$out/features" --converter "$out/converter.pt" --vocoder "$out/vocoder.pt" \
    --face-side "$faces" --out "${bundle:-$out/bundle}"
fi
