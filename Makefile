# The one entry: `make demo` shows the program, `make test` proves it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# One more than there are processors: some tests wait.
WORKERS := $(shell echo $$(($$(nproc 2> /dev/null || echo 2) + 1)))
# Some machines say that nothing compiled is to be kept; then every process that a test starts compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv demo test test-quick lint fix bench docs dist try-dist container postgres lab ready clean

help:
	@echo "make demo        set up .venv and run the two main stories end to end (about three minutes)"
	@echo "make test        everything, real servers included; installs what it needs"
	@echo "make test-quick  what needs no server, under a minute"
	@echo "make lint | fix  ruff and mypy --strict | let ruff mend what it can"
	@echo "make bench       everything on docs/benchmarks.md, and more, side by side (an hour, 5 GB in TMPDIR)"
	@echo "make docs        the documentation site, in build/docs/index.html"
	@echo "make dist        wheel, sdist and SBOM, in dist/; make try-dist: the wheel with each extra alone"
	@echo "make container   builds the container and tries it; ENGINE=docker, BUILD='--build-arg BASE=...', RUN=... are for the engine"
	@echo "make lab         a Windows machine out of Wine and a browser, for the tests (Debian's packages as root or with sudo)"
	@echo "make venv        .venv/bin/handrail"

venv: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Handrail needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	@touch $@

# PostgreSQL 15, 16 and 17 side by side, outside the tree, readable by the account that runs the servers.
postgres: $(READY)
	@PYTHON=$(BIN)/python scripts/fetch_postgres.sh > /dev/null

# A throw-away "Windows machine" out of Wine, what makes packages for it, and a browser; outside the tree too.
lab:
	@PYTHON=$(PYTHON) scripts/fetch_wine.sh > /dev/null

# What tests need comes in side by side: Debian's packages while pip fetches its own.
ready:
	@$(MAKE) --no-print-directory -j 3 venv lab
	@$(MAKE) --no-print-directory postgres

demo: $(READY) postgres
	@$(BIN)/python -m demo

test: ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests

test-quick: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not real" tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/handrail guide lint

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) postgres
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,bench]'
	$(BIN)/python -m bench.startup
	$(BIN)/python -m bench.planning
	$(BIN)/python -m bench.rehearsal
	$(BIN)/python -m bench.seeds
	$(BIN)/python -m bench.connector_space
	$(BIN)/python -m bench.evidence 1000
	$(BIN)/python -m bench --page docs/benchmarks.md

# A warning, such as a link to nothing, ends it.
docs: $(READY)
	$(BIN)/sphinx-build -q -W --keep-going docs build/docs
	@echo "The documentation is at build/docs/index.html"

dist: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python scripts/make_sbom.py dist/*.whl "$$(ls dist/*.whl | sed 's/-py3.*/.cdx.json/')"

try-dist: dist
	$(BIN)/python scripts/try_wheel.py dist/*.whl

container: $(READY)
	$(BIN)/python scripts/try_container.py $(if $(ENGINE),--engine '$(ENGINE)') --build '$(BUILD)' --run '$(RUN)'

clean:
	rm -rf .venv .cache dist build
