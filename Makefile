# Everything a fresh machine with python3 and make needs: uv is brought if it is missing, the environment is .venv.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
# the machine's own certificates, so that networks with a certificate of their own work as they do for pip
export UV_SYSTEM_CERTS = 1

.PHONY: demo test test-old-processor test-slow test-laion smoke lint docs clean

demo: .venv/.ready
	$(BIN)/idfacevc demo --out out/demo

# one thread each: two processes fill two cores
test: .venv/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# the same with about the instructions that an old machine has: sums come out in another order
test-old-processor: .venv/.ready
	OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_ENABLE_INSTRUCTIONS=SSE4_2 \
		$(BIN)/python -m pytest -n 2

test-slow: .venv/.ready
	$(BIN)/python -m pytest -m "slow and not gpu and not network"

# converted LAION checkpoints against LAION's own package, which only this test needs
test-laion: .venv/.ready
	$(UV) sync --all-extras --quiet
	$(BIN)/python -m pytest tests/backbones/test_import_laion.py

# the LRS3 recipe in one go, at tiny sizes, on videos made for it
smoke: .venv/.ready
	OMP_NUM_THREADS=1 tests/smoke.sh out/smoke

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the figures of README, documents and model card, out of docs/results.json
docs: .venv/.ready
	$(BIN)/python docs/fill.py

.venv/.ready: pyproject.toml | $(UV)
	$(UV) sync --all-extras --no-extra laion --quiet
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf .venv .uv out runs build
