# Every verb of the project. `make` alone lists them; `make test` and `make demo` need nothing but
# python3 (3.11 or newer), pip and make, and set themselves up.
PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
QUIET  := -qq --disable-pip-version-check

export OPENBLAS_NUM_THREADS ?= 1
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup system lab demo test lint release bench lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## build the virtual environment from the pins

$(READY): requirements.lock pyproject.toml tools/system
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
	  sys.exit(0 if sys.version_info >= (3, 11) else f"The course needs Python 3.11 or newer, and $(PYTHON) is {v}. Name a newer one: make setup PYTHON=python3.12")'
	@PYTHON=$(PYTHON) sh tools/system venv
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV); the first time takes a few minutes."
	$(BIN)/python -m pip install $(QUIET) --require-hashes -r requirements.lock
	$(BIN)/python -m pip install $(QUIET) --no-deps --no-build-isolation --editable .
	@touch $@

system: ## say what pip cannot install, and install it on Debian as root
	@PYTHON=$(PYTHON) sh tools/system chromium bubblewrap nodejs

lab: setup ## open JupyterLab on the sources, with nbgrader's formgrader
	$(BIN)/autograder checks
	$(BIN)/jupyter lab

demo: setup ## release, solve, grade and return a small class
	@sh tools/system bubblewrap
	$(BIN)/python -m autograder.demo

test: system lint ## every check of the project; ends with pytest's own line
	$(BIN)/python -m pytest -n $(JOBS)

lint: setup ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

release: setup ## write the student edition and nbgrader's release into build/
	$(BIN)/autograder release

bench: setup ## measure training (against PyTorch: gigabytes), widgets, ...; one alone: make bench BENCH=widgets
	$(if $(filter-out training,$(BENCH)),,$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --no-build-isolation --editable '.[bench]')
	for script in $(or $(BENCH:%=bench/%.py),bench/*.py); do $(BIN)/python $$script || exit 1; done

lock: setup ## resolve the pins again: requirements.lock and environment.yml
	$(BIN)/python tools/lock.py

clean: ## remove what was built; the virtual environment stays
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
