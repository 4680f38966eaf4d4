# A new user needs two commands: `make demo` and `make test`.
# Both make a virtual environment in .venv. The Directus that they start is installed in a cache outside this folder.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-versions test-oracle test-faults test-soak test-large test-urllib3 test-pythons test-lowest bench check clean

demo: $(VENV)/.demo
	$(BIN)/python -m demo

# Directus 12 has no permissions for single rows without a licence, so the tests of these run with version 11 as well.
# The tests with PostgreSQL and those with version 11 run beside the others; their output comes last.
BESIDE := $(VENV)/.beside.log

# What differs most by version is tested with each: the models of Directus's own collections.
BY_VERSION := $(BIN)/python -m pytest tests/system/test_models.py tests/reading/test_server_versions.py -k "not postgres"

# Random operations through a proxy that breaks connections have a target of their own for version 11.
ROW_RULES := $(BIN)/python -m pytest tests/querysets tests/instances tests/reading tests/session tests/writing \
	tests/promises tests/system --ignore=tests/promises/test_faults.py -m row_rules -k "not postgres and not mariadb" \
	--directus-version=11

# The tests of sessions and test servers are beside the others, so that both parts take the same time.
test: check
	( $(BIN)/python -m pytest -k "postgres and not docs and not (schema and test_reading)" \
		&& $(BIN)/python -m pytest tests/session tests/testing -k "not postgres" \
		&& $(ROW_RULES) && for version in 11 10; do $(BY_VERSION) --directus-version=$$version || exit 1; done ) > $(BESIDE) 2>&1 & \
	$(BIN)/python -m pytest --ignore=tests/session --ignore=tests/testing \
		-k "not postgres and not (schema and mariadb)"; status=$$?; \
	wait $$! || status=1; cat $(BESIDE); exit $$status

# Test what `make test` leaves out, to be short: with versions 11 and 10 the rest of Directus's own collections, exports,
# rows without models, services and the calls of other clients; the pages of the documentation on PostgreSQL; schemas on MariaDB,
# and those of all versions on PostgreSQL.
test-versions: $(VENV)/.test
	$(BIN)/python -m pytest -k "docs and postgres or schema and mariadb or schema and test_reading and postgres"
	for version in 11 10; do \
		$(BIN)/python -m pytest tests/system tests/session/items tests/session/services tests/session/transfers \
			tests/docs/test_coming_from.py tests/schema tests/cli -k "not postgres and not mariadb" \
			--directus-version=$$version || exit 1; \
	done

# Compare random querysets with the Django ORM, many more than in `make test`: 2,500 for each database with
# version 12, 500 for each older version.
ORACLE := $(BIN)/python -m pytest tests/oracle

test-oracle: $(VENV)/.test
	ORACLE_QUERYSETS=2500 $(ORACLE)
	ORACLE_QUERYSETS=500 $(ORACLE) -k sqlite --directus-version=11
	ORACLE_QUERYSETS=500 $(ORACLE) -k sqlite --directus-version=10

# Send 10,000 operations from 8 threads through a proxy that breaks connections and answers, to a server that crashes:
# with version 12, and with 11, where some threads work as users who do not see all rows. And 100 random sequences of
# writes to each kind of relation on each database.
FAULTS := FAULT_OPERATIONS=10000 $(BIN)/python -m pytest tests/promises/test_faults.py

test-faults: $(VENV)/.test
	$(FAULTS)
	$(FAULTS) --directus-version=11
	RELATION_EXAMPLES=100 $(BIN)/python -m pytest tests/writing/test_relation_writes_at_random.py

# Leave 2,000 loops in the middle and send 100,000 small requests: nothing stays behind.
test-soak: $(VENV)/.test
	SOAK_LOOPS=2000 SOAK_REQUESTS=100000 $(BIN)/python -m pytest tests/promises/test_soak.py -k sqlite

# Send and receive 300 MB, and export all 336,776 flights to JSONL and CSV with a bar, in the memory of a few pages; read
# 100,000 rows without a model while others write.
test-large: $(VENV)/.test
	$(BIN)/python -m tests.system.contents.large_files
	$(BIN)/python -m tests.session.transfers.large_export
	$(BIN)/python -m tests.promises.large_reading

# Test connections with each minor version of urllib3 that is allowed: their pools override methods that are not public.
URLLIB3 := 2.0.2 2.1.0 2.2.3 2.3.0 2.4.0 2.5.0 2.6.3 2.7.0 2.8.0

test-urllib3: $(VENV)/.test $(URLLIB3:%=build/urllib3-%)
	for version in $(URLLIB3); do \
		echo "urllib3 $$version"; \
		PYTHONPATH=build/urllib3-$$version $(BIN)/python -m pytest -q tests/core/test_cancellation.py \
			tests/session/http/test_connections.py tests/session/http/test_request_progress.py \
			tests/session/http/test_slow_and_packed_responses.py || exit 1; \
	done

build/urllib3-%: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ urllib3==$*

# Run the tests that need no server, and the README's example, with each supported Python that is found here; and
# with the oldest dependencies that are allowed.
test-pythons test-lowest: test-%: $(VENV)/.test
	$(BIN)/python -m tests.other_environments $*

# Measure on a quiet machine: see benchmarks/README.md. `make bench BENCH='--only get --rounds 5'` runs only a part.
bench: $(VENV)/.test
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.threads

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

$(VENV)/.%: setup.cfg
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
