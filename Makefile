# `make demo` and `make test` do all set-up on a machine that has Python >= 3.11, make and git.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# uv from PATH, or brought into .tools/ (Debian and Homebrew forbid pip outside a virtual environment, PEP 668).
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
PYTHON ?= python3
RUN = $(UV) run --no-sync
export UV_PYTHON_DOWNLOADS ?= never
# Where a machine's settings forbid Python to keep what it compiled, every start of zegel compiles all libraries anew: a
# second of processor time, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
FUZZ_RUNS ?= 20000
PYTEST = $(RUN) pytest -n 2 --dist worksteal -ra

.PHONY: help setup demo test test-fast lint node-modules bundle bundle-check bench fuzz clean

help:
	@sed -n 's/^## //p' Makefile

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Zegel needs Python 3.11 or newer; name one with PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .tools || { echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv

setup: $(filter .tools/bin/uv,$(UV))
	@$(UV) sync --frozen --quiet

## make demo         try it: an organisation, a sender and a first parcel, on this machine alone
demo: $(filter .tools/bin/uv,$(UV))
	@$(UV) sync --frozen --quiet --no-dev --inexact
	@$(RUN) zegel demo

## make test         all checks and tests; what this machine lacks is skipped with a reason (never in CI)
test: lint bundle-check
	@$(PYTEST)

## make test-fast    the tests that take less than a second or two each, on SQLite alone
test-fast: setup
	@$(PYTEST) -m "not slow and not browser and not node and not postgres"

## make lint         ruff, mypy, import contract
lint: setup
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

# Node is needed only to check the committed bundle and to test against other people's programs, never to run Zegel.
NODE_FOLDERS := $(patsubst %/package-lock.json,%,$(wildcard frontend/package-lock.json tests/node/package-lock.json tests/seal/node/package-lock.json tests/openid/package-lock.json tests/ground/azurite/package-lock.json))

node-modules:
	@if command -v npm >/dev/null; then \
	  for folder in $(NODE_FOLDERS); do \
	    [ "$$folder/node_modules/.package-lock.json" -nt "$$folder/package-lock.json" ] || \
	      (cd "$$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json); \
	  done; \
	elif [ -n "$${CI:-}" ]; then echo "CI needs npm"; exit 1; \
	else echo "skipped: npm is not here, so the bundle is not checked and node tests are skipped"; fi

## make bundle       build the browser's bundle anew (needs npm)
bundle: node-modules
	@cd frontend && npm run --silent build

## make bundle-check the committed bundle is what its sources build
bundle-check: node-modules
	@if command -v npm >/dev/null; then cd frontend && npm run --silent check; fi

## make bench        all benchmarks; each prints ratios against a peer or a limit
bench: setup node-modules
	@for file in $$(grep -l __main__ bench/*.py); do echo "== $$file"; $(RUN) python $$file; done

## make fuzz         20,000 inputs per parser, or FUZZ_RUNS=… (needs Python 3.11 to 3.13)
fuzz: setup
	@$(UV) sync --frozen --quiet --group fuzz --inexact
	@$(RUN) python -m fuzz.run --runs $(FUZZ_RUNS)

clean:
	rm -rf .venv .tools demo-data frontend/node_modules tests/seal/node/node_modules tests/node/node_modules
