# Everything starts here; the work is done by the scripts beside it.
.DEFAULT_GOAL := help
.PHONY: help run test dev format queries screenshots clean

# More arguments for `yice serve`, as in: make run ARGS='--listen 127.0.0.1:9000'
ARGS ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what is missing, build, and serve on http://127.0.0.1:8080 with the demo city
	@scripts/run $(ARGS)

test: ## Install what is missing and run every check and test there is
	@scripts/test

dev: ## Serve a debug build, and the page with reloading on http://127.0.0.1:5173
	@scripts/dev $(ARGS)

format: ## Format the Rust sources
	@cargo fmt --all

queries: ## Make .sqlx anew after a change of SQL or of a migration
	@scripts/queries write

screenshots: ## Take the pictures of the README anew
	@scripts/screenshots

clean: ## Remove what was built; the data folder stays
	@cargo clean
	@rm -rf web/dist web/node_modules tests/page/node_modules
