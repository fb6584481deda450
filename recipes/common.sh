# What the recipes' scripts share; sourced by them.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/.venv/bin

fail() { echo "$(basename "$0"): $1" >&2; exit 2; }

# runs N: whether stage N lies between $stage and $stop_stage
runs() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ]; }

# resuming NAME: the option with which a training goes on from the folder NAME; nothing where there is no checkpoint
resuming() { if [ -f "$1/last.ckpt" ]; then printf -- '--ckpt_path %s/last.ckpt' "$1"; fi; }
