# Antiphon: `make play` and `make test` do their whole set-up, and again only when it changed.
#
#   make play ARGS=--demo       options for `antiphon play` go into ARGS
#   make test PYTHON=python3.12 another Python

SHELL := /bin/sh
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SETUP := pyproject.toml constraints.txt tools/find-python.sh

# Where `make model` looks for music and puts what it makes.
MIDI ?= data/midi
DATA ?= data/prepared
RUN ?= runs/player
MINUTES ?= 120

.DEFAULT_GOAL := help
.PHONY: help play test lint format bench model device clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

play: $(VENV)/play.stamp ## set up what is missing, and play (ARGS= for options)
	@$(BIN)/antiphon play $(ARGS)

test: lint ## lint, type check and run every test
	$(BIN)/python -m pytest

lint: $(VENV)/test.stamp ## ruff and mypy only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/play.stamp ## measure this machine
	@$(BIN)/antiphon bench $(ARGS)

model: $(VENV)/test.stamp ## train on your own MIDI files (MIDI= DATA= RUN= MINUTES=)
	$(BIN)/antiphon prepare $(MIDI) $(DATA)
	$(BIN)/antiphon train player --data $(DATA) --out $(RUN) --minutes $(MINUTES)
	$(BIN)/antiphon evaluate player --data $(DATA) --checkpoint $(RUN)/player.safetensors

device: $(VENV)/test.stamp ## rebuild the devices for Live, Max and Pd, and the picture of it
	$(BIN)/python max_for_live/device.py
	$(BIN)/python max_for_live/lint.py max_for_live/Antiphon.amxd max_for_live/Antiphon.maxpat max_for_live/Antiphon.maxhelp
	$(BIN)/python max_for_live/picture.py max_for_live/Antiphon.amxd docs/images/device.svg \
		Status=Answering "Call=55 60 64" "Answer=67 72 76"

clean: ## remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# An environment is made anew when its Python has gone (an upgrade of the system).
$(VENV)/made.stamp: tools/find-python.sh
	@tools/system-packages.sh venv
	@python=$$(PYTHON="$(PYTHON)" tools/find-python.sh) && \
		echo "making $(VENV) with $$python" && "$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/play.stamp: $(VENV)/made.stamp $(SETUP)
	@tools/system-packages.sh play
	@echo "installing Antiphon into $(VENV)"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/play.stamp tools/system-packages.sh
	@tools/system-packages.sh test
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@
