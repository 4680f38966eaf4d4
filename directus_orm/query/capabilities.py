"""`Capabilities`: what a server version can be asked. Its operators, functions, aggregates and special values.

Querysets are built before their session is known, so lookups check against `DEFAULT_CAPABILITIES`, those of
Directus 10 to 12. Code that has a session asks the capabilities of the session's dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ..fields.type_table import DATES, NUMBERS, TEXTS
from .conditions import Comparison, Exists, Node, true_for_null_row


@attrs.frozen
class GroupFunctions:
    """The functions that dates are grouped by; without any, rows are grouped by the whole value.

    ``is_finer`` says that the server returns several groups for one of the query's, which have to be merged.
    """

    functions: tuple[str, ...] = ()
    is_finer: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Capabilities:
    """What a server version can be asked, and which values it would misread.

    Args:
        operators: the operators of each Directus type; other types can only be compared with null.
        one_by_one: types whose values are compared one by one, and not by a list or a range.
        json_operators: the operators that compare a text inside a JSON document.
        has_quantifiers: whether conditions on related rows can be written with ``_some`` and ``_none``.
        longest_list: the most values that the lists of one request may have together.
        longest_text: the most bytes of a text that is searched for inside another.
        any_character: the wildcard for one character.
        wildcards: the characters that some database treats as a wildcard or an escape; they cannot be escaped.
        constants: texts that the server reads as a constant, whatever the type of the field.
        variables: the texts that the server evaluates, also as the beginning of a longer text.
        part_functions: for each part of a date, the function that gives it; only where all databases agree.
        narrowing_functions: for a part that databases compute differently, a function that narrows the rows.
        order_functions: for each part of a date, the functions to order rows by.
        group_functions: for each part of a date, the functions to group rows by.
        truncation_functions: for each unit that dates are truncated to, the functions to group rows by.
        aggregates: the server's function for each aggregate.
        distinct_aggregates: the same for aggregates of different values.
        sum_error: the relative error that sums of floats may have.
        date_formats: how rows show values of each date type; minimum and maximum may come in another format.
    """

    operators: Mapping[str, frozenset[str]]
    one_by_one: frozenset[str]
    json_operators: frozenset[str]
    has_quantifiers: bool
    longest_list: int
    longest_text: int
    any_character: str
    wildcards: frozenset[str]
    constants: frozenset[str]
    variables: Mapping[str, str]
    part_functions: Mapping[str, str]
    narrowing_functions: Mapping[str, str]
    order_functions: Mapping[str, tuple[str, ...]]
    group_functions: Mapping[str, GroupFunctions]
    truncation_functions: Mapping[str, GroupFunctions]
    aggregates: Mapping[str, str]
    distinct_aggregates: Mapping[str, str]
    sum_error: float
    date_formats: Mapping[str, str]
    _prefixes: tuple[str, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_prefixes", tuple(self.variables.values()))

    def operators_of(self, kind: str) -> frozenset[str]:
        """Return the operators of a Directus type; all geometries are one type."""
        return self.operators.get(kind.partition(".")[0], _ONLY_NULL)

    def evaluates(self, value: Any) -> bool:
        """Return whether the server would evaluate a value instead of comparing with it."""
        return isinstance(value, str) and (value in self.constants or value.startswith(self._prefixes))

    def has_wildcard(self, text: str) -> bool:
        """Return whether a text has characters that some database treats as a wildcard."""
        return not self.wildcards.isdisjoint(text)

    def aggregate_function(self, function: str, *, distinct: bool = False) -> str:
        """Return the server's name of an aggregate."""
        return (self.distinct_aggregates if distinct else self.aggregates)[function]

    def quantifies(self, node: Node) -> bool:
        """Return whether a condition on related rows can be written with ``_some`` and ``_none``.

        They keep one comparison and drop any others (G2); they stand at the root, or directly in one another.
        """
        if not self.has_quantifiers or not isinstance(node, Exists) or len(node.path) != 1:
            return False
        has_junction = len(node.path[-1].segments) > 1
        if isinstance(node.where, Comparison):
            # A junction row may lead nowhere, or to another collection: the related row then is all null.
            return not has_junction or not true_for_null_row(node.where)
        return not has_junction and self.quantifies(node.where)


_ONLY_NULL = frozenset({"null"})
_NUMBER_OPERATORS = frozenset("eq lt lte gt gte between in null".split())
_TEXT_OPERATORS = frozenset(
    "eq in null empty contains icontains starts_with istarts_with ends_with iends_with".split()
)
_DATE = ("year", "month", "day")

DEFAULT_CAPABILITIES = Capabilities(
    operators={
        **dict.fromkeys(TEXTS, _TEXT_OPERATORS),
        **dict.fromkeys((*NUMBERS, "key", *DATES, "time"), _NUMBER_OPERATORS),
        **dict.fromkeys(("boolean", "uuid"), frozenset("eq in null".split())),
        "csv": frozenset("null empty".split()),
        "json": _ONLY_NULL,
        "hash": frozenset({"empty"}),
        "geometry": frozenset("null intersects intersects_bbox".split()),
        "unknown": _ONLY_NULL,
    },
    # The server has no _in for booleans; MariaDB compares floats in lists and ranges less exactly than by _eq.
    one_by_one=frozenset({"boolean", "float"}),
    json_operators=frozenset(
        "eq in nnull contains icontains starts_with istarts_with ends_with iends_with".split()
    ),
    has_quantifiers=True,
    longest_list=30_000,  # SQLite binds 32,766 values at most
    longest_text=49_000,  # SQLite takes patterns of 50,000 bytes, their own wildcards included
    any_character="_",
    wildcards=frozenset("%_\\"),
    constants=frozenset({"true", "false", "null", "NULL"}),
    variables={
        "now": "$NOW",
        "current_user": "$CURRENT_USER",
        "current_role": "$CURRENT_ROLE",
        "current_policies": "$CURRENT_POLICIES",
    },
    part_functions={name: name for name in ("month", "day", "hour", "minute")},
    narrowing_functions={
        "week": "month",
        "week_day": "weekday",
        "iso_week_day": "weekday",
        "second": "second",
    },
    order_functions={**{name: (name,) for name in (*_DATE, "hour", "minute")}, "date": _DATE},
    group_functions={
        **{name: GroupFunctions((name,)) for name in (*_DATE, "hour", "minute")},
        "second": GroupFunctions(("second",), is_finer=True),  # PostgreSQL returns fractions
        "quarter": GroupFunctions(("month",), is_finer=True),
        "date": GroupFunctions(_DATE),
        **dict.fromkeys(("week", "week_day", "iso_week_day", "iso_year"), GroupFunctions(_DATE, is_finer=True)),
    },
    truncation_functions={
        "year": GroupFunctions(("year",)),
        "quarter": GroupFunctions(("year", "month"), is_finer=True),
        "month": GroupFunctions(("year", "month")),
        "week": GroupFunctions(_DATE, is_finer=True),
        "day": GroupFunctions(_DATE),
        "hour": GroupFunctions((*_DATE, "hour")),
        "minute": GroupFunctions((*_DATE, "hour", "minute")),
        "second": GroupFunctions(is_finer=True),
    },
    aggregates={name: name for name in ("count", "sum", "avg", "min", "max")},
    distinct_aggregates={name: f"{name}Distinct" for name in ("count", "sum", "avg")},
    sum_error=2.0**-23,  # PostgreSQL adds up floats in single precision
    date_formats={
        "timestamp": "%Y-%m-%dT%H:%M:%S.%fZ",
        **dict.fromkeys(("dateTime", "moment"), "%Y-%m-%dT%H:%M:%S"),
        "date": "%Y-%m-%d",
    },
)
"""The capabilities of Directus 10 to 12."""
