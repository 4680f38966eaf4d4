"""JSON documents: what lies inside a json field, as plain lists and dictionaries or as classes, by cattrs.

Where cattrs would bend a value to its annotation (``int("5")``, ``list("abc")``), it is refused here.
"""

from __future__ import annotations

import enum
import json as jsonlib
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import attrs

from .scalars import MAX_SAFE_INTEGER, Convert, expect, short_repr, storable

_PLAIN: dict[Any, tuple[Any, str]] = {
    list: (list, "a list"),
    list[Any]: (list, "a list"),
    dict: (dict, "an object"),
    dict[str, Any]: (dict, "an object"),
}
_ANYTHING = (Any, object)
# What hooks raise about a value; ExceptionGroup is how cattrs collects them.
_MISFITS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, ExceptionGroup)

Hook = Callable[[Any, Any], Any]


def is_document(annotation: Any) -> bool:
    """Whether an annotation speaks of JSON: a list, a dict, a union, an attrs class, a TypedDict, anything."""
    origin = typing.get_origin(annotation)
    return (
        annotation in (list, dict, *_ANYTHING)
        or origin in (list, dict, typing.Union, types.UnionType)
        or (isinstance(annotation, type) and (attrs.has(annotation) or typing.is_typeddict(annotation)))
    )


def problem(annotation: Any) -> str | None:
    """Return what is wrong with the types that an annotation names, or None."""
    if annotation in _PLAIN or annotation in _ANYTHING:
        return None
    import cattrs  # noqa: PLC0415

    try:
        _converter().get_structure_hook(annotation)
    except (cattrs.errors.StructureHandlerNotFoundError, NameError) as error:
        return str(error).partition(". Register")[0]
    return None


def load(annotation: Any, name: str, value: Any) -> Any:
    """Convert the JSON of a field; what is returned shares nothing with it.

    Raises:
        ValueError, TypeError: it does not fit the annotation.
    """
    # A copy: the row that came from the server stays as it was, so that changes in place are seen.
    copied = _copy(value)
    if annotation in _ANYTHING:
        return copied
    if annotation in _PLAIN:
        return expect(copied, *_PLAIN[annotation])
    try:
        return _converter().structure(copied, annotation)
    except _MISFITS as error:
        msg = f"{short_repr(value)} is no {name}: {_told(error)}"
        raise ValueError(msg) from None


def dump(annotation: Any, name: str, value: Any) -> Any:
    """Convert a document to what is sent for it; what is returned shares nothing with it.

    Raises:
        ValueError, TypeError: it does not fit the annotation, or the server would store something else.
    """
    plain = value if annotation in _ANYTHING or annotation in _PLAIN else _converter().unstructure(value)
    _check(plain)
    made = load(annotation, name, plain)
    if plain is not value and not _same(made, value):
        msg = f"{short_repr(value)} is no {name}"
        raise TypeError(msg)
    if isinstance(plain, str) and _parses(plain):
        msg = f"the server would parse the string {short_repr(plain)} as JSON and store something else"
        raise ValueError(msg)
    # A bare string or boolean is stored as such only when it is sent as JSON text.
    return jsonlib.dumps(plain) if isinstance(plain, str | bool) else _copy(plain)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return _number(value) if type(value) in (int, float) else value


def _number(value: float) -> float:
    """Return a number in the class that tells how exact it is.

    JavaScript has doubles alone and writes 1.0 as 1 and 6.540971114730469e16 as 65409711147304690.
    """
    if abs(value) > MAX_SAFE_INTEGER:
        return float(value)
    return int(value) if value == int(value) else value


def _same(made: Any, given: Any) -> bool:
    """Whether a value came back as it was given, classes included: to Python, 1 equals True."""
    if attrs.has(type(made)):
        names = [f.name for f in attrs.fields(type(made)) if f.init]
        return type(made) is type(given) and all(_same(getattr(made, n), getattr(given, n)) for n in names)
    if isinstance(made, dict):
        return (
            isinstance(given, dict) and made.keys() == given.keys() and all(_same(made[k], given[k]) for k in made)
        )
    if isinstance(made, list):  # a tuple may stand for a list, which it becomes
        return isinstance(given, list | tuple) and len(made) == len(given) and all(map(_same, made, given))
    if type(made) in (int, float) and type(given) in (int, float):  # to JavaScript they are one class
        return bool(made == given)
    return isinstance(given, type(made)) and isinstance(given, bool) is isinstance(made, bool) and made == given


# --- what the server would bend -----------------------------------------------------------------------------


def _check(value: Any) -> None:
    """Refuse keys that are no strings, NaN, integers that doubles cannot hold, foreign objects."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_key(key)
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif value is not None:
        check = next((c for kind, c in _SCALARS if isinstance(value, kind)), _foreign)
        check(value)


def _check_key(key: Any) -> None:
    if storable(expect(key, str, "a string, as every key of a JSON object,")) == "__proto__":
        msg = "the server loses a key named '__proto__'"
        raise ValueError(msg)


def _check_int(value: int) -> None:
    if float(value) != value:
        msg = f"{short_repr(value)} inside JSON would be rounded by the server; send it as a string"
        raise ValueError(msg)


def _check_float(value: float) -> None:
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN alone differs from itself
        msg = "JSON has no NaN and no infinity"
        raise ValueError(msg)


def _foreign(value: Any) -> None:
    msg = f"JSON has no {type(value).__name__}"
    raise TypeError(msg)


_SCALARS: tuple[tuple[type, Convert], ...] = (
    (bool, bool),
    (str, storable),
    (float, _check_float),
    (int, _check_int),
)


def _parses(text: str) -> bool:
    """Whether JavaScript would take a text for JSON; unlike Python it knows no NaN, and reads any digits."""
    try:
        jsonlib.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(name)


# --- cattrs, strictly ---------------------------------------------------------------------------------------

_INSIDE: dict[Any, tuple[Convert, Convert | None]] = {
    str: (lambda value: expect(value, str, "a string"), None),
    int: (lambda value: expect(value, int, "an integer"), None),
    float: (lambda value: float(expect(value, (int, float), "a number")), None),
    bool: (lambda value: expect(value, bool, "true or false"), None),
    datetime: (datetime.fromisoformat, datetime.isoformat),
    date: (date.fromisoformat, date.isoformat),
    time: (time.fromisoformat, time.isoformat),
    Decimal: (lambda value: Decimal(expect(value, str, "a string")), str),
    UUID: (lambda value: UUID(expect(value, str, "a string")), str),
}


def teach(python: type, parse: Convert, write: Convert) -> None:
    """Let documents hold values of a class."""
    _INSIDE[python] = (parse, write)
    _converter.cache_clear()


@cache
def _converter() -> Any:
    import cattrs  # noqa: PLC0415 - it costs as much to import as the rest of this library
    from cattrs.gen.typeddicts import make_dict_structure_fn  # noqa: PLC0415

    # An attrs class that dropped what it does not know would delete it with the next save.
    converter = cattrs.Converter(forbid_extra_keys=True)

    def typed_dict(annotation: Any) -> Hook:
        made: Hook = make_dict_structure_fn(annotation, converter, _cattrs_forbid_extra_keys=False)
        return made

    def model(annotation: Any) -> Hook:
        msg = f"{annotation.__name__} is a model, and its rows lie in a collection of their own"
        raise cattrs.errors.StructureHandlerNotFoundError(msg, annotation)

    factories: tuple[tuple[Callable[[Any], bool], Callable[[Any], Hook]], ...] = (
        (typing.is_typeddict, typed_dict),
        (lambda a: typing.get_origin(a) in (typing.Union, types.UnionType), lambda a: _union(converter, a)),
        (lambda a: a is list or typing.get_origin(a) is list, lambda a: _list(converter, a)),
        (lambda a: a is dict or typing.get_origin(a) is dict, lambda a: _dict(converter, a)),
        (lambda a: typing.get_origin(a) is typing.Literal, _literal),
        (lambda a: isinstance(a, type) and any("directus" in vars(c) for c in a.__mro__), model),
    )
    for predicate, factory in factories:
        converter.register_structure_hook_factory(predicate, factory)
    for python, (parse, write) in _INSIDE.items():
        converter.register_structure_hook(python, _by_value(python, parse))
        if write is not None:
            converter.register_unstructure_hook(python, write)
    return converter


def _by_value(python: Any, parse: Convert) -> Hook:
    # An IntEnum comes here as an int.
    return lambda value, annotation: parse(value) if annotation is python else annotation(parse(value))


def _list(converter: Any, annotation: Any) -> Hook:
    (item,) = typing.get_args(annotation) or (Any,)
    hook = converter.get_structure_hook(item)
    return lambda value, _: [hook(part, item) for part in expect(value, list, "a list")]


def _dict(converter: Any, annotation: Any) -> Hook:
    key, item = typing.get_args(annotation) or (Any, Any)
    key_hook, hook = converter.get_structure_hook(key), converter.get_structure_hook(item)
    return lambda value, _: {
        key_hook(name, key): hook(part, item) for name, part in expect(value, dict, "an object").items()
    }


def _literal(annotation: Any) -> Hook:
    members = typing.get_args(annotation)

    def structure(value: Any, _: Any) -> Any:
        for member in members:
            plain = member.value if isinstance(member, enum.Enum) else member
            if type(plain) is type(value) and plain == value:
                return member
        msg = f"{short_repr(value)} is none of {members}"
        raise ValueError(msg)

    return structure


def _union(converter: Any, annotation: Any) -> Hook:
    options = typing.get_args(annotation)
    hooks = [(option, converter.get_structure_hook(option)) for option in options if option is not type(None)]

    def structure(value: Any, _: Any) -> Any:
        if type(value) in options:
            return value
        if len(hooks) == 1:
            return hooks[0][1](value, hooks[0][0])
        for option, hook in hooks:
            try:
                return hook(value, option)
            except _MISFITS:
                continue
        msg = f"{short_repr(value)} fits none of {str(annotation).replace('typing.', '')}"
        raise ValueError(msg)

    return structure


def _told(error: Exception) -> str:
    """Return what hooks said, with the place inside the document."""
    import cattrs  # noqa: PLC0415

    if not isinstance(error, cattrs.BaseValidationError):
        return f"{error!r}" if isinstance(error, LookupError) else str(error)
    return "; ".join(cattrs.transform_error(error, format_exception=_one_told))


def _one_told(error: BaseException, annotation: type | None) -> str:
    import cattrs  # noqa: PLC0415

    if isinstance(error, KeyError | cattrs.ForbiddenExtraKeysError):
        return cattrs.v.format_exception(error, annotation)
    return str(error)
