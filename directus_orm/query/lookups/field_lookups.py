"""Lookups on the value of a field: the condition that ``field__lookup=value`` means, for every type of field."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ...fields.registry import is_model
from ...fields.scalar_values import Convert
from ...fields.type_table import COMPARED_AS_DOUBLES
from ..capabilities import DEFAULT_CAPABILITIES
from ..comparisons import range_bounds
from ..conditions import NEVER, Comparison, InSubquery, Node, all_of, any_of, negate
from ..query import DescribesRows
from . import server_values, text_lookups, time_ranges
from .list_lookups import LIST_LOOKUPS, list_lookups_of
from .time_ranges import TimeRange

# A time in a list takes as much of a request as several other values.
_TIMES_TO_VALUES = 4

Build = Callable[[FieldPath, str, Any], Node]
"""Makes the condition of a lookup, from the path, the operator and the value that was given."""
Takes = Literal["value", "values", "bounds", "text", "flag", "shape"]


# --- exact and in -----------------------------------------------------------------------------------------------


def _exact(path: FieldPath, _: str, value: Any) -> Node:
    if value is None:
        return Comparison(path, "null")
    if _is_time(path):
        return time_ranges.compare(path, "eq", _time_range(path, value))
    return _equals(path, _to_send(path, value))


def _equals(path: FieldPath, sent: Any) -> Node:
    if sent == "":
        return all_of([Comparison(path, "empty"), Comparison(path, "nnull")])  # G37: _eq refuses ""
    if DEFAULT_CAPABILITIES.evaluates(sent):
        return text_lookups.exact(path, sent)
    return Comparison(path, "eq", sent)


def _in(path: FieldPath, _: str, values: Any) -> Node:
    if isinstance(values, DescribesRows):
        return _in_subquery(path, values)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        msg = f"{path_name(path)}__in takes a list of values, or a queryset, not {values!r}."
        raise QueryError(msg)
    # None is dropped, as in Django; the server would take it for 0 (G18).
    return in_values(path, list(dict.fromkeys(_hashable_values(path, values))))


def in_values(path: FieldPath, values: list[Any]) -> Node:
    """Return the condition that the value at the end of a path is one of these.

    Raises:
        UnsupportedQuery: there are more values than every database takes.
    """
    most = DEFAULT_CAPABILITIES.longest_list
    if _is_time(path):
        most //= _TIMES_TO_VALUES
    if len(values) > most:
        msg = (
            f"{path_name(path)}__in: {len(values):,} values are more than every database takes ({most:,}). "
            "in_bulk() takes any number of keys; otherwise query several times."
        )
        raise UnsupportedQuery(msg)
    if _is_time(path):
        return time_ranges.among(path, [_time_range(path, value) for value in values])
    sent = [_to_send(path, value) for value in values]
    if path[-1].value_type.kind in DEFAULT_CAPABILITIES.one_by_one:
        return any_of(_equals(path, value) for value in sent)
    misread = [value for value in sent if value == "" or DEFAULT_CAPABILITIES.evaluates(value)]
    listed = [value for value in sent if value not in misread] if misread else sent
    return any_of(
        [
            *([Comparison(path, "in", listed)] if listed else []),
            *(_equals(path, value) for value in misread),
        ]
    )


def _in_subquery(path: FieldPath, rows: DescribesRows) -> Node:
    """Return the condition that a value is among the keys, or the only column, of a queryset's rows."""
    query, columns = rows.query, rows.columns
    if columns is None:
        _check_comparable(path, query.model)
        value_path: FieldPath = (query.model.directus.pk,)
    elif len(columns) == 1:
        value_path = columns[0]
    else:
        msg = f"{path_name(path)}__in takes a queryset of one column, not of {len(columns)}."
        raise QueryError(msg)
    if query.is_empty:
        return NEVER
    subquery = query.with_paths((query.model.directus.pk,), value_path)
    return InSubquery(path, subquery, value_path, session=rows._using)  # noqa: SLF001 - declared for this


def _check_comparable(path: FieldPath, model: type[Any]) -> None:
    expected = _model_of_keys(path[-1])
    if expected is None or expected.directus.collection != model.directus.collection:
        msg = (
            f"{path_name(path)}__in: {path[-1]} cannot be compared with instances of {model.__name__}; say "
            "which values are meant, with .values('name')."
        )
        raise QueryError(msg)


def _hashable_values(path: FieldPath, values: Iterable[Any]) -> Iterator[Any]:
    """Yield the values that are not None, or raise for one without a hash, which no field can hold."""
    for value in values:
        if value is None:
            continue
        try:
            hash(value)
        except TypeError:
            key_of(path[-1], value)  # its message says more about unsaved instances
            msg = f"{path_name(path)}__in: {value!r} is no value of a {path[-1].value_type.python} field."
            raise QueryError(msg) from None
        yield value


# --- more, less and between -------------------------------------------------------------------------------------


def _compare(path: FieldPath, operator: str, value: Any) -> Node:
    if value is None:
        msg = f"{path_name(path)}: nothing is more or less than None; use {path_name(path)}__isnull=True."
        raise QueryError(msg)
    if _is_time(path):
        return time_ranges.compare(path, operator, _time_range(path, value))
    return Comparison(path, operator, _to_send(path, value))


def _between(path: FieldPath, operator: str, value: Any) -> Node:
    low, high = range_bounds(value, f"{path_name(path)}__range")
    if _is_time(path):
        return time_ranges.between(path, _time_range(path, low), _time_range(path, high))
    low, high = _to_send(path, low), _to_send(path, high)
    if path[-1].value_type.kind in DEFAULT_CAPABILITIES.one_by_one:
        return all_of([Comparison(path, "gte", low), Comparison(path, "lte", high)])
    return Comparison(path, operator, [low, high])


def _is_time(path: FieldPath) -> bool:
    """Return whether the field is of a type of which one shown value stands for a range of stored ones."""
    return path[-1].value_type.kind in time_ranges.WITH_RANGE


# --- flags and shapes -------------------------------------------------------------------------------------------


def _flag(path: FieldPath, operator: str, value: Any) -> Node:
    if not isinstance(value, bool):
        msg = f"{path_name(path)}: this lookup takes True or False, not {value!r}."
        raise QueryError(msg)
    comparison = Comparison(path, operator)
    return comparison if value else negate(comparison)


def _shape(path: FieldPath, operator: str, value: Any) -> Node:
    if not isinstance(value, dict) or "type" not in value:
        msg = f"filter on {path_name(path)}: a shape is GeoJSON, such as {{'type': 'Polygon', …}}, not {value!r}."
        raise QueryError(msg)
    return Comparison(path, operator, value)


# --- the table of lookups ---------------------------------------------------------------------------------------


@attrs.frozen
class Lookup:
    """A lookup: its name, the operator that a type must have for it, and the function that makes the condition.

    ``takes`` says what it compares with: a value of the field, several, two bounds, a text, a flag, a shape.
    """

    name: str
    operator: str
    build: Build
    takes: Takes


LOOKUPS = {
    lookup.name: lookup
    for lookup in (
        Lookup("exact", "eq", _exact, "value"),
        Lookup("iexact", "istarts_with", text_lookups.iexact, "text"),
        Lookup("in", "in", _in, "values"),
        Lookup("gt", "gt", _compare, "value"),
        Lookup("gte", "gte", _compare, "value"),
        Lookup("lt", "lt", _compare, "value"),
        Lookup("lte", "lte", _compare, "value"),
        Lookup("range", "between", _between, "bounds"),
        Lookup("between", "between", _between, "bounds"),
        Lookup("isnull", "null", _flag, "flag"),
        Lookup("empty", "empty", _flag, "flag"),
        Lookup("contains", "contains", text_lookups.pattern, "text"),
        Lookup("icontains", "icontains", text_lookups.pattern, "text"),
        Lookup("startswith", "starts_with", text_lookups.pattern, "text"),
        Lookup("istartswith", "istarts_with", text_lookups.pattern, "text"),
        Lookup("endswith", "ends_with", text_lookups.pattern, "text"),
        Lookup("iendswith", "iends_with", text_lookups.pattern, "text"),
        Lookup("intersects", "intersects", _shape, "shape"),
        Lookup("intersects_bbox", "intersects_bbox", _shape, "shape"),
    )
}


def lookups_of(kind: str) -> list[str]:
    """Return the names of the lookups that fields of a Directus type have."""
    operators = DEFAULT_CAPABILITIES.operators_of(kind)
    return sorted(name for name, lookup in LOOKUPS.items() if lookup.operator in operators)


def lookups_of_field(field: Field) -> list[str]:
    """Return the names of the lookups that a field has."""
    return sorted((*lookups_of(field.value_type.kind), *list_lookups_of(field)))


def condition(path: FieldPath, name: str, value: Any) -> Node:
    """Return the condition of a lookup on the value at the end of a path.

    Raises:
        QueryError: a value of the wrong type.
        UnsupportedQuery: the field's type does not have this lookup.
    """
    lookup, kind = LOOKUPS[name], path[-1].value_type.kind
    is_null = value is None and name == "exact"
    if lookup.operator not in DEFAULT_CAPABILITIES.operators_of(kind) and not is_null:
        raise _missing_lookup(path, name)
    if server_values.holds_server_value(value):
        return server_values.condition(path, name, value, functools.partial(condition, path))
    return lookup.build(path, lookup.operator, value)


def _missing_lookup(path: FieldPath, name: str) -> UnsupportedQuery:
    field, kind = path[-1], path[-1].value_type.kind
    choices = ", ".join(lookups_of_field(field))
    if list_lookups_of(field):
        return UnsupportedQuery(f"{path_name(path)}__{name}: lists have no {name!r}. They have: {choices}.")
    hint = ""
    if kind == "json" and name in LIST_LOOKUPS:
        hint = f" {name!r} is for fields that are annotated as a list, such as list[str]."
    reason = f"the server has no {name!r} for fields of type {kind}"
    return UnsupportedQuery(f"{path_name(path)}__{name}: {reason}. It has: {choices}.{hint}")


# --- values -----------------------------------------------------------------------------------------------------


def _to_send(path: FieldPath, value: Any) -> Any:
    """Return a value in the form in which the server compares it.

    Raises:
        QueryError: the field cannot hold such a value.
        UnsupportedQuery: the server would compare with another number.
    """
    field = path[-1]
    value = key_of(field, value)
    sent = _converted(path, value, field.value_type.dump)
    if field.value_type.kind in COMPARED_AS_DOUBLES and isinstance(value, Decimal | float | int):
        return _double_to_send(path, value, sent)
    return sent


def _time_range(path: FieldPath, value: Any) -> TimeRange:
    """Return the stored values that a time is compared with.

    Raises:
        QueryError: the field cannot hold such a value.
    """
    range_of = functools.partial(time_ranges.time_range, path[-1])
    found: TimeRange = _converted(path, key_of(path[-1], value), range_of)
    return found


def _converted(path: FieldPath, value: Any, convert: Convert) -> Any:
    field = path[-1]
    try:
        return convert(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        msg = f"filter on {path_name(path)}: {field} ({field.value_type.python}) has no such value: {error}."
        raise QueryError(msg) from error


def _double_to_send(path: FieldPath, value: Decimal | float, sent: Any) -> Any:
    if Decimal(repr(float(value))) != Decimal(str(value)):
        msg = f"{path_name(path)}: the server compares with doubles, in which {value} is another number."
        raise UnsupportedQuery(msg)
    return str(sent) if abs(float(value)) >= 2**53 else sent  # as a JSON number it would be refused


def key_of(field: Field, value: Any) -> Any:
    """Return the key of an instance that is compared with a relation or a key; other values as they are.

    Raises:
        QueryError: the field is not compared with such instances, or the instance is unsaved.
    """
    if not is_model(type(value)):
        return value
    expected_model = _model_of_keys(field)
    if expected_model is None or type(value).directus.collection != expected_model.directus.collection:
        expected = f"a {expected_model.__name__}" if expected_model else f"a {field.value_type.python}"
        msg = f"{field} is compared with {expected}, or its key, not with a {type(value).__name__}."
        raise QueryError(msg)
    if value.pk is None:
        msg = f"{field}: an unsaved {type(value).__name__} cannot be looked for; save it first."
        raise QueryError(msg)
    return value.pk


def _model_of_keys(field: Field) -> type[Any] | None:
    """Return the model whose keys a field holds: that of a relation, or the field's own if it is the key."""
    return field.target or (field.model if field.primary_key else None)
