"""Annotations are resolved on every Python, whatever the time at which it evaluates them.

Modules of models stand here with and without `from __future__ import annotations`. Without it, Python evaluates
annotations at once before 3.14, and later when they are read.
"""

import sys
import textwrap
import typing
from types import ModuleType
from typing import Any

import pytest

from directus_orm import ConfigurationError

FUTURE = "from __future__ import annotations\n"
BOTH_WAYS = pytest.mark.parametrize("future", [FUTURE, ""], ids=["with the future import", "without"])

QUOTED = """
from datetime import datetime
from directus_orm import Model, Related, field, generated, one_to_many

class Airline(Model):
    code: str = field(primary_key=True)
    flights: Related["Flight"] = one_to_many("carrier")
    hub: "Hub | None" = None

class Flight(Model):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    next: "Flight | None" = None
    tags: list[str] | None = None
    left: datetime | None = None

class Hub(Model):
    id: int
    flights: "Related[Flight]" = one_to_many("hub")
"""
UNQUOTED = QUOTED.replace('"Flight"', "Flight").replace('"Related[Flight]"', "Related[Flight]")
UNQUOTED = UNQUOTED.replace('"Hub | None"', "Hub | None").replace('"Flight | None"', "Flight | None")

# Nothing but the registry of models finds these: they are no names of their module.
_IMPORTS, _CLASSES = QUOTED.split("class ", 1)
IN_FUNCTION = f"""
from types import SimpleNamespace
{_IMPORTS}
def made():
{textwrap.indent("class " + _CLASSES, "    ")}
    return SimpleNamespace(**locals())
"""


def module_of(code: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the code of a module of models, which the models find by their names."""
    module = ModuleType("models_of_test_info_builder")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "models.py", "exec", dont_inherit=True), vars(module))
    return module


def assert_resolved(module: Any) -> None:
    airline, flight, hub = (module.Airline.directus, module.Flight.directus, module.Hub.directus)
    assert airline.relations["flights"].targets == hub.relations["flights"].targets == (module.Flight,)
    assert airline.fields["hub"].target is module.Hub
    assert flight.fields["carrier"].target is module.Airline
    assert flight.fields["next"].target is module.Flight
    assert flight.fields["left"].nullable


@BOTH_WAYS
def test_names_in_quotes_may_be_defined_later(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_resolved(module_of(future + QUOTED, monkeypatch))


@BOTH_WAYS
def test_names_without_quotes_may_be_defined_later(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not future and sys.version_info < (3, 14):
        pytest.skip("before Python 3.14 such a name needs quotes or the future import")
    assert_resolved(module_of(future + UNQUOTED, monkeypatch))


@BOTH_WAYS
def test_a_field_of_a_base_is_resolved_where_the_base_stands(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = """
from directus_orm import Model
from decimal import Decimal as Money

class Priced(Model, abstract=True):
    id: int
    price: Money
    owner: "Owner | None" = None

class Owner(Model):
    id: int
"""
    module = module_of(future + base, monkeypatch)
    child = type(module.Priced)("Child", (module.Priced,), {"__module__": __name__})
    assert child.directus.fields["price"].value_type.kind == "decimal"
    assert child.directus.fields["owner"].target is module.Owner


@BOTH_WAYS
def test_a_name_that_nobody_knows_is_named_as_it_was_written(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(
        future
        + 'from directus_orm import Model\nclass Lost(Model):\n    id: int\n    a: "NoSuchModel | None" = None\n',
        monkeypatch,
    )
    with pytest.raises(
        ConfigurationError,
        match=r"Lost\.a: the annotation .*NoSuchModel \| None.* names 'NoSuchModel', which is neither",
    ):
        module.Lost.directus


@BOTH_WAYS
def test_a_reserved_name_is_refused_whatever_its_annotation(future: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = 'from directus_orm import Model\nclass A(Model):\n    id: int\n    objects: "Later | None" = None\n'
    with pytest.raises(ConfigurationError, match=r"A\.objects: this name is reserved"):
        module_of(future + code, monkeypatch)


def test_names_are_found_also_if_python_copies_the_mapping_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 does, so that no `__missing__` of a mapping is called."""
    real = typing.get_type_hints

    def copying(value: Any, globalns: Any, localns: Any) -> Any:
        return real(value, dict(globalns), dict(localns))

    monkeypatch.setattr(typing, "get_type_hints", copying)
    assert_resolved(module_of(FUTURE + IN_FUNCTION, monkeypatch).made())
