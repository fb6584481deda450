#!/usr/bin/env bash
# recipes/lrs3 from videos to a table in one go, at tiny sizes: prepare, train both stages, resume, evaluate.
#   tests/smoke.sh [out/smoke]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mkdir -p "${1:-$root/out/smoke}" && cd "${1:-$root/out/smoke}" && pwd)
cd "$root"
.venv/bin/python -m tests.lrs3_corpus "$out/lrs3" --speakers 3 --clips 3 --seconds 1.5 --test
.venv/bin/python -m tests.pretrained_models "$out/weights"
cat > "$out/small.yaml" <<YAML
model:
  init_args:
    model:
      face: {backbone: {name: $out/weights/clip, revision: null}, token_dim: 32, max_frames: 4}
      speech: {name: $out/weights/clap, revision: null, token_dim: 128}
data: {init_args: {crop_frames: 64, batch_size: 3, workers: 0}}
trainer: {accelerator: cpu, max_epochs: 1, check_val_every_n_epoch: 1, enable_progress_bar: false, log_every_n_steps: 1}
YAML
small=(--out "$out/run" --config "$root/tests/training/tiny.yaml" --config "$out/small.yaml")
recipes/lrs3/prepare.sh --lrs3 "$out/lrs3" "${small[@]}" -- --workers 1
recipes/lrs3/train.sh "${small[@]}" --stop-stage 2
recipes/lrs3/train.sh "${small[@]}" --stage 2 -- --trainer.max_epochs 2
recipes/lrs3/evaluate.sh --lrs3 "$out/lrs3" --out "$out/run" --limit 3 -- --workers 1
