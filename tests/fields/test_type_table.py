"""The table of Directus types agrees with the conversions, and lists each type once."""

from __future__ import annotations

import pytest

from directus_orm.fields.annotation_types import field_type
from directus_orm.fields.scalar_values import SCALARS
from directus_orm.fields.type_table import (
    DOCUMENTS,
    TYPES,
    WITH_EXTREMES,
    WITHOUT_EQUALITY,
    WITHOUT_ORDER,
    directus_type,
)


def test_a_python_type_is_listed_where_it_can_be_converted() -> None:
    listed = {(python, kind.name) for kind in TYPES.values() for python in kind.annotations if python in SCALARS}
    assert listed == {(python, kind) for python, kinds in SCALARS.items() for kind in kinds}


@pytest.mark.parametrize("name", [*TYPES, *DOCUMENTS])
def test_each_annotation_of_a_type_makes_a_field_of_that_type(name: str) -> None:
    for annotation in directus_type(name).annotations:
        assert field_type(annotation, name).kind == name


def test_all_geometries_are_one_type() -> None:
    assert directus_type("geometry.Point") is TYPES["geometry"]


@pytest.mark.parametrize("unknown", ["alias", "vector"])
def test_other_types_are_not_in_the_table(unknown: str) -> None:
    with pytest.raises(KeyError):
        directus_type(unknown)


def test_types_without_order_or_equality() -> None:
    assert {"hash", "json", "geometry", "unknown"} == WITHOUT_ORDER
    assert {"hash", "json", "geometry", "csv", "unknown"} == WITHOUT_EQUALITY
    assert TYPES.keys() - WITH_EXTREMES == {"hash", "json", "geometry", "csv", "key", "uuid", "unknown"}
