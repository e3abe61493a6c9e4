# Horn's commands. Each makes what it needs: the environment in .venv, the data, and for the tests a ZooKeeper server.
#
#   make mnist [ARGS="--workers 20 --submodels"]    train on MNIST; the last line is the test accuracy
#   make test                                       every check and every test
#   make soak                                       the tests that take long, drawn programs among them, new ones each time
#   make lint | types | bench | clean                parts of it; the benchmarks; a fresh start

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

# Worker processes are fresh interpreters: without files of bytecode each compiles the library anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help mnist test checks lint types pytest soak zookeeper bench clean

help:
	@sed -n '3,6s/^# *//p' Makefile

mnist: $(VENV)/.examples
	@$(BIN)/python examples/mnist_dropout.py $(ARGS)

test: checks pytest

checks: lint types

pytest: $(VENV)/.test zookeeper
	@.ci/pytest $(BIN)/python $(ARGS)

soak: $(VENV)/.test zookeeper
	$(BIN)/python -m pytest -p no:xdist -m soak $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/mypy examples

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/torch_agreement.py
	$(BIN)/python benchmarks/neurons.py
	$(BIN)/python benchmarks/mnist_step.py
	$(BIN)/python benchmarks/transcendental.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/training.py

# The tests start their own servers from Debian's package; without it they fail in CI and are skipped elsewhere.
zookeeper:
	@.ci/zookeeper

# -- the environment: one stamp for each set of extras, renewed when pyproject.toml changes ---------------------------

$(BIN)/python:
	@.ci/venv $(VENV)

$(VENV)/.examples: EXTRAS = examples
$(VENV)/.test: EXTRAS = examples,plot,tensorboard,test
$(VENV)/.bench: EXTRAS = bench

$(VENV)/.examples $(VENV)/.test $(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "installing horn[$(EXTRAS)] into $(VENV) …" >&2
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
