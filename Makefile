# Misono. `make` alone lists what there is. Every target does its own set-up on a machine with Python and make.
.DEFAULT_GOAL := help
BIN  := .venv/bin
DATA ?= var
PORT ?= 1026
AREA ?= broker
# Programs that tests run, and the Debian package that brings one where its name is another.
TOOLS := strace git curl openssl ip=iproute2 mosquitto mosquitto_pub=mosquitto-clients nginx
# In continuous integration laws are tried on more examples.
HYPOTHESIS_PROFILE ?= $(if $(CI),ci,desk)

.PHONY: help install serve demo test check format bench figures conformance docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

install: ## .venv/ with everything the broker needs to run; no network after that
	@tools/install.sh

serve: install ## the broker on 127.0.0.1:1026, its data in ./var (PORT=, DATA=)
	exec $(BIN)/misono serve --host 127.0.0.1 --port $(PORT) --data $(DATA)

demo: install ## the broker with the Misono district in it, its devices at work, and three requests to try
	@tools/install.sh packages mosquitto
	exec $(BIN)/misono demo --port $(PORT) --data $(DATA)

test: ## installs what tests need, runs everything that has a test, prints pytest's counts
	@tools/install.sh packages $(TOOLS)
	@tools/install.sh agent
	@tools/install.sh devices
	@tools/install.sh wires
	@tools/install.sh test
	HYPOTHESIS_PROFILE=$(HYPOTHESIS_PROFILE) $(BIN)/python tools/run_tests.py $(ARGS)

CHECKS := "ruff format --check --output-format concise ." "ruff check ." "mypy" "lint-imports --no-logo" "pytest -q tests/tidy"
check: ## format, lint, types, import contracts, house style
	@tools/install.sh test
	@failed=""; for step in $(CHECKS); do \
	  echo "== $$step"; $(BIN)/$$step || failed="$$failed, $$step"; \
	done; \
	[ -z "$$failed" ] || { echo "not in order: $${failed#, }"; exit 1; }

format: ## put the code into the house's form
	$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

docs: ## write the pages that are made from code (errors, settings, devices)
	$(BIN)/python -m tools.generate_docs

bench: install ## the load generator's steps against this checkout: a table in var/bench/results.md (ONLY=step,step D=seconds)
	ONLY=$(ONLY) D=$(D) tools/bench.sh

figures: ## every figure of the issue with its bar beside it (AREA=broker, history, federation, models, mongodb, adapters, residents or energy, ONLY=source,source, LONG=1: over ten minutes)
	@tools/install.sh packages $(TOOLS)
	@tools/install.sh agent
	@tools/install.sh devices
	@tools/install.sh wires
	@tools/install.sh test
	$(BIN)/python -m tools.figures $(AREA) $(if $(LONG),--long) $(if $(ONLY),--only $(ONLY))

conformance: ## the ETSI conformance suite against this checkout (AREA=broker, history or federation: that part; STORE=mongodb)
	@tools/install.sh packages $(TOOLS)
	@[ "$(STORE)" != mongodb ] || tools/install.sh wires
	@tools/install.sh test
	tools/conformance.sh

clean: ## what was built here, not the data in ./var
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
