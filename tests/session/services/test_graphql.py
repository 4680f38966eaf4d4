"""Errors of GraphQL raise, whichever of its two shapes they have."""

from __future__ import annotations

import pytest

from directus_orm import Forbidden, InvalidRequest, ServerError, Session


def test_data_comes_back(session: Session) -> None:
    assert session.graphql("{ users_me { email } }", system=True)["users_me"]["email"]
    query = "query ($limit: Int!) { users(limit: $limit) { id } }"
    assert len(session.graphql(query, {"limit": 1}, system=True)["users"]) == 1


def test_a_query_that_is_not_valid_says_what_is_wrong(session: Session) -> None:
    """Directus answers with status 400; the reasons are inside of its error."""
    with pytest.raises(InvalidRequest, match='Cannot query field "nope"') as caught:
        session.graphql("{ nope { id } }", system=True)
    assert caught.value.code == "GRAPHQL_VALIDATION"
    with pytest.raises(InvalidRequest, match="Syntax Error"):
        session.graphql("query {", system=True)


def test_an_error_beside_data_raises(session: Session, directus_version: str) -> None:
    """GraphQL answers with status 200; half of the data would be taken for all of it.

    For Directus 10, a row that is not there is null, and no error.
    """
    query = '{ users { id } users_by_id(id: "00000000-0000-4000-8000-000000000000") { id } }'
    if directus_version.startswith("10"):
        assert session.graphql(query, system=True)["users_by_id"] is None
        return
    with pytest.raises(Forbidden, match="users_by_id"):
        session.graphql(query, system=True)


def test_a_missing_variable_raises(session: Session) -> None:
    with pytest.raises(ServerError, match=r"\$limit"):
        session.graphql("query ($limit: Int!) { users(limit: $limit) { id } }", system=True)
