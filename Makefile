# Trueline: `make demo` and `make test` do all the set-up themselves.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
# Tests wait for processes much of their time: more at once than there are processors.
TESTS_AT_ONCE ?= $(shell expr $$(nproc 2>/dev/null || echo 1) \* 2)

# Whatever is started here is started often: bytecode is kept, also where the caller's environment says not to.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up test lint docs client bench lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup: .venv/.runtime ## .venv with everything it needs, and nothing else

demo: .venv/.runtime ## audit this repository once and print what was found
	@$(BIN)/trueline demo

up: .venv/.runtime ## API and worker until Ctrl-C, with the address printed
	@$(BIN)/trueline up

test: .venv/.dev ## the whole test suite
	@$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/.dev ## ruff, mypy --strict and the import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: .venv/.dev ## the documentation as a site in .site/, without asking other machines
	@$(BIN)/zensical build --clean --strict
	@echo "open .site/index.html"

client: .venv/.dev ## write the Python client anew from the API's description
	@$(BIN)/python -m api.client_code

bench: .venv/.dev ## the ratios that the README quotes
	@$(BIN)/python -m bench $(ARGS)

lock: .venv/.dev ## resolve pyproject.toml anew into requirements/*.txt
	@$(UV) pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header -o requirements/runtime.txt pyproject.toml
	@$(UV) pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --all-extras -c requirements/runtime.txt -o requirements/dev.txt pyproject.toml
	@printf 'uv\nhatchling\neditables\n' | $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header -c requirements/runtime.txt -o requirements/bootstrap.txt -
	@for peer in bench/peers/*.in; do \
	  $(UV) pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate -o "$${peer%.in}.txt" "$$peer" || exit 1; done

clean: ## remove the environment and every recorded result
	@[ ! -d .trueline ] || chmod -R u+rwX .trueline
	@rm -rf .venv .trueline .trueline-bench .site

# What may be running in an environment keeps it: only one without a working pip is begun anew. Of two
# that set up at once, one waits. A file that is newer by its date alone, as after a checkout, changes nothing.
.venv/.bootstrap: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "trueline needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@exec 9< $<; ! command -v flock > /dev/null || flock 9; \
	if ! cmp -s $< $@; then \
	  echo "setting up .venv (once) ..."; \
	  $(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
	    echo "python could not make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< || exit 1; \
	fi; \
	cp $< $@

.venv/.runtime: .venv/.bootstrap requirements/runtime.txt pyproject.toml
	@echo "installing what it needs ..."
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/runtime.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@echo "installing what its tests need ..."
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	@touch $@
