"""Conversion of the values of json fields: plain lists and dictionaries, attrs classes, TypedDicts, unions.

Classes are converted by cattrs, with strict hooks: a value that cattrs would bend to its annotation (``int("5")``,
``list("abc")``) is refused.
"""

from __future__ import annotations

import enum
import json as jsonlib
import math
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

import attrs

from .numpy_pandas import as_python
from .registry import is_model, registered_types
from .scalar_values import MAX_SAFE_INTEGER, Convert, expect, short_repr, storable

_PLAIN: dict[Any, tuple[Any, str]] = {
    list: (list, "a list"),
    list[Any]: (list, "a list"),
    dict: (dict, "an object"),
    dict[str, Any]: (dict, "an object"),
}
_ANYTHING = (Any, object)
# What hooks raise for a value that does not fit; cattrs collects them in an ExceptionGroup.
_MISFITS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, ExceptionGroup)

Hook = Callable[[Any, Any], Any]


def is_document(annotation: Any) -> bool:
    """Whether an annotation means a JSON document: a list, dict, union, attrs class, TypedDict, or anything."""
    return (
        annotation in _ANYTHING
        or is_list(annotation)
        or _is_dict(annotation)
        or _is_union(annotation)
        or (isinstance(annotation, type) and (attrs.has(annotation) or typing.is_typeddict(annotation)))
    )


def annotation_problem(annotation: Any) -> str | None:
    """Return why an annotation cannot be converted, or None if it can."""
    if annotation in _PLAIN or annotation in _ANYTHING:
        return None
    import cattrs  # noqa: PLC0415

    try:
        _converter().get_structure_hook(annotation)
    except (cattrs.errors.StructureHandlerNotFoundError, NameError) as error:
        return str(error).partition(". Register")[0]
    return None


def load(annotation: Any, name: str, value: Any) -> Any:
    """Convert a JSON value from the server; the result shares no list or dict with it.

    Raises:
        ValueError, TypeError: it does not fit the annotation.
    """
    # The row from the server stays as it was, so that dirty tracking sees changes made in place.
    copied = _copy(value)
    if annotation in _ANYTHING:
        return copied
    if annotation in _PLAIN:
        return expect(copied, *_PLAIN[annotation])
    try:
        return _converter().structure(copied, annotation)
    except _MISFITS as error:
        msg = f"{short_repr(value)} is no {name}: {_describe(error)}"
        raise ValueError(msg) from None


def dump(annotation: Any, name: str, value: Any) -> Any:
    """Convert a document to the JSON value to send; the result shares no list or dict with it.

    Raises:
        ValueError, TypeError: it does not fit the annotation, or the server would store something else.
    """
    value = _as_python(value)
    plain = value if annotation in _ANYTHING or annotation in _PLAIN else _converter().unstructure(value)
    _check(plain)
    loaded = load(annotation, name, plain)
    if plain is not value and not _is_same(loaded, value):
        msg = f"{short_repr(value)} is no {name}"
        raise TypeError(msg)
    if isinstance(plain, str) and _is_json(plain):
        msg = f"the server would parse the string {short_repr(plain)} as JSON and store something else"
        raise ValueError(msg)
    # A bare string or boolean is stored as such only when it is sent as JSON text.
    return jsonlib.dumps(plain) if isinstance(plain, str | bool) else _copy(plain)


def _as_python(value: Any) -> Any:
    """Return a document with the scalars of numpy and pandas in it as values of Python; attrs objects stay."""
    if isinstance(value, dict):
        return {key: _as_python(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_as_python, value)) if type(value) in (list, tuple) else value
    return as_python(value)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return _as_javascript_reads(value) if type(value) in (int, float) else value


def _as_javascript_reads(value: float) -> float:
    """Return a number as an int if it is whole and JavaScript holds it exactly, else as a float.

    JavaScript has doubles only: it writes 1.0 as 1, and 6.540971114730469e16 as 65409711147304690.
    """
    if abs(value) > MAX_SAFE_INTEGER:
        return float(value)
    return int(value) if value == int(value) else value


def _is_same(loaded: Any, given: Any) -> bool:
    """Whether a value that was dumped and loaded again equals the given one, classes included (1 equals True)."""
    if attrs.has(type(loaded)):
        names = [f.name for f in attrs.fields(type(loaded)) if f.init]
        return type(loaded) is type(given) and all(_is_same(getattr(loaded, n), getattr(given, n)) for n in names)
    if isinstance(loaded, dict):
        return (
            isinstance(given, dict)
            and loaded.keys() == given.keys()
            and all(_is_same(loaded[key], given[key]) for key in loaded)
        )
    if isinstance(loaded, list):  # a tuple may stand for a list, and comes back as one
        is_list = isinstance(given, list | tuple)
        return is_list and len(loaded) == len(given) and all(map(_is_same, loaded, given))
    if type(loaded) in (int, float) and type(given) in (int, float):  # JavaScript has one class of numbers
        return bool(loaded == given)
    return (
        isinstance(given, type(loaded)) and isinstance(given, bool) is isinstance(loaded, bool) and loaded == given
    )


# --- values that the server would change -------------------------------------------------------------------------


def _check(value: Any) -> None:
    """Refuse keys that are no strings, NaN, integers that a double cannot hold, and objects that JSON lacks."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_key(key)
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif value is not None:
        check = next((check for kind, check in _SCALAR_CHECKS if isinstance(value, kind)), _refuse)
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
    if math.isinf(as_python(value)):
        msg = "JSON has no infinity"
        raise ValueError(msg)


def _refuse(value: Any) -> None:
    msg = f"JSON has no {type(value).__name__}"
    raise TypeError(msg)


_SCALAR_CHECKS: tuple[tuple[type, Convert], ...] = (
    (bool, bool),
    (str, storable),
    (float, _check_float),
    (int, _check_int),
)


def _is_json(text: str) -> bool:
    """Whether JavaScript can parse a text as JSON: unlike Python it has no NaN, and takes any number of digits."""
    try:
        jsonlib.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


# --- cattrs, strictly ---------------------------------------------------------------------------------------

_load_text: Convert = partial(expect, classes=str, wanted="a string")


def _load_float(value: Any) -> float:
    return float(expect(value, (int, float), "a number"))


def _load_decimal(value: Any) -> Decimal:
    return Decimal(_load_text(value))


def _load_uuid(value: Any) -> UUID:
    return UUID(_load_text(value))


_JSON_TYPES: dict[Any, tuple[Convert, Convert | None]] = {
    str: (_load_text, None),
    int: (partial(expect, classes=int, wanted="an integer"), None),
    float: (_load_float, None),
    bool: (partial(expect, classes=bool, wanted="true or false"), None),
    datetime: (datetime.fromisoformat, datetime.isoformat),
    date: (date.fromisoformat, date.isoformat),
    time: (time.fromisoformat, time.isoformat),
    Decimal: (_load_decimal, str),
    UUID: (_load_uuid, str),
}
"""Python type -> how it is loaded from JSON, and how it is dumped; None for types that JSON has itself."""


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def is_list(annotation: Any) -> bool:
    """Return whether an annotation means a list."""
    return annotation is list or typing.get_origin(annotation) is list


def _is_dict(annotation: Any) -> bool:
    return annotation is dict or typing.get_origin(annotation) is dict


def _is_literal(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Literal


def _is_object(annotation: Any) -> bool:
    return annotation is object


@cache
def _converter() -> Any:
    import cattrs  # noqa: PLC0415 - importing it takes as long as importing this library

    # An attrs class that ignored unknown keys would delete them with the next save.
    converter = cattrs.Converter(forbid_extra_keys=True)
    for applies_to, hook_factory in _HOOK_FACTORIES:
        converter.register_structure_hook_factory(applies_to, partial(hook_factory, converter))
    own_types = {own.python: (own.load, own.dump) for own in registered_types()}
    for python, (parse, write) in (_JSON_TYPES | own_types).items():
        converter.register_structure_hook(python, _scalar_hook(python, parse))
        if write is not None:
            converter.register_unstructure_hook(python, write)
    return converter


reset_converter = _converter.cache_clear
"""Build the converter anew: the registered types have changed."""


def _scalar_hook(python: Any, parse: Convert) -> Hook:
    # cattrs passes the values of an IntEnum to the hook of int.
    return lambda value, annotation: parse(value) if annotation is python else annotation(parse(value))


def _typed_dict_hook(converter: Any, annotation: Any) -> Hook:
    from cattrs.gen.typeddicts import make_dict_structure_fn  # noqa: PLC0415

    hook: Hook = make_dict_structure_fn(annotation, converter, _cattrs_forbid_extra_keys=False)
    return hook


def _list_hook(converter: Any, annotation: Any) -> Hook:
    (item,) = typing.get_args(annotation) or (Any,)
    hook = converter.get_structure_hook(item)
    return lambda value, _: [hook(element, item) for element in expect(value, list, "a list")]


def _dict_hook(converter: Any, annotation: Any) -> Hook:
    key, item = typing.get_args(annotation) or (Any, Any)
    key_hook, hook = converter.get_structure_hook(key), converter.get_structure_hook(item)
    return lambda value, _: {
        key_hook(name, key): hook(element, item) for name, element in expect(value, dict, "an object").items()
    }


def _object_hook(converter: Any, annotation: Any) -> Hook:  # noqa: ARG001
    return lambda value, _: value  # cattrs takes anything for Any, but knows no object


def _literal_hook(converter: Any, annotation: Any) -> Hook:  # noqa: ARG001
    members = typing.get_args(annotation)

    def structure(value: Any, _: Any) -> Any:
        for member in members:
            plain = member.value if isinstance(member, enum.Enum) else member
            if type(plain) is type(value) and plain == value:
                return member
        msg = f"{short_repr(value)} is none of {members}"
        raise ValueError(msg)

    return structure


def _union_hook(converter: Any, annotation: Any) -> Hook:
    options = typing.get_args(annotation)
    hooks = [(option, converter.get_structure_hook(option)) for option in options if option is not type(None)]

    def structure(value: Any, _: Any) -> Any:
        if type(value) in options:
            return value
        if len(hooks) == 1:
            ((option, hook),) = hooks
            return hook(value, option)
        for option, hook in hooks:
            try:
                return hook(value, option)
            except _MISFITS:
                continue
        msg = f"{short_repr(value)} fits none of {str(annotation).replace('typing.', '')}"
        raise ValueError(msg)

    return structure


def _refuse_model(converter: Any, annotation: Any) -> Hook:  # noqa: ARG001
    import cattrs  # noqa: PLC0415

    msg = f"{annotation.__name__} is a model, and its rows lie in a collection of their own"
    raise cattrs.errors.StructureHandlerNotFoundError(msg, annotation)


# Of the factories that apply to an annotation, cattrs uses the last.
_HOOK_FACTORIES: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any], Hook]], ...] = (
    (typing.is_typeddict, _typed_dict_hook),
    (_is_union, _union_hook),
    (is_list, _list_hook),
    (_is_dict, _dict_hook),
    (_is_literal, _literal_hook),
    (_is_object, _object_hook),
    (is_model, _refuse_model),
)


def _describe(error: Exception) -> str:
    """Return the messages that hooks raised, with the place inside the document."""
    import cattrs  # noqa: PLC0415

    if not isinstance(error, cattrs.BaseValidationError):
        return f"{error!r}" if isinstance(error, LookupError) else str(error)
    return "; ".join(cattrs.transform_error(error, format_exception=_describe_part))


def _describe_part(error: BaseException, annotation: type | None) -> str:
    import cattrs  # noqa: PLC0415

    if isinstance(error, KeyError | cattrs.ForbiddenExtraKeysError):
        return cattrs.v.format_exception(error, annotation)
    return str(error)
