"""Values: what a field's annotation means in JSON, and in Python, for every Directus type.

A `FieldType` converts one value each way. Loading is strict where the server can hand out something
else than was stored; dumping refuses what would not survive the trip. Values inside JSON fields go
through cattrs.
"""

from __future__ import annotations

import enum
import json as jsonlib
import math
import types
import typing
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

import attrs

from .errors import ConfigurationError
from .wire import MASK

Convert = Callable[[Any], Any]

# JSON numbers are read by JavaScript on the server's side: beyond this, neighbours look alike (G32).
_MAX_SAFE = 2**53 - 1
_MAX_INT64 = 2**63 - 1
_DOUBLE_DIGITS = 15


@attrs.frozen
class FieldType:
    """How one Python type travels: the Directus type, and the conversion each way.

    ``load`` and ``dump`` raise ValueError or TypeError with what is wrong about the value.
    ``plain`` is the JSON class that ``load`` hands through unchanged, where there is one.
    """

    kind: str
    python: str
    load: Convert = attrs.field(eq=False)
    dump: Convert = attrs.field(eq=False)
    plain: type | None = None


# --- text ---------------------------------------------------------------------------------------------------


def _load_str(value: Any) -> str:
    return typing.cast("str", _expect(value, str, "a string"))


def _dump_str(value: Any) -> str:
    text = _load_str(value)
    if text == MASK:
        # The server would store ten asterisks, as a password too (G6).
        msg = f"{MASK!r} is what the server shows instead of a secret; writing it would replace the secret"
        raise ValueError(msg)
    return str(_sendable(text))


def _sendable(text: str) -> str:
    if "\x00" in text:
        msg = "a text with a NUL character cannot be stored by every database"
        raise ValueError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = "a text with half a surrogate pair is not valid Unicode"
        raise ValueError(msg) from error
    return text


# --- numbers ------------------------------------------------------------------------------------------------


def _load_int(value: Any) -> int:
    if type(value) is str:  # PostgreSQL hands out bigInteger as text
        return int(value)
    number: int = _expect(value, int, "an integer")
    if abs(number) > _MAX_SAFE:
        msg = "the server hands out integers beyond 2**53 rounded here (G32): the digits are lost"
        raise ValueError(msg)
    return number


def _dump_int(value: Any) -> int | str:
    number: int = _expect(value, int, "an int")
    if not -_MAX_INT64 - 1 <= number <= _MAX_INT64:
        msg = "no column holds an integer beyond 64 bits"
        raise ValueError(msg)
    return number if abs(number) <= _MAX_SAFE else str(number)


def _load_float(value: Any) -> float:
    if type(value) is str:  # a decimal column, on PostgreSQL and MySQL
        return float(value)
    return float(_expect(value, (int, float), "a number"))


def _dump_float(value: Any) -> float:
    number = float(_expect(value, (int, float), "a float"))
    if not math.isfinite(number):
        msg = "JSON has no NaN and no infinity"
        raise ValueError(msg)
    return number


def _load_decimal(value: Any) -> Decimal:
    number = Decimal(str(_expect(value, (str, int, float), "a number")))
    if type(value) is not str and len(number.normalize().as_tuple().digits) > _DOUBLE_DIGITS:
        msg = (
            "this database keeps decimals as floating point and hands out more than 15 digits, "
            "not all of which were stored (G46)"
        )
        raise ValueError(msg)
    return number


def _dump_decimal(value: Any) -> str:
    number = Decimal(_expect(value, (Decimal, int), "a Decimal; Decimal(str(x)) makes one of a float"))
    if not number.is_finite():
        msg = "JSON has no NaN and no infinity"
        raise ValueError(msg)
    return format(number, "f")


def _load_bool(value: Any) -> bool:
    if type(value) is int and value in (0, 1):  # SQLite, without cast-boolean (G46)
        return bool(value)
    return typing.cast("bool", _expect(value, bool, "true or false"))


def _dump_bool(value: Any) -> bool:
    return typing.cast("bool", _expect(value, bool, "True or False"))


# --- dates --------------------------------------------------------------------------------------------------


def _iso(value: Any) -> str:
    # SQLite's driver hands out midnight of 1970-01-01 as the number 0.
    return "1970-01-01" if type(value) is int and value == 0 else _load_str(value)


def _dated(value: Any) -> Any:
    if value.year < 100:
        msg = "years before 100 come back in another century from MariaDB and MySQL"
        raise ValueError(msg)
    return value


def _load_timestamp(value: Any) -> datetime:
    moment = datetime.fromisoformat(_iso(value))
    if value == 0:
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        msg = "a timestamp without an offset; declare the field with field(type='dateTime')"
        raise ValueError(msg)
    return moment


def _dump_timestamp(value: Any) -> str:
    moment: datetime = _expect(value, datetime, "a datetime")
    if moment.tzinfo is None:
        msg = (
            "a timestamp takes aware datetimes, and this one has no tzinfo: "
            "add one (datetime.now(UTC)), or declare the field with type='dateTime'"
        )
        raise ValueError(msg)
    # More digits than the server gives back would make the stored value differ from the one read (G30).
    text = str(_dated(moment.astimezone(UTC)).isoformat(timespec="milliseconds"))
    return text.removesuffix("+00:00") + "Z"


def _load_datetime(value: Any) -> datetime:
    moment = datetime.fromisoformat(_iso(value))
    if moment.tzinfo is not None:
        msg = "a dateTime with an offset; declare the field as a plain datetime, which is a timestamp"
        raise ValueError(msg)
    return moment


def _dump_datetime(value: Any) -> str:
    moment: datetime = _expect(value, datetime, "a datetime")
    if moment.tzinfo is not None:
        # The server would shift it to its own local time, then forget the offset.
        msg = (
            "a dateTime takes naive datetimes, and this one has a tzinfo: "
            "drop it, or declare the field without type='dateTime'"
        )
        raise ValueError(msg)
    return str(_dated(moment).isoformat(timespec="seconds"))


def _load_date(value: Any) -> date:
    return date.fromisoformat(_iso(value))


def _dump_date(value: Any) -> str:
    if isinstance(value, datetime):
        msg = "a date is expected, not a datetime; value.date() makes one"
        raise TypeError(msg)
    return str(_dated(_expect(value, date, "a date")).isoformat())


def _load_time(value: Any) -> time:
    return time.fromisoformat(_load_str(value))


def _dump_time(value: Any) -> str:
    moment: time = _expect(value, time, "a time")
    if moment.tzinfo is not None or moment.microsecond:
        msg = "a time field holds whole seconds without an offset: value.replace(microsecond=0, tzinfo=None)"
        raise ValueError(msg)
    return moment.isoformat()


# --- uuid, csv, hash ----------------------------------------------------------------------------------------


def _load_uuid(value: Any) -> UUID:
    return UUID(_load_str(value))


def _dump_uuid(value: Any) -> str:
    # Lower case, since SQLite compares them as text (facts, section 5).
    return str(value if isinstance(value, UUID) else UUID(_expect(value, str, "a UUID, or its text")))


def _load_csv(value: Any) -> list[str]:
    return [_load_str(item) for item in _expect(value, list, "a list of strings")]


def _dump_csv(value: Any) -> list[str]:
    items = [_dump_str(item) for item in _expect(value, (list, tuple), "a list of strings")]
    if any("," in item for item in items) or items == [""]:
        msg = (
            "a csv field is stored as one text: an item with a comma, or a single empty one, would come back as "
            "another list; a json field holds any strings"
        )
        raise ValueError(msg)
    return items


# --- json ---------------------------------------------------------------------------------------------------


@cache
def _converter() -> Any:
    """Return the converter for what lies inside JSON fields; cattrs is imported at first use."""
    import cattrs  # noqa: PLC0415 - it costs as much to import as the rest of this library

    converter = cattrs.Converter(forbid_extra_keys=False)
    for kind, parse, write in _INSIDE_JSON:
        converter.register_structure_hook(kind, partial(_apply, parse))
        converter.register_unstructure_hook(kind, write)
    return converter


_INSIDE_JSON: tuple[tuple[Any, Convert, Convert], ...] = (
    (datetime, datetime.fromisoformat, datetime.isoformat),
    (date, date.fromisoformat, date.isoformat),
    (time, time.fromisoformat, time.isoformat),
    (Decimal, lambda value: Decimal(str(value)), str),
    (UUID, UUID, str),
)


def _apply(parse: Convert, value: Any, _: Any) -> Any:
    return parse(value)


def _structure(annotation: Any, value: Any) -> Any:
    import cattrs  # noqa: PLC0415

    try:
        return _converter().structure(value, annotation)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error))) from None


def _load_json(annotation: Any, value: Any) -> Any:
    # A copy: the row that came from the server stays as it was, so that changes in place are seen.
    return deepcopy(value) if annotation is Any else _structure(annotation, value)


def _dump_json(annotation: Any, value: Any) -> Any:
    plain = value if annotation is Any else _converter().unstructure(value)
    if annotation is not Any and _structure(annotation, plain) != value:
        msg = f"{value!r} is no {_name(annotation)}"
        raise TypeError(msg)
    _check_json(plain)
    if isinstance(plain, str) and _parses(plain):
        msg = f"the server would parse the string {plain!r} as JSON and store something else"
        raise ValueError(msg)
    # A bare string or boolean is stored as such only when it is sent as JSON text.
    return jsonlib.dumps(plain) if isinstance(plain, str | bool) else deepcopy(plain)


def _check_json(value: Any) -> None:
    """Refuse what the server would bend: keys that are no strings, NaN, rounded integers, foreign objects."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_key(key)
            _check_json(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_json(item)
    elif value is not None:
        check = next((c for kind, c in _JSON_SCALARS if isinstance(value, kind)), _foreign)
        check(value)


def _check_key(key: Any) -> None:
    if _sendable(_expect(key, str, "a string, as every key of a JSON object,")) == "__proto__":
        msg = "the server loses a key named '__proto__'"
        raise ValueError(msg)


def _check_json_int(value: int) -> None:
    if abs(value) > _MAX_SAFE:
        msg = f"{value} inside JSON would be rounded by the server; send it as a string"
        raise ValueError(msg)


def _foreign(value: Any) -> None:
    msg = f"JSON has no {type(value).__name__}"
    raise TypeError(msg)


_JSON_SCALARS: tuple[tuple[type, Convert], ...] = (
    (bool, bool),
    (str, _sendable),
    (float, _dump_float),
    (int, _check_json_int),
)


def _parses(text: str) -> bool:
    try:
        jsonlib.loads(text)
    except ValueError:
        return False
    return True


# --- the tables ---------------------------------------------------------------------------------------------


def _expect(value: Any, kinds: Any, wanted: str) -> Any:
    # bool is an int to Python, and never one to a user.
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        msg = f"{wanted} is expected, not {value!r} ({type(value).__name__})"
        raise TypeError(msg)
    return value


_GEOMETRY = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
_JSON_KINDS = ("json", "geometry", *(f"geometry.{shape}" for shape in _GEOMETRY))
_TEXT = (_load_str, _dump_str, str)

# Python type -> Directus type -> load, dump, plain. The first is what the bare annotation means.
_SCALARS: dict[Any, dict[str, tuple[Convert, Convert, type | None]]] = {
    str: dict.fromkeys(("string", "text", "hash", "binary", "uuid"), _TEXT),
    int: dict.fromkeys(("integer", "bigInteger"), (_load_int, _dump_int, None)),
    float: dict.fromkeys(("float", "decimal"), (_load_float, _dump_float, float)),
    bool: {"boolean": (_load_bool, _dump_bool, bool)},
    Decimal: {"decimal": (_load_decimal, _dump_decimal, None)},
    datetime: {
        "timestamp": (_load_timestamp, _dump_timestamp, None),
        "dateTime": (_load_datetime, _dump_datetime, None),
    },
    date: {"date": (_load_date, _dump_date, None)},
    time: {"time": (_load_time, _dump_time, None)},
    UUID: {"uuid": (_load_uuid, _dump_uuid, None)},
}

_registered: dict[Any, FieldType] = {}


def register_type(python: type, *, load: Convert, dump: Convert, type: str) -> None:  # noqa: A002 - as in field()
    """Teach the library a type of your own, for annotations of models that are used afterwards.

    ``load`` gets the JSON value of a row and returns yours, ``dump`` the reverse; both raise ValueError
    for what they cannot convert. ``type`` is the Directus type of the column; lookups follow from it.

    Example:
        >>> from fractions import Fraction
        >>> register_type(Fraction, load=Fraction, dump=str, type="string")
    """
    _registered[python] = FieldType(type, python.__name__, load, dump)


def field_type(annotation: Any, kind: str | None) -> FieldType:
    """Return the type of an annotation without its ``None``; ``kind`` is the Directus type, if declared.

    Raises:
        ConfigurationError: the annotation means no Directus type, or not this one.
    """
    if annotation in _registered:
        return _registered[annotation]
    if annotation in _SCALARS:
        return _scalar(annotation, kind)
    if typing.get_origin(annotation) is typing.Literal or _is_enum(annotation):
        return _choice(annotation, kind)
    if kind == "csv" and annotation in (list, list[str]):
        return FieldType("csv", "list[str]", _load_csv, _dump_csv)
    if _is_json(annotation):
        inner = Any if annotation in (list, dict, list[Any], dict[str, Any], object) else annotation
        chosen = _pick(kind, _JSON_KINDS, annotation)
        return FieldType(chosen, _name(annotation), partial(_load_json, inner), partial(_dump_json, inner))
    msg = (
        f"{_name(annotation)} is no type this library knows. Use one of {', '.join(map(_name, _SCALARS))}, "
        "an Enum, a Literal, list[T], dict, an attrs class or a model, each with '| None' where null is "
        "allowed, or teach it with register_type()."
    )
    raise ConfigurationError(msg)


def _scalar(annotation: Any, kind: str | None) -> FieldType:
    kinds = _SCALARS[annotation]
    chosen = _pick(kind, tuple(kinds), annotation)
    load, dump, plain = kinds[chosen]
    return FieldType(chosen, annotation.__name__, load, dump, plain)


def _pick(kind: str | None, kinds: tuple[str, ...], annotation: Any) -> str:
    if kind is not None and kind not in kinds:
        msg = f"{_name(annotation)} cannot be stored as {kind!r}; choices: {', '.join(kinds)}."
        raise ConfigurationError(msg)
    return kind or kinds[0]


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum)


def _choice(annotation: Any, kind: str | None) -> FieldType:
    """Return the type of an Enum or a Literal: that of its values, and no others."""
    members = list(annotation) if _is_enum(annotation) else list(typing.get_args(annotation))
    values = [member.value if isinstance(member, enum.Enum) else member for member in members]
    bases = {type(value) for value in values}
    if len(bases) != 1 or not bases <= set(_SCALARS):
        msg = f"{_name(annotation)} mixes values of {sorted(b.__name__ for b in bases)}; one type is needed."
        raise ConfigurationError(msg)
    base = _scalar(bases.pop(), kind)
    by_value = dict(zip(values, members, strict=True))

    def load(value: Any) -> Any:
        loaded = base.load(value)
        if loaded not in by_value:
            msg = f"{loaded!r} is none of {values}"
            raise ValueError(msg)
        return by_value[loaded]

    def dump(value: Any) -> Any:
        return base.dump(value.value if value in members and isinstance(value, enum.Enum) else load(value))

    return FieldType(base.kind, _name(annotation), load, dump)


def _is_json(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return (
        annotation in (list, dict, object, Any)
        or origin in (list, dict, typing.Union, types.UnionType)
        or (isinstance(annotation, type) and (attrs.has(annotation) or typing.is_typeddict(annotation)))
    )


def _name(annotation: Any) -> str:
    is_plain = isinstance(annotation, type) and typing.get_origin(annotation) is None
    return annotation.__name__ if is_plain else str(annotation).replace("typing.", "")
