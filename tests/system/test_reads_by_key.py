"""Rows are read by the keys in a SEARCH where the route of the collection heeds these, else by a filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import Session
from directus_orm.session.http.routes import SYSTEM_COLLECTIONS
from directus_orm.system import Dashboard, Folder, Preset, Role, Translation, User
from directus_orm.testing import DirectusServer

# More than the 100 rows that a route returns where it ignores the keys.
MANY = 104


@pytest.fixture
def session(directus_server: DirectusServer) -> Iterator[Session]:
    with Session(directus_server.url, token=directus_server.token, timeout=300) as session:
        yield session


_MAKE: dict[Any, Callable[[int], Any]] = {
    Folder: lambda n: Folder(name=f"key {n}"),
    Preset: lambda n: Preset(bookmark=f"key {n}"),
    Translation: lambda n: Translation(language="nl-NL", key=f"key {n}", value="x"),
    Dashboard: lambda n: Dashboard(name=f"key {n}"),
    Role: lambda n: Role(name=f"key {n}"),
    User: lambda n: User(first_name=f"key {n}"),
}


@pytest.mark.parametrize("model", _MAKE, ids=lambda model: model.__name__)
def test_rows_are_found_by_their_keys_and_no_others(session: Session, model: Any) -> None:
    """S26: some routes ignore the keys, and return the first 100 rows."""
    heeds_keys = SYSTEM_COLLECTIONS[model.directus.collection].finds_by_keys
    made = model.objects.bulk_create([_MAKE[model](n) for n in range(MANY)])
    try:
        wanted = [row.pk for row in made[::-1]][:3]
        with session.capture() as sent:
            assert list(model.objects.in_bulk(wanted)) == wanted
        (each,) = sent
        assert each.request.method == "SEARCH"
        assert ("keys" in each.request.json) is heeds_keys
        assert len(model.objects.in_bulk([row.pk for row in made])) == MANY
    finally:
        model.objects.filter(pk__in=[row.pk for row in made]).delete()
