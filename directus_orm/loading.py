"""From rows to instances: what a selection of fields and lists brings, taken row by row.

The function that takes a row's values is made anew for each selection, since it runs for every row of a loop: its
source converts what needs converting and hands on the rest, without asking for each row again which is which.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from .errors import ConversionError
from .fields import Field
from .instances import Batch, State, blank, is_reference, state_of
from .query.query import Nested, Path, raw_key
from .scalars import MAX_SAFE, Convert, load_int
from .wire import Row


class RowLoader:
    """Turns the rows of one selection into instances."""

    def __init__(self, model: type[Any], paths: Iterable[Path], nested: Iterable[Nested] = ()) -> None:
        self.model = model
        self._pk: Field = model.directus.pk
        self._fields: list[Field] = []
        inner: dict[Field, list[Path]] = {}
        for first, *rest in paths:
            if rest:
                inner.setdefault(first, []).append(tuple(rest))
            elif first not in self._fields:
                self._fields.append(first)
        self._take = taking_in(self._fields)
        nested = tuple(nested)
        self._nested: list[_NestedOne] = [
            (f, RowLoader(target_of(f), found, _behind(f, nested)), raw_key(f)) for f, found in inner.items()
        ]
        self._lists = [ListLoader(each) for each in nested if len(each.path) == 1]
        self._is_flat = not self._nested and not self._lists

    def __call__(self, row: Row, batch: Batch) -> Any:
        """Return a new instance for a row."""
        instance = blank(self.model, State(batch, row, stored=True))
        batch.add(instance)
        if self._is_flat:
            self._take(instance, row)
        else:
            self.fill(instance, row, batch)
        return instance

    def fill(self, instance: Any, row: Row, batch: Batch) -> None:
        """Give an instance the values of a row, and the related instances that came with it."""
        self._take(instance, row)
        for nested in self._nested:
            self._link(instance, row, batch, nested)
        for each in self._lists:
            each.fill(instance, row, batch)

    def _link(self, instance: Any, row: Row, batch: Batch, nested: _NestedOne) -> None:
        """Give an instance the related instance that came with its row, or its key where none may be read."""
        field, loader, raw = nested
        part, key = row.get(field.column), row.pop(raw, None)
        if not isinstance(part, dict):
            if key is not None:
                row[field.column] = key
            if field.column in row:
                take(instance, row, (field,))
            return
        try:
            instance.__dict__[field.name] = loader.shared(part, batch.related(loader.model, field.name))
        except ConversionError as problem:
            state_of(instance).problems[field.name] = problem
        else:
            # The column holds the key; the row keeps what the server stores.
            state_of(instance).row[field.column] = part[loader.model.directus.pk.column]

    def shared(self, part: Row, batch: Batch) -> Any:
        """Return the instance of a nested row: two rows that lead to one key share it.

        Raises:
            ConversionError: the key does not fit its field.
        """
        related = batch.instance(self._pk.load(part[self._pk.column]))
        if not is_reference(related):
            self.add_to(related, part, batch)
        else:
            row = state_of(related).row
            row.update(part)
            self.fill(related, row, batch)
        return related

    def add_to(self, instance: Any, row: Row, batch: Batch) -> None:
        """Give an instance what it lacks; what it has may have been changed meanwhile."""
        values = instance.__dict__
        missing = [field for field in self._fields if field.name not in values]
        if missing:
            complete(instance, row, missing)
        for nested in self._nested:
            field, loader, _ = nested
            part = row.get(field.column)
            if field.name not in values:
                self._link(instance, row, batch, nested)
            elif values[field.name] is not None and isinstance(part, dict):
                getattr(instance, field.name)  # a bare key becomes the instance that the row belongs to
                loader.shared(part, batch.related(loader.model, field.name))
        for each in self._lists:
            if each.name not in values:
                each.fill(instance, row, batch)


# A relation, what loads the row behind it, and where its key comes.
_NestedOne = tuple[Field, RowLoader, str]


def _behind(field: Field, nested: Iterable[Nested]) -> list[Nested]:
    """Return the lists that come along behind a field, as its model sees them."""
    return [
        attrs.evolve(each, path=each.path[1:]) for each in nested if len(each.path) > 1 and each.path[0] == field
    ]


class ListLoader:
    """Makes the list of related instances of each row that comes with one."""

    def __init__(self, nested: Nested) -> None:
        self.name = nested.name
        self._column = nested.column
        self._relation = relation = nested.relation
        self._loaders = {
            one.target.directus.collection: (RowLoader(one.target, query.paths, query.nested), one.path_name)
            for one, query in zip(relation.scopes, nested.queries, strict=True)
        }
        self._only = next(iter(self._loaders)) if len(self._loaders) == 1 else None
        self._reverse = relation.reverse if relation.options.kind == "one-to-many" else None
        self._step = None if self._reverse else relation.steps[1].partition(":")[0]
        self._slice = nested.slice_here

    def fill(self, instance: Any, row: Row, batch: Batch) -> None:
        """Give an instance its list; one that may not be read is left out, and says so when it is asked for."""
        parts = row.pop(self._column, None)
        if isinstance(parts, list) and all(map(self._may_be_read, parts)):
            instance.__dict__[self.name] = self._loaded(parts, instance, batch)

    def _may_be_read(self, part: Any) -> bool:
        """Return whether a row of the list is one, and no bare key of a row that may not be read (G26)."""
        if not isinstance(part, dict) or self._step is None:
            return isinstance(part, dict)
        if self._relation.is_scoped and part.get(self._relation.options.collection) not in self._loaders:
            return True
        return self._step in part and isinstance(part[self._step], dict | None)

    def _loaded(self, parts: list[Any], instance: Any, batch: Batch) -> list[Any]:
        found: dict[int, Any] = {}
        for part in parts:
            related = self._related(part, batch)
            if related is not None:
                found[id(related)] = related  # a junction may have two rows for one
                if self._reverse is not None:
                    related.__dict__[self._reverse.name] = instance
        return list(found.values())[self._slice]

    def _related(self, part: Any, batch: Batch) -> Any:
        """Return the instance of a row of the list; None where a junction's row leads nowhere."""
        collection = self._only
        if self._relation.is_scoped:
            collection = part[self._relation.options.collection]
        if self._step is not None:
            part = part[self._step]
        if not isinstance(part, dict) or collection not in self._loaders:
            return None
        loader, name = self._loaders[collection]
        return loader.shared(part, batch.related(loader.model, name, many=True))


def target_of(field: Field) -> type[Any]:
    """Return the model that a relation leads to."""
    assert field.target is not None  # noqa: S101 - paths are made of fields that lead somewhere
    return field.target


_MISFITS = (KeyError, ValueError, TypeError, ArithmeticError)


def take(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Give an instance the values of a row; one that does not fit is left out, and says so when it is read."""
    values = instance.__dict__
    for field in fields:
        try:
            raw = row[field.column]
            if raw is not None:
                values[field.name] = field.value_type.load(raw)
            elif field.nullable:
                values[field.name] = None
            else:
                _leave_out(instance, row, field, None)
        except _MISFITS as error:
            _leave_out(instance, row, field, error)


def taking_in(fields: Iterable[Field]) -> Callable[[Any, Row], None]:
    """Return what does as `take` does, and in less time; it is made once for many rows."""
    fields = tuple(fields)
    quick = taking(fields)

    def take_in(instance: Any, row: Row) -> None:
        try:
            quick(instance.__dict__, row)
        except _MISFITS:
            take(instance, row, fields)

    return take_in


def _leave_out(instance: Any, row: Row, field: Field, error: Exception | None) -> None:
    state, raw = state_of(instance), row.get(field.column)
    if field.model.directus.options.singleton and raw is None:
        # A singleton that was never saved comes without the fields that have no default (G49).
        instance.__dict__[field.name] = None
        return
    key = instance.__dict__.get(field.model.directus.pk.name)
    if field.column not in row:
        problem = field.error("what the server sent", "it has no such field", key, None)
    elif raw is None:
        why = "the annotation has no '| None' (null may also mean that this user may not see it: G27)"
        problem = field.error("null", why, key, None)
    else:
        problem = field.error(f"the server's value {field.shown(raw)}", error, key, raw)
    instance.__dict__.pop(field.name, None)
    state.problems[field.name] = problem


def complete(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Take what an instance lacks; what was assigned meanwhile stays."""
    missing = [field for field in fields if field.name not in instance.__dict__]
    state_of(instance).row.update({field.column: row.get(field.column) for field in missing})
    take(instance, row, missing)


# --- the function for a selection -------------------------------------------------------------------------------

Take = Callable[[dict[str, Any], Row], None]
"""Puts a row's values where instances have them; raises where one is missing or does not fit its field."""


# What load_int finds out first; said in the function itself, it costs a third.
_IS_SAFE = f"value.__class__ is int and {-MAX_SAFE} <= value <= {MAX_SAFE}"


def taking(fields: Iterable[Field]) -> Take:
    """Return the function for these fields."""
    selection = tuple(
        (field.name, field.column, field.value_type.plain, field.nullable, field.value_type.load)
        for field in fields
    )
    return _compiled(selection)


@functools.lru_cache(maxsize=512)
def _compiled(selection: tuple[tuple[str, str, type | None, bool, Convert], ...]) -> Take:
    known: dict[str, Any] = {}
    lines = ["def take(values, row):"]
    for number, (name, column, plain, nullable, load) in enumerate(selection):
        known |= {f"load{number}": load if nullable else _of_value(load), f"plain{number}": plain}
        passes = [
            *(["value is None"] if nullable else []),
            *([f"value.__class__ is plain{number}"] if plain else []),
            *([_IS_SAFE] if load is load_int else []),
        ]
        kept = f"value if {' or '.join(passes)} else " if passes else ""
        lines += [f"    value = row[{column!r}]", f"    values[{name!r}] = {kept}load{number}(value)"]
    # Names stand in it as literals alone, so that none can be read as code.
    exec("\n".join([*lines, "    return None"]), known)  # noqa: S102
    take: Take = known["take"]
    return take


def _of_value(load: Convert) -> Convert:
    def of_value(value: Any) -> Any:
        if value is None:
            msg = "null"
            raise ValueError(msg)
        return load(value)

    return of_value
