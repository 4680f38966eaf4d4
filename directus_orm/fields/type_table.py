"""The table of Directus types: Python annotations, Arrow type, and what databases can do with the values.

Code that depends on the type of a field reads this table, mostly through the named sets of types at its end.
Values are converted by `scalar_values` and `json_values`.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

import attrs

Family = Literal[
    "text",
    "uuid",
    "secret",
    "integer",
    "float",
    "decimal",
    "boolean",
    "moment",
    "date",
    "time",
    "list",
    "document",
]
Trait = Literal[
    "ordered", "equal", "extremes", "collated", "counted", "distinct", "double", "rounded", "short", "key"
]
"""What is true of the values of a type:

- ``ordered``: every database can order rows by them.
- ``equal``: every database can tell which are equal, so that rows are grouped by them.
- ``extremes``: every database computes their minimum and maximum.
- ``collated``: the database orders them by a collation of its own.
- ``counted``: the server's ``count`` is a usable number; for other types it comes as a date, a list …
- ``distinct``: the server's ``countDistinct`` finds as many different values as a grouped request.
- ``double``: in filters, the server reads them as JavaScript does, as doubles.
- ``rounded``: the stored value may differ from the value that was sent.
- ``short``: the server shows fewer digits than the database keeps, so two values can look the same.
- ``key``: as keys they have one spelling, which the server's filters do not misread.
"""


class JunctionKey:
    """The annotation of keys whose type only the server knows: an int, a UUID, or another text."""


def _traits(words: str) -> frozenset[str]:
    traits = frozenset(words.split())
    assert traits <= set(get_args(Trait)), traits  # noqa: S101 - the table below is all that calls this
    return traits


@attrs.frozen
class DirectusType:
    """A type of field, by the name that Directus gives it; all ``geometry.…`` types are one.

    Args:
        name: the name in Directus. Two are ours: ``key``, for keys of a type that is not declared, and ``moment``,
            for times of Directus's own collections, which are a timestamp or a dateTime, as the database has it.
        annotations: the Python types that fields are annotated with; a generated model uses the first.
        family: what the values are.
        arrow: the name of the column type in tables of `querysets.tables`.
        traits: what is true of the values, as words of `Trait`.
    """

    name: str
    annotations: tuple[Any, ...]
    family: Family
    arrow: str
    traits: frozenset[str] = attrs.field(converter=_traits)


_PLAIN = "ordered equal extremes"

# fmt: off
_ROWS = (
    DirectusType("string", (str,), "text", "text", f"{_PLAIN} collated counted distinct"),
    DirectusType("text", (str,), "text", "text", f"{_PLAIN} collated counted distinct"),
    DirectusType("binary", (str,), "text", "text", f"{_PLAIN} collated"),
    DirectusType("uuid", (UUID, str), "uuid", "text", "ordered equal collated counted distinct key"),
    DirectusType("key", (JunctionKey,), "uuid", "text", "ordered equal collated counted distinct key"),
    DirectusType("hash", (str,), "secret", "text", ""),
    DirectusType("integer", (int,), "integer", "int", f"{_PLAIN} counted distinct key"),
    DirectusType("bigInteger", (int,), "integer", "int", f"{_PLAIN} counted distinct key"),
    DirectusType("float", (float,), "float", "float", f"{_PLAIN} counted double rounded short"),
    DirectusType("decimal", (Decimal, float), "decimal", "decimal", f"{_PLAIN} counted distinct double rounded"),
    DirectusType("boolean", (bool,), "boolean", "bool", f"{_PLAIN} counted"),
    DirectusType("timestamp", (datetime,), "moment", "moment", f"{_PLAIN} rounded short"),
    DirectusType("dateTime", (datetime,), "moment", "naive", f"{_PLAIN} rounded short"),
    DirectusType("moment", (datetime,), "moment", "moment", f"{_PLAIN} rounded short"),
    DirectusType("date", (date,), "date", "date", f"{_PLAIN} short"),
    DirectusType("time", (time,), "time", "time", f"{_PLAIN} counted"),
    DirectusType("csv", (list[str],), "list", "list", "ordered"),
    DirectusType("json", (Any,), "document", "text", ""),
    DirectusType("geometry", (dict[str, Any],), "document", "text", ""),
    DirectusType("unknown", (Any,), "document", "text", ""),
)
# fmt: on

TYPES = {row.name: row for row in _ROWS}
"""The table, by the names of the types."""


def directus_type(name: str) -> DirectusType:
    """Return the row of a type.

    Raises:
        KeyError: the table has no such type, such as ``alias``.
    """
    return TYPES[name.partition(".")[0]]


def _family(*families: Family) -> frozenset[str]:
    return frozenset(row.name for row in _ROWS if row.family in families)


def _with_trait(trait: Trait) -> frozenset[str]:
    return frozenset(row.name for row in _ROWS if trait in row.traits)


# --- families ---------------------------------------------------------------------------------------------------

TEXTS = _family("text")
INTEGERS = _family("integer")
SEQUENTIAL_KEYS = INTEGERS
"""Types of keys that the server counts up, so that the order of new keys is the order of the rows."""
NUMBERS = _family("integer", "float", "decimal")
BOOLEANS = _family("boolean")
MOMENTS = _family("moment")
AWARE_MOMENTS = MOMENTS - {"dateTime"}
"""Types whose values have an offset from UTC."""
DATES = _family("moment", "date")
"""Types whose values have a date."""
CLOCKS = _family("moment", "time")
"""Types whose values have a time of day."""

# --- what databases do with them ---------------------------------------------------------------------------------

WITHOUT_ORDER = TYPES.keys() - _with_trait("ordered")
WITHOUT_EQUALITY = TYPES.keys() - _with_trait("equal")
WITH_EXTREMES = _with_trait("extremes")
COLLATED = _with_trait("collated")
COUNTED = _with_trait("counted")
COUNTED_DISTINCT = _with_trait("distinct")
COMPARED_AS_DOUBLES = _with_trait("double")
ROUNDED = _with_trait("rounded")
SHOWN_SHORTER = _with_trait("short")
PLAIN_KEYS = _with_trait("key")

# --- documents -----------------------------------------------------------------------------------------------

_SHAPES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
DOCUMENTS = ("json", "geometry", *(f"geometry.{shape}" for shape in _SHAPES))
"""The full names of the types that hold JSON documents."""
