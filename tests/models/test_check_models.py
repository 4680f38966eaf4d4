"""`check_models`: all mistakes in declarations at once; no server is needed here."""

from __future__ import annotations

import re
import types
from typing import Any

import pytest

import directus_orm as orm
from directus_orm import (
    ConfigurationError,
    Model,
    Related,
    check_models,
    field,
    generated,
    many_to_many,
    one_to_many,
)
from tests.worlds import flights, library


class Shelf(Model):
    id: int = field(default=generated, primary_key=True)


class Unresolved(Model):
    """Two annotations that stand for nothing."""

    id: int = field(default=generated, primary_key=True)
    title: Missing  # type: ignore[name-defined]  # noqa: F821
    width: complex


class Misled(Model, ordering=("-nix", "id")):
    """Two relations without another end, and an ordering by no field."""

    id: int = field(default=generated, primary_key=True)
    shelf: Shelf | None = None
    shelves: Related[Shelf] = one_to_many("nope")
    others: Related[Shelf] = many_to_many(Shelf)


def problems(*models: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        check_models(*models)
    head, *lines = str(caught.value).split("\n- ")
    assert head == f"{len(lines)} problem{'s' * (len(lines) > 1)} in the declarations of models:"
    return [re.split(r"[: ]", line)[0] for line in lines]


def test_right_models_pass() -> None:
    check_models(Shelf, flights.Flight, flights.Airline)
    check_models(flights, library)


def test_every_problem_of_a_model_is_told() -> None:
    assert problems(Unresolved) == ["Unresolved.title", "Unresolved.width"]


def test_relations_and_orderings_are_followed() -> None:
    assert problems(Misled) == ["Misled.shelves", "Misled.others", "Misled"]


def test_a_module_stands_for_the_models_in_it() -> None:
    """Abstract models, and what is no model, are passed over."""
    module = types.ModuleType("shop")
    vars(module).update(Unresolved=Unresolved, Misled=Misled, Shelf=Shelf, Model=Model, orm=orm, number=3)
    assert problems(module) == problems(Unresolved, Misled, Shelf)


def test_without_arguments_all_models_are_checked() -> None:
    assert {"Unresolved.title", "Misled.shelves"} <= set(problems())


@pytest.mark.parametrize("wrong", ["shop", None, 3, dict])
def test_what_is_neither_model_nor_module_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes models, and modules"):
        check_models(wrong)


def test_beside_a_field_called_field_the_function_is_called_by_its_module() -> None:
    class Shown(Model):
        id: int = orm.field(default=orm.generated, primary_key=True)
        field: str = orm.field(default="x")
        other: str = orm.field(default="y")

    assert (Shown().field, Shown().other) == ("x", "y")
