"""The query parameters of `Items`: their names, what a verb takes of them, and filters that would be misread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...core.checks import is_whole_number
from ...core.errors import QueryError, suggestion

_CHOICE = ("filter", "search")
_SHAPE = ("fields", "deep", "alias", "version", "versionRaw", "backlink")
_PART = ("sort", "limit", "offset")

LIST = frozenset({*_CHOICE, *_SHAPE, *_PART, "page", "meta", "aggregate", "groupBy", "export"})
"""The parameters that Directus takes for a list."""
WHOLE = frozenset({*_CHOICE, *_SHAPE, *_PART})
"""Those of a list that is read completely."""
BY_KEYS = frozenset({*_CHOICE, *_SHAPE, "sort"})
"""Those of a list of rows that are named by their keys."""
ROW = frozenset(_SHAPE)
"""Those of one row, and of the rows that a write returns."""
GROUPS = frozenset({*_CHOICE, *_PART})
"""Those of aggregates, beside the functions and the groups."""
CHOSEN = frozenset({*_CHOICE, *_PART})
"""Those that choose the rows of a write."""

_GROUPS = frozenset({"_and", "_or"})


def check_names(verb: str, query: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Refuse parameters that a verb does not take: Directus ignores names that it does not know.

    Names in bracket form (``filter[id][_eq]``) are known by their beginning.

    Raises:
        QueryError: there is such a name.
    """
    for name in query:
        root = str(name).partition("[")[0]
        if root not in allowed:
            known = " here" if root in LIST else ""
            raise QueryError(
                f"{verb}() takes no parameter {name!r}{known}.{'' if known else suggestion(root, allowed)} "
                f"It takes: {', '.join(sorted(allowed))}."
            )


def check_choice(verb: str, query: Mapping[str, Any]) -> None:
    """Refuse a query for a write that would touch other rows than it seems to.

    Raises:
        QueryError: it says not which rows, or has a condition that Directus drops without an error.
    """
    if not isinstance(query, Mapping):
        raise TypeError(f"{verb}() takes a query such as {{'filter': …}}, not {query!r}.")
    check_names(verb, query, CHOSEN)
    where = parsed_filter(query.get("filter"))
    if not where and not query.get("search") and query.get("limit") is None:
        raise QueryError(
            f"{verb}() was not told which rows: the query has no filter and no search. "
            "If you mean all rows, say {'limit': -1}."
        )
    if where:
        _check_filter(verb, where)


def parsed_filter(where: Any) -> Any:
    """Return a filter, which Directus also takes as JSON.

    Raises:
        QueryError: it is neither an object nor the JSON of one.
    """
    if isinstance(where, str) and where:
        try:
            where = json.loads(where)
        except ValueError:
            raise QueryError(f"This filter is not JSON: {where!r}.") from None
    if where and not isinstance(where, Mapping):
        raise QueryError(f"A filter is a dict such as {{'title': {{'_eq': 'x'}}}}, not {where!r}.")
    return where


def _check_filter(verb: str, where: Any) -> None:
    """Refuse the parts of a filter that Directus drops, so that it matches more rows (G2, G3, G4)."""
    if not where:
        raise QueryError(f"{verb}(): a part of the filter is empty, and would match every row.")
    for name, value in where.items():
        is_right, problem = _CHECKS.get(name, _ANY)
        if not is_right(value):
            raise QueryError(f"{verb}(): {name} {problem}, and not {value!r}. {_OTHERWISE}")
        for part in value if name in _GROUPS else [value]:
            if isinstance(part, Mapping):
                _check_filter(verb, part)


def _are_filters(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _are_two(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _is_one_condition(where: Any) -> bool:
    while isinstance(where, Mapping):
        if len(where) != 1 or not _GROUPS.isdisjoint(where):
            return False
        (where,) = where.values()
    return True


_OTHERWISE = "Directus ignores it otherwise, and would match every row."
_ANY: tuple[Callable[[Any], bool], str] = (lambda _: True, "")
_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("_and", "_or"), (_are_filters, "takes a list of one filter or more")),
    **dict.fromkeys(("_between", "_nbetween"), (_are_two, "takes a list of two values")),
    **dict.fromkeys(("_some", "_none"), (_is_one_condition, "takes one condition")),
}


# --- names of fields --------------------------------------------------------------------------------------------


def names_in(value: Any, parameter: str) -> list[str]:
    """Return the names in a parameter such as ``fields`` or ``sort``: a list, or a text with commas.

    Raises:
        QueryError: it is something else.
    """
    names = list(_split(value)) if isinstance(value, str) else value
    if not isinstance(names, Iterable) or isinstance(names, Mapping):
        raise QueryError(f"{parameter} is a list of names, or a text with commas, and not {value!r}.")
    names = list(names)
    if not all(isinstance(name, str) for name in names):
        raise QueryError(f"{parameter} is a list of names, or a text with commas, and not {value!r}.")
    return [name.strip() for name in names if name.strip()]


def _split(text: str) -> Iterator[str]:
    """Yield the names between the commas of a text, except for those in parentheses."""
    depth = start = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def count_of(name: str, value: Any) -> int | None:
    """Return a limit or an offset; None for all rows.

    Raises:
        QueryError: it is no whole number from 0, nor -1.
    """
    if value is None or value == -1:
        return None
    if not is_whole_number(value, 0):
        raise QueryError(f"{name} is a whole number from 0, or -1 for all rows, and not {value!r}.")
    return int(value)


def column_names(fields: Any) -> list[str] | None:
    """Return the names that ``fields`` lists, each of which is a column; None if it has wildcards or functions."""
    if fields is None:
        return None
    names = list(dict.fromkeys(names_in(fields, "fields")))
    return None if any(letter in name for name in names for letter in "*(:") else names
