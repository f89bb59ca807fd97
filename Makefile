# make run    builds everything and starts a demonstration platform
# make test   proves that it works; this is what CI runs
# make bench  measures this machine

DATA   ?= ./data
LISTEN ?= 127.0.0.1:8080

export CARGO_TARGET_DIR := $(CURDIR)/target
TAPSTONE := target/release/tapstone
.DEFAULT_GOAL := run
.PHONY: run test build web clients tools lint unit kills client-tests browser api-fuzz api-fuzz-test tag-peers openapi bench nightly fuzz clean

run: build
	@exec $(TAPSTONE) serve --demo --data $(DATA) --listen $(LISTEN)

# Each step stops at its first failure. The browser comes last: it looks at what all the others made.
test: tools lint unit build kills client-tests api-fuzz-test browser
	@echo "all tests passed"

build: web
	cargo build --release --locked

# The pages, made anew only when one of their sources is newer. The reference shares its examples with the client libraries.
web: web/dist/index.html

web/dist/index.html: $(shell find web clients/generator/src clients/typescript/src/json.ts -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*' 2>/dev/null)
	@scripts/need.sh build
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run build
	@touch $@

# The client libraries, generated from the API's description.
clients: clients/node_modules/.package-lock.json
	cd clients && npm run --silent build

clients/node_modules/.package-lock.json: clients/package-lock.json
	@scripts/need.sh build
	cd clients && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

clients/python/.venv/bin/mypy: clients/python/requirements-test.txt
	@scripts/need.sh clients
	python3 -m venv clients/python/.venv
	clients/python/.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

tools:
	@scripts/need.sh build browser clients fuzz module

lint: web
	scripts/check-docs.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd web && npm run --silent check

unit: web
	cargo test --workspace --locked
	cd web && npm test --silent

# SIGKILL under load, fifty times in a row on one folder; the books are checked each time.
kills: build
	$(TAPSTONE) bench kills --times 50 --folder target

# Types, units, every sample of the reference page, and both libraries against the real server.
client-tests: clients build clients/python/.venv/bin/mypy
	cd clients && npm run --silent check && npm run --silent check:python
	cd clients && npm test --silent && npm run --silent test:python
	clients/live-test.sh $(TAPSTONE)

browser: build
	scripts/browser-test.sh $(TAPSTONE)

scripts/api-fuzz/.venv/bin/st: scripts/api-fuzz/requirements.txt
	@scripts/need.sh fuzz
	python3 -m venv scripts/api-fuzz/.venv
	scripts/api-fuzz/.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Everything that schemathesis makes of the API's description, with another seed each time. Some minutes.
api-fuzz: build scripts/api-fuzz/.venv/bin/st
	scripts/api-fuzz.sh $(TAPSTONE)

# The same from a fixed seed, for about two minutes.
api-fuzz-test: build scripts/api-fuzz/.venv/bin/st
	scripts/api-fuzz.sh $(TAPSTONE) 110

scripts/tag-peers/.venv/bin/python: scripts/tag-peers/requirements.txt
	@scripts/need.sh tag-peers
	python3 -m venv scripts/tag-peers/.venv
	scripts/tag-peers/.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Programs of others read, personalise and verify the software tag: nfcpy, pylibsdm, and PC/SC's own tools; and `tapstone tag
# personalise` does so through PC/SC. A minute; the last one needs root, for a network of its own.
tag-peers: scripts/tag-peers/.venv/bin/python web
	@scripts/need.sh tag-peers
	cargo build --locked -p chip --example vpcd
	cargo build --locked -p tapstone
	scripts/tag-peers/.venv/bin/python scripts/tag-peers/read_and_write.py target/debug/examples/vpcd
	scripts/tag-peers/.venv/bin/python -W ignore scripts/tag-peers/personalise.py target/debug/examples/vpcd
	scripts/tag-peers/pcsc.sh target/debug/examples/vpcd target/debug/tapstone

# Writes the API description anew after a change to it; the tests compare the two.
openapi: build
	$(TAPSTONE) openapi > docs/openapi.json

bench: build
	$(TAPSTONE) bench taps --folder target
	$(TAPSTONE) bench ledger --folder target

# The seeded simulations of a failing disk, with many more seeds than `make test` takes. Some minutes for each thousand.
SEEDS ?= 3000
nightly:
	TAPSTONE_SEEDS=$(SEEDS) cargo test --release --locked -p journal -p books -p engine

# The parsers of what tags and codes say, and the reader's side of the chip's protocol, over a million inputs each; `make test` takes some thousand.
INPUTS ?= 1000000
fuzz:
	TAPSTONE_CASES=$(INPUTS) cargo test --release --locked -p fuzzing --test targets --test tags -- tag_ codes
	TAPSTONE_CASES=$(INPUTS) cargo test --release --locked -p personalise --test cuts -- nonsense

clean:
	rm -rf target web/dist web/node_modules clients/node_modules clients/.build clients/python/.venv clients/typescript/dist
