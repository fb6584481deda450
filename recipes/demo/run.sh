#!/usr/bin/env bash
# The demo model from the corpora folder to checkpoints/demo: about an hour and three quarters on two CPU cores.
# Every stage can be killed and started again: preparation keeps finished shards, trainings go on from last.ckpt.
#
#   recipes/demo/run.sh --corpora DIR [--out runs/demo] [--bundle checkpoints/demo] [--stage 1] [--stop-stage 6]
set -euo pipefail
cd "$(dirname "$0")/../.."

corpora="" out=runs/demo bundle=checkpoints/demo stage=1 stop_stage=6
while [ $# -gt 1 ]; do
  case $1 in
    --corpora) corpora=$2 ;; --out) out=$2 ;; --bundle) bundle=$2 ;;
    --stage) stage=$2 ;; --stop-stage) stop_stage=$2 ;;
    *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$corpora" ] || { echo "run.sh: --corpora DIR is needed" >&2; exit 2; }

bin=.venv/bin
conf=recipes/demo/conf
runs() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ]; }
resume() { if [ -f "$1/last.ckpt" ]; then echo --ckpt_path "$1/last.ckpt"; fi; }
# place NAME: settings that put a training's files under $out
place() {
  echo --trainer.default_root_dir "$out/$1" --trainer.logger.init_args.save_dir "$out"
}

if runs 1; then  # the face tower, on the faces' labels
  # shellcheck disable=SC2046
  $bin/idfacevc train --config $conf/face_tower.yaml --data.init_args.corpora "$corpora" \
    --trainer.callbacks+=ModelCheckpoint --trainer.callbacks.dirpath "$out/face_tower" \
    --trainer.callbacks.save_last true $(place face_tower) $(resume "$out/face_tower")
  $bin/python -m idfacevc.training.export tower --checkpoint "$out/face_tower/last.ckpt" --out "$out/tower"
fi
