"""Values inside JSON fields, converted for the server and back; no server is needed here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directus_orm.fields.annotation_types import field_type
from tests.fields.round_trip import (
    ANY_JSON,
    AWARE,
    FLOATS,
    SAFE_INTS,
    TEXTS,
    Incomparable,
    Movie,
    Point,
    Shape,
    round_trip,
)

NAMES = TEXTS.filter(lambda text: text != "__proto__")
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | SAFE_INTS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
POINTS = st.builds(Point, x=FLOATS, y=FLOATS, name=st.none() | TEXTS)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (dict[str, object], {"a": [1, {"b": None}]}),
        (list[object], [1, "a", None]),
        (dict[str, list[object] | None], {"a": [{}], "b": None}),
        (object, {"a": 1}),
    ],
)
def test_object_stands_for_any_value_inside_json(annotation: Any, value: Any) -> None:
    assert round_trip(annotation, value) == value


@given(st.lists(DOCUMENTS) | st.dictionaries(NAMES, DOCUMENTS))
def test_json_documents_survive(document: Any) -> None:
    assert round_trip(type(document), document) == document


@given(POINTS, st.none() | AWARE, st.dictionaries(NAMES, DOCUMENTS, max_size=3))
def test_attrs_classes_survive_as_json_objects(point: Point, made: datetime | None, extra: dict[str, Any]) -> None:
    shape = Shape([point, point], made, extra)
    assert round_trip(Shape, shape) == shape
    assert round_trip(list[Shape], [shape]) == [shape]
    assert round_trip(dict[str, Shape], {"a": shape}) == {"a": shape}


@pytest.mark.parametrize(("annotation", "value"), [(list, ((1, 2),)), (list[int], (1, 2)), (dict, {"a": (1,)})])
def test_a_tuple_may_stand_for_a_list_in_json(annotation: Any, value: Any) -> None:
    assert round_trip(annotation, value) == json.loads(json.dumps(value))


def test_an_attrs_class_without_equality_survives() -> None:
    assert round_trip(Incomparable, Incomparable(5)).number == 5


@pytest.mark.parametrize("number", [2**53, 2**60, -(10**20)])
def test_a_large_integer_inside_json_that_is_a_double_all_the_same_is_sent(number: int) -> None:
    assert round_trip(dict, {"n": number}) == {"n": number}


@pytest.mark.parametrize("number", [65409711147304690, -(10**20), 1e20, 2**53 + 2])
def test_a_number_inside_json_that_javascript_holds_as_a_double_is_read_as_a_float(number: float) -> None:
    """Else 6.540971114730469e16, which JavaScript writes as 65409711147304690, would not equal itself."""
    (back,) = field_type(list, None).load([number])
    assert back == float(number)
    assert type(back) is float


def test_a_number_inside_json_is_sent_as_javascript_would_write_it() -> None:
    assert repr(field_type(list, None).dump([1.0, -0.0, 1.5, 3])) == "[1, 0, 1.5, 3]"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "nul", "{", "01"])
def test_a_text_that_only_python_takes_for_json_is_sent(text: str) -> None:
    assert round_trip(ANY_JSON, text) == text


@pytest.mark.parametrize(
    ("annotation", "raw", "inner"),
    [
        (dict, {"a": [1]}, lambda value: value["a"]),
        (list, [[1]], lambda value: value[0]),
        (list[dict], [{"a": [1]}], lambda value: value[0]["a"]),  # type: ignore[type-arg]
        (dict[str, list[int]], {"a": [1]}, lambda value: value["a"]),
        (list[Any], [[1]], lambda value: value[0]),
        (Shape, {"points": [], "made": None, "extra": {"a": [1]}}, lambda value: value.extra["a"]),
        (Movie, {"tags": [1]}, lambda value: value["tags"]),
    ],
)
def test_a_loaded_document_shares_nothing_with_its_row(annotation: Any, raw: Any, inner: Any) -> None:
    """Else a change in place would change what it is compared with, and never be sent."""
    before = json.dumps(raw)
    known = field_type(annotation, None)
    value = known.load(raw)
    sent = known.dump(value)
    inner(value).append(2)
    assert json.dumps(raw) == before
    assert json.dumps(sent) == before
