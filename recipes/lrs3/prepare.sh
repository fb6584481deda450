#!/usr/bin/env bash
# Features of a corpus of videos for one configuration. Killed, it goes on where it was.
#
#   recipes/lrs3/prepare.sh --lrs3 DIR [--name id-facevc] [--out runs/lrs3] [--config YAML]…
#   recipes/lrs3/prepare.sh --videos FOLDER|CLIPS.tsv …     any other corpus, see docs/training.md
#
# NAME is id-facevc or a file of conf/. What follows "--" goes to `idfacevc prepare`, for example: -- --engine ray
set -euo pipefail
source "$(dirname "$0")/common.sh"

name=id-facevc out=$root/runs/lrs3 corpus=() extra=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --lrs3) corpus=(lrs3 --root "$(realpath "$2")") ;;
    --videos) corpus=(folder "$(realpath "$2")") ;;
    --name) name=$2 ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --config) extra+=(--config "$(realpath "$2")") ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ $# -eq 0 ] || shift
[ ${#corpus[@]} -gt 0 ] || fail "--lrs3 DIR or --videos FOLDER is needed"

files=$(configs "$name")
mapfile -t files <<< "$files"
mkdir -p "$out"
cd "$out"  # facenet.pt, where a configuration names it, is looked for here
"$bin/idfacevc" prepare "${corpus[@]}" "${files[@]}" "${extra[@]}" --out "$(features "$name")" "$@"
