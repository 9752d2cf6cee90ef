# `make demo` and `make test` need Python 3.10 or later with pip, nothing else. VENV and PYTHON can be set from outside.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test lint clean

demo: $(VENV)/.installed
	$(BIN)/python examples/pneumonia_resnet50_vs_densenet121.py --sample

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet -e .
	touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet -e ".[mxnet,dev]"
	touch $@ $(VENV)/.installed

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
