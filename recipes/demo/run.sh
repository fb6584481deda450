#!/usr/bin/env bash
# The demo model, third edition, from the corpora folder to a bundle: about three hours on two CPU cores.
# Features keep what is there when started again; a training goes on from its file, for its whole time once more.
#
#   recipes/demo/run.sh --corpora DIR [--texts FILE [--groups 75]] [--out runs/demo-third] [--face-side checkpoints/demo]
#                       [--bundle OUT/bundle] [--stage 1] [--stop-stage 5]
#
# --texts FILE makes more parallel speech of that file's sentences first, at about real time on a core.
# --face-side is the bundle whose tower, query-former and memory keys are taken; codebook.sh trains one.
set -euo pipefail
source "$(dirname "$0")/../common.sh"
export PYTHONPATH=$root

corpora="" texts="" groups=75 out=runs/demo-third faces=$root/checkpoints/demo bundle="" stage=1 stop_stage=5
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --corpora) corpora=$2 ;;
    --texts) texts=$2 ;;
    --groups) groups=$2 ;;
    --out) out=$2 ;;
    --face-side) faces=$2 ;;
    --bundle) bundle=$2 ;;
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ -n "$corpora" ] || fail "--corpora DIR is needed"

step() { "$bin/python" -m "recipes.demo.$1" "${@:2}"; }

if runs 1; then  # the frozen encoder
  step whisper_weights --out "$out/whisper.safetensors"
fi
if runs 2; then  # two processes, for two cores
  more=()
  if [ -n "$texts" ]; then
    step parallel_speech --texts "$texts" --out "$out/parallel" --groups "$groups"
    more=(--parallel "$out/parallel")
  fi
  extract() {
    step speech_features --corpora "$corpora" --whisper "$out/whisper.safetensors" --out "$out/features" "${more[@]}" \
      --part "$1" 2
  }
  extract 0 &
  extract 1
  wait $!
fi
if runs 3; then  # one each on two cores
  step converter --features "$out/features" --whisper "$out/whisper.safetensors" --out "$out/converter.pt" &
  step source_filter --features "$out/features" --out "$out/vocoder.pt"
  wait $!
fi
if runs 4; then  # both together
  step joint --features "$out/features" --converter "$out/converter.pt" --vocoder "$out/vocoder.pt" --out "$out/joint" \
    --threads 2
fi
if runs 5; then
  step assemble --features "$out/features" --converter "$out/joint/converter.pt" --vocoder "$out/joint/vocoder.pt" \
    --face-side "$faces" --out "${bundle:-$out/bundle}"
fi
