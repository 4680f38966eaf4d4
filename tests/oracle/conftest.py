"""The databases on which the two ORMs are compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm.testing import DirectusServer
from tests.oracle import django_models as oracle


@pytest.fixture
def django(library_server: DirectusServer) -> Iterator[None]:
    """Django reads the same database."""
    with oracle.reading(library_server):
        yield
