"""Looking into JSON fields: ``meta__color="red"``.

The server's ``_json`` (Directus 12) finds the rows, though not the same ones on every database: types are mixed
up, and what it does not understand it drops. So it is asked for texts alone, or whether there is something at all,
and the documents are looked at on arrival.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...core.checks import is_number
from ...core.errors import FieldError, QueryError
from ...fields.field import Field
from ...fields.paths import path_name
from ..capabilities import DEFAULT_CAPABILITIES
from ..conditions import Comparison, JsonRule, Node, all_of, any_of, negate
from . import text_lookups
from .text_lookups import with_recheck

Path = tuple[Field, ...]

_ABSENT = object()
# The keys that the server's paths can name; it drops, or refuses, others.
_NAMED = re.compile(r"[^\W\d]\w*")
_MOST_STEPS = 10
_TEXTS = {
    "contains": "contains",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "icontains": "icontains",
    "istartswith": "istarts_with",
    "iendswith": "iends_with",
}


def _same(found: Any, value: Any) -> bool:
    return bool(found == value) and isinstance(found, bool) is isinstance(value, bool)


def _if_alike(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    """Compare numbers with numbers, and texts with texts."""

    def compared(found: Any, value: Any) -> bool:
        numbers, strings = (
            is_number(found) and is_number(value),
            isinstance(found, str) and isinstance(value, str),
        )
        return (numbers or strings) and bool(compare(found, value))

    return compared


def _of_text(lookup: str) -> Callable[[Any, Any], bool]:
    where = _TEXTS.get(lookup, "exact").removeprefix("i")

    def holds(found: Any, value: Any) -> bool:
        return isinstance(found, str) and text_lookups.TextTest(where, value, any_case=lookup[0] == "i")(found)

    return holds


_at_least, _at_most = _if_alike(operator.ge), _if_alike(operator.le)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "exact": _same,
    "in": lambda found, values: any(_same(found, value) for value in values),
    "gt": _if_alike(operator.gt),
    "gte": _at_least,
    "lt": _if_alike(operator.lt),
    "lte": _at_most,
    "range": lambda found, bounds: _at_least(found, bounds[0]) and _at_most(found, bounds[1]),
    "isnull": lambda _, __: True,
    **{lookup: _of_text(lookup) for lookup in ("iexact", *_TEXTS)},
}
LOOKUPS = tuple(_COMPARE)
"""What can be asked of a value inside a document."""

_OF_KEYS = ("has_key", "has_keys", "has_any_keys")
# Django's, which as keys would find nothing without a word.
_REFUSED = frozenset({"contained_by", "regex", "iregex"})

_Takes = tuple[Callable[[Any], bool], str]
_ONE: _Takes = (lambda value: is_number(value) or isinstance(value, str), "a number or a text")
_TEXT: _Takes = (lambda value: isinstance(value, str), "a text")
_OPERANDS: dict[str, _Takes] = {
    "exact": (lambda value: value is None or isinstance(value, str | int | float | list | dict), "what JSON has"),
    "in": (lambda value: isinstance(value, list | tuple | set | frozenset | range), "a list of values"),
    "range": (lambda value: isinstance(value, list | tuple) and len(value) == 2, "two values, lowest and highest"),
    "isnull": (lambda value: isinstance(value, bool), "True or False"),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), _ONE),
    **dict.fromkeys(("iexact", *_TEXTS), _TEXT),
}


@attrs.frozen
class JsonTest:
    """Whether the value at a path inside a document compares as asked, with values of its own type."""

    keys: tuple[str, ...]
    lookup: str
    value: Any = attrs.field(eq=repr)  # 1 equals True, and means something else; a document has no hash

    def __call__(self, document: Any) -> bool:
        """Return whether it does."""
        found = _at(document, self.keys)
        return found is not _ABSENT and _COMPARE[self.lookup](found, self.value)


def _at(document: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _ABSENT
    return document


def condition(path: Path, rest: str, value: Any) -> Node:
    """Return what is said of the value at a path inside a document.

    Raises:
        FieldError: there is no such lookup.
        QueryError: the value is not one to compare with.
    """
    *keys, last = rest.split("__")
    name = f"{path_name(path)}__{rest}"
    if last in _REFUSED:
        msg = f"{name}: {last!r} is no lookup of JSON here. Lookups: {', '.join((*LOOKUPS, *_OF_KEYS))}."
        raise FieldError(msg, name=last, choices=(*LOOKUPS, *_OF_KEYS))
    if last in _OF_KEYS:
        return _has(path, keys, last, value, name)
    lookup = last if keys and last in LOOKUPS else "exact"
    steps = tuple(keys) if lookup == last else (*keys, last)
    if not all(steps):
        msg = f"{name}: a path inside a document is made of keys and positions."
        raise FieldError(msg, name=rest, choices=LOOKUPS)
    value = _operand(name, lookup, value)
    node = with_recheck(path, _narrowed(path[-1], steps, lookup, value), JsonTest(steps, lookup, value))
    return negate(node) if lookup == "isnull" and value else node


def _has(path: Path, keys: list[str], lookup: str, value: Any, name: str) -> Node:
    """Return the condition that a document has a key, all of several keys, or any of them."""
    wanted = [value] if lookup == "has_key" else value
    if not isinstance(wanted, list | tuple | set) or not all(isinstance(key, str | int) for key in wanted):
        msg = f"{name} takes {'a key' if lookup == 'has_key' else 'a list of keys'}, not {value!r}."
        raise QueryError(msg)
    there = Comparison(path[-1:], "nnull")
    nodes = [with_recheck(path, there, JsonTest((*keys, str(key)), "isnull", value=False)) for key in wanted]
    return any_of(nodes) if lookup == "has_any_keys" else all_of([Comparison(path, "nnull"), *nodes])


def _operand(name: str, lookup: str, value: Any) -> Any:
    fits, wanted = _OPERANDS[lookup]
    if not fits(value):
        msg = f"{name} takes {wanted}, not {value!r}."
        raise QueryError(msg)
    return tuple(value) if lookup in {"in", "range"} else value


def _narrowed(field: Field, keys: tuple[str, ...], lookup: str, value: Any) -> Node:
    """Return a condition that all documents meet which are meant, and as few others as the server can tell."""
    there = Comparison((field,), "nnull")
    named = all(map(_NAMED.fullmatch, keys)) and len(keys) <= _MOST_STEPS
    # A null inside the document is nothing to some databases.
    if lookup == "isnull" or value is None or not named or (lookup == "in" and None in value):
        return there
    rule = JsonRule(keys, "nnull")
    if lookup == "exact" and _is_plain(value):
        rule = JsonRule(keys, "eq", value)
    elif lookup == "in" and value and all(map(_is_plain, value)):
        rule = JsonRule(keys, "in", list(value))
    elif lookup in _TEXTS and _is_plain(value) and value.isascii() and "\\" not in value:
        rule = JsonRule(keys, _TEXTS[lookup], value)
    return Comparison((field,), "json", rule)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not DEFAULT_CAPABILITIES.evaluates(value)
