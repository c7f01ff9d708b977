# What a newcomer needs; `make` or `make help` says what there is. Each target can also be done by hand: see scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test web fuzz kills bench bench-listing bench-memory bench-poison fmt lint clean-var

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## install what is missing: system packages, Python environment, models, sample media
	scripts/setup.sh

demo: ## a bucket of videos becomes a searchable index (ONCE=1: check the results and exit)
	scripts/setup.sh demo
	$${TELECINE_VENV:-.venv}/bin/python scripts/demo.py

test: ## everything that must pass before a change lands
	scripts/setup.sh
	scripts/test.sh

bench: ## measure; see benches/ for what and for the recorded results
	scripts/setup.sh demo
	cargo bench --workspace

bench-listing: ## list 100,000 objects side by side with rclone and s5cmd
	scripts/setup.sh python
	$${TELECINE_VENV:-.venv}/bin/python scripts/bench_listing.py

bench-memory: ## an hour of steady work; how much more memory a server holds at its end (MINUTES=60)
	scripts/setup.sh
	$${TELECINE_VENV:-.venv}/bin/python scripts/bench_memory.py --minutes $(or $(MINUTES),60)

bench-poison: ## a hundred bad files among good ones, side by side with the good ones alone
	scripts/setup.sh
	cargo nextest run -p telecine --run-ignored only -E 'test(heavy_poison)' --no-capture

kills: ## kill -9 KILLS=300 times over transfers of TASKS=200 small videos, on SQLite and on PostgreSQL with JetStream
	scripts/setup.sh
	TELECINE_KILLS=$(or $(KILLS),300) TELECINE_KILL_TASKS=$(or $(TASKS),200) cargo nextest run -p telecine \
	    --profile long -E 'test(long_fifty_kills) or test(long_kills_of_servers)' --no-capture

fuzz: ## fuzz each of our own parsers for SECONDS=60 (nightly Rust; fetches cargo-fuzz)
	scripts/fuzz.sh $(or $(SECONDS),60)

fmt: ## format the code
	cargo fmt --all

lint: ## formatting and lints, without running anything
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

clean-var: ## stop the servers that were left running and delete what they stored in var/
	@if [ -x .venv/bin/python ]; then .venv/bin/python scripts/testservers.py stop; fi
	rm -rf var

web: ## build the dashboard into web/dist, which the server embeds
	scripts/setup.sh web
