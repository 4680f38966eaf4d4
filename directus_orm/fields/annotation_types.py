"""`FieldType` and `register_type`: the Directus type of an annotation, and the conversion of its values.

`scalar_values` converts single values, `json_values` the documents of json fields.
"""

from __future__ import annotations

import enum
import types
import typing
from functools import partial
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from . import json_values, registry
from .declarations.field_options import UNKNOWN
from .numpy_pandas import as_python
from .scalar_values import (
    CSV,
    KEY,
    SCALARS,
    SENT_AS_READ,
    Convert,
    check_sent_as_read,
    dump_csv_items,
    short_repr,
)
from .type_table import DOCUMENTS, MOMENTS, JunctionKey


@attrs.frozen
class FieldType:
    """The type of a field: its Directus type (``kind``), its Python type, and the conversion each way.

    ``load`` and ``dump`` raise ValueError or TypeError with a message that says what is wrong with the value.
    ``plain`` is the class whose values ``load`` returns unchanged, if there is one. Types of lists have
    ``dump_items``, which converts any items that such a list may hold. ``choices`` are the values that an Enum or
    a Literal names; ``is_open`` says that others are allowed as well.
    """

    kind: str
    python: str
    load: Convert = attrs.field(eq=False)
    dump: Convert = attrs.field(eq=False)
    plain: type | None = None
    dump_items: Convert | None = attrs.field(default=None, eq=False)
    choices: tuple[Any, ...] | None = attrs.field(default=None, eq=False)
    is_open: bool = attrs.field(default=False, eq=False)


def register_type(python: type, *, load: Convert, dump: Convert, type: str) -> None:  # noqa: A002 - as in field()
    """Register a Python type, so that fields can be annotated with it in models first used after this call.

    ``load`` converts the JSON value of a row to your type, ``dump`` converts it back; both raise ValueError
    for what they cannot convert. ``type`` is the Directus type of the column, unless `field` names another;
    it decides which lookups the field has. Inside JSON (``list[Fraction]``) the same two functions are used.

    Example:
        >>> from fractions import Fraction
        >>> register_type(Fraction, load=Fraction, dump=str, type="string")
    """
    registry.add_type(registry.RegisteredType(python, type, load, dump))
    json_values.reset_converter()


def unregister_type(python: type) -> None:
    """Undo `register_type`, for models that are first used after this call."""
    registry.remove_type(python)
    json_values.reset_converter()


def field_type(annotation: Any, kind: str | None) -> FieldType:
    """Return the type of an annotation without its ``None``; ``kind`` is the declared Directus type, if any.

    Raises:
        ConfigurationError: the annotation stands for no Directus type, or not for the declared one.
    """
    custom = registry.registered_type(annotation)
    if custom is not None:
        return FieldType(kind or custom.kind, custom.python.__name__, custom.load, custom.dump)
    if annotation is JunctionKey:
        return FieldType("key", "a key", *KEY)
    if kind == UNKNOWN:
        return _unknown_type(annotation)
    return _scalar_or_choice_type(annotation, kind) or _list_or_document_type(annotation, kind)


def _scalar_or_choice_type(annotation: Any, kind: str | None) -> FieldType | None:
    if annotation in SCALARS:
        return _scalar_type(annotation, kind)
    if _names_choices(annotation):
        return _choice_type(annotation, kind)
    value = None if kind == "json" else _value_of_open_choice(annotation)
    return None if value is None else _open_choice_type(annotation, value, kind)


def _list_or_document_type(annotation: Any, kind: str | None) -> FieldType:
    if kind == "csv" and annotation in (list, list[str]):
        return FieldType("csv", "list[str]", *CSV, dump_items=dump_csv_items)
    if json_values.is_document(annotation):
        return _document_type(annotation, kind)
    raise _unknown_annotation(annotation)


def key_type(value_type: FieldType) -> FieldType:
    """Return the type of a key: it does not load a text that it would send in another form.

    A number would be found in a column of numbers all the same; but a column of texts may hold it, too. Of times,
    every server writes some in another form, and reads them in any.
    """
    if value_type.plain is str or value_type.load in SENT_AS_READ or value_type.kind in MOMENTS:
        return value_type

    def load(value: Any) -> Any:
        key = value_type.load(value)
        if type(value) is str:
            check_sent_as_read(value, str(value_type.dump(key)))
        return key

    return attrs.evolve(value_type, load=load)


def _unknown_annotation(annotation: Any, why: str = "") -> ConfigurationError:
    msg = (
        f"{_name(annotation)} is no type this library knows{why and f' ({why})'}. "
        f"Use one of {', '.join(map(_name, SCALARS))}, an Enum, a Literal, list[T], dict, an attrs class or a "
        "model, each with '| None' where null is allowed, or register a type with register_type()."
    )
    return ConfigurationError(msg)


def _document_type(annotation: Any, kind: str | None) -> FieldType:
    name = _name(annotation)
    chosen = _checked_kind(kind, DOCUMENTS, annotation)
    if why := json_values.annotation_problem(annotation):
        raise _unknown_annotation(annotation, why)
    load, dump = partial(json_values.load, annotation, name), partial(json_values.dump, annotation, name)
    return FieldType(chosen, name, load, dump, dump_items=dump if json_values.is_list(annotation) else None)


def _scalar_type(annotation: Any, kind: str | None) -> FieldType:
    kinds = SCALARS[annotation]
    chosen = _checked_kind(kind, tuple(kinds), annotation)
    load, dump, plain = kinds[chosen]
    return FieldType(chosen, annotation.__name__, load, dump, plain)


def _checked_kind(kind: str | None, kinds: tuple[str, ...], annotation: Any) -> str:
    if kind is not None and kind not in kinds:
        msg = f"{_name(annotation)} cannot be stored as {kind!r}; choices: {', '.join(kinds)}."
        raise ConfigurationError(msg)
    return kind or kinds[0]


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum)


def _choice_type(annotation: Any, kind: str | None) -> FieldType:
    """Return the type of an Enum or a Literal: the type of its values, with no other values allowed."""
    members = list(annotation) if _is_enum(annotation) else list(typing.get_args(annotation))
    values = [_value(member) for member in members]
    bases = {type(value) for value in values}
    if len(bases) != 1 or not bases <= set(SCALARS):
        msg = f"{_name(annotation)} mixes values of {sorted(b.__name__ for b in bases)}; one type is needed."
        raise ConfigurationError(msg)
    base = _scalar_type(bases.pop(), kind)
    by_value = dict(zip(values, members, strict=True))

    def load(value: Any) -> Any:
        loaded = base.load(value)
        if loaded not in by_value:
            msg = f"{short_repr(loaded)} is none of {values}"
            raise ValueError(msg)
        return by_value[loaded]

    def dump(value: Any) -> Any:
        value = as_python(value)
        if isinstance(value, enum.Enum) and value in members:
            return base.dump(value.value)
        load(value)  # refuses a bare value that is none of them
        return base.dump(value)

    return FieldType(base.kind, _name(annotation), load, dump, choices=tuple(values))


def _value_of_open_choice(annotation: Any) -> type[Any] | None:
    """Return the type that ``Literal[…] | str`` or ``Status | str`` adds, if the annotation is of such a form."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return None
    named = [each for each in typing.get_args(annotation) if _names_choices(each)]
    others = [each for each in typing.get_args(annotation) if each not in named]
    if not named or len(others) != 1 or others[0] not in SCALARS:
        return None
    return others[0] if all(type(_value(each)) is others[0] for each in _named(annotation)) else None


def _names_choices(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Literal or _is_enum(annotation)


def _named(annotation: Any) -> list[Any]:
    """Return the choices that the members of a union name."""
    named = [each for each in typing.get_args(annotation) if _names_choices(each)]
    return [choice for each in named for choice in (each if _is_enum(each) else typing.get_args(each))]


def _value(choice: Any) -> Any:
    return choice.value if isinstance(choice, enum.Enum) else choice


def _open_choice_type(annotation: Any, value: type[Any], kind: str | None) -> FieldType:
    """Return the type of ``Literal[…] | str`` or ``Status | str``: a str, of which some values are named."""
    named, base = _named(annotation), _scalar_type(value, kind)
    choices = tuple(_value(each) for each in named)
    open_type = attrs.evolve(base, python=_name(annotation), choices=choices, is_open=True)
    members = {each.value: each for each in named if isinstance(each, enum.Enum)}
    if not members:
        return open_type

    def load(stored: Any) -> Any:
        loaded = base.load(stored)
        return members.get(loaded, loaded)

    def dump(given: Any) -> Any:
        is_member = isinstance(given, enum.Enum) and given in members.values()
        return base.dump(given.value if is_member else given)

    return attrs.evolve(open_type, load=load, dump=dump, plain=None)


def _unknown_type(annotation: Any) -> FieldType:
    if annotation not in (Any, object):
        msg = (
            f"a column of type 'unknown' is annotated with Any, not with {_name(annotation)}: its values come as "
            "the server sends them."
        )
        raise ConfigurationError(msg)
    return FieldType(UNKNOWN, "Any", _as_it_is, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _name(annotation: Any) -> str:
    is_plain = isinstance(annotation, type) and typing.get_origin(annotation) is None
    return annotation.__name__ if is_plain else str(annotation).replace("typing.", "")
