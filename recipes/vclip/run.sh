#!/usr/bin/env bash
# The bundle of Vclip, from the corpora folder: minutes for the features, and one to two hours of speech by Kokoro.
# Features and syntheses keep what is there when started again.
#
#   recipes/vclip/run.sh --corpora DIR [--out runs/vclip] [--face-side demo] [--count 600] [--minutes 90] [--bundle OUT/bundle]
set -euo pipefail
source "$(dirname "$0")/../common.sh"
export PYTHONPATH=$root

corpora="" out=runs/vclip faces=demo count=600 minutes=90 bundle=""
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --corpora) corpora=$2 ;;
    --out) out=$2 ;;
    --face-side) faces=$2 ;;
    --count) count=$2 ;;
    --minutes) minutes=$2 ;;
    --bundle) bundle=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ -n "$corpora" ] || fail "--corpora DIR is needed"

step() { "$bin/python" -m "recipes.vclip.$1" "${@:2}"; }

step features --corpora "$corpora" --out "$out/features" --face-side "$faces"
step syntheses --out "$out/syntheses" --count "$count" --minutes "$minutes"
step train --features "$out/features" --syntheses "$out/syntheses" --face-side "$faces" --out "${bundle:-$out/bundle}"
