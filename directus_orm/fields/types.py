"""Annotations: the Directus type that each means, and how its values become JSON and Python again.

Single values are converted in `scalars`, what lies inside JSON fields in `documents`.
"""

from __future__ import annotations

import enum
import typing
from functools import partial
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from . import json_values
from .scalars import CSV, SCALARS, Convert, short_repr
from .type_table import DOCUMENTS


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


_registered: dict[Any, FieldType] = {}


def register_type(python: type, *, load: Convert, dump: Convert, type: str) -> None:  # noqa: A002 - as in field()
    """Teach the library a type of your own, for annotations of models that are used afterwards.

    ``load`` gets the JSON value of a row and returns yours, ``dump`` the reverse; both raise ValueError
    for what they cannot convert. ``type`` is the Directus type of the column, unless `field` names another;
    lookups follow from it. Inside JSON (``list[Fraction]``) the same two functions are used.

    Example:
        >>> from fractions import Fraction
        >>> register_type(Fraction, load=Fraction, dump=str, type="string")
    """
    _registered[python] = FieldType(type, python.__name__, load, dump)
    json_values.teach(python, load, dump)


def field_type(annotation: Any, kind: str | None) -> FieldType:
    """Return the type of an annotation without its ``None``; ``kind`` is the Directus type, if declared.

    Raises:
        ConfigurationError: the annotation means no Directus type, or not this one.
    """
    if annotation in _registered:
        own = _registered[annotation]
        return attrs.evolve(own, kind=kind or own.kind)
    if annotation in SCALARS:
        return _scalar(annotation, kind)
    if typing.get_origin(annotation) is typing.Literal or _is_enum(annotation):
        return _choice(annotation, kind)
    if kind == "csv" and annotation in (list, list[str]):
        return FieldType("csv", "list[str]", *CSV)
    if json_values.is_document(annotation):
        return _document(annotation, kind)
    raise _unknown(annotation)


def _unknown(annotation: Any, why: str = "") -> ConfigurationError:
    msg = (
        f"{_name(annotation)} is no type this library knows{why and f' ({why})'}. "
        f"Use one of {', '.join(map(_name, SCALARS))}, an Enum, a Literal, list[T], dict, an attrs class or a "
        "model, each with '| None' where null is allowed, or teach it with register_type()."
    )
    return ConfigurationError(msg)


def _document(annotation: Any, kind: str | None) -> FieldType:
    name = _name(annotation)
    chosen = _pick(kind, DOCUMENTS, annotation)
    if why := json_values.problem(annotation):
        raise _unknown(annotation, why)
    return FieldType(
        chosen, name, partial(json_values.load, annotation, name), partial(json_values.dump, annotation, name)
    )


def _scalar(annotation: Any, kind: str | None) -> FieldType:
    kinds = SCALARS[annotation]
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
    if len(bases) != 1 or not bases <= set(SCALARS):
        msg = f"{_name(annotation)} mixes values of {sorted(b.__name__ for b in bases)}; one type is needed."
        raise ConfigurationError(msg)
    base = _scalar(bases.pop(), kind)
    by_value = dict(zip(values, members, strict=True))

    def load(value: Any) -> Any:
        loaded = base.load(value)
        if loaded not in by_value:
            msg = f"{short_repr(loaded)} is none of {values}"
            raise ValueError(msg)
        return by_value[loaded]

    def dump(value: Any) -> Any:
        if isinstance(value, enum.Enum) and value in members:
            return base.dump(value.value)
        load(value)  # a bare value will do, if it is one of them
        return base.dump(value)

    return FieldType(base.kind, _name(annotation), load, dump)


def _name(annotation: Any) -> str:
    is_plain = isinstance(annotation, type) and typing.get_origin(annotation) is None
    return annotation.__name__ if is_plain else str(annotation).replace("typing.", "")
