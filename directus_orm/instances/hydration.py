"""From rows to instances: what a selection of fields and lists brings, taken row by row.

The function that takes a row's values is made anew for each selection, since it runs for every row of a loop: its
source converts what needs converting and hands on the rest, without asking for each row again which is which.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..core.errors import ConversionError
from ..core.messages import Row
from ..fields.field import Field
from ..fields.paths import FieldPath, target_of
from ..query.query import PrefetchedList, key_alias
from .field_values import field_loader, fill_missing, load_fields
from .state import InstanceState, PageBatch, is_reference, new_instance, state_of


class RowLoader:
    """Turns the rows of one selection into instances."""

    def __init__(
        self, model: type[Any], paths: Iterable[FieldPath], nested: Iterable[PrefetchedList] = ()
    ) -> None:
        self.model = model
        self._pk: Field = model.directus.pk
        self._fields: list[Field] = []
        inner: dict[Field, list[FieldPath]] = {}
        for first, *rest in paths:
            if rest:
                inner.setdefault(first, []).append(tuple(rest))
            elif first not in self._fields:
                self._fields.append(first)
        self._take = field_loader(self._fields)
        nested = tuple(nested)
        self._nested: list[_NestedOne] = [
            (f, RowLoader(target_of(f), found, _behind(f, nested)), key_alias(f)) for f, found in inner.items()
        ]
        self._lists = [ListLoader(each) for each in nested if len(each.path) == 1]
        self._is_flat = not self._nested and not self._lists

    def __call__(self, row: Row, batch: PageBatch) -> Any:
        """Return a new instance for a row."""
        instance = new_instance(self.model, InstanceState(batch, row, stored=True))
        batch.add(instance)
        if self._is_flat:
            self._take(instance, row)
        else:
            self.fill(instance, row, batch)
        return instance

    def fill(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Give an instance the values of a row, and the related instances that came with it."""
        self._take(instance, row)
        for nested in self._nested:
            self._link(instance, row, batch, nested)
        for each in self._lists:
            each.fill(instance, row, batch)

    def _link(self, instance: Any, row: Row, batch: PageBatch, nested: _NestedOne) -> None:
        """Give an instance the related instance that came with its row, or its key where none may be read."""
        field, loader, raw = nested
        part, key = row.get(field.column), row.pop(raw, None)
        if not isinstance(part, dict):
            if key is not None:
                row[field.column] = key
            if field.column in row:
                load_fields(instance, row, (field,))
            return
        try:
            instance.__dict__[field.name] = loader.shared(part, batch.related_batch(loader.model, field.name))
        except ConversionError as problem:
            state_of(instance).problems[field.name] = problem
        else:
            # The column holds the key; the row keeps what the server stores.
            state_of(instance).row[field.column] = part[loader.model.directus.pk.column]

    def shared(self, part: Row, batch: PageBatch) -> Any:
        """Return the instance of a nested row: two rows that lead to one key share it.

        Raises:
            ConversionError: the key does not fit its field.
        """
        related = batch.instance_with_key(self._pk.load(part[self._pk.column]))
        if not is_reference(related):
            self.add_to(related, part, batch)
        else:
            row = state_of(related).row
            row.update(part)
            self.fill(related, row, batch)
        return related

    def add_to(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Give an instance what it lacks; what it has may have been changed meanwhile."""
        values = instance.__dict__
        missing = [field for field in self._fields if field.name not in values]
        if missing:
            fill_missing(instance, row, missing)
        for nested in self._nested:
            field, loader, _ = nested
            part = row.get(field.column)
            if field.name not in values:
                self._link(instance, row, batch, nested)
            elif values[field.name] is not None and isinstance(part, dict):
                getattr(instance, field.name)  # a bare key becomes the instance that the row belongs to
                loader.shared(part, batch.related_batch(loader.model, field.name))
        for each in self._lists:
            if each.name not in values:
                each.fill(instance, row, batch)


# A relation, what loads the row behind it, and where its key comes.
_NestedOne = tuple[Field, RowLoader, str]


def _behind(field: Field, nested: Iterable[PrefetchedList]) -> list[PrefetchedList]:
    """Return the lists that come along behind a field, as its model sees them."""
    return [
        attrs.evolve(each, path=each.path[1:]) for each in nested if len(each.path) > 1 and each.path[0] == field
    ]


class ListLoader:
    """Makes the list of related instances of each row that comes with one."""

    def __init__(self, nested: PrefetchedList) -> None:
        self.name = nested.name
        self._column = nested.column
        self._relation = relation = nested.relation
        self._loaders = {
            one.target.directus.collection: (RowLoader(one.target, query.paths, query.nested), one.path_name)
            for one, query in zip(relation.scopes, nested.queries, strict=True)
        }
        self._only = next(iter(self._loaders)) if len(self._loaders) == 1 else None
        self._reverse = relation.reverse_field if relation.is_one_to_many else None
        self._step = None if self._reverse else relation.target_column
        self._slice = nested.client_slice

    def fill(self, instance: Any, row: Row, batch: PageBatch) -> None:
        """Give an instance its list; one that may not be read is left out, and says so when it is asked for."""
        parts = row.pop(self._column, None)
        if isinstance(parts, list) and all(map(self._may_be_read, parts)):
            instance.__dict__[self.name] = self._loaded(parts, instance, batch)

    def _may_be_read(self, part: Any) -> bool:
        """Return whether a row of the list is one, and no bare key of a row that may not be read (G26)."""
        if not isinstance(part, dict) or self._step is None:
            return isinstance(part, dict)
        if self._relation.is_many_to_any and part.get(self._relation.options.collection) not in self._loaders:
            return True
        return self._step in part and isinstance(part[self._step], dict | None)

    def _loaded(self, parts: list[Any], instance: Any, batch: PageBatch) -> list[Any]:
        found: dict[int, Any] = {}
        for part in parts:
            related = self._related(part, batch)
            if related is not None:
                found[id(related)] = related  # a junction may have two rows for one
                if self._reverse is not None:
                    related.__dict__[self._reverse.name] = instance
        return list(found.values())[self._slice]

    def _related(self, part: Any, batch: PageBatch) -> Any:
        """Return the instance of a row of the list; None where a junction's row leads nowhere."""
        collection = self._only
        if self._relation.is_many_to_any:
            collection = part[self._relation.options.collection]
        if self._step is not None:
            part = part[self._step]
        if not isinstance(part, dict) or collection not in self._loaders:
            return None
        loader, name = self._loaders[collection]
        return loader.shared(part, batch.related_batch(loader.model, name, many=True))
