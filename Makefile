# SPDX-License-Identifier: Apache-2.0
#
# `make` prints what there is. `make run` and `make test` need a Swift toolchain and install the rest themselves.

CONFIG ?= config/server.properties
# More arguments for the server: make run ARGS="--override log.dirs=/var/lib/swiftkafka"
ARGS ?=
RELEASE := .build/release

.DEFAULT_GOAL := help
.PHONY: help run build test lint format generate docs bench unit clients clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build the release server and start it with config/server.properties (CONFIG=, ARGS=)
	@Scripts/setup run
	@Scripts/build swiftkafka-server
	$(RELEASE)/swiftkafka-server $(CONFIG) $(ARGS)

build: ## Build the release executables into .build/release, statically linked with the Swift library
	@Scripts/setup run
	@Scripts/build

test: ## Run everything that proves the product: lint, unit tests, release build, stock clients
	@Scripts/setup test
	@Scripts/test

unit: ## Run the Swift tests alone
	@Scripts/setup run
	@Scripts/test unit

clients: ## Run the stock-client tests alone, on the release build
	@Scripts/setup test
	@Scripts/test release clients

lint: ## Check formatting and style; changes nothing
	@Scripts/test lint

format: ## Format the hand-written Swift in place
	@git ls-files -z '*.swift' ':!*/Generated/*' | xargs -0 swift format --in-place

generate: ## Write the message types from the schema files, and the tables in docs/ that come from code
	@Scripts/generate

docs: ## Write docs/protocol-support.md and docs/configuration.md from the code
	@Scripts/generate docs

bench: ## Measure start-up, memory, speed and storage of the release build
	@Scripts/setup run
	@Scripts/bench

clean: ## Remove what was built and the Python environment
	rm -rf .build .venv
