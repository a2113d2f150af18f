# Every command of this project. A fresh machine needs Python 3.11 or newer and make; for the tests
# against real peers also Go, without which they skip. Stamps in .venv and .tools make a second run
# start at once.

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PEERS := .tools/.peers
MORE_PEERS := github.com/regclient/regclient/cmd/regctl@v0.8.3 \
    github.com/distribution/distribution/v3/cmd/registry@v3.0.0 # with dependencies of their own; what cannot be built is skipped
SITE := .tools/site
GO := $(shell command -v go 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz check bench fmt example schema tables site clean

help: ## show the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(RUNTIME) ## set up, then decide about the two images of examples/order-api
	@sh examples/order-api/demo.sh $(BIN)/policyengine

test: $(DEV) $(if $(GO),$(PEERS)) ## set up, then run every test (ARGS="…" goes to pytest)
	$(BIN)/python -m pytest -n 2 --benchmark-disable $(ARGS)

fuzz: $(DEV) ## look for what no test tries, for ten minutes (SECONDS=60 FUZZERS="policies" ARGS="--seed 7")
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(FUZZERS) $(ARGS)

check: $(DEV) ## format, lint, types, layers, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/metrics.py policyengine
	$(BIN)/python tools/schema.py --check
	$(BIN)/python tools/tables.py --check

bench: $(DEV) ## the benchmarks (ARGS="…" goes to pytest)
	$(BIN)/python -m pytest benchmarks $(ARGS)

fmt: $(DEV) ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

example: $(DEV) ## build examples/order-api/layout and its trust store again
	$(BIN)/python examples/order-api/build.py

schema: $(DEV) ## write the published schema of `-o json` from its models
	$(BIN)/python tools/schema.py

tables: $(DEV) ## write grammar/policy.tables from the grammar
	$(BIN)/python tools/tables.py

site: $(SITE) ## build the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict --quiet

clean: ## remove what the commands above made
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks dist build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=…")'
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -m compileall -q policyengine # an editable install is not compiled by pip, and starts twice as fast so
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(PEERS): tests/interop/go.mod tests/interop/go.sum
	@echo "building oras, notation and olareg into .tools/bin"
	@cd tests/interop && GOBIN="$(CURDIR)/.tools/bin" $(GO) install tool && touch "$(CURDIR)/$@" \
	    || { echo "the peers could not be built: the tests in tests/interop skip"; test -z "$$POLICYENGINE_REQUIRE_INTEROP"; }
	@for peer in $(MORE_PEERS); do GOBIN="$(CURDIR)/.tools/bin" $(GO) install "$$peer" \
	    || echo "$$peer could not be built: its tests skip"; done

$(SITE): requirements-docs.txt
	@rm -rf $(SITE)
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
