"""Columns in the normal form: types and defaults, which databases and versions of Directus say differently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

import attrs

from ..fields.type_table import INTEGERS
from ..session.services.schema_values import FieldInfo
from .normal_form import FieldSchema, MadeBy, Secret

Default = tuple[Any, MadeBy | None, str | None]
"""A default, how the server makes one, and its text in the database."""

_UNKNOWN = "unknown"
_UUID_LENGTH = 36

# What a special says of how the server makes the value.
_MAKERS: Mapping[str, MadeBy] = {
    "uuid": "uuid",
    "date-created": "date_created",
    "date-updated": "date_updated",
    "user-created": "user_created",
    "user-updated": "user_updated",
    "role-created": "role_created",
    "role-updated": "role_updated",
}
_STAMPS = frozenset(_MAKERS.values()) - {"uuid"}
_SECRETS: tuple[Secret, ...] = get_args(Secret)
_FUNCTION = re.compile(
    r"(current_\w+|now|localtimestamp|localtime|curdate|curtime|(gen_random_|sys_)?uuid\w*|nextval|date|datetime"
    r"|time|strftime|random|unixepoch|utc_\w+)\s*\(.*\)(::.*)?|current_(timestamp|date|time)",
    re.IGNORECASE | re.DOTALL,
)
_NOW = re.compile(r"(now|current_timestamp)(\(\d*\))?", re.IGNORECASE)
_TEXTS = frozenset({"string", "text", "hash"})


def field_schema(info: FieldInfo) -> FieldSchema:
    """Return the normal form of a field that has a column."""
    column, meta = info.schema or {}, info.meta or {}
    kind = _type(info)
    special = tuple(sorted(name for name in meta.get("special") or () if not name.startswith("cast-")))
    is_key = info.is_primary_key or bool(column.get("has_auto_increment"))
    default, made_by, sql = _default(kind, column, special)
    return FieldSchema(
        name=info.name,
        type=kind,
        # Databases differ on whether a key takes null and is unique, and on the lengths of texts.
        is_nullable=not is_key and bool(column.get("is_nullable")),
        is_key=is_key,
        default=default,
        made_by=made_by,
        sql=sql,
        max_length=column.get("max_length") if kind in ("string", "hash") else None,
        precision=column.get("numeric_precision") if kind == "decimal" else None,
        scale=column.get("numeric_scale") if kind == "decimal" else None,
        is_unique=is_key or bool(column.get("is_unique")),
        is_readonly=made_by == "generated_column" or made_by in _STAMPS,
        secret=_secret(kind, special),
        choices=_choices(meta),
        interface=meta.get("interface"),
        special=special,
        note=meta.get("note") or None,
        is_tracked=info.meta is not None,
        is_required=bool(meta.get("required")),
        is_indexed=column.get("is_indexed"),
        meta=meta,
    )


def with_key_of(field: FieldSchema, key: FieldSchema) -> FieldSchema:
    """Return a field that refers to rows with this key: it has the type of the key."""
    return attrs.evolve(field, type=key.type, max_length=key.max_length)


# --- types ------------------------------------------------------------------------------------------------------


def _type(info: FieldInfo) -> str:
    column = info.schema or {}
    data_type = str(column.get("data_type") or "").lower()
    if info.type == "string" and data_type == "char" and column.get("max_length") == _UUID_LENGTH:
        return "uuid"  # SQLite and MariaDB have no other type for it
    if data_type == "bigint unsigned" and info.type == "integer":
        return "bigInteger"
    if data_type in ("numeric", "decimal") and info.type in (*INTEGERS, "float"):
        return "decimal"  # of a table that Directus does not manage
    return info.type


def _secret(kind: str, special: tuple[str, ...]) -> Secret | None:
    return next((name for name in _SECRETS if name in (kind, *special)), None)


def _choices(meta: Mapping[str, Any]) -> tuple[Any, ...]:
    options = meta.get("options")
    listed = options.get("choices") if isinstance(options, Mapping) else None
    values = [each.get("value") for each in listed or () if isinstance(each, Mapping)]
    return tuple(value for value in values if isinstance(value, str | int | float))


# --- defaults ---------------------------------------------------------------------------------------------------


def _default(kind: str, column: Mapping[str, Any], special: tuple[str, ...]) -> Default:
    if column.get("is_generated"):
        return None, "generated_column", column.get("generation_expression")
    if column.get("has_auto_increment"):
        return None, "auto_increment", None
    made_by: MadeBy | None = next((_MAKERS[name] for name in special if name in _MAKERS), None)
    value = column.get("default_value")
    if made_by is not None or value is None or (isinstance(value, str) and value.upper() == "NULL"):
        return None, made_by, None
    if isinstance(value, str) and _FUNCTION.fullmatch(value):
        return None, "sql", "now()" if _NOW.fullmatch(value) else value
    literal = _literal(kind, value)
    return (None, "sql", str(value)) if literal is None else (literal, None, None)


def _literal(kind: str, value: Any) -> Any:
    """Return a default as a value of Python; None if the text in the database is not the value."""
    if kind in _TEXTS:
        # Directus writes quotes of a default twice. Backslashes come back escaped from some databases.
        return str(value).replace("''", "'") if "\\" not in str(value) else None
    if kind == "boolean":
        return {"1": True, "true": True, "0": False, "false": False}.get(str(value).lower())
    read = _READ.get(kind)
    try:
        return read(str(value)) if read is not None else None
    except (ValueError, InvalidOperation):
        return None


def _exact_integer(text: str) -> int | None:
    number = int(text)
    return number if abs(number) < 2**53 else None  # others are rounded by the server's JSON


_READ: Mapping[str, Any] = {
    "integer": _exact_integer,
    "bigInteger": _exact_integer,
    "float": float,
    "decimal": Decimal,
}
