#!/usr/bin/env bash
# Measure the demo checkpoint on held-out speakers and faces, about ten minutes on two free cores.
#   recipes/demo/evaluate.sh --corpora DIR [--checkpoint checkpoints/demo] [--out runs/demo/evaluation] [--limit N] [--results FILE]
set -euo pipefail

cd "$(dirname "$0")/../.."
idfacevc=${IDFACEVC:-.venv/bin/idfacevc}
command -v "$idfacevc" > /dev/null || idfacevc=idfacevc
exec nice "$idfacevc" evaluate demo --checkpoint checkpoints/demo --out runs/demo/evaluation "$@"
