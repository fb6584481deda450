#!/usr/bin/env bash
# All stages of one configuration on what prepare.sh made, up to a bundle in OUT/checkpoints/NAME.
# Killed, it goes on from each stage's last.ckpt.
#
#   recipes/lrs3/train.sh [--name id-facevc] [--out runs/lrs3] [--config YAML]… [--stage 1] [--stop-stage N]
#
# NAME is id-facevc or a file of conf/. Several GPUs: --config recipes/lrs3/conf/several_gpus.yaml
# What follows "--" goes to the trainings of the stages that run, for example: -- --trainer.max_epochs 100
set -euo pipefail
source "$(dirname "$0")/common.sh"

name=id-facevc out=$root/runs/lrs3 extra=() stage=1 stop_stage=99
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [ $# -gt 1 ] || fail "$1 needs a value"
  case $1 in
    --name) name=$2 ;;
    --out) out=$(mkdir -p "$2" && cd "$2" && pwd) ;;
    --config) extra+=(--config "$(realpath "$2")") ;;
    --stage) stage=$2 ;;
    --stop-stage) stop_stage=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ $# -eq 0 ] || shift

case $name in  # which trainings, in their order
  sp-facevc) stages=(stage_b) ;;
  facevc) stages=(stage_b stage_a face_stage) ;;
  face2speech) stages=(stage_a face_stage) ;;
  *) stages=(stage_a stage_b) ;;
esac

mkdir -p "$out/$name"
cd "$out/$name"  # the configurations' paths count from the run's folder
number=0
for one in "${stages[@]}"; do
  number=$((number + 1))
  runs $number || continue
  files=$(configs "$name" "$one")
  mapfile -t files <<< "$files"
  "$bin/idfacevc" train "${files[@]}" "${extra[@]}" --data.init_args.features "../$(features "$name")" $(resuming "$one") "$@"
done
if runs $((number + 1)); then
  "$bin/idfacevc" train export "$one/last.ckpt" --out "$out/checkpoints/$name" --name "$name"
fi
