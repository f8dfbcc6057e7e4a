# Everything a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/sbin:/sbin:/usr/local/go/bin

.PHONY: help demo test unit check bench torture offline setup system bundle format lock pictures

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: system setup bundle  ## practice datacenter of 3 masters, and the wizard on it, ready to install
	@sh tools/demo.sh

test: system setup bundle  ## every test, those on practice hosts included
	pytest tests/unit tests/ssh tests/ui -n 2 --timeout 120
	pytest tests/practice -m "not torture"

unit: setup  ## tests without root or hosts (< 60 s)
	pytest -q tests/unit tests/ssh tests/ui -n 2 --timeout 60

check: setup  ## ruff, mypy strict, import-linter, formatting
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache

bench: system setup bundle  ## slipway beside its peers in one run; writes docs/benchmarks.md
	python -m tests.bench

torture: system setup bundle  ## long fault tests
	pytest tests/practice -m torture

offline: bundle  ## one file with all that a jump host without internet needs (PYTHON="3.11 3.13": its versions)
	@sh tools/offline.sh $(PYTHON)

setup:
	@sh tools/setup.sh

system:
	@sh tools/system.sh

bundle: setup
	@slipway bundle build

format: setup  ## put the code in the house's format
	ruff check --fix-only .
	ruff format .

pictures: setup  ## make the README's pictures anew
	python -m tools.screenshots

lock: setup  ## renew requirements.lock from pyproject.toml
	python -m pip install -q uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --no-header --group dev pyproject.toml -o requirements.lock
