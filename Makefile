# Two commands are all a new user needs: `make demo` and `make test`.
# Both make their own virtual environment; the Directus they start is kept in a cache outside the checkout.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-oracle test-faults bench check clean

demo: $(VENV)/.demo
	$(BIN)/python -m demo

test: check
	$(BIN)/python -m pytest

# Random querysets against the Django ORM, many more than in `make test`: 2,500 for each database of version 12,
# 500 for each older version.
ORACLE := $(BIN)/python -m pytest tests/oracle

test-oracle: $(VENV)/.test
	ORACLE_QUERYSETS=2500 $(ORACLE)
	ORACLE_QUERYSETS=500 $(ORACLE) -k sqlite --directus-version=11
	ORACLE_QUERYSETS=500 $(ORACLE) -k sqlite --directus-version=10

# 10,000 operations of 8 threads through a proxy that breaks connections, before a server that crashes.
test-faults: $(VENV)/.test
	FAULT_OPERATIONS=10000 $(BIN)/python -m pytest tests/promises/test_faults.py

# What things cost, on a quiet machine: see benchmarks/README.md. `make bench BENCH='--only get --rounds 5'` asks for less.
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
