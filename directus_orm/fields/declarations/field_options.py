"""`FieldOptions`, the arguments of `field()` as a value, and the checks of those that describe the column."""

from __future__ import annotations

import copy
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args

import attrs

from ...core.errors import ConfigurationError, suggestion
from .generated import Generated

Validator = Callable[[Any, Any, Any], Any]

Secret = Literal["conceal", "encrypt"]
OnDelete = Literal["CASCADE", "SET NULL", "RESTRICT", "NO ACTION", "SET DEFAULT"]
Deselect = Literal["nullify", "delete"]

NOT_SAID: Final[Any] = attrs.NOTHING
"""The ``server_default`` of a field that does not say it; None is null."""

UNKNOWN: Final = "unknown"
"""Directus's word for the type of a column that it does not know."""


def _frozen(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    return types.MappingProxyType(copy.deepcopy(dict(meta)))


_NO_META: Final = _frozen({})


@attrs.frozen
class FieldOptions:
    """The arguments of `field`, apart from the default."""

    primary_key: bool = False
    name: str | None = None
    type: str | None = None
    readonly: bool = False
    validator: Validator | None = None
    made: Generated | None = None
    max_length: int | None = None
    precision: tuple[int, int] | None = None
    unique: bool = False
    index: bool = False
    note: str | None = None
    meta: Mapping[str, Any] = attrs.field(default=_NO_META, hash=False)
    server_default: Any = attrs.field(factory=lambda: NOT_SAID, hash=False)
    secret: Secret | None = None
    on_delete: OnDelete | None = None
    foreign_key: bool = True

    @property
    def generated(self) -> bool:
        """Whether the server makes the value; ``made`` says how."""
        return self.made is not None

    @property
    def is_unknown(self) -> bool:
        """Whether the column is of a type that Directus does not know: it is read as it comes, and never sent."""
        return self.type == UNKNOWN


# --- checks --------------------------------------------------------------------------------------------------


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_precision(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    digits, scale = value
    return _is_whole(digits, 1) and _is_whole(scale, 0) and bool(scale <= digits)


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_meta(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value) and _is_json(dict(value))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "max_length": (lambda value: _is_whole(value, 1), "a number of characters from 1 on"),
    "precision": (_is_precision, "a tuple (digits, scale), such as (10, 2), whose scale is not above its digits"),
    "unique": (_is_flag, "True or False"),
    "index": (_is_flag, "True or False"),
    "foreign_key": (_is_flag, "True or False"),
    "note": (lambda value: isinstance(value, str), "a text"),
    "meta": (_is_meta, "a dict of JSON values by the names of Directus"),
    "server_default": (_is_json, "a JSON value"),
}
_CHOICES: Mapping[str, Any] = {"secret": Secret, "on_delete": OnDelete, "deselect": Deselect}

# What meta= must not say, and what says it.
_SAID_BY_FIELD = {"note": "note=", "field": "name=", "collection": "the class statement", "id": "nothing"}
_SAID_BY_CLASS = {"collection": "collection=", "singleton": "singleton="}


def check_options(values: Mapping[str, Any], where: str) -> None:
    """Refuse values that an option cannot have; None stands for an option that was left out.

    Raises:
        ConfigurationError: a value is wrong; the message names the option, the value, and what is allowed.
    """
    for name, value in values.items():
        if value is None or value is NOT_SAID:
            continue
        if name in _CHOICES:
            _check_choice(name, value, where)
            continue
        is_right, expected = _CHECKS[name]
        if not is_right(value):
            msg = f"{where} takes {expected} as {name}=, not {value!r}."
            raise ConfigurationError(msg)


def _check_choice(name: str, value: object, where: str) -> None:
    choices = get_args(_CHOICES[name])
    if value not in choices:
        hint = suggestion(value, choices) if isinstance(value, str) else ""
        msg = f"{where} takes one of {', '.join(map(repr, choices))} as {name}=, not {value!r}.{hint}"
        raise ConfigurationError(msg)


def field_meta(
    meta: Mapping[str, Any] | None, generated: Generated | None, secret: str | None
) -> Mapping[str, Any]:
    """Return the ``meta=`` of `field`, which cannot be changed any more.

    Raises:
        ConfigurationError: it says what another argument says.
    """
    if not meta:
        return _NO_META
    said_by = dict(_SAID_BY_FIELD)
    if generated is not None and generated.special is not None:
        said_by["special"] = f"default={generated!r}"
    if secret is not None:
        said_by["special"] = f"secret={secret!r}"
    return _checked_meta(meta, said_by, "field()")


def collection_meta(meta: object, where: str) -> Mapping[str, Any]:
    """Return the ``meta=`` of a class statement, which cannot be changed any more.

    Raises:
        ConfigurationError: it is no dict of JSON values, or says what another argument says.
    """
    check_options({"meta": meta}, where)
    return _checked_meta(meta, _SAID_BY_CLASS, where) if isinstance(meta, Mapping) else _NO_META


def _checked_meta(meta: Mapping[str, Any], said_by: Mapping[str, str], where: str) -> Mapping[str, Any]:
    for name, argument in said_by.items():
        if name in meta:
            msg = f"{where}: meta= contains {name!r}; {argument} says that. Leave it out of meta=."
            raise ConfigurationError(msg)
    return _frozen(meta)


def check_together(options: FieldOptions) -> None:
    """Refuse options that contradict each other.

    Raises:
        ConfigurationError: two options contradict each other.
    """
    made = options.made
    if options.server_default is not NOT_SAID and made is not None and (made.special or made.expression):
        msg = f"field() takes default={made!r} or server_default=, not both: each is the default of the column."
        raise ConfigurationError(msg)
    if options.secret and options.type not in (None, "string", "text"):
        msg = f"field() takes secret= for strings and texts, not for type={options.type!r}."
        raise ConfigurationError(msg)
    if options.on_delete and not options.foreign_key:
        msg = "field() takes on_delete= or foreign_key=False, not both: only a foreign key acts on deletions."
        raise ConfigurationError(msg)
    if options.is_unknown and options.primary_key:
        msg = "A column of type 'unknown' cannot be the key: no row could be found by it."
        raise ConfigurationError(msg)


def check_of_type(options: FieldOptions, type: str | None) -> None:  # noqa: A002 - what Directus calls it
    """Refuse options that the type of a field cannot have; None is the type of a relation.

    Raises:
        ConfigurationError: there is one; the message says which fields have it.
    """
    for name, is_allowed, where in (
        ("max_length", type in ("string", "hash"), "a field of type 'string' or 'hash'"),
        ("precision", type in ("float", "decimal"), "a float or a Decimal"),
        ("secret", type in ("string", "text"), "a str"),
        ("on_delete", type is None, "a many-to-one relation"),
    ):
        if getattr(options, name) is not None and not is_allowed:
            raise ConfigurationError(_misplaced(name, where, type))
    if not options.foreign_key and type is not None:
        raise ConfigurationError(_misplaced("foreign_key", "a many-to-one relation", type))


def _misplaced(name: str, where: str, type: str | None) -> str:  # noqa: A002 - what Directus calls it
    what = "a relation" if type is None else f"of type {type!r}"
    return f"{name}= belongs to {where}; this field is {what}."
