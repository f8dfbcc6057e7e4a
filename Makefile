# Everything a newcomer needs: `make demo` and `make test`. Each target says what it does in `make help`.
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help setup demo test unit check bench torture lock docs format

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup:  ## make .venv from the lock file
	@sh tools/setup.sh

check: setup  ## ruff, mypy strict, import-linter, formatting
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

format: setup  ## put the code in the house's format
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

unit: setup  ## tests without root or hosts (< 60 s)
	.venv/bin/pytest tests/unit tests/ssh tests/ui

lock: setup  ## renew requirements.lock from pyproject.toml
	.venv/bin/pip install -q uv
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --no-header --group dev pyproject.toml -o requirements.lock
