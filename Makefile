# The verbs of this project, the same for people and for CI.
#   make setup | run | test | check | bench | docs | conform STORE=<url> | lock
# and the long ones, for hours rather than minutes:
#   make explore N=<rounds> | interleave N=<schedules> | contention N=<seconds> | kills N=<kills> | servers N=<kills>
#   | file-kills N=<kills> | large-files | crash N=<kills> | growth N=<commits> | outbox N=<events> | twin N=<acts>
#   | moves N=<records> | migration N=<records> | outside N=<histories> | worlds N=<requests> | matrix | browser | coverage
# PY=3.12 or PY=/path/to/python takes another interpreter, in an environment of its own.
# ARGS=… goes on to the program: make test ARGS="tests/query -x". Without it, tests use all cores.
# Tests are the same each time: order, examples, random numbers. Only `make explore` draws others, from a seed that it
# prints; SEED=… takes that one again.

VENV := .venv$(if $(PY),-$(notdir $(PY)))
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS := build/docs-env
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# One after the other is readable; side by side is fast. Make 4 can do both.
SIDE_BY_SIDE := -j4 -k --no-print-directory $(if $(findstring output-sync,$(.FEATURES)),--output-sync=target)

# Tests start hundreds of programs. Each would compile all of Holdall anew where the environment forbids Python to keep
# what it compiled.
KEEPING := PYTHONDONTWRITEBYTECODE=
# Their servers and files lie in memory where there is room: no test is about the disk, and it takes a fifth of the time.
IN_MEMORY = $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "TMPDIR=/dev/shm" }')
# Seeds for the order of sets, of the tests, and for their random numbers; that of examples is in tests/conftest.py.
TEST := $(KEEPING) $(IN_MEMORY) PYTHONHASHSEED=1 $(BIN)/python -m pytest --randomly-seed=1
# Tests of one class or file stay together, as fixtures serve all of them, the largest groups first (tests/support/forks);
# or each test goes to whoever is idle.
SPREAD := -n logical --dist worksteal
TOGETHER := --forks auto
DRAWING = $$(grep -rlE "hypothesis|StoreConformance" --include='test_*.py' tests)

.PHONY: help setup run test coverage explore interleave contention moves migration kills file-kills large-files servers crash growth outbox twin dask outside browser matrix worlds check bench performance docs site wheel release files conform lock clean
.DEFAULT_GOAL := setup

# Tell of every verb.
help:
	@awk '/^# / { if (!told) told = substr($$0, 3) } /^$$/ { told = "" } \
	    /^[a-z][a-z-]*:/ { split($$1, name, ":"); if (told != "") printf "make %-12s %s\n", name[1], told; told = "" }' \
	    $(firstword $(MAKEFILE_LIST))

# Make the environment: every library by its hash, and Holdall itself as it is here.
setup: $(READY)

$(READY): requirements.lock pyproject.toml hatch_build.py $(wildcard src/holdall/*/_*.c src/holdall/*/*/_*.c) tools/find-python
	@echo "setting up $(VENV)"
	@python=$$(tools/find-python $(PY)) && { test -x $(BIN)/python || "$$python" -m venv $(VENV); }
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Serve the demo and its back office on real data.
run: $(READY)
	@$(BIN)/python -m demo.atlas $(if $(CHECK),--check) $(ARGS)

# Run all tests, on servers that are started for them; the house's own rules, tests/meta, are for `make check`.
test: $(READY)
	@$(TEST) -q $(or $(ARGS),$(TOGETHER) --ignore=tests/meta --durations=10)

# Run all tests and tell which lines and branches of src they do not reach; fails below 95 %.
# The programs that tests start and what they fork count, too, unless they are killed. Tests need about twice the CPU
# time, which is why `make test` does not measure; ARGS="-n2 --cov-append --cov-fail-under=0 tests/query" adds a part.
coverage: $(READY)
	@mkdir -p build/coverage
	@$(TEST) -p pytest_cov -q $(or $(ARGS),$(TOGETHER)) --cov --cov-report=term --cov-report=html:build/coverage/html

# Let the tests that draw examples draw others, so many rounds of them; stop at the first find. Pin what was found.
explore: $(READY)
	@for round in $$(seq $(or $(N),1)); do \
	    seed=$(or $(SEED),$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')); \
	    echo "round $$round; once more: make explore SEED=$$seed$(if $(ARGS), ARGS=\"$(ARGS)\")"; \
	    $(KEEPING) PYTHONHASHSEED=$$seed $(BIN)/python -m pytest -q --hypothesis-profile=explore --hypothesis-seed=$$seed \
	        --randomly-seed=$$seed $(or $(ARGS),$(SPREAD) $(DRAWING)) || exit 1; \
	done

# Kill a program that writes several stores so many times, and audit what is left.
crash: $(READY)
	@CRASH=$(or $(N),200) $(TEST) -q $(TOGETHER) tests/crash $(ARGS)

# Every order of the steps of two commits, a death, a helper and a neighbour, so many of them.
interleave: $(READY)
	@INTERLEAVE=$(or $(N),50000) $(TEST) -q $(SPREAD) tests/session/interleaving $(ARGS)

# Processes that move amounts between the same records of every two stores, for so many seconds a pair.
contention: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.contention --seconds $(or $(N),15) $(ARGS)

# Kill processes at any moment while neighbours write the same records, and look whether all is whole again.
kills: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.crash --kills $(or $(N),2000) $(ARGS)

# Kill a program that writes, replaces, copies and removes files so many times, and audit what is left.
file-kills: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.crash.file_kills --kills $(or $(N),500) $(ARGS)

# Send a file of 5 GiB and get it back, and see that it takes 64 MiB of memory.
large-files: $(READY)
	@LARGE_FILES=1 $(BIN)/python -m pytest -q -p no:randomly tests/web/attachments/test_cut_uploads.py $(ARGS)

# Export a million records and import a hundred thousand lines, one in a hundred of them bad, in the memory of a batch.
.PHONY: transfers
transfers: $(READY)
	@LARGE_TRANSFERS=1 $(BIN)/python -m pytest -q -s -p no:randomly tests/web/test_export.py tests/web/test_imports.py -k "takes_the_memory or memory_of_an_import" $(ARGS)

# Kill the servers under commits over several stores.
servers: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.crash.server_kills --kills $(or $(N),20) $(ARGS)

# Make so many commits over several stores; nothing that commits keep for themselves may grow.
growth: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.contention.growth --commits $(or $(N),1000000) $(ARGS)

# Move so many records SQLite -> PostgreSQL -> Redis -> MongoDB while they are written; none is lost or counted twice.
moves: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.contention.moves --records $(or $(N),100000) $(ARGS)

# Migrate so many records in processes that are killed ten times; each is changed once.
migration: $(READY)
	@$(KEEPING) $(BIN)/python -m tests.crash.migration_kills --records $(or $(N),100000) $(ARGS)

# Deliver so many events to a receiver that fails, hangs and dies, and kill the program meanwhile.
outbox: $(READY)
	@OUTBOX=$(or $(N),2000) $(TEST) -q tests/events/test_outbox_crash.py $(ARGS)

# Run the long forms of what users of the field have met: commits against a dictionary, tables that others made, programs
# that write beside us, APIs that answer as they should not.
outside: $(READY)
	@FINAL_STATES=$(or $(N),20000) HOLDALL_HISTORIES=$(or $(N),200) SCHEMA_FUZZ=100 ADOPTION=1 ANSWERS=1 ENDS=1 HOLDALL_WHOLE=1 FORKS=1 $(TEST) -q $(TOGETHER) \
	    $(or $(ARGS),$$(grep -rlE "FINAL_STATES|HOLDALL_HISTORIES|SCHEMA_FUZZ|ADOPTION|ANSWERS|ENDS|FORKS|HOLDALL_WHOLE|trials|StoreConformance|WebConformance" --include='test_*.py' tests))

# Do so many things to a shop in one store and to its twin in many, and compare.
twin: $(READY)
	@TWIN=$(or $(N),5000) $(KEEPING) $(BIN)/python -m pytest -q -p no:randomly tests/twin $(ARGS)

# Drive the back office by a browser over three stores; pictures go to build/browser. Needs Chromium (CHROMIUM=<path>).
browser: $(READY)
	@BROWSER=1 $(KEEPING) $(BIN)/python -m pytest -q -p no:randomly tests/admin/test_browser.py tests/admin/test_browser_atlas.py $(ARGS)

# Run a job over so many records on a Dask cluster of two workers, one of which is killed in the middle.
dask: $(READY)
	@DASK=$(or $(N),2000) $(TEST) -q tests/app/test_jobs.py $(ARGS)

# Ask every cell of the authorisation matrix: who, which field or record, by which door, in which stores.
matrix: $(READY)
	@MATRIX=1 $(TEST) -q $(SPREAD) tests/policy/test_authorisation_matrix.py $(ARGS)

# Send so many requests to two worlds that differ only in what the user may not read.
worlds: $(READY)
	@WORLDS=$(or $(N),200000) $(TEST) -q $(SPREAD) tests/policy/test_two_policy_worlds.py $(ARGS)

# Send made-up requests to each address of a service, so many, and follow as many chains of links from answer to answer.
.PHONY: fuzz
fuzz: $(READY)
	@SCHEMA_FUZZ=$(or $(N),120) $(TEST) -q tests/web/test_schema_fuzz.py $(ARGS)

# Make clients of the document of a service, by openapi-typescript and openapi-python-client, and let them and
# react-admin's data provider talk to it.
.PHONY: clients
clients: $(READY)
	@CLIENTS=1 $(TEST) -q -p no:randomly tests/web/test_clients.py $(ARGS)

# Compare with peers and with code by hand, in one run.
bench: $(READY)
	@$(BIN)/python -m bench $(ARGS)

# Write docs/performance.md anew, from the last run of make bench.
performance: $(READY)
	@$(BIN)/python -m tools.build_performance

# Write docs/stores.md anew, from what every store's conformance suite says, the other pages that are generated, and the site.
docs: $(READY)
	@HOLDALL_WHOLE=1 $(TEST) -q $(TOGETHER) $$(grep -ls StoreConformance tests/stores/*/test_*.py) $(ARGS)
	@$(BIN)/python -m tools.build_docs
	@$(MAKE) --no-print-directory files site

# Build the site of the documents in build/site/html, without outside requests, and check that every link leads somewhere.
site: $(READY) $(DOCS)/.ready
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m tools.build_site $(DOCS)/bin/mkdocs

# What builds the site has an environment of its own: nothing else needs it.
$(DOCS)/.ready: docs/requirements.lock
	@python=$$(tools/find-python $(PY)) && { test -x $(DOCS)/bin/python || "$$python" -m venv $(DOCS); }
	@$(DOCS)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r docs/requirements.lock
	@touch $@

# Build the source and both wheels, with the parts in C and without, and run the tutorial on each in a bare environment.
wheel: $(READY)
	@rm -rf build/dist && mkdir -p build/dist
	@HOLDALL_PURE=1 $(BIN)/python -m hatchling build -t wheel -t sdist -d build/dist
	@$(BIN)/python -m hatchling build -t wheel -d build/dist
	@$(BIN)/python -m tools.try_wheel $(BIN)/python build/dist/*.whl

# Date the changelog, set the version, commit and tag: make release VERSION=0.2.0. Nothing is published.
release: $(READY)
	@$(BIN)/python -m tools.release $(VERSION)

# Write docs/files.md anew, a line for every file, and docs/errors.md, a part for every error.
files: $(READY)
	@$(BIN)/python -m tools.build_files
	@$(BIN)/python -m tools.build_errors

# Run the conformance suite on the store at STORE=<url>.
conform: $(READY)
	@test -n "$(STORE)" || { echo "say which: make conform STORE=postgresql://user@host/database" >&2; exit 2; }
	@STORE="$(STORE)" $(TEST) -q tests/stores/conform.py $(ARGS)

# Check style, types, import rules and the documents.
check: $(READY)
	@$(MAKE) $(SIDE_BY_SIDE) check-style check-types check-typing check-imports check-meta
	@echo "all checks passed"

.PHONY: check-style check-types check-typing check-imports check-meta
check-style:
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format --check -q .
check-types:
	@$(BIN)/mypy
check-typing:
	@$(BIN)/pyright --pythonpath $(BIN)/python
check-imports:
	@$(BIN)/lint-imports --cache-dir build/import-linter --no-logo
check-meta:
	@$(TEST) -q tests/meta

# Renew requirements.lock from pyproject.toml: every version pinned by hash, no address of any registry.
lock:
	@python=$$(tools/find-python $(PY)) && { test -x build/uv/bin/uv || \
	    { "$$python" -m venv build/uv && build/uv/bin/python -m pip --disable-pip-version-check -qq install uv; }; }
	@build/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links --no-annotate --group dev $(foreach e,sql mysql yaml web cli mongo redis rest telemetry prometheus flask users oidc files thumbnails admin mcp dask,--extra $(e)) \
	    --quiet --output-file requirements.lock $(ARGS)
	@build/uv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links --no-annotate --group docs --quiet --output-file docs/requirements.lock $(ARGS)

# Remove everything that was built.
clean:
	rm -rf build .venv* src/holdall/model/_write.*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
