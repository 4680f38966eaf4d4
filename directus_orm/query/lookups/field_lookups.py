"""Lookups: what ``field__lookup=value`` means, as conditions, for every type of field."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import path_name
from ...fields.registry import is_model
from ...fields.type_table import COMPARED_AS_DOUBLES, UNITS
from ..conditions import NEVER, Comparison, InSubquery, Node, all_of, any_of, negate
from ..query import DescribesRows
from . import server_values, text_lookups

Path = tuple[Field, ...]

# Directus type -> the operators that the server accepts (facts, 1.1).
_NUMBERS = frozenset("eq lt lte gt gte between in null".split())
_TEXTS = frozenset("eq in null empty contains icontains starts_with istarts_with ends_with iends_with".split())
_OPERATORS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("string", "text", "binary"), _TEXTS),
    **dict.fromkeys(
        ("integer", "bigInteger", "float", "decimal", "dateTime", "date", "time", "timestamp"), _NUMBERS
    ),
    "boolean": frozenset("eq in null".split()),
    "uuid": frozenset("eq in null".split()),
    "csv": frozenset("null empty".split()),
    "json": frozenset({"null"}),
    "hash": frozenset({"empty"}),
    "geometry": frozenset("null intersects intersects_bbox".split()),
}
_ONLY_NULL = frozenset({"null"})
# The server has no _in for booleans; MariaDB compares floats in lists and ranges less exactly than by _eq.
_ONE_BY_ONE = frozenset({"boolean", "float"})
# SQLite binds 32,766 values at most.
MOST_VALUES = 30_000

_ROUNDED_UP = frozenset({"lt", "gte"})

Build = Callable[[Path, str, Any], Node]


def _exact(path: Path, _: str, value: Any) -> Node:
    if value is None:
        return Comparison(path, "null")
    sent = _sent(path, value)
    return NEVER if _is_cut(path, value) else _same(path, sent)


def _same(path: Path, sent: Any) -> Node:
    if not isinstance(sent, str):
        return Comparison(path, "eq", sent)
    if not sent:
        return all_of([Comparison(path, "empty"), Comparison(path, "nnull")])  # G37: _eq refuses ""
    return (
        text_lookups.exact(path, sent)
        if text_lookups.is_evaluated_by_server(sent)
        else Comparison(path, "eq", sent)
    )


def _in(path: Path, operator: str, values: Any) -> Node:
    if isinstance(values, DescribesRows):
        return _in_query(path, values)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        msg = f"{path_name(path)}__in takes a list of values, or a queryset, not {values!r}."
        raise QueryError(msg)
    # None is dropped, as in Django; the server would take it for 0 (G18).
    return in_values(path, list(dict.fromkeys(_hashable(path, values))), operator)


def in_values(path: Path, wanted: list[Any], operator: str = "in") -> Node:
    """Return the condition that the value at the end of a path is one of these."""
    if len(wanted) > MOST_VALUES:
        msg = (
            f"{path_name(path)}__in: {len(wanted):,} values are more than every database takes ({MOST_VALUES:,}). "
            "in_bulk() takes any number of keys; else ask several times."
        )
        raise UnsupportedQuery(msg)
    sent = [_sent(path, value) for value in wanted if not _is_cut(path, value)]
    if path[-1].value_type.kind in _ONE_BY_ONE:
        return any_of(_same(path, value) for value in sent)
    odd = [
        value
        for value in sent
        if isinstance(value, str) and (not value or text_lookups.is_evaluated_by_server(value))
    ]
    plain = [value for value in sent if value not in odd] if odd else sent
    return any_of(
        [*([Comparison(path, operator, plain)] if plain else []), *(_same(path, value) for value in odd)]
    )


def _in_query(path: Path, rows: DescribesRows) -> Node:
    """Return the condition that a value is one that another query finds: its keys, or its only column."""
    query, columns = rows.query, rows.columns
    if columns is None:
        of: Path = (query.model.directus.pk,)
        wanted = path[-1].target or (path[-1].model if path[-1].primary_key else None)
        if wanted is None or wanted.directus.collection != query.model.directus.collection:
            msg = (
                f"{path_name(path)}__in: {path[-1]} is not compared with instances of {query.model.__name__}; say "
                "which values are meant, with .values('name')."
            )
            raise QueryError(msg)
    elif len(columns) == 1:
        of = columns[0]
    else:
        msg = f"{path_name(path)}__in takes a queryset of one column, not of {len(columns)}."
        raise QueryError(msg)
    if query.is_empty:
        return NEVER
    asked = query.with_paths((query.model.directus.pk,), of)
    return InSubquery(path, asked, of, session=rows._using)  # noqa: SLF001 - declared by `DescribesRows` for this


def _hashable(path: Path, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if value is None:
            continue
        try:
            hash(value)
        except TypeError:
            key_of(path[-1], value)  # which says more of instances
            msg = f"{path_name(path)}__in: {value!r} is no value of a {path[-1].value_type.python} field."
            raise QueryError(msg) from None
        yield value


def _compare(path: Path, operator: str, value: Any) -> Node:
    if value is None:
        msg = f"{path_name(path)}: nothing is more or less than None; use {path_name(path)}__isnull=True."
        raise QueryError(msg)
    return Comparison(path, operator, _sent(path, _raised(path, value) if operator in _ROUNDED_UP else value))


def _between(path: Path, operator: str, value: Any) -> Node:
    bounds = list(value) if isinstance(value, list | tuple) else []
    if len(bounds) != 2 or None in bounds:  # the server ignores a _between of another length (G3)
        msg = f"{path_name(path)}__range takes two values, the lowest and the highest, not {value!r}."
        raise QueryError(msg)
    low, high = _sent(path, _raised(path, bounds[0])), _sent(path, bounds[1])
    if path[-1].value_type.kind in _ONE_BY_ONE:
        return all_of([Comparison(path, "gte", low), Comparison(path, "lte", high)])
    return Comparison(path, operator, [low, high])


def _is_cut(path: Path, value: Any) -> bool:
    """Whether a time is between two that the field can hold, so that none equals it."""
    unit = UNITS.get(path[-1].value_type.kind)
    if unit is None or not isinstance(value, datetime):
        return False
    return timedelta(microseconds=value.microsecond) % unit > timedelta(0)


def _raised(path: Path, value: Any) -> Any:
    return value + UNITS[path[-1].value_type.kind] if _is_cut(path, value) else value


def _flag(path: Path, operator: str, value: Any) -> Node:
    if not isinstance(value, bool):
        msg = f"{path_name(path)}: this lookup takes True or False, not {value!r}."
        raise QueryError(msg)
    leaf = Comparison(path, operator)
    return leaf if value else negate(leaf)


def _shape(path: Path, operator: str, value: Any) -> Node:
    if not isinstance(value, dict) or "type" not in value:
        msg = f"filter on {path_name(path)}: a shape is GeoJSON, such as {{'type': 'Polygon', …}}, not {value!r}."
        raise QueryError(msg)
    return Comparison(path, operator, value)


@attrs.frozen
class Lookup:
    """A lookup's name, the operator that says it, and how its value becomes a condition."""

    name: str
    operator: str
    build: Build


LOOKUPS = {
    lookup.name: lookup
    for lookup in (
        Lookup("exact", "eq", _exact),
        Lookup("iexact", "istarts_with", text_lookups.iexact),
        Lookup("in", "in", _in),
        Lookup("gt", "gt", _compare),
        Lookup("gte", "gte", _compare),
        Lookup("lt", "lt", _compare),
        Lookup("lte", "lte", _compare),
        Lookup("range", "between", _between),
        Lookup("between", "between", _between),
        Lookup("isnull", "null", _flag),
        Lookup("empty", "empty", _flag),
        Lookup("contains", "contains", text_lookups.pattern),
        Lookup("icontains", "icontains", text_lookups.pattern),
        Lookup("startswith", "starts_with", text_lookups.pattern),
        Lookup("istartswith", "istarts_with", text_lookups.pattern),
        Lookup("endswith", "ends_with", text_lookups.pattern),
        Lookup("iendswith", "iends_with", text_lookups.pattern),
        Lookup("intersects", "intersects", _shape),
        Lookup("intersects_bbox", "intersects_bbox", _shape),
    )
}


def lookups_of(kind: str) -> list[str]:
    """Return the names of the lookups that fields of a Directus type have."""
    return sorted(name for name, known in LOOKUPS.items() if known.operator in _operators(kind))


def condition(path: Path, name: str, value: Any) -> Node:
    """Return what a lookup says of the value at the end of a path.

    Raises:
        QueryError: a value of the wrong type.
        UnsupportedQuery: the field's type does not have this lookup.
    """
    lookup, kind = LOOKUPS[name], path[-1].value_type.kind
    if lookup.operator not in _operators(kind) and not (value is None and name == "exact"):
        msg = (
            f"{path_name(path)}__{name}: the server has no {name!r} for fields of type {kind}. "
            f"It has: {', '.join(lookups_of(kind))}."
        )
        raise UnsupportedQuery(msg)
    if server_values.holds_server_value(value):
        return server_values.condition(path, name, value, functools.partial(condition, path))
    return lookup.build(path, lookup.operator, value)


def _operators(kind: str) -> frozenset[str]:
    return _OPERATORS.get(kind.partition(".")[0], _ONLY_NULL)


def _sent(path: Path, value: Any) -> Any:
    """Return the value as the server is to compare it, or raise."""
    field = path[-1]
    value = key_of(field, value)
    try:
        sent = field.value_type.dump(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        msg = f"filter on {path_name(path)}: {field} ({field.value_type.python}) has no such value: {error}."
        raise QueryError(msg) from error
    if field.value_type.kind in COMPARED_AS_DOUBLES and isinstance(value, Decimal | float | int):
        return _number(path, value, sent)
    return sent


def _number(path: Path, value: Decimal | float, sent: Any) -> Any:
    """Return a number as a filter says it: the server reads all of them as doubles."""
    if Decimal(repr(float(value))) != Decimal(str(value)):
        msg = f"{path_name(path)}: the server compares with doubles, in which {value} is another number."
        raise UnsupportedQuery(msg)
    return str(sent) if abs(float(value)) >= 2**53 else sent  # as a JSON number it would be refused


def key_of(field: Field, value: Any) -> Any:
    """Return the key of an instance given for a relation, or for a key; other values as they are."""
    wanted = field.target or (field.model if field.primary_key else None)
    if not is_model(type(value)):
        return value
    if wanted is None or type(value).directus.collection != wanted.directus.collection:
        expected = f"a {wanted.__name__}" if wanted else f"a {field.value_type.python}"
        msg = f"{field} is compared with {expected}, or its key, not with a {type(value).__name__}."
        raise QueryError(msg)
    if value.pk is None:
        msg = f"{field}: an unsaved {type(value).__name__} cannot be looked for; save it first."
        raise QueryError(msg)
    return value.pk
