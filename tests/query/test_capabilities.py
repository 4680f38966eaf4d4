"""What a server can be asked is one value: lookups and sub-queries follow it."""

from __future__ import annotations

import attrs
import pytest

from directus_orm import Model, Q, Related, field, one_to_many
from directus_orm.fields.type_table import TYPES
from directus_orm.query.capabilities import DEFAULT_CAPABILITIES
from directus_orm.query.conditions import ALWAYS, NEVER, InSubquery, Node
from directus_orm.query.lookups.date_parts import DATE_PARTS
from directus_orm.query.lookups.field_lookups import LOOKUPS, lookups_of
from directus_orm.reading.subqueries import replace_subqueries


class Post(Model, collection="capability_posts"):
    id: int = field(primary_key=True)
    remarks: Related[Remark] = one_to_many("post")


class Remark(Model, collection="capability_remarks"):
    id: int = field(primary_key=True)
    post: Post | None = None
    likes: int | None = None


def test_every_type_is_listed_and_every_operator_has_a_lookup() -> None:
    assert DEFAULT_CAPABILITIES.operators.keys() == TYPES.keys()
    assert set().union(*DEFAULT_CAPABILITIES.operators.values()) == {known.operator for known in LOOKUPS.values()}


def test_unknown_types_are_compared_with_null_alone() -> None:
    assert lookups_of("alias") == ["isnull"]
    assert lookups_of("geometry.Point") == lookups_of("geometry")


def test_functions_are_of_parts_that_there_are() -> None:
    can = DEFAULT_CAPABILITIES
    for functions in (can.part_functions, can.narrowing_functions, can.order_functions, can.group_functions):
        assert functions.keys() <= DATE_PARTS.keys()


@pytest.mark.parametrize("text", ["$NOW", "$NOW(-1 day)", "$CURRENT_USER.id", "null", "true"])
def test_texts_that_the_server_evaluates(text: str) -> None:
    assert DEFAULT_CAPABILITIES.evaluates(text)


@pytest.mark.parametrize("value", ["now", "nulls", " null", "x$NOW", 1, None, True])
def test_other_values_are_compared_as_they_are(value: object) -> None:
    assert not DEFAULT_CAPABILITIES.evaluates(value)


def test_without_quantifiers_the_keys_are_found_by_a_query_of_their_own() -> None:
    query = Post.objects.filter(remarks__none=Q(likes__gt=3)).query
    run: list[type[Model]] = []

    def resolve(condition: InSubquery) -> Node:
        run.append(condition.query.model)
        return NEVER

    assert replace_subqueries(query, resolve, DEFAULT_CAPABILITIES) == query
    assert run == []
    without = attrs.evolve(DEFAULT_CAPABILITIES, has_quantifiers=False)
    assert replace_subqueries(query, resolve, without).where == ALWAYS
    assert run == [Post]
