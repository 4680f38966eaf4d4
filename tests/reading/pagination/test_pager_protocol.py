"""The keys of a page: all of them, or an error."""

from __future__ import annotations

import pytest

from directus_orm import ConversionError
from directus_orm.core.request_response import Row
from directus_orm.reading.pagination.pager_protocol import RawPage
from tests.worlds.flights import Flight


def test_each_row_has_its_key() -> None:
    """Zero and an empty text are keys as well; only nothing is none."""
    assert RawPage([{"id": 0}, {"id": 7, "note": None}, {"id": ""}]).keys(Flight.directus.pk) == [0, 7, ""]
    assert RawPage([]).keys(Flight.directus.pk) == []


@pytest.mark.parametrize(("row", "what"), [({"id": None}, "null"), ({"note": "x"}, "nothing")])
def test_a_row_without_its_key_ends_in_an_error_that_says_how_it_came(row: Row, what: str) -> None:
    with pytest.raises(ConversionError, match=f"{what} does not fit .*not its key"):
        RawPage([{"id": 1}, row, {"note": None}]).keys(Flight.directus.pk)
