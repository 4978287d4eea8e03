# What a person or CI calls; everything else is found from here. Needs python3 >= 3.11 and make, nothing else:
# the first call makes .venv (development) and .tools (SAM and the emulator, each apart) from the locks in requirements/.

PYTHON ?= python3
BIN = .venv/bin
UV = $(BIN)/uv
SAM = .tools/sam/bin/sam
# The person's own cache and proxies stay in force; only the noise goes.
export SAM_CLI_TELEMETRY = 0
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test lint types unit e2e mutation bench build deploy lock setup soak layers
.DEFAULT_GOAL := test

demo: setup  ## The whole product on this machine: addresses are printed and stand in .local/demo.json
	@$(BIN)/python -m local

test: lint types unit e2e  ## Everything; the fast part first

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@.tools/sam/bin/cfn-lint template.yaml stacks/*.yaml
	@AWS_DEFAULT_REGION=eu-central-1 $(SAM) validate --lint >/dev/null

types: setup
	@$(BIN)/mypy

unit: setup layers  ## unit, property, contract, handler, house and sandbox tests
	@$(BIN)/pytest -n 2 -q -m "not slow" --ignore=tests/e2e tests

e2e: setup  ## the journeys on the deployed stack in the local cloud
	@$(BIN)/pytest -q -rs tests/e2e

soak: setup  ## random lives of a small clinic with faults inside; `make soak SECONDS=300`
	@$(BIN)/python -m tests.properties.soak $(or $(SECONDS),60) $(SEED)

mutation: setup  ## what the tests would miss; rewrites docs/mutation.md (a quarter of an hour)
	@$(BIN)/python -m tests.mutation

bench: setup  ## the budgets, each beside its yardstick
	@$(BIN)/python -m bench

layers: setup  ## both builds, for tests/house/test_layers.py: Lambda's wheels and this machine's
	@$(SAM) build >.aws-sam.log 2>&1 || { cat .aws-sam.log; exit 1; }
	@LAYER_PYTHON=$(CURDIR)/.tools/emulator/bin/python $(SAM) build --build-dir .aws-sam/native >.aws-sam.log 2>&1 || { cat .aws-sam.log; exit 1; }

build: .tools/sam/ready  ## arm64 and python3.13 for Lambda, from any machine
	@$(SAM) build

deploy: build  ## into your own AWS account
	@$(SAM) deploy

# ---- environments: made once, again only when a lock changes ----------------------------------------------------------

setup: .venv/ready .tools/sam/ready .tools/emulator/ready

.venv/bin/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "calsync needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "Setting up .venv (once)"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

.venv/ready: .venv/bin/uv requirements/dev.txt layers/calsync_core/pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable layers/calsync_core
	@touch $@

.tools/%/ready: requirements/%.txt .venv/bin/uv
	@echo "Setting up .tools/$* (once)"
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python .tools/$*
	@$(UV) pip sync --quiet --python .tools/$*/bin/python --require-hashes $<
	@touch $@

# ---- locks: written by hand only through this target ------------------------------------------------------------------

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)
CORE = layers/calsync_core/requirements.txt
EXCHANGE = layers/exchange/requirements.txt

lock: .venv/bin/uv  ## pin and hash everything anew within the bounds; `make lock UPGRADE=--upgrade` takes newer versions
	@$(COMPILE) layers/calsync_core/pyproject.toml -o $(CORE)
	@# The Exchange layer carries nothing that the core layer has: both share one path.
	@$(COMPILE) layers/exchange/pyproject.toml -c $(CORE) -o $(EXCHANGE) \
	    $$(sed -nE 's/^([a-zA-Z0-9_.-]+)==.*/--no-emit-package \1/p' $(CORE))
	@$(COMPILE) layers/calsync_core/pyproject.toml layers/exchange/pyproject.toml --group dev -c $(CORE) -c $(EXCHANGE) -o requirements/dev.txt
	@$(COMPILE) --group sam -o requirements/sam.txt
	@$(COMPILE) --group emulator -o requirements/emulator.txt
	@grep -E '^uv==' requirements/dev.txt | sed 's/ *\\$$//' | $(COMPILE) - -o requirements/uv.txt
