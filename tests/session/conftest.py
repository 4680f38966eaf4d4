"""Sessions of one administrator on one server, since these tests are about requests and not about databases."""

from __future__ import annotations

import pytest

from directus_orm.session import Session


@pytest.fixture
def session(admin: Session) -> Session:
    """A session as the administrator of a server on SQLite, in place of one for each database."""
    return admin
