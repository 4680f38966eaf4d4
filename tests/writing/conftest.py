"""The size of a chunk of rows in tests of bulk writes."""

from __future__ import annotations

import pytest

from directus_orm.testing import DirectusServer
from directus_orm.writing import chunking


@pytest.fixture
def chunk_size(world: DirectusServer, monkeypatch: pytest.MonkeyPatch) -> int:
    """The most rows of one request: the real number on SQLite, and few on PostgreSQL, so that tests are quick."""
    if world.database.vendor != "sqlite":
        monkeypatch.setattr(chunking, "MAX_ROWS", 20)
    return chunking.MAX_ROWS
