# `make run` and `make test` are all that a newcomer needs; both set everything up first.

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
LIBRARY := static/vendor/socket.io.esm.min.js
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: help run setup test check format demo clean
.DELETE_ON_ERROR:

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: setup ## set up what is missing, bring the database up to date, serve and print the address
	@APP_ENV=$${APP_ENV:-development} exec $(PY) wsgi.py

setup: $(RUNTIME) $(LIBRARY) ## what running and testing both need

test: setup $(DEVELOPMENT) ## all tests; the core must be covered to the last line and branch
ifdef PYTEST_ARGS
	@$(PY) -m pytest $(PYTEST_ARGS)
else
	@$(PY) -m pytest -n 2 --dist loadfile --cov --ignore=tests/live --ignore=tests/browser
	@$(PY) -m pytest -n 2 --dist loadfile tests/live tests/browser # unmeasured: tracing would only slow the clients
endif

check: $(DEVELOPMENT) ## format, lint, and who may import whom
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(VENV)/bin/lint-imports

format: $(DEVELOPMENT) ## put every file into the one format
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

demo: setup ## a chat full of people and messages, ready to click through
	@bin/demo

clean: ## forget everything that was built; the database under instance/ stays
	rm -rf $(VENV) build static/vendor .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(PY):
	@python=$$(bin/find_python) && echo "Making $(VENV) with $$python" && "$$python" -m venv $(VENV)

$(RUNTIME): requirements.txt | $(PY)
	@echo "Installing what runs"
	@$(PIP) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing what tests and checks"
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(LIBRARY): static/package-lock.json bin/browser_library | $(PY)
	@echo "Bringing the browser library"
	@PYTHON=$(PY) bin/browser_library
	@touch $@
