"""Reading values of related rows by key, for group keys and aggregates over a path of relations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...fields.paths import FieldPath, target_of
from ...query.query import Query
from ...session.session import Session
from ..row_values import value_getter
from ..rows_by_key import read_rows_by_key
from .accumulators import RelatedByKey


class RelatedValues:
    """Reads values at the end of paths over relations, each of them once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._by_path: dict[FieldPath, dict[Any, Any]] = {}

    def load(self, path: FieldPath, keys: Iterable[Any]) -> RelatedByKey:
        """Return the values at the end of a path, by the key of the row that its first field leads to.

        The value is None if the row, or a later one on the path, does not exist.
        """
        values = self._by_path.setdefault(path, {})
        missing = [key for key in keys if key is not None and key not in values]
        if not missing:
            return values
        relation, *rest = path
        model = target_of(relation)
        pk, get_value = model.directus.pk, value_getter(tuple(rest))
        query = Query(model, paths=((pk,), tuple(rest)))
        values.update(dict.fromkeys(missing))
        rows = read_rows_by_key(self._session, query, map(pk.value_type.dump, missing))
        values.update((key, get_value(row, row[pk.column])) for key, row in rows.items())
        return values
