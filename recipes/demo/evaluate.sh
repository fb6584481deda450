#!/usr/bin/env bash
# Measure the demo checkpoint on held-out speakers and faces.
#   recipes/demo/evaluate.sh --corpora DIR [--checkpoint checkpoints/demo] [--out runs/demo/evaluation] [--pairing FILE] [--limit N]
set -euo pipefail

cd "$(dirname "$0")/../.."
idfacevc=${IDFACEVC:-.venv/bin/idfacevc}
command -v "$idfacevc" > /dev/null || idfacevc=idfacevc
# The map from faces to training speakers, which `run.sh` fitted: with it the assigned voice can be compared.
pairing=runs/demo/features/pairing.safetensors
[[ -f $pairing ]] && set -- --pairing "$pairing" "$@"
exec nice "$idfacevc" evaluate demo --checkpoint checkpoints/demo --out runs/demo/evaluation "$@"
