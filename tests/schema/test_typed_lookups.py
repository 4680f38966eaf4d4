"""The stub of a model has every lookup that its querysets take, and no others."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import tests.typing
from directus_orm import Model, Q, Related, field, generated, many_to_any, one_to_many
from directus_orm.core.errors import FieldError
from directus_orm.fields.type_table import TYPES
from directus_orm.models.typed_lookups import TypedManager
from directus_orm.query.lookups.field_lookups import lookups_of_field
from directus_orm.schema.typed_lookups import Depth, lookup_stub
from directus_orm.system import User
from tests.typing.lookups import Glider

STUB = Path(tests.typing.__file__).parent / "lookup_stubs" / "glider.pyi"


class StubbedParent(Model):
    id: UUID = field(default=generated, primary_key=True)
    isnull: str
    children: Related[StubbedChild] = one_to_many("parent")


class StubbedBlock(Model):
    id: int = field(default=generated, primary_key=True)


class StubbedChild(Model):
    id: int = field(default=generated, primary_key=True)
    parent: StubbedParent | None = None
    owner: User | None = None
    blocks: Related[StubbedBlock | Glider] = many_to_any("stubbed_blocks")
    text: str
    secret: str = field(secret="conceal")
    flag: bool = False
    amount: Decimal | None = None
    ratio: float = 0
    day: date | None = None
    moment: datetime | None = None
    document: dict[str, Any] | None = None
    items: list[int] | None = None
    place: dict[str, Any] | None = field(type="geometry.Point", default=None)


def names_in(stub: str) -> dict[str, str]:
    """Return the annotations of the lookups in a stub, by name."""
    fields = (line.strip().partition(": ") for line in stub.splitlines() if line.startswith("    "))
    return {name: annotation for name, _, annotation in fields}


def sample(annotation: str) -> Any:
    """Return a value of an annotation that every lookup takes."""
    samples = {"str": "x", "bool": True, "Q": Q(pk=1), "int": 0, "date": date(2024, 2, 29), "Iterable[Any]": [1]}
    if annotation.startswith("dict"):
        return {"type": "Point", "coordinates": [0, 0]}
    return samples.get(annotation, [] if annotation.startswith("_In") else None)


def test_the_stub_of_the_typing_tests_is_what_is_made_of_their_model() -> None:
    assert STUB.read_text() == lookup_stub(Glider, module="tests.typing.lookups")


@pytest.mark.parametrize("depth", ["own", "one", "two"])
def test_every_name_in_a_stub_is_a_lookup_of_the_model(depth: Depth) -> None:
    for name, annotation in names_in(lookup_stub(StubbedChild, depth)).items():
        try:
            StubbedChild.objects.filter(**{name: sample(annotation)})
        except FieldError:
            pytest.fail(f"{name} is no lookup")
        except ValueError:
            pass  # not a value of this lookup, which there is


def test_every_lookup_of_every_field_is_in_the_stub() -> None:
    names = names_in(lookup_stub(StubbedChild))
    for own in StubbedChild.directus.fields.values():
        assert {own.name, *(f"{own.name}__{lookup}" for lookup in lookups_of_field(own))} <= names.keys()
    assert {"moment__year__gt", "day__week", "parent__children__count__gt", "document__has_key"} <= names.keys()
    assert {"pk__in", "parent__pk", "blocks__isnull", "blocks__count"} <= names.keys()


def test_the_depth_is_the_number_of_relations() -> None:
    own, one, two = (names_in(lookup_stub(StubbedChild, depth)) for depth in ("own", "one", "two"))
    assert own.keys() < one.keys() < two.keys()
    assert "parent__isnull" in own
    assert "owner__email" in one.keys() - own.keys()
    assert "owner__role__name" in two.keys() - one.keys()


def test_a_field_wins_over_a_lookup_of_its_name() -> None:
    names = names_in(lookup_stub(StubbedChild))
    assert names["parent__isnull"] == "str | None"


def test_a_stub_is_formatted_and_imports_the_models_from_the_module_that_is_named(tmp_path: Path) -> None:
    stub = tmp_path / "child.pyi"
    stub.write_text(text := lookup_stub(StubbedChild, module="shop.models"))
    assert "from shop.models import StubbedChild, StubbedParent\n" in text
    for check in (["format", "--check"], ["check"]):
        subprocess.run([sys.executable, "-m", "ruff", *check, "--isolated", stub], check=True, capture_output=True)


def test_a_manager_with_typed_lookups_gives_the_same_querysets() -> None:
    """At run time, the function is not called, and nothing is different."""

    class StubbedNote(Model):
        id: int = field(default=generated, primary_key=True)
        objects = TypedManager(lambda *_, **__: pytest.fail("called"))

    assert type(StubbedNote.objects).__name__ == type(StubbedChild.objects).__name__
    assert StubbedNote.objects.filter(id__gt=3).query.model is StubbedNote


def test_the_table_of_types_has_no_scalar_that_stubs_do_not_know() -> None:
    scalars = {row.annotations[0] for row in TYPES.values() if row.family not in {"document", "list"}}
    assert {python.__name__ for python in scalars} <= {
        *("str", "UUID", "int", "float", "Decimal", "bool", "datetime", "date", "time", "JunctionKey")
    }
