"""The databases on which the two ORMs are compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm.testing import DirectusServer
from tests.oracle import django_models as oracle


@pytest.fixture
def django(both_worlds: DirectusServer) -> Iterator[None]:
    """Django reads the same database."""
    with oracle.reading(both_worlds):
        yield
