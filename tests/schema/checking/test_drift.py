"""Reports of differences: their text, what fails, and what is left out."""

from __future__ import annotations

import attrs
import pytest

from directus_orm import QueryError
from directus_orm.schema import DatabaseSchema, DriftReport, check
from directus_orm.schema.checking.drift import Level

from .models_and_schema import MODELS, changed, with_column, without


def two_drifts() -> DatabaseSchema:
    schema = changed("books", with_column("state", default="used"))
    collections = (
        with_column("isbn", type="integer")(each) if each.name == "books" else each for each in schema.collections
    )
    return attrs.evolve(schema, collections=tuple(each for each in collections if each is not None))


def test_a_report_is_grouped_by_model_with_the_worst_first() -> None:
    assert (
        str(check(two_drifts(), MODELS))
        == """\
DriftBook
  error: DriftBook.isbn  string here, integer there [type-differs]
      Its values cannot be read or written as they are annotated.
      isbn: int | None = None
  note: DriftBook.state  'new' here, 'used' there [default-differs]
      A new row gets the model's from here, and the server's from others.
      state: str = "used"

1 error, 1 note"""
    )


def test_a_report_fails_for_errors_and_if_strict_for_warnings() -> None:
    changes = {
        "error": without("isbn"),
        "warning": with_column("title", is_nullable=True),
        "note": with_column("state", default="used"),
    }

    def report(level: Level) -> DriftReport:
        return check(changed("books", changes[level]), MODELS)

    assert [report(level).is_failure() for level in ("error", "warning", "note")] == [True, False, False]
    assert [report(level).is_failure(strict=True) for level in ("error", "warning", "note")] == [True, True, False]


def test_kinds_of_differences_are_left_out() -> None:
    report = check(two_drifts(), MODELS)
    assert [each.code for each in report.without(["type-differs"])] == ["default-differs"]
    assert [each.code for each in report.without("type-differs")] == ["default-differs"]
    with pytest.raises(QueryError, match=r"no kind of difference 'type-differ'\. Did you mean 'type-differs'\?"):
        report.without(["type-differ"])


def test_a_difference_is_values_for_json() -> None:
    first, _ = check(two_drifts(), MODELS)
    assert first.to_dict() == {
        "level": "error",
        "model": "DriftBook",
        "field": "isbn",
        "code": "type-differs",
        "here": "string",
        "there": "integer",
        "message": "Its values cannot be read or written as they are annotated.",
        "line": "isbn: int | None = None",
    }
