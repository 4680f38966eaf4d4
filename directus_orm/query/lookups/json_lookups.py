"""Lookups inside JSON fields, such as ``meta__color="red"``.

The server has a filter for these, ``_json`` of Directus 12, but databases find different rows by it: they mix up
types, and the server drops what it does not understand. So the server only compares texts, or looks whether there
is a value at all, and the documents are rechecked in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...core.checks import is_number
from ...core.errors import FieldError, QueryError
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ..capabilities import DEFAULT_CAPABILITIES
from ..comparisons import COMPARISONS, MULTI_VALUE_LOOKUPS, Compare, comparable_json, two_bounds
from ..conditions import Comparison, JsonRule, Node, all_of, any_of, negate
from . import text_lookups
from .list_lookups import ListTest
from .text_lookups import with_recheck

_ABSENT = object()
# The keys that the server's paths may have, and how many; it drops or refuses others.
_PLAIN_KEY = re.compile(r"[^\W\d]\w*")
_MOST_KEYS = 10
_TEXT_OPERATORS = {
    "contains": "contains",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "icontains": "icontains",
    "istartswith": "istarts_with",
    "iendswith": "iends_with",
}


# --- comparing in Python ----------------------------------------------------------------------------------------


def _equals(stored: Any, value: Any) -> bool:
    """Compare like JSON, in which true is not 1."""
    return bool(comparable_json(stored) == comparable_json(value))


def _same_type_only(compare: Compare) -> Compare:
    """Compare numbers with numbers and texts with texts; values of two types do not compare."""

    def compare_same_type(stored: Any, value: Any) -> bool:
        are_numbers = is_number(stored) and is_number(value)
        are_texts = isinstance(stored, str) and isinstance(value, str)
        return (are_numbers or are_texts) and bool(compare(stored, value))

    return compare_same_type


def _of_text(lookup: str) -> Compare:
    where = _TEXT_OPERATORS.get(lookup, "exact").removeprefix("i")

    def holds(stored: Any, value: Any) -> bool:
        return isinstance(stored, str) and text_lookups.TextTest(where, value, any_case=lookup[0] == "i")(stored)

    return holds


def _of_list(lookup: str) -> Compare:
    return lambda stored, items: ListTest(lookup, tuple(items))(stored)


def _text_or_list(lookup: str) -> Compare:
    of_text, of_list = _of_text(lookup), _of_list(lookup)
    return lambda stored, value: (of_text if isinstance(value, str) else of_list)(stored, value)


_at_least, _at_most = _same_type_only(COMPARISONS["gte"]), _same_type_only(COMPARISONS["lte"])
_COMPARISONS: dict[str, Compare] = {
    "exact": _equals,
    "in": lambda stored, values: any(_equals(stored, value) for value in values),
    **{lookup: _same_type_only(COMPARISONS[lookup]) for lookup in ("gt", "gte", "lt", "lte")},
    "range": lambda stored, bounds: _at_least(stored, bounds[0]) and _at_most(stored, bounds[1]),
    "isnull": lambda _, __: True,  # a value is there; the caller negates the condition for isnull=True
    **{lookup: _of_text(lookup) for lookup in ("iexact", *_TEXT_OPERATORS)},
    "contains": _text_or_list("contains"),
    **{lookup: _of_list(lookup) for lookup in ("overlap", "contained_by")},
}
LOOKUPS = tuple(_COMPARISONS)
"""The lookups on a value inside a document."""

KEY_LOOKUPS = ("has_key", "has_keys", "has_any_keys")
# Lookups of Django that would be taken for keys, and find nothing.
_REFUSED = frozenset({"regex", "iregex"})
_REFUSED_OF_DOCUMENTS = _REFUSED | {"contained_by"}


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | list | dict)


_Operand = tuple[Callable[[Any], bool], str]
"""The values that a lookup takes: a check, and how messages describe them."""
_NUMBER_OR_TEXT: _Operand = (lambda value: is_number(value) or isinstance(value, str), "a number or a text")
_TEXT: _Operand = (lambda value: isinstance(value, str), "a text")
_LIST: _Operand = (
    lambda value: isinstance(value, list | tuple | set | frozenset) and all(map(_is_json, value)),
    "a list of JSON values",
)
_OPERANDS: dict[str, _Operand] = {
    "exact": (_is_json, "a JSON value"),
    "in": (lambda value: isinstance(value, list | tuple | set | frozenset | range), "a list of values"),
    "range": (lambda value: isinstance(value, list | tuple) and len(value) == 2, two_bounds()),
    "isnull": (lambda value: isinstance(value, bool), "True or False"),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), _NUMBER_OR_TEXT),
    **dict.fromkeys(("iexact", *_TEXT_OPERATORS), _TEXT),
    "contains": (lambda value: isinstance(value, str) or _LIST[0](value), "a text, or a list of JSON values"),
    **dict.fromkeys(("overlap", "contained_by"), _LIST),
}


@attrs.frozen
class JsonTest:
    """A check of the value at a path inside a document; values are compared with others of their type only."""

    keys: tuple[str, ...]
    lookup: str
    value: Any = attrs.field(eq=repr)  # 1 equals True, and means something else; a document has no hash

    def __call__(self, document: Any) -> bool:
        """Return whether the document has such a value."""
        stored = _value_at(document, self.keys)
        return stored is not _ABSENT and bool(_COMPARISONS[self.lookup](stored, self.value))


def _value_at(document: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _ABSENT
    return document


# --- conditions -------------------------------------------------------------------------------------------------


def condition(path: FieldPath, rest: str, value: Any) -> Node:
    """Return the condition of ``rest``, which is keys and perhaps a lookup, on a JSON field.

    Raises:
        FieldError: there is no such lookup, or a key is missing.
        QueryError: the lookup does not take this value.
    """
    *keys, last = rest.split("__")
    name = f"{path_name(path)}__{rest}"
    if last in (_REFUSED if keys else _REFUSED_OF_DOCUMENTS):
        msg = f"{name}: {last!r} is no lookup of JSON here. Lookups: {', '.join((*LOOKUPS, *KEY_LOOKUPS))}."
        raise FieldError(msg, name=last, choices=(*LOOKUPS, *KEY_LOOKUPS))
    if last in KEY_LOOKUPS:
        return _has_keys(path, keys, last, value, name)
    lookup = last if keys and last in LOOKUPS else "exact"
    steps = tuple(keys) if lookup == last else (*keys, last)
    if not all(steps):
        msg = f"{name}: a path inside a document is made of keys and positions."
        raise FieldError(msg, name=rest, choices=LOOKUPS)
    value = _operand(name, lookup, value)
    node = with_recheck(path, _superset(path[-1], steps, lookup, value), JsonTest(steps, lookup, value))
    return negate(node) if lookup == "isnull" and value else node


def _has_keys(path: FieldPath, keys: list[str], lookup: str, value: Any, name: str) -> Node:
    """Return the condition that a document has a key, all of several keys, or any of them."""
    wanted = [value] if lookup == "has_key" else value
    if not isinstance(wanted, list | tuple | set) or not all(isinstance(key, str | int) for key in wanted):
        msg = f"{name} takes {'a key' if lookup == 'has_key' else 'a list of keys'}, not {value!r}."
        raise QueryError(msg)
    not_null = Comparison(path[-1:], "nnull")
    nodes = [with_recheck(path, not_null, JsonTest((*keys, str(key)), "isnull", value=False)) for key in wanted]
    return any_of(nodes) if lookup == "has_any_keys" else all_of([Comparison(path, "nnull"), *nodes])


def _operand(name: str, lookup: str, value: Any) -> Any:
    fits, wanted = _OPERANDS[lookup]
    if not fits(value):
        msg = f"{name} takes {wanted}, not {value!r}."
        raise QueryError(msg)
    return tuple(value) if lookup in MULTI_VALUE_LOOKUPS else value


def _superset(field: Field, keys: tuple[str, ...], lookup: str, value: Any) -> Node:
    """Return a condition that holds for all documents that are meant, and for as few others as possible."""
    not_null = Comparison((field,), "nnull")
    can_be_named = all(map(_PLAIN_KEY.fullmatch, keys)) and len(keys) <= _MOST_KEYS
    # Some databases treat a null inside the document as a missing value.
    if lookup == "isnull" or value is None or not can_be_named or (lookup == "in" and None in value):
        return not_null
    rule = _rule(keys, lookup, value)
    return Comparison((field,), "json", rule) if rule.operator in DEFAULT_CAPABILITIES.json_operators else not_null


def _rule(keys: tuple[str, ...], lookup: str, value: Any) -> JsonRule:
    """Return what the server compares inside the document: a text, or else whether there is a value."""
    if lookup == "exact" and _is_plain(value):
        return JsonRule(keys, "eq", value)
    if lookup == "in" and value and all(map(_is_plain, value)):
        return JsonRule(keys, "in", list(value))
    operator = _TEXT_OPERATORS.get(lookup)
    if operator is not None and _is_plain(value) and value.isascii() and "\\" not in value:
        return JsonRule(keys, operator, value)
    return JsonRule(keys, "nnull")


def _is_plain(value: Any) -> bool:
    """Return whether a value is a text that the server compares as it is."""
    return isinstance(value, str) and value != "" and not DEFAULT_CAPABILITIES.evaluates(value)
