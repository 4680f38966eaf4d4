"""Lookups: what ``field__lookup=value`` means, as conditions, for every type of field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import attrs

from ..errors import FieldError, QueryError, UnsupportedQuery, suggestion
from ..fields import Field
from ..info import is_model
from . import custom, dynamic
from .conditions import ALWAYS, NEVER, Leaf, Node, all_of, either_of, negate
from .q import Q

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
# Whatever the column holds, the server reads numbers in filters as JavaScript does.
_DOUBLES = frozenset({"float", "decimal"})
# SQLite binds 32,766 values at most.
_MOST_VALUES = 30_000

# What is stored has whole units; a bound between two of them stands for the one above, or the one below.
_UNITS = {"timestamp": timedelta(milliseconds=1), "dateTime": timedelta(seconds=1)}
_ROUNDED_UP = frozenset({"lt", "gte"})

# Strings that the server evaluates, or takes for a constant (G16, G17).
_VARIABLES = ("$NOW", "$CURRENT_USER", "$CURRENT_ROLE", "$CURRENT_POLICIES")
_CONSTANTS = frozenset({"true", "false", "null", "NULL"})
_WILDCARDS = re.compile(r"[%_\\]")

Build = Callable[[Path, str, Any], Node]


def _exact(path: Path, operator: str, value: Any) -> Node:
    if value is None:
        return Leaf(path, "null")
    if value == "" and isinstance(value, str):
        return all_of([Leaf(path, "empty"), Leaf(path, "nnull")])  # G37: _eq refuses ""
    sent = _sent(path, value)
    return NEVER if _is_cut(path, value) else Leaf(path, operator, sent)


def _in(path: Path, operator: str, values: Any) -> Node:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        msg = f"{_name(path)}__in takes a list of values, not {values!r}."
        raise QueryError(msg)
    if hasattr(values, "query"):
        msg = f"{_name(path)}__in: a queryset inside a query is not there yet; give its keys, as a list."
        raise UnsupportedQuery(msg)
    # None is dropped, as in Django; the server would take it for 0 (G18).
    wanted = list(dict.fromkeys(_hashable(path, values)))
    if len(wanted) > _MOST_VALUES:
        msg = (
            f"{_name(path)}__in: {len(wanted):,} values are more than every database takes ({_MOST_VALUES:,}). "
            "in_bulk() takes any number of keys; else ask several times."
        )
        raise UnsupportedQuery(msg)
    if path[-1].value_type.kind in _ONE_BY_ONE:
        return either_of(_exact(path, "eq", value) for value in wanted)
    sent = [sent for value in wanted for sent in [_sent(path, value)] if not _is_cut(path, value)]
    return Leaf(path, operator, sent) if sent else NEVER


def _hashable(path: Path, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if value is None:
            continue
        try:
            hash(value)
        except TypeError:
            msg = f"{_name(path)}__in: {value!r} is no value of a {path[-1].value_type.python} field."
            raise QueryError(msg) from None
        yield value


def _compare(path: Path, operator: str, value: Any) -> Node:
    if value is None:
        msg = f"{_name(path)}: nothing is more or less than None; use {_name(path)}__isnull=True."
        raise QueryError(msg)
    return Leaf(path, operator, _sent(path, _raised(path, value) if operator in _ROUNDED_UP else value))


def _between(path: Path, operator: str, value: Any) -> Node:
    bounds = list(value) if isinstance(value, list | tuple) else []
    if len(bounds) != 2 or None in bounds:  # the server ignores a _between of another length (G3)
        msg = f"{_name(path)}__range takes two values, the lowest and the highest, not {value!r}."
        raise QueryError(msg)
    low, high = _sent(path, _raised(path, bounds[0])), _sent(path, bounds[1])
    if path[-1].value_type.kind in _ONE_BY_ONE:
        return all_of([Leaf(path, "gte", low), Leaf(path, "lte", high)])
    return Leaf(path, operator, [low, high])


def _is_cut(path: Path, value: Any) -> bool:
    """Whether a time is between two that the field can hold, so that none equals it."""
    unit = _UNITS.get(path[-1].value_type.kind)
    if unit is None or not isinstance(value, datetime):
        return False
    return timedelta(microseconds=value.microsecond) % unit > timedelta(0)


def _raised(path: Path, value: Any) -> Any:
    return value + _UNITS[path[-1].value_type.kind] if _is_cut(path, value) else value


def _flag(path: Path, operator: str, value: Any) -> Node:
    if not isinstance(value, bool):
        msg = f"{_name(path)}: this lookup takes True or False, not {value!r}."
        raise QueryError(msg)
    leaf = Leaf(path, operator)
    return leaf if value else negate(leaf)


def _pattern(path: Path, operator: str, value: Any) -> Node:
    if not isinstance(value, str):
        msg = f"{_name(path)}: a text is looked for with a str, not with {value!r}."
        raise QueryError(msg)
    if not value:  # every text contains "", and the server refuses it (G37)
        return Leaf(path, "nnull")
    if _WILDCARDS.search(value):
        msg = (
            f"{_name(path)}: {value!r} holds %, _ or a backslash, which the server takes for wildcards (G20) "
            "and would match more than was meant. Compare the whole text, or look at the rows in Python."
        )
        raise UnsupportedQuery(msg)
    if operator.startswith("i") and (value in _CONSTANTS or not value.isascii()):
        msg = (
            f"{_name(path)}: the server cannot look for {value!r} without regard to case "
            "(G29: it changes the case of other letters than the database does; G38). Use the lookup without 'i'."
        )
        raise UnsupportedQuery(msg)
    if value == "NULL":
        msg = f"{_name(path)}: the server would look for 'null' instead of 'NULL' (G16)."
        raise UnsupportedQuery(msg)
    return Leaf(path, operator, _literal(path, value))


def _shape(path: Path, operator: str, value: Any) -> Node:
    if not isinstance(value, dict) or "type" not in value:
        msg = f"filter on {_name(path)}: a shape is GeoJSON, such as {{'type': 'Polygon', …}}, not {value!r}."
        raise QueryError(msg)
    return Leaf(path, operator, value)


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
        Lookup("in", "in", _in),
        Lookup("gt", "gt", _compare),
        Lookup("gte", "gte", _compare),
        Lookup("lt", "lt", _compare),
        Lookup("lte", "lte", _compare),
        Lookup("range", "between", _between),
        Lookup("between", "between", _between),
        Lookup("isnull", "null", _flag),
        Lookup("empty", "empty", _flag),
        Lookup("contains", "contains", _pattern),
        Lookup("icontains", "icontains", _pattern),
        Lookup("startswith", "starts_with", _pattern),
        Lookup("istartswith", "istarts_with", _pattern),
        Lookup("endswith", "ends_with", _pattern),
        Lookup("iendswith", "iends_with", _pattern),
        Lookup("intersects", "intersects", _shape),
        Lookup("intersects_bbox", "intersects_bbox", _shape),
    )
}

# What Django has and no single operator says.
_NOT_YET = frozenset(
    "iexact regex iregex year month day week week_day iso_year iso_week_day quarter hour minute second date time "
    "some none count has_key has_keys has_any_keys contained_by search".split()
)


def resolve(condition: Q, model: type[Any], *, negated: bool = False) -> Node:
    """Turn a Q into conditions on a model's fields.

    Raises:
        FieldError: a field or lookup that does not exist.
        QueryError: a value of the wrong type.
        UnsupportedQuery: the server cannot be asked that without bending it.
    """
    condition = custom.prepared(condition, model)
    return _resolve(condition, model, negated=negated)


def _resolve(condition: Q, model: type[Any], *, negated: bool) -> Node:
    negated ^= condition.negated
    parts = [
        _resolve(child, model, negated=negated) if isinstance(child, Q) else _leaf(*child, model, negated=negated)
        for child in condition.children
    ]
    if not parts:
        return ALWAYS
    return all_of(parts) if (condition.joined_by == "and") is not negated else either_of(parts)


def _leaf(name: str, value: Any, model: type[Any], *, negated: bool) -> Node:
    path, rest = model.directus.walk(name, where=f"filter({name}=…)")
    if len(path) > 1 and path[-1].primary_key:
        path = path[:-1]  # the key of the other side is in this side's own column
    lookup = _lookup(path, rest or "exact", model)
    kind = path[-1].value_type.kind
    if lookup.operator not in _operators(kind) and not (value is None and lookup.name == "exact"):
        raise _unfit(path, lookup, kind)
    if dynamic.within(value):
        node = dynamic.condition(path, lookup.name, value, partial(_plain, path))
    else:
        node = lookup.build(path, lookup.operator, value)
    return negate(node) if negated else node


def _plain(path: Path, name: str, value: Any) -> Node:
    lookup = LOOKUPS[name]
    return lookup.build(path, lookup.operator, value)


def _lookup(path: Path, name: str, model: type[Any]) -> Lookup:
    if name in LOOKUPS:
        return LOOKUPS[name]
    first = name.partition("__")[0]
    if first in _NOT_YET:
        msg = (
            f"{_name(path)}__{name}: this version of directus_orm does not have {first!r} yet. "
            f"Lookups it has: {', '.join(sorted(LOOKUPS))}."
        )
        raise UnsupportedQuery(msg)
    target = path[-1].target
    fields = sorted(target.directus.fields) if target is not None else []
    names = (*fields, *LOOKUPS, *custom.names())
    also = f" and no field of {target.__name__}" if target is not None else ""
    listed = f" Fields: {', '.join(fields)}." if fields else ""
    msg = (
        f"{model.__name__}: {name!r} is no lookup of {_name(path)}{also}.{suggestion(name, names)}{listed} "
        f"Lookups: {', '.join(sorted(LOOKUPS))}."
    )
    raise FieldError(msg, name=name, choices=names)


def _unfit(path: Path, lookup: Lookup, kind: str) -> UnsupportedQuery:
    fits = sorted(name for name, known in LOOKUPS.items() if known.operator in _operators(kind))
    msg = (
        f"{_name(path)}__{lookup.name}: the server has no {lookup.name!r} for fields of type {kind}. "
        f"It has: {', '.join(fits)}."
    )
    return UnsupportedQuery(msg)


def _operators(kind: str) -> frozenset[str]:
    return _OPERATORS.get(kind.partition(".")[0], _ONLY_NULL)


def _name(path: Path) -> str:
    return "__".join(field.name for field in path)


def _sent(path: Path, value: Any) -> Any:
    """Return the value as the server is to compare it, or raise."""
    field = path[-1]
    value = key_of(field, value)
    try:
        sent = field.value_type.dump(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        msg = f"filter on {_name(path)}: {field} ({field.value_type.python}) has no such value: {error}."
        raise QueryError(msg) from error
    if field.value_type.kind in _DOUBLES and isinstance(value, Decimal | float | int):
        return _number(path, value, sent)
    return _literal(path, sent, constants=_CONSTANTS) if isinstance(sent, str) else sent


def _number(path: Path, value: Decimal | float, sent: Any) -> Any:
    """Return a number as a filter says it: the server reads all of them as doubles."""
    if Decimal(repr(float(value))) != Decimal(str(value)):
        msg = f"{_name(path)}: the server compares with doubles, in which {value} is another number."
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


def _literal(path: Path, text: str, constants: frozenset[str] = frozenset()) -> str:
    """Refuse a text that the server would evaluate, or take for a constant."""
    if text.startswith(_VARIABLES) or text in constants:
        msg = (
            f"{_name(path)}: the server would evaluate {text!r} instead of comparing with it (G16, G17). "
            "Look at the rows in Python, or filter by something else."
        )
        raise UnsupportedQuery(msg)
    return text
