"""`generated` is a value as before, and its attributes are values that say how the server makes a value."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from directus_orm import ConfigurationError, Model, field, generated

KINDS = ("uuid", "date_created", "date_updated", "user_created", "user_updated", "role_created", "role_updated")


class GeneratedValues(Model):
    id: UUID = field(default=generated.uuid, primary_key=True)
    seen: datetime = field(default=generated.sql("now()"))
    created: datetime | None = field(default=generated.date_created)


def test_each_reads_as_it_is_written() -> None:
    assert repr(generated) == "generated"
    assert [repr(getattr(generated, kind)) for kind in KINDS] == [f"generated.{kind}" for kind in KINDS]
    assert repr(generated.sql("now()")) == "generated.sql('now()')"


def test_a_copy_by_pickle_is_the_same_value() -> None:
    assert pickle.loads(pickle.dumps(generated)) is generated
    for kind in KINDS:
        value = getattr(generated, kind)
        assert pickle.loads(pickle.dumps(value)) == value


def test_each_kind_is_another_value() -> None:
    values = {generated, generated.sql("now()"), generated.sql("1"), *(getattr(generated, kind) for kind in KINDS)}
    assert len(values) == len(KINDS) + 3


def test_such_fields_are_optional_and_absent_until_saved() -> None:
    assert repr(GeneratedValues()) == "GeneratedValues()"


@pytest.mark.parametrize("kind", KINDS[1:])
def test_only_the_server_writes_a_stamp(kind: str) -> None:
    options = field(default=getattr(generated, kind)).metadata["directus_orm"]
    assert options.readonly
    assert not field(default=generated.uuid).metadata["directus_orm"].readonly


@pytest.mark.parametrize("expression", ["", "  ", None, 1])
def test_an_expression_is_a_text(expression: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"SQL expression as text"):
        generated.sql(expression)


def test_a_generated_default_excludes_a_factory() -> None:
    with pytest.raises(ConfigurationError, match=r"default=generated\.uuid or factory="):
        field(default=generated.uuid, factory=str)  # type: ignore[call-overload]
