# Everything runs in .venv, which `make setup` makes; nothing needs to be activated or installed beforehand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
# One thread per test process: two processes that each start a thread per core only get in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest
# Each worker holds PyTorch (about 1 GB), so there are at most four; tests of one file share a worker and its fixtures.
WORKERS := --numprocesses=auto --maxprocesses=4 --dist=loadfile
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
# The locks are also read by pip, which knows no index but the user's own: no address may be in them.
UPGRADE ?=
ARGS ?=

.PHONY: help setup demo test lint format docs-check lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|' 2>/dev/null \
		|| grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST))

setup: ## make .venv with limner and everything it can use (instant when nothing changed)
	@tools/setup.sh

demo: setup ## train, evaluate, export and predict on generated images; ends with the place of the report
	$(BIN)/limner demo $(ARGS)

test: lint ## lint, then all tests (ARGS="-k pairing" narrows them down)
	$(PYTEST) $(WORKERS) $(ARGS)

lint: setup ## style, types, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache # its cache overlooks imports of modules that are new

format: setup ## let ruff put style right where it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs-check: setup ## run every command and every example of README.md and docs/
	$(PYTEST) tests/docs $(ARGS)

lock: setup ## pin all requirements with hashes (UPGRADE=--upgrade to move them forward)
	$(LOCK) $(UPGRADE) --all-extras pyproject.toml --output-file requirements/all.txt
	$(LOCK) --upgrade --constraint requirements/all.txt pyproject.toml --output-file requirements/field.txt
	$(LOCK) $(UPGRADE) requirements/uv.in --output-file requirements/uv.txt

clean: ## remove .venv, caches and what the demo wrote
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist limner-demo
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
