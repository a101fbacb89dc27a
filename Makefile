# Few verbs, the same here, in the README and in CI. Each does all of its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
RUN := data/runs/demo

# Freed memory stays with the process, in huge pages: without this, much of the time on a CPU goes
# into page faults (docs/performance.md).
export GLIBC_TUNABLES := glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592

.PHONY: demo mined test check bench audit screenshots clean
.DEFAULT_GOAL := demo

demo: mined  ## set up, mine the bundled model, open the app
	$(BIN)/python -m app --port $(PORT)

mined: $(RUN)/shading.parquet $(RUN)/composition.parquet
	$(BIN)/python -m annotations import $(RUN) --name demo

$(RUN)/shading.parquet: | $(RUN)/manifest.json
	$(BIN)/python -m mining shade $(RUN)

# The parts' last table; `analyse` goes on with what is missing, and writes the manifest last.
$(RUN)/composition.parquet: | $(RUN)/manifest.json
	$(BIN)/python -m mining analyse $(RUN)

$(RUN)/manifest.json: | $(VENV)/.runtime
	$(BIN)/python -m mining mine demo demo --out $(RUN) --max-sentences 15000

test: $(VENV)/.development  ## set up and run every test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.development  ## rules: style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.development  ## measure, a JSON line each (some 20 minutes)
	$(BIN)/python -m mining bench
	$(BIN)/python -m annotations.bench
	$(BIN)/python -m exports.bench
	$(BIN)/python -m app.bench
	$(BIN)/python -m annotations.bench_load

audit: $(VENV)/.development  ## look the pins up among known vulnerabilities; needs the network
	$(BIN)/pip-audit --requirement requirements.txt

screenshots: $(VENV)/.development mined  ## take docs/images anew from the demo
	$(BIN)/python -m tests.browser.screenshots docs/images

clean:  ## remove what the verbs above made (labels in data/ stay)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Keyhole needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.development: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/.runtime
