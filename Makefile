# `make run`: the service on this machine, shown on real photographs. `make test`: every test. `make help`: the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python infra/pip.py --quiet
PIP_PINNED := $(PIP) install --no-build-isolation --no-deps --require-hashes
export PYTHONPATH := .

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run demo test test-all test-fast check format clean lock chromium evaluate evaluate-people model-card \
  evaluate-verifier docs wheel coverage bench-engine bench-documents bench-quality bench-held bench-preparation table-of-files bench-request bench-endurance bench-images bench-search bench-verifier \
  synth deploy-check sam-check typescript-check artefact bench-cold-start openapi metrics-schema image-check

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- environment -------------------------------------------------------------------------------------------------
# Each stamp is made again when its pins change. Builds use the pinned setuptools, nothing fetched unhashed.
.venv/.made: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.11" % sys.version_info[:2])'
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/build.txt
	@touch $@

.venv/.local: .venv/.made requirements/local.txt pyproject.toml
	@echo "Installing the pinned packages (about 600 MB, a minute or two) ..."
	@$(PIP_PINNED) -r requirements/local.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/rekognition-local models >/dev/null || echo "Without these models, attributes such as EyesOpen are neutral."
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
	@$(BIN)/face-validation local --demo $(ARGS)

demo: .venv/.local ## show the main job and exit
	@$(BIN)/face-validation demo

# -- tests and checks --------------------------------------------------------------------------------------------
# Compiled modules are kept, also where the environment says otherwise: a hundred processes of the tests import them.
PYTEST_IN_PARALLEL := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile -q --ignore tests/deployment

test: .venv/.dev chromium ## the tests; about 8 minutes on two slow cores
	@$(PYTEST_IN_PARALLEL) -m "not long" --hypothesis-profile quick

test-all: .venv/.dev chromium ## the tests, and the long ones; .ci/run runs these
	@$(PYTEST_IN_PARALLEL)

test-fast: .venv/.dev ## the unit tests, in seconds
	@$(BIN)/python -m pytest -q -m "not slow" tests/face_validation_function tests/rekognition_local tests/face_validation/client tests/face_validation/evaluation tests/person_verifier tests/docs tests/test_package.py

check: .venv/.dev ## lint, format, types, direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

coverage: .venv/.dev ## branch coverage of the Lambda package by its own tests, with a floor
	@$(BIN)/python -m pytest -q -m "not slow" --cov --cov-report=term-missing tests/face_validation_function

# -- documentation and package -----------------------------------------------------------------------------------
.venv/.docs: .venv/.dev requirements/docs.txt
	@$(PIP_PINNED) -r requirements/docs.txt
	@touch $@

docs: .venv/.docs ## build the documentation into build/site; a broken link fails
	@$(BIN)/mkdocs build --quiet

wheel: .venv/.made ## build the wheel into build/wheel
	@$(PIP) wheel --no-build-isolation --no-deps --wheel-dir build/wheel .

# -- figures -----------------------------------------------------------------------------------------------------
# FACE_DATA names the folder of labelled images; benchmarks without it use two photographs in the public domain.
EVALUATION := build/evaluation
CASES ?= $(FACE_DATA)/cases.csv

evaluate: .venv/.local ## all of FACE_DATA/cases.csv through the API on the local stack: report, plots, thresholds
	@test -f "$(CASES)" || { echo "Set FACE_DATA to a folder with a cases.csv, or CASES to a file: make evaluate FACE_DATA=..."; exit 2; }
	@$(BIN)/face-validation evaluate $(CASES) --out $(EVALUATION) $(ARGS)

evaluate-people: .venv/.local ## 1:N on FACE_DATA/identities through the API: rank-1 and false positives against threshold
	@$(BIN)/face-validation identify $(FACE_DATA)/identities/enroll.csv $(FACE_DATA)/identities/probes.csv \
	  --root $(FACE_DATA) --out build/people $(ARGS)

model-card: .venv/.local ## measure all that MODEL_CARD.md tells, and renew its tables
	@test -d "$(FACE_DATA)" || { echo "Set FACE_DATA to a folder with cases.csv, faces/ and identities/: make model-card FACE_DATA=..."; exit 2; }
	@$(BIN)/python -m tests.figures.model_card --data $(FACE_DATA) $(ARGS)

evaluate-verifier: .venv/.dev ## the verifier on FACE_DATA/verifier, person by person
	@$(BIN)/python -m pytest -q -s tests/person_verifier/test_face_data.py

bench-engine: .venv/.bench ## detect, embed and compare beside the face_recognition library
	@$(BIN)/python -m benchmarks.engine

bench-documents: .venv/.local ## reading identity documents: time, and labels with FACE_DATA
	@$(BIN)/python -m tests.figures.documents

bench-request: .venv/.local ## what wire and gateway add; POST /validation with 300 ms added to each Rekognition call
	@$(BIN)/python -m benchmarks.request

bench-quality: .venv/.local ## errors against rejection by each quality measure, on FACE_DATA's photographs
	@$(BIN)/python -m tests.figures.quality

bench-held: .venv/.local ## ID_IN_FACE on scenes drawn of FACE_DATA's documents and photographs
	@$(BIN)/python -m tests.figures.held_documents

bench-preparation: .venv/.local ## what preparing pictures costs: pairs, zones in photographs of 24 megapixels, wide gamut
	@$(BIN)/python -m tests.figures.preparation

table-of-files: .venv/.dev ## what page, command line and client make of 25 files of many formats and sizes
	@$(BIN)/python -m tests.figures.files_of_all_kinds

bench-endurance: .venv/.dev ## answers and memory under load, slow callers, kills and stops, in about 15 minutes
	@$(BIN)/python -W ignore -m tests.endurance $(ARGS)

bench-images: .venv/.dev ## 1,500 mutated image files through every reader of ours
	@POWERTOOLS_METRICS_DISABLED=true $(BIN)/python -m tests.mutated_images $(ARGS)

bench-search: .venv/.local ## searching 1 k to 1 M faces beside a numpy scan and face_distance
	@$(BIN)/python -m benchmarks.search

bench-verifier: .venv/.bench ## POST /verify beside the face_recognition library
	@$(BIN)/python -W ignore -m benchmarks.verifier

.venv/.bench: .venv/.local requirements/bench.txt
	@$(PIP_PINNED) -r requirements/bench.txt
	@touch $@

# -- deployment --------------------------------------------------------------------------------------------------
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

node_modules: package-lock.json .venv/.dev
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund && touch $@

synth: .venv/.dev node_modules ## synthesise dev and prod for both architectures, under cdk-nag and cfn-lint
	@for stage in dev prod; do for arch in arm64 x86_64; do \
	  echo "$$stage, $$arch ..."; \
	  PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/cdk synth -q -c stage=$$stage -c arch=$$arch -o build/cdk/$$stage-$$arch || exit 1; \
	  $(BIN)/cfn-lint -i W3005 -- build/cdk/$$stage-$$arch/FaceValidation-$$stage.template.json || exit 1; done; done

deploy-check: .venv/.dev node_modules ## cdk deploy, update, destroy on an AWS emulator that enforces IAM and TLS; the contract over HTTP
	@$(BIN)/python -m pytest -q tests/deployment/test_deployed_service.py

sam-check: .venv/.dev node_modules ## sam local invoke and start-api in real containers: Docker's, else podman's on a base made from Debian
	@$(BIN)/python -m pytest -q -rs tests/deployment/test_sam.py

image-check: .venv/.dev ## build both container images and ask them from another container: Docker's, else podman's, as in sam-check
	@$(BIN)/python -m pytest -q -rs --log-cli-level=INFO tests/deployment/test_images.py

typescript-check: .venv/.dev ## build the TypeScript client from the OpenAPI document, and run it on the local stack
	@$(BIN)/python -m pytest -q tests/deployment/test_typescript_client.py

artefact: .venv/.dev ## the very asset under AWS's emulator: every event answered as in-process
	@$(BIN)/python -m pytest -q tests/infra/test_artefact.py tests/infra/test_bundling.py

bench-cold-start: .venv/.dev ## sizes, init, first and warm answer beside bare boto3
	@$(BIN)/python -m benchmarks.cold_start

metrics-schema: .venv/.dev ## write docs/metrics.schema.json
	@$(BIN)/python -c 'from face_validation.evaluation.report.output import schema_text; print(schema_text(), end="")' > docs/metrics.schema.json

openapi: .venv/.dev ## write docs/openapi.json
	@$(BIN)/python -m face_validation_function.contract.openapi

format: .venv/.dev ## put every file in form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

lock: .venv/.dev ## resolve the pins again
	@cd requirements && for name in build function local dev deploy sam; do \
	  ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --overrides overrides.txt $$name.in -o $$name.txt || exit 1; done
	@cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url -c dev.txt docs.in -o docs.txt
	@cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-deps bench.in -o bench.txt
	@cd requirements && for image in "rekognition --extra rekognition" "service --extra local --extra images"; do set -- $$image; \
	  name=$$1; shift; ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --overrides overrides.txt --overrides image-overrides.txt -c local.txt \
	    ../pyproject.toml $$@ -o image-$$name.txt || exit 1; done
	@cd requirements && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-deps artefact.in -o artefact.txt

clean: ## remove what these commands made
	rm -rf .venv build results cdk.out* node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
