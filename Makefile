# Everything a person needs, from a clone: `make` lists it. Each target makes its own virtual environment first.

SHELL := /bin/sh
PYTHON ?= python3
VENV = .venv$(if $(GPU),-gpu)
BIN = $(VENV)/bin

IMAGES ?=
CONFIG ?= demo
MINUTES ?=
PORT ?= 8000
UI_PORT ?= 5000
GPU ?=
UPGRADE ?=
export IMAGES CONFIG MINUTES PORT UI_PORT

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
TRAINER = requirements/$(if $(GPU),trainer-gpu,trainer).txt

# By default, files of few tests come last, and a long one of them then runs alone.
TESTS = $(BIN)/python -m pytest -rs --durations=15 --durations-min=5 -n 2 --dist loadfile --no-loadscope-reorder
COVERAGE = $(BIN)/python -m coverage

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-browser test-security test-crash test-quality test-training test-milvus browser servers \
  proxies node lint format hooks lock wheel benchmark screenshots messages docs clean

help: ## list these targets; minutes are those of 2 cores, without installation
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.services ## train and serve: the demo shop, or your own with IMAGES=<folder or CSV> [MINUTES=10 PORT=8000 UI_PORT=5000 GPU=1]
	@$(BIN)/python -m lookalike demo --images "$${IMAGES:-pottery}" --config "$$CONFIG" --port "$$PORT" --ui-port "$$UI_PORT" \
	  $${MINUTES:+--minutes "$$MINUTES"}

test: lint ## lint, types, import rules, and each capability once [9 min]
	$(TESTS) -m "not slow"

test-all: export LOOKALIKE_LONG_TESTS = 1
test-all: lint ## every test, and how much of the code they run [90 min]
	$(COVERAGE) erase
	$(TESTS) --cov --cov-report=
	@echo "Coverage: $$($(COVERAGE) report --format=total) % of the lines"

test-browser: $(VENV)/.dev ## what test leaves out: the page at every width, by every way in [7 min]
	$(TESTS) -m "slow and browser and not (security or crash or quality or milvus)"

test-security: $(VENV)/.dev ## what test leaves out: hostile texts, requests and addresses everywhere [10 min]
	$(TESTS) -m "slow and security and not milvus"

test-crash: $(VENV)/.dev ## what test leaves out: processes killed and writes lost at any moment [10 min]
	$(TESTS) -m "slow and crash and not (security or milvus)"

test-quality: $(VENV)/.dev ## what test leaves out: the published figures, where LOOKALIKE_TEST_DATA names the pictures [30 min]
	$(TESTS) -m "slow and quality and not (security or crash or milvus)"

test-training: $(VENV)/.dev ## what test leaves out: long training, big catalogues, the installed wheel [25 min]
	$(TESTS) -m "slow and not (browser or security or crash or quality or milvus)"

# Milvus listens on all interfaces, whatever it is told: so it and its tests have a network of their own.
test-milvus: TESTS = unshare --net $(if $(filter-out 0,$(shell id -u)),--map-current-user --keep-caps) \
  sh -c 'ip link set lo up && exec "$$@"' sh $(BIN)/python -m pytest -rs --durations=15 --durations-min=5
test-milvus: $(VENV)/.dev .venv-milvus/bin/milvus-server ## what test leaves out: vectors in Milvus, which it installs (Linux) [10 min]
	$(TESTS) -m "slow and milvus"

browser: $(VENV)/.dev ## install the Chromium that tests and screenshots of the page need, where there is none
	@command -v chromium || command -v chromium-browser || command -v google-chrome || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	  else $(BIN)/python -m playwright install chromium; fi; }

servers: ## install the PostgreSQL and the S3 server (moto) that tests start, where there are none
	@command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq postgresql >/dev/null; \
	  else echo "Install PostgreSQL's server programs, initdb and pg_ctl, and put them on the PATH." >&2; exit 1; fi; }
	@# An environment of its own: beside s3fs, no version of moto and of what it needs can be found.
	@test -x .venv-s3/bin/moto_server || { $(PYTHON) -m venv .venv-s3 && \
	  .venv-s3/bin/python -m pip install --quiet --disable-pip-version-check 'moto[s3,server]>=5,<6'; }

.venv-milvus/bin/milvus-server:
	@echo "Installing Milvus for its tests (once, 60 MB)..."
	@$(PYTHON) -m venv .venv-milvus
	@.venv-milvus/bin/python -m pip install --quiet --disable-pip-version-check 'milvus==2.3.5'

proxies: ## install the nginx and HAProxy that tests of deploy/ need, where there are none (Debian, as root)
	@command -v nginx && command -v haproxy || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light haproxy >/dev/null && \
	    { [ ! -d /run/systemd/system ] || systemctl disable --quiet --now nginx haproxy; }; \
	  else echo "Without nginx and HAProxy, tests of deploy/ are skipped. As root on Debian: apt install nginx-light haproxy"; fi; }

node: ## install the Node.js that tests of generated TypeScript clients need, where there is none (Debian, as root)
	@command -v node && command -v npm || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; \
	  else echo "Without Node.js, the test of generated TypeScript clients is skipped. As root on Debian: apt install nodejs npm"; fi; }

lint: $(VENV)/.dev ## style, types and import rules alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## let ruff arrange the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

benchmark: $(VENV)/.dev ## measure search and serving; quality too where LOOKALIKE_TEST_DATA names the pictures
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev ## picture the page with the demo shop (needs Chromium)
	$(BIN)/python scripts/screenshots.py

messages: $(VENV)/.dev ## bring the message catalogues of the page up to date with its texts
	$(BIN)/python -m scripts.messages

docs: $(VENV)/.dev ## build the documentation site into site/, without network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --site-dir site

hooks: $(VENV)/.dev ## let git run format and lint before each commit
	$(BIN)/pre-commit install

wheel: $(VENV)/.dev ## build the package into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: export UPGRADE := $(UPGRADE)
lock: $(VENV)/.python ## pin and hash what pyproject.toml lists; UPGRADE=1 renews the versions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python scripts/lock.py

clean: ## forget the virtual environment; bundles and catalogues stay
	rm -rf $(VENV)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Lookalike needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.services: $(VENV)/.python requirements/api.txt requirements/frontend.txt $(TRAINER) requirements/build.txt
	@echo "Installing what training and serving need (once, a few minutes)..."
	@$(INSTALL) -r requirements/api.txt -r requirements/frontend.txt -r $(TRAINER) -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.services requirements/dev.txt
	@echo "Installing what tests and linters need..."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@
