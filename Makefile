# Every target explains itself: `make help`. Nothing but Python 3.11, pip and make is needed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo test bench torture check format lock translations clean

PYTHON ?= python3
PORT ?= 8000
N ?= 10000
DATABASE ?= sqlite:///$(CURDIR)/instance/bench/$(N).db
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
TESTS ?= tests
BIN := .venv/bin
# A stamp is named after what it stands for, so that it is right or absent, never old.
RUN_STAMP = .venv/.run-$(shell cksum < requirements.txt | tr -d ' ')
DEV_STAMP = .venv/.dev-$(shell cat requirements.txt requirements-dev.txt | cksum | tr -d ' ')
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo
	@echo "  PORT=8080 make run      another port          DATABASE_URL=postgresql://… make run"
	@echo "  make test TESTS=tests/accounts                one folder, file or test"

run: $(RUN_STAMP) ## Serve the product (first time: set up, migrate, build the demo town)
	@$(BIN)/python tools/translations.py compile >/dev/null
	@PORT=$(PORT) exec $(BIN)/python -m tracker.serve

demo: $(RUN_STAMP) ## Throw the demo town away and build it anew
	@$(BIN)/python tools/translations.py compile >/dev/null
	@$(BIN)/python -m tracker.serve reset-demo

test: $(DEV_STAMP) ## Run every test, on SQLite and PostgreSQL, browser journeys included (BOTH=1: pages on both)
	@tools/install_browser
	@$(BIN)/python tools/translations.py compile >/dev/null
	@$(BIN)/python -m pytest -n $(JOBS) $(if $(BOTH),,$(if $(filter tests,$(TESTS)),--pages-on-one-database)) $(TESTS)

torture: $(DEV_STAMP) ## Kill it, race it and attack it at full size: hours (TESTS=tests/torture: that alone)
	@tools/install_browser
	@$(BIN)/python tools/translations.py compile >/dev/null
	@TORTURE=1 $(BIN)/python -m pytest -n $(JOBS) $(TESTS)

bench: $(RUN_STAMP) ## Measure the pages on N invented requests (N=1000000 DATABASE=postgresql://…)
	@$(BIN)/python tools/translations.py compile >/dev/null
	@$(BIN)/python -m bench.generate --database $(DATABASE) --requests $(N) --if-empty
	@$(BIN)/python -m bench.load --database $(DATABASE) --export

check: $(DEV_STAMP) ## Format, lint, types, imports, templates, translations, printed documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python tools/translations.py check
	$(BIN)/python -m tools.print_docs --check

format: $(DEV_STAMP) ## Put the code into its format, print the documents that come from code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/python -m tools.print_docs

lock: $(DEV_STAMP) ## Pin requirements*.in with hashes (UPGRADE=--upgrade for newer ones)
	$(BIN)/uv pip compile $(UPGRADE) requirements.in -o requirements.txt --generate-hashes \
	  --python-version 3.11 --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet \
	  --annotation-style line --custom-compile-command "make lock"
	$(BIN)/uv pip compile $(UPGRADE) requirements-dev.in -c requirements.txt -o requirements-dev.txt \
	  --generate-hashes --python-version 3.11 --no-strip-extras --no-emit-index-url --no-emit-find-links --quiet \
	  --annotation-style line --custom-compile-command "make lock"

clean: ## Remove what was made, but not the data under instance/
	rm -rf .venv .cache .import_linter_cache test-results
	find tracker tests tools migrations -name __pycache__ -type d -prune -exec rm -rf {} +
	find tracker/translations -name '*.mo' -delete

.venv/bin/python:
	@PYTHON=$(PYTHON) tools/make_venv

.venv/.run-%: requirements.txt | .venv/bin/python
	@echo "Installing what the product needs …"
	@$(PIP) -r requirements.txt
	@rm -f .venv/.run-*; touch $@

.venv/.dev-%: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what tests and checks need …"
	@$(PIP) -r requirements-dev.txt
	@rm -f .venv/.dev-* .venv/.run-*; touch $@ $(RUN_STAMP)
