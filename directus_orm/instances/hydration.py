"""Hydration: rows of a query become instances, with their nested related rows and prefetched lists.

The function that sets the plain values runs for every row of a loop, so it is compiled once for each selection of
fields (see `column_conversion`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..core.errors import ConversionError
from ..core.request_response import Row
from ..fields.field import Field
from ..fields.paths import FieldPath, target_of
from ..query.query import PrefetchedList, key_alias
from .column_conversion import field_loader, fill_missing, load_fields
from .state import InstanceState, PageBatch, is_reference, new_instance, state_of


class RowLoader:
    """Turns the rows of one selection into instances."""

    def __init__(
        self, model: type[Any], paths: Iterable[FieldPath], nested: Iterable[PrefetchedList] = ()
    ) -> None:
        self.model = model
        self._pk: Field = model.directus.pk
        self._fields: list[Field] = []
        related_paths: dict[Field, list[FieldPath]] = {}
        for first, *rest in paths:
            if rest:
                related_paths.setdefault(first, []).append(tuple(rest))
            elif first not in self._fields:
                self._fields.append(first)
        self._fields = [field for field in self._fields if field not in related_paths]
        self._load_fields = field_loader(self._fields)
        nested = tuple(nested)
        self._related: list[_RelatedRow] = [
            (field, RowLoader(target_of(field), inner_paths, _lists_of_related(field, nested)), key_alias(field))
            for field, inner_paths in related_paths.items()
        ]
        self._lists = [ListLoader(prefetched) for prefetched in nested if len(prefetched.path) == 1]
        self._is_flat = not self._related and not self._lists

    def __call__(self, row: Row, batch: PageBatch) -> Any:
        """Return a new instance for a row."""
        instance = new_instance(self.model, InstanceState(batch, row, stored=True))
        batch.add(instance)
        if self._is_flat:
            self._load_fields(instance, row)
        else:
            self.load_into(instance, row, batch)
        return instance

    def load_into(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Set the values of an instance from a row, with the related instances and lists that it contains."""
        self._load_fields(instance, row)
        for related in self._related:
            self._set_related(instance, row, batch, related)
        for each in self._lists:
            each.load_into(instance, row, batch)

    def _set_related(self, instance: Any, row: Row, batch: PageBatch, related: _RelatedRow) -> None:
        """Set a many-to-one relation to the instance of the nested row, or to its key if that row is hidden."""
        field, loader, key_column = related
        nested_row, key = row.get(field.column), row.pop(key_column, None)
        if not isinstance(nested_row, dict):
            if key is not None:
                row[field.column] = key
            if field.column in row:
                load_fields(instance, row, (field,))
            return
        try:
            value = loader.related_instance(nested_row, batch.related_batch(loader.model, field.name))
        except ConversionError as problem:
            state_of(instance).problems[field.name] = problem
        else:
            instance.__dict__[field.name] = value
            # The state keeps what the server stores in the column: the key.
            state_of(instance).row[field.column] = nested_row[loader.model.directus.pk.column]

    def related_instance(self, row: Row, batch: PageBatch) -> Any:
        """Return the instance of a nested row; rows with the same key share one instance.

        Raises:
            ConversionError: the key does not fit its field, or is hidden from this user.
        """
        key = row.get(self._pk.column)
        if key is None:
            raise self._pk.missing_key_error(is_null=self._pk.column in row)
        instance = batch.instance_with_key(self._pk.load(key))
        if not is_reference(instance):
            self.load_missing_into(instance, row, batch)
        else:
            known_row = state_of(instance).row
            known_row.update(row)
            self.load_into(instance, known_row, batch)
        return instance

    def load_missing_into(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Set the values that an instance lacks; those that it has stay, since they may have been changed."""
        values = instance.__dict__
        missing = [field for field in self._fields if field.name not in values]
        if missing:
            fill_missing(instance, row, missing)
        for related in self._related:
            field, loader, _ = related
            nested_row = row.get(field.column)
            if field.name not in values:
                self._set_related(instance, row, batch, related)
            elif values[field.name] is not None and isinstance(nested_row, dict):
                getattr(instance, field.name)  # replaces a bare key by the instance that shares the row
                loader.related_instance(nested_row, batch.related_batch(loader.model, field.name))
        for each in self._lists:
            if each.name not in values:
                each.load_into(instance, row, batch)


# A many-to-one relation, the loader of its nested rows, and the column that holds its key beside them.
_RelatedRow = tuple[Field, RowLoader, str]


def _lists_of_related(field: Field, nested: Iterable[PrefetchedList]) -> list[PrefetchedList]:
    """Return the prefetched lists of the related instances, with paths that start at their model."""
    return [
        attrs.evolve(prefetched, path=prefetched.path[1:])
        for prefetched in nested
        if len(prefetched.path) > 1 and prefetched.path[0] == field
    ]


class ListLoader:
    """Sets the prefetched list of related instances from each row that contains it."""

    def __init__(self, nested: PrefetchedList) -> None:
        self.name = nested.name
        self._column = nested.column
        self._relation = relation = nested.relation
        self._loaders = {
            scope.target.directus.collection: (RowLoader(scope.target, query.paths, query.nested), scope.path_name)
            for scope, query in zip(relation.scopes, nested.queries, strict=True)
        }
        self._only_collection = next(iter(self._loaders)) if len(self._loaders) == 1 else None
        self._reverse = relation.reverse_field if relation.is_one_to_many else None
        self._target_column = None if self._reverse else relation.target_column
        self._slice = nested.client_slice

    def load_into(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Set the list of an instance; a list that this user may not read stays unset, and reading it raises."""
        list_rows = row.pop(self._column, None)
        if isinstance(list_rows, list) and all(map(self._is_readable, list_rows)):
            instance.__dict__[self.name] = self._instances(list_rows, instance, batch)

    def _is_readable(self, list_row: Any) -> bool:
        """Return whether a list entry is a row; for a hidden row the server sends the bare key (G26)."""
        if not isinstance(list_row, dict) or self._target_column is None:
            return isinstance(list_row, dict)
        if self._relation.is_many_to_any:
            collection = list_row.get(self._relation.collection_column, ...)
            if not isinstance(collection, str) or collection not in self._loaders:
                return collection is not ...
        return self._target_column in list_row and isinstance(list_row[self._target_column], dict | None)

    def _instances(self, list_rows: list[Any], instance: Any, batch: PageBatch) -> list[Any]:
        instances: dict[int, Any] = {}
        for list_row in list_rows:
            related = self._related_instance(list_row, batch)
            if related is not None:
                instances[id(related)] = related  # two junction rows may lead to the same instance
                if self._reverse is not None:
                    related.__dict__[self._reverse.name] = instance
        return list(instances.values())[self._slice]

    def _related_instance(self, list_row: Any, batch: PageBatch) -> Any:
        """Return the instance of a list entry; None for a junction row that links to no row."""
        collection = self._only_collection
        if self._relation.is_many_to_any:
            collection = list_row[self._relation.collection_column]
        related_row = list_row if self._target_column is None else list_row[self._target_column]
        if not isinstance(related_row, dict) or not isinstance(collection, str) or collection not in self._loaders:
            return None
        loader, name = self._loaders[collection]
        return loader.related_instance(related_row, batch.related_batch(loader.model, name, many=True))
