# `make run` starts the app, `make test` runs every test; both make what they need, once, in .venv.
# PYTHON=python3.12 chooses another Python; HOST and PORT where the app listens; ARGS goes to pytest or to the benchmark.

export PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=

.PHONY: help run test lint bench clean
.DEFAULT_GOAL := help

help:
	@echo "make run    start the app on http://127.0.0.1:7860 (HOST=, PORT=)"
	@echo "make test   run the whole suite, browser tests included (ARGS='-k ema')"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure training and sampling on this machine"
	@echo "make clean  remove what make made; runs/ stays"

run:
	@tools/venv.sh requirements.txt
	@PYTHONUNBUFFERED=1 exec $(PY) app.py  # the address appears at once, into a log too

test:
	@tools/venv.sh requirements-dev.txt
	@CHROMIUM=$$($(PY) -m tests.browser.chromium) && export CHROMIUM && exec $(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

lint:
	@tools/venv.sh requirements-dev.txt
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench:
	@tools/venv.sh requirements.txt
	@exec $(PY) -m gan_core bench $(ARGS)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
