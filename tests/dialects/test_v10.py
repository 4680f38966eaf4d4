"""The dialect of Directus 10 to 12: what requests are, and what is read from responses and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import InvalidRequest, Model, Session, TransportError, field
from directus_orm.core.request_response import Response
from directus_orm.dialects.protocol import Dialect
from directus_orm.dialects.registry import dialect_of
from directus_orm.session.http.v10_api import V10Api


class Parcel(Model, collection="parcels"):
    id: int = field(primary_key=True)
    meta: dict[str, Any] | None = None


DIALECT: Dialect = dialect_of(None)


def test_sessions_speak_it_by_default() -> None:
    assert dialect_of(Session("http://localhost:1")) is DIALECT


def test_the_dialect_writes_rules_on_json() -> None:
    subquery = Parcel.objects.filter(meta__size__in=["s", "m"]).query.where
    request = DIALECT.read(subquery.query.evolve(limit=5))  # type: ignore[union-attr]
    assert dict(request.params)["filter"] == '{"meta":{"_json":{"size":{"_in":["s","m"]}}}}'


@pytest.mark.parametrize("data", [None, {}, ["AA"], [{"id": 1}, 2]])
def test_a_response_without_rows_is_an_error(data: Any) -> None:
    with pytest.raises(TransportError, match="where a list of rows belongs"):
        DIALECT.rows(Response(200, data))


@pytest.mark.parametrize("data", [[{"count": 3}], [{"count": "3"}], [{"countDistinct": {"id": 3}}]])
def test_a_count_is_a_number_in_any_form(data: Any) -> None:
    assert DIALECT.row_count(Response(200, data)) == 3


def test_limits_are_read_from_refusals() -> None:
    assert DIALECT.row_limit(InvalidRequest('"limit" must be less than or equal to 100')) == 100
    assert V10Api().write_limit(InvalidRequest("Exceeded max batch mutation limit of 50.")) == 50
    assert DIALECT.row_limit(InvalidRequest("something else")) is None
    assert V10Api().is_too_large(InvalidRequest("request entity too large"))
