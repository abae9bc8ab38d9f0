# Every verb of this repository: `make help`. Only make, git and Python >= 3.11 are needed beforehand.

PORT = 8000
MQTT_PORT = 1883
DATA = ./data/demo
PYTEST_ARGS =
WORKERS = 2
BASE = main
BENCH_ARGS =
PROOF_ARGS =

.DEFAULT_GOAL := help
.PHONY: help install demo build-screens compile test test-loaded quick lint format generate bench proof proof-full lock clean

help: ## list these verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS='	' read -r verb says; do \
		printf '  make %-14s %s\n' "$$verb" "$$says"; done

install: ## make .venv from the hashed lock; make build-screens, demo and test do it themselves
	@PYTHON="$(PYTHON)" sh scripts/install.sh

demo: install build-screens ## start everything with simulated devices: PORT=8000 MQTT_PORT=1883 DATA=./data/demo
	@exec .venv/bin/ioc up --demo --http-port $(PORT) --mqtt-port $(MQTT_PORT) --data "$(DATA)"

build-screens: install ## build the operator screens into ioc/screens/static/ when their source changed
	@sh scripts/screens.sh build

compile: install ## compile the rules, two and a half times as fast; done by test, bench and proof (needs a C compiler)
	@.venv/bin/python scripts/compile_rules.py

test: install build-screens ## run every test kind, browser included, by two workers: PYTEST_ARGS="-k door" WORKERS=0
	@sh scripts/test-deps.sh
	@sh scripts/api-tools.sh
	@.venv/bin/python scripts/compile_rules.py
	@PATH="$$PATH:/usr/sbin:/sbin" .venv/bin/pytest -n $(WORKERS) --no-loadscope-reorder $(PYTEST_ARGS)

test-loaded: install build-screens ## the same while every processor is kept busy by something else
	@sh scripts/test-loaded.sh $(MAKE) test WORKERS="$(WORKERS)" PYTEST_ARGS="$(PYTEST_ARGS)"

quick: install ## after each change, in a minute: style, types and the tests that touch what differs from main: BASE=main
	@.venv/bin/python scripts/quick.py $(BASE)

lint: install ## check style, types, import floors, the pack and the screens; changes nothing
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/ioc check
	sh scripts/screens.sh check

format: install ## put the sources, the screens' too, into the house's form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	sh scripts/screens.sh format

generate: install ## write what follows from the code: the reference pages, docs/openapi.json, the screens' types
	IOC_COMPILED=0 .venv/bin/python -m tests.docs.reference
	sh scripts/screens.sh types

bench: install build-screens ## measure side by side with a broker and with bare inserts: BENCH_ARGS="throughput --keys 0"
	@sh scripts/test-deps.sh
	@.venv/bin/python scripts/compile_rules.py
	@PATH="$$PATH:/usr/sbin:/sbin" .venv/bin/python -m bench $(BENCH_ARGS)

proof: compile ## inject faults and check what was promised, in under six minutes: PROOF_ARGS="kills --seed 7"
	@sh scripts/proof-deps.sh || echo "Proofs that need what is missing will be named as not run."
	@sh scripts/api-tools.sh
	@PATH="$$PATH:/usr/sbin:/sbin" .venv/bin/python -m proof $(PROOF_ARGS)

proof-full: compile ## all proofs in their long form, with a fresh seed: an hour
	@sh scripts/proof-deps.sh || echo "Proofs that need what is missing will be named as not run."
	@sh scripts/api-tools.sh
	@PATH="$$PATH:/usr/sbin:/sbin" .venv/bin/python -m proof --full $(PROOF_ARGS)

lock: ## pin the packages of pyproject.toml anew (needs uv): LOCK_ARGS=--upgrade
	sh scripts/lock.sh $(LOCK_ARGS)

clean: ## remove what the targets made; data/ stays
	rm -rf .venv build dist ui/node_modules ioc/screens/static ioc/_compiled
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find ioc mqtt_client tests simulators proof bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
