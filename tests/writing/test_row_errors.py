"""Which rows of a refused chunk are named as those at fault: all that the server's words fit, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import (
    DirectusError,
    FailedValidation,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    Model,
    NotNullViolation,
    RecordNotUnique,
    field,
    generated,
)
from directus_orm.writing.row_errors import rows_at_fault


class Thing(Model, collection="things"):
    id: int = field(default=generated, primary_key=True)
    size: int | None = field(default=None, name="the_size")
    name: str | None = None


def at_fault(error: DirectusError, *values: Any) -> list[Any]:
    """Return which of the values are named, each in the field ``the_size`` of a row of its own."""
    return [values[index] for index in rows_at_fault(Thing.directus, error, [{"the_size": v} for v in values])]


def broken(rule: str, **told: Any) -> FailedValidation:
    return FailedValidation("no", extensions={"field": "the_size", "type": rule, **told})


@pytest.mark.parametrize(
    ("rule", "told", "values", "named"),
    [
        ("required", {}, [1, None, 0, ""], [None]),
        ("nnull", {}, [1, None, 0, ""], [None]),
        ("null", {}, [1, None, 0], [1, 0]),
        ("nempty", {}, ["", "a", None, " "], [""]),
        ("eq", {"valid": 5}, [4, 5, 6, None], [4, 6]),
        ("lt", {"valid": 5}, [4, 5, 6, None], [5, 6]),
        ("lte", {"valid": 5}, [4, 5, 6, None], [6]),
        ("gt", {"valid": 5}, [4, 5, 6, None], [4, 5]),
        ("gte", {"valid": 5}, [4, 5, 6, None], [4]),
        ("in", {"valid": [5, 6]}, [4, 5, 6, None], [4]),
        ("neq", {"invalid": 5}, [4, 5, 6, None], [5]),
        ("nin", {"invalid": [5, 6]}, [4, 5, 6, None], [5, 6]),
        ("regex", {"invalid": "a1"}, ["a1", "a", None], ["a1"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_break_the_rule_of_the_message_are_named(
    rule: str, told: dict[str, Any], values: list[Any], named: list[Any]
) -> None:
    assert at_fault(broken(rule, **told), *values) == named


@pytest.mark.parametrize("rule", ["gt", "in", "neq", "nin", "regex"])
def test_no_row_is_named_where_the_message_lacks_the_limit_of_the_rule(rule: str) -> None:
    assert at_fault(broken(rule), 1, "a", None) == []


@pytest.mark.parametrize(("rule", "told"), [("lt", {"valid": 5}), ("in", {"valid": 5}), ("nin", {"invalid": 5})])
def test_a_value_of_another_type_than_the_rule_is_not_named(rule: str, told: dict[str, Any]) -> None:
    """The server compares it in some way of its own."""
    assert at_fault(broken(rule, **told), "a") == []


@pytest.mark.parametrize("error_class", [RecordNotUnique, InvalidForeignKey])
def test_rows_with_the_value_of_the_message_are_named(error_class: type[InvalidRequest]) -> None:
    """The server may tell a number as text; a row without a value is never meant."""

    def told(value: Any) -> InvalidRequest:
        return error_class("no", extensions={"field": "the_size", "value": value})

    assert at_fault(told("5"), 5, 4, "5", None, "x") == [5, "5"]
    assert at_fault(told(5), 5, 4, "5", None, "x") == [5, "5"]
    assert at_fault(told("x"), 5, "x", None) == ["x"]
    assert at_fault(told(None), 5, None) == []
    assert at_fault(error_class("no", extensions={"field": "the_size"}), 5, None) == []


def test_rows_without_a_required_value_are_named() -> None:
    """Also a row that leaves the field out."""
    error = NotNullViolation("no", extensions={"field": "the_size"})
    rows: list[dict[str, Any]] = [{"the_size": 0}, {"the_size": None}, {"name": "a"}]
    assert rows_at_fault(Thing.directus, error, rows) == [1, 2]


@pytest.mark.parametrize(
    "error",
    [
        NotNullViolation("no"),
        NotNullViolation("no", extensions={"field": "elsewhere"}),
        NotNullViolation("no", extensions={"field": "size"}),  # the server knows the column, not the attribute
        InvalidRequest("no", extensions={"field": "the_size", "value": 5}),
        broken("a_rule_of_next_year", valid=5, invalid=5),
        FailedValidation("no", extensions={"field": "the_size", "valid": 4}),
        Forbidden("no", extensions={"field": "the_size", "value": 5}),
        DirectusError("no"),
    ],
    ids=repr,
)
def test_no_row_is_named_where_the_error_says_too_little(error: DirectusError) -> None:
    assert at_fault(error, 5, None) == []
