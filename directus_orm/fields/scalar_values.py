"""Conversion of single values: text, numbers, dates, UUIDs and csv lists, by a load and a dump function each.

They raise ValueError or TypeError with a message about the value. Loading refuses values that the server may show
differently from what is stored, and texts that would be sent in another form, which the server would not find;
dumping refuses values that the server would store differently.
"""

from __future__ import annotations

import math
import re
import reprlib
import sys
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from ..core.masking import MASK
from .numpy_pandas import as_python

Convert = Callable[[Any], Any]

# The server reads JSON numbers by JavaScript: above this, different integers become the same number (G32).
MAX_SAFE_INTEGER = 2**53 - 1
_MAX_INT64 = 2**63 - 1
_DOUBLE_DIGITS = 15

_reprs = reprlib.Repr()
_reprs.maxstring = _reprs.maxother = _reprs.maxlong = 80


def short_repr(value: Any) -> str:
    """Return the repr of a value for a message, shortened."""
    return _reprs.repr(value)


def expect(value: Any, classes: Any, wanted: str) -> Any:
    """Return the value if it is an instance of one of these classes; a bool is no int here.

    Raises:
        TypeError: it is not; the message says what is ``wanted``.
    """
    allowed = classes if isinstance(classes, tuple) else (classes,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        msg = f"{wanted} is expected, not {short_repr(value)} ({type(value).__name__})"
        raise TypeError(msg)
    return value


def expect_given(value: Any, classes: Any, wanted: str) -> Any:
    """Do as `expect` does, for a value from the application: a scalar of numpy or pandas becomes one of Python.

    Raises:
        TypeError: as `expect` does.
        ValueError: it stands for a missing value, or Python has no equal value.
    """
    return value if type(value) is classes else expect(as_python(value), classes, wanted)


# --- text ---------------------------------------------------------------------------------------------------


def _load_str(value: Any) -> str:
    return typing.cast("str", expect(value, str, "a string"))


def _dump_str(value: Any) -> str:
    text = expect_given(value, str, "a string")
    if text == MASK:
        # The server would store ten asterisks, as a password too (G6).
        msg = f"{MASK!r} is what the server shows instead of a secret; writing it would replace the secret"
        raise ValueError(msg)
    return str(storable(text))


def storable(text: str) -> str:
    """Return a text that every database can store.

    Raises:
        ValueError: it holds a NUL character, or half a surrogate pair.
    """
    if "\x00" in text:
        msg = "a text with a NUL character cannot be stored by every database"
        raise ValueError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = "a text with half a surrogate pair is not valid Unicode"
        raise ValueError(msg) from error
    return text


def _load_secret(value: Any) -> str:
    return str(_expect_secret(value))


def _dump_secret(value: Any) -> str:
    return _dump_str(_expect_secret(as_python(value)))


def _expect_secret(value: Any) -> Any:
    if not isinstance(value, str):  # no message shows a secret
        msg = f"a string is expected, not a {type(value).__name__}"
        raise TypeError(msg)
    return value


def check_sent_as_read(text: str, sent: str) -> None:
    """Refuse a text whose value would be sent in another form: the database compares texts by their letters.

    Raises:
        ValueError: it would be sent as ``sent``.
    """
    if text != sent:
        msg = (
            f"it would be sent as {short_repr(sent)}, which the database takes for another value; "
            "declare the field as str"
        )
        raise ValueError(msg)


# --- numbers ------------------------------------------------------------------------------------------------


def load_int(value: Any) -> int:
    """Return an integer whose digits the server did not round (G32)."""
    # The common case first: rows are full of small integers.
    if type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return value
    if type(value) is str:  # PostgreSQL sends bigInteger as text
        digits = int(value)
        check_sent_as_read(value, str(digits))
        return digits
    if type(value) is float and abs(value) > MAX_SAFE_INTEGER:  # orjson reads integers beyond 64 bits as floats
        value = int(value)
    number: int = expect(value, int, "an integer")
    if abs(number) > MAX_SAFE_INTEGER:
        msg = "the server rounds integers beyond 2**53 on this database: the last digits are lost"
        raise ValueError(msg)
    return number


def _dump_int(value: Any) -> int | str:
    if type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:  # the common case first
        return value
    number: int = expect_given(value, int, "an int")
    if not -_MAX_INT64 - 1 <= number <= _MAX_INT64:
        msg = "no column holds an integer beyond 64 bits"
        raise ValueError(msg)
    return number if abs(number) <= MAX_SAFE_INTEGER else str(number)


def _load_float(value: Any) -> float:
    if type(value) is str:  # a decimal column, on PostgreSQL and MySQL
        return float(value)
    return float(expect(value, (int, float), "a number"))


def _dump_float(value: Any) -> float:
    if type(value) is float and math.isfinite(value):  # the common case first
        return value
    number = float(expect(as_python(value), (int, float), "a float"))
    if math.isinf(number):
        msg = "JSON has no infinity"
        raise ValueError(msg)
    return number


def _load_decimal(value: Any) -> Decimal:
    number = Decimal(str(expect(value, (str, int, float), "a number")))
    # normalize() would round to the precision of the thread's context.
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    if type(value) is not str and len(digits) > _DOUBLE_DIGITS:
        msg = (
            "this database stores decimals as floating point and sends more than 15 digits, "
            "not all of which were stored"
        )
        raise ValueError(msg)
    if type(value) is str:
        check_sent_as_read(value, format(number, "f"))
    return number


def _dump_decimal(value: Any) -> str:
    number = Decimal(expect(as_python(value), (Decimal, int), "a Decimal; Decimal(str(x)) makes one of a float"))
    if not number.is_finite():
        msg = "JSON has no infinity"
        raise ValueError(msg)
    if number.copy_abs() > Decimal(sys.float_info.max):  # abs() would round
        msg = f"{short_repr(number)} is beyond {sys.float_info.max}: SQLite would store infinity"
        raise ValueError(msg)
    return format(number, "f")


def _load_bool(value: Any) -> bool:
    if type(value) is int and value in (0, 1):  # SQLite, without cast-boolean (G46)
        return bool(value)
    return typing.cast("bool", expect(value, bool, "true or false"))


def _dump_bool(value: Any) -> bool:
    return typing.cast("bool", expect_given(value, bool, "True or False"))


# --- dates --------------------------------------------------------------------------------------------------


def _iso_text(value: Any) -> str:
    if type(value) is str and value[4:5] == "-":  # the common case first
        return value
    # SQLite's driver sends midnight of 1970-01-01 as the number 0.
    if type(value) is int and value == 0:
        return "1970-01-01"
    # Directus 10 writes the year 424 with three digits.
    year, dash, rest = _load_str(value).partition("-")
    return year.zfill(4) + dash + rest


def _checked_year(value: Any) -> Any:
    if value.year < 100:
        msg = "years before 100 come back in another century from MariaDB and MySQL"
        raise ValueError(msg)
    return value


def _load_timestamp(value: Any) -> datetime:
    moment = datetime.fromisoformat(_iso_text(value))
    if moment.tzinfo is None:
        if value == 0:
            return moment.replace(tzinfo=UTC)
        msg = "a timestamp without an offset; declare the field with field(type='dateTime')"
        raise ValueError(msg)
    return moment


def _load_moment(value: Any) -> datetime:
    """Return a moment that the database holds with or without an offset; without one, it is in UTC."""
    moment = datetime.fromisoformat(_iso_text(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _dump_timestamp(value: Any) -> str:
    moment: datetime = expect_given(value, datetime, "a datetime")
    if moment.tzinfo is None:
        msg = (
            "a timestamp takes aware datetimes, and this one has no tzinfo: "
            "add one (datetime.now(UTC)), or declare the field with type='dateTime'"
        )
        raise ValueError(msg)
    # With more digits than the server sends back, the value read would differ from the value stored (G30).
    text = str(_checked_year(moment.astimezone(UTC)).isoformat(timespec="milliseconds"))
    return text.removesuffix("+00:00") + "Z"


def _load_datetime(value: Any) -> datetime:
    moment = datetime.fromisoformat(_iso_text(value))
    if moment.tzinfo is not None:
        msg = "a dateTime with an offset; declare the field as a plain datetime, which is a timestamp"
        raise ValueError(msg)
    return moment


def _dump_datetime(value: Any) -> str:
    moment: datetime = expect_given(value, datetime, "a datetime")
    if moment.tzinfo is not None:
        # The server would shift it to its own local time, then forget the offset.
        msg = (
            "a dateTime takes naive datetimes, and this one has a tzinfo: "
            "drop it, or declare the field without type='dateTime'"
        )
        raise ValueError(msg)
    return str(_checked_year(moment).isoformat(timespec="seconds"))


def _load_date(value: Any) -> date:
    text = _iso_text(value)
    day = date.fromisoformat(text)
    check_sent_as_read(text, day.isoformat())
    return day


def _dump_date(value: Any) -> str:
    value = value if type(value) is date else as_python(value)
    if isinstance(value, datetime):
        msg = "a date is expected, not a datetime; value.date() makes one"
        raise TypeError(msg)
    return str(_checked_year(expect(value, date, "a date")).isoformat())


def _load_time(value: Any) -> time:
    return time.fromisoformat(_load_str(value))


def _dump_time(value: Any) -> str:
    moment: time = expect_given(value, time, "a time")
    if moment.tzinfo is not None or moment.microsecond:
        msg = "a time field holds whole seconds without an offset: value.replace(microsecond=0, tzinfo=None)"
        raise ValueError(msg)
    return moment.isoformat()


# --- uuid and csv ------------------------------------------------------------------------------------------


# SQLite and MariaDB store UUIDs as texts: in upper case or without hyphens, as Django makes them on MySQL, too.
_UUID_AS_SENT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _load_uuid(value: Any) -> UUID:
    number = UUID(_load_str(value))
    if not _UUID_AS_SENT.fullmatch(value):
        check_sent_as_read(value, str(number))
    return number


def _load_uuid_text(value: Any) -> str:
    _load_uuid(value)
    return typing.cast("str", value)


def _dump_uuid(value: Any) -> str:
    # Lower case, since SQLite compares UUIDs as text.
    return str(value if isinstance(value, UUID) else UUID(expect_given(value, str, "a UUID, or its text")))


def _load_key(value: Any) -> int | UUID | str:
    if type(value) is not str:
        return load_int(value)
    if value.isdecimal() and value.isascii() and str(int(value)) == value:
        return int(value)  # PostgreSQL sends bigInteger as text
    try:
        key = UUID(value)
    except ValueError:
        return value
    return key if str(key) == value else value


def _dump_key(value: Any) -> int | str:
    return _dump_int(value) if type(value) is int else _dump_str(str(expect(value, (str, UUID), "a key")))


def _load_csv(value: Any) -> list[str]:
    return [_load_str(item) for item in expect(value, list, "a list of strings")]


def _dump_csv(value: Any) -> list[str]:
    items = dump_csv_items(value)
    if items == [""]:
        msg = "a csv field is stored as one text, in which a single empty item would come back as an empty list"
        raise ValueError(msg)
    return items


def dump_csv_items(value: Any) -> list[str]:
    """Convert items that a csv list may hold to those to send.

    Raises:
        ValueError, TypeError: one of them is no text, or one with a comma.
    """
    items = [_dump_str(item) for item in expect(as_python(value), (list, tuple), "a list of strings")]
    if any("," in item for item in items):
        msg = (
            "a csv field is stored as one text: an item with a comma would come back as several; "
            "a json field holds any strings"
        )
        raise ValueError(msg)
    return items


# --- the table ----------------------------------------------------------------------------------------------

_TEXT = (_load_str, _dump_str, str)

SCALARS: dict[Any, dict[str, tuple[Convert, Convert, type | None]]] = {
    str: {
        **dict.fromkeys(("string", "text", "binary"), _TEXT),
        "hash": (_load_secret, _dump_secret, str),
        "uuid": (_load_uuid_text, _dump_uuid, None),
    },
    int: dict.fromkeys(("integer", "bigInteger"), (load_int, _dump_int, None)),
    float: dict.fromkeys(("float", "decimal"), (_load_float, _dump_float, float)),
    bool: {"boolean": (_load_bool, _dump_bool, bool)},
    Decimal: {"decimal": (_load_decimal, _dump_decimal, None)},
    datetime: {
        "timestamp": (_load_timestamp, _dump_timestamp, None),
        "dateTime": (_load_datetime, _dump_datetime, None),
        "moment": (_load_moment, _dump_timestamp, None),
    },
    date: {"date": (_load_date, _dump_date, None)},
    time: {"time": (_load_time, _dump_time, None)},
    UUID: {"uuid": (_load_uuid, _dump_uuid, None)},
}
"""Python type -> Directus type -> load, dump, and the JSON class that load returns unchanged, if there is one.

The first Directus type is that of the bare annotation.
"""

KEY = (_load_key, _dump_key)
"""The load and dump functions of keys whose type is not declared."""

SENT_AS_READ = frozenset({_load_str, load_int, _load_decimal, _load_date, _load_uuid, _load_uuid_text})
"""The load functions that take no text whose value would be sent in another form."""

CSV = (_load_csv, _dump_csv)
"""The load and dump functions of csv fields."""
