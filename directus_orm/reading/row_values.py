"""Reading values from rows: the value at the end of a path, a part of a date, or the number of related rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from ..core.errors import ConfigurationError, ConversionError
from ..core.request_response import Row
from ..fields.paths import FieldPath
from ..query.lookups.date_parts import DATE_PARTS
from ..query.query import key_alias
from ..query.value_refs import RelatedCount, ValueRef

_MISSING: Any = object()
"""Stands for a value that is not in a row, because this user may not read it or the server has no such field."""

# What stands in the column of a relation if its key comes beside: the related row, null or nothing.
_NO_KEY = (dict, type(None), object)


class Getter(Protocol):
    """Takes a row, and its key for the messages of errors, and returns a value."""

    def __call__(self, row: Row, key: Any = None, /) -> Any:
        """Return the value."""
        ...


def raw_getter(path: FieldPath) -> Getter:
    """Return the function that takes a row and returns the value at the end of a path as the server sent it.

    It returns None if a row on the path is null or may not be read. For a relation it returns the key, even if the
    row contains the related row instead.
    """
    column = path[-1].column
    alias = None if path[-1].target is None else key_alias(path[-1])

    def get(row: Row, _: Any = None, /) -> Any:
        value = row.get(column)
        return value if alias is None else row.get(alias, value)

    return _from_related_row(path, get, lambda _, _key: None)


def value_getter(path: FieldPath) -> Getter:
    """Return the function that takes a row and its key and returns the converted value at the end of a path.

    It returns None if a row on the path is null, and raises ConversionError for a value that does not fit and for
    a related row that may not be read. For a relation it returns the key, even if the row contains the related
    row instead.
    """
    field = path[-1]
    column, load, plain = field.column, field.value_type.load, field.value_type.plain
    alias = None if field.target is None else key_alias(field)

    def get(row: Row, key: Any = None, /) -> Any:
        raw = row.get(column, _MISSING)
        if raw.__class__ is plain:
            return raw
        if alias is not None and raw.__class__ in _NO_KEY:
            raw = row.get(alias, raw)
        if raw is None and field.nullable:
            return None
        if raw is None or raw is _MISSING:
            sent, why = ("null", "the annotation has no '| None'") if raw is None else ("nothing", "no such field")
            raise field.conversion_error(sent, why, key, None)
        try:
            return load(raw)
        except (ValueError, TypeError, ArithmeticError):
            return field.load(raw, key)  # raises an error that names the field and the key

    def without_row(is_null: bool, key: Any) -> None:
        if not is_null:
            why = "the related row is one that this user may not read"
            raise field.conversion_error("nothing", why, key, None)

    return _from_related_row(path, get, without_row)


def count_getter(related: RelatedCount) -> Getter:
    """Return the function that takes a row and returns the number of related rows.

    It returns 0 if a row on the path is null, as in Django. It raises ConfigurationError for a list that may not
    be read, and ConversionError for what is no number.
    """
    relation, column, count = related.path[-1], related.response_key, related.count if related.is_listed else int

    def unreadable() -> ConfigurationError:
        collection = relation.model.directus.collection
        return ConfigurationError(f"{relation} may not be read by this user, or {collection!r} has no such list.")

    def get(row: Row, key: Any = None, /) -> Any:
        raw = row.get(column)
        try:
            number = None if raw is None else count(raw)
        except (ValueError, TypeError, ArithmeticError) as error:
            message = f"{relation} (key {key!r}): the server's count {str(raw)[:80]!r} is no number."
            raise ConversionError(message, model=relation.model.__name__, key=key, field=relation.name) from error
        if number is None:
            raise unreadable()
        return number

    def without_row(is_null: bool, _: Any) -> int:
        if is_null:
            return 0
        raise unreadable()

    return _from_related_row(related.path, get, without_row)


def _from_related_row(path: tuple[Any, ...], get: Getter, without_row: Callable[[bool, Any], Any]) -> Getter:
    """Return the function that follows a path of relations to the last row on it, and calls ``get`` with that row.

    If a row on the path is null or may not be read, it calls ``without_row`` instead, with whether the row is null
    and the key of the first row.
    """
    columns = tuple(step.column for step in path[:-1])
    if not columns:
        return get

    def get_related(row: Row, key: Any = None, /) -> Any:
        for column in columns:
            row = row.get(column, _MISSING)
            if row.__class__ is not dict:  # G26: a bare key, or nothing
                return without_row(row is None, key)
        return get(row, key)

    return get_related


def value_transform(term: ValueRef) -> Callable[[Any], Any] | None:
    """Return the function that takes a part of a field's value, or truncates it; None for the value itself."""
    if term.part is not None:
        return DATE_PARTS[term.part].of
    if term.truncate_to is not None:
        unit, moment = term.truncate_to, term.as_datetime
        return lambda value: truncate_date(value, unit, moment=moment)
    return None


_UNITS = ("year", "month", "day", "hour", "minute", "second")


def truncate_date(value: date, unit: str, *, moment: bool) -> date:
    """Return the start of the year, quarter, month, week … that a date or a datetime is in.

    ``moment`` returns a datetime instead of a date.
    """
    if unit == "week":
        value, unit = value - timedelta(days=value.weekday()), "day"
    if unit == "quarter":
        value, unit = value.replace(day=1, month=(value.month - 1) // 3 * 3 + 1), "month"
    smaller = _UNITS[_UNITS.index(unit) + 1 :]
    day = date(value.year, 1 if "month" in smaller else value.month, 1 if "day" in smaller else value.day)
    if not moment:
        return day
    clock: list[Any] = [0 if part in smaller else getattr(value, part) for part in _UNITS[3:]]
    return datetime.combine(day, time(*clock), getattr(value, "tzinfo", None))
