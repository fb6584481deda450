#!/usr/bin/env bash
# The paper's tables with the bundles of OUT/checkpoints, on LRS3's unseen speakers.
#
#   recipes/lrs3/evaluate.sh --lrs3 DIR [--out runs/lrs3] [--table table2] [--limit N]
#
# --limit takes the first N pairs only. What follows "--" goes to `idfacevc evaluate reproduce`, for example the outputs of
# a system that is no configuration of this one: -- --outputs facetts=outputs.tsv
set -euo pipefail
source "$(dirname "$0")/common.sh"

lrs3="" out=$root/runs/lrs3 table=table2 limit=0
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --lrs3) lrs3=$(realpath "$2") ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --table) table=$2 ;;
    --limit) limit=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ $# -eq 0 ] || shift
[ -n "$lrs3" ] || fail "--lrs3 DIR is needed"

pairs=$out/pairs.tsv
[ -f "$pairs" ] || "$bin/idfacevc" evaluate pairs --lrs3 "$lrs3" --out "$pairs"
if [ "$limit" -gt 0 ]; then
  head -n $((limit + 1)) "$pairs" > "$out/pairs-$limit.tsv"
  pairs=$out/pairs-$limit.tsv
fi
cd "$out"
IDFACEVC_CHECKPOINTS=$out/checkpoints "$bin/idfacevc" evaluate reproduce "$table" --pairs "$pairs" --out "$out/$table" "$@"
