"""`assert_no_drift` fails with the lines to write where reads or writes of models would fail."""

from __future__ import annotations

import pytest

from directus_orm import QueryError
from directus_orm.testing import assert_no_drift
from tests.schema.checking.models_and_schema import MODELS, SCHEMA, changed, with_column


def test_models_that_fit_pass() -> None:
    assert_no_drift(SCHEMA, MODELS, strict=True)


def test_an_error_fails_with_the_line_to_write() -> None:
    schema = changed("books", with_column("pages", type="string"))
    with pytest.raises(
        AssertionError, match=r"models and server differ:\nDriftBook\n(.*\n)+      pages: str \| None = None"
    ):
        assert_no_drift(schema, MODELS)
    assert_no_drift(schema, MODELS, ignore=["type-differs"])


def test_a_warning_fails_if_it_is_asked_for() -> None:
    schema = changed("books", with_column("title", is_nullable=True))
    assert_no_drift(schema, MODELS)
    with pytest.raises(AssertionError, match="null-there"):
        assert_no_drift(schema, MODELS, strict=True)


def test_a_note_never_fails() -> None:
    assert_no_drift(changed("books", with_column("state", default="used")), MODELS, strict=True)


def test_an_unknown_kind_of_difference_is_refused() -> None:
    with pytest.raises(QueryError, match="Did you mean 'type-differs'"):
        assert_no_drift(SCHEMA, MODELS, ignore=["type-differ"])
