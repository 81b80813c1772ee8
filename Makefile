# `make run`: the service on this machine, shown on real photographs. `make test`: every test. `make help`: the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_PINNED := $(PIP) install --no-build-isolation --no-deps --require-hashes
export PYTHONPATH := .

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run demo test test-fast check format clean lock chromium

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- environment -------------------------------------------------------------------------------------------------
# Each stamp is made again when its pins change. Builds use the pinned setuptools, nothing fetched unhashed.
.venv/.made: requirements/build.txt
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed: make PYTHON=python3.11"'
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/build.txt
	@touch $@

.venv/.local: .venv/.made requirements/local.txt pyproject.toml
	@echo "Installing the pinned packages (about 600 MB, a minute or two) ..."
	@$(PIP_PINNED) -r requirements/local.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

.venv/.dev: .venv/.local requirements/dev.txt
	@echo "Installing the pinned development packages ..."
	@$(PIP_PINNED) -r requirements/dev.txt
	@touch $@

setup: .venv/.local ## create or update .venv
setup-dev: .venv/.dev ## the same with everything that tests and checks need

# The page's tests drive a browser. Where none is and apt can install one, it is installed; elsewhere they say that they skip.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing chromium for the page's tests ..." && \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	  echo "No chromium here: the page's tests will be skipped."

# -- the main job ------------------------------------------------------------------------------------------------
run: .venv/.local ## start everything on 127.0.0.1, show the main job, keep serving
	@$(BIN)/python -m local --demo

demo: .venv/.local ## show the main job and exit
	@$(BIN)/python -m local.demo

# -- tests and checks --------------------------------------------------------------------------------------------
test: .venv/.dev chromium ## every test
	@$(BIN)/python -m pytest -n auto --dist loadgroup -q

test-fast: .venv/.dev ## the unit tests, in seconds
	@$(BIN)/python -m pytest -q -m "not slow" tests/unit tests/rekognition tests/client tests/evaluation tests/verifier

check: .venv/.dev ## lint, format, types, direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.dev ## put every file in form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

lock: .venv/.dev ## resolve the pins again
	@cd requirements && for name in build function local dev; do \
	  ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --overrides overrides.txt $$name.in -o $$name.txt || exit 1; done
	@cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-deps bench.in -o bench.txt

clean: ## remove what these commands made
	rm -rf .venv build results cdk.out* node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
