"""Instances: how rows become them, what each knows of its row, and how what is not loaded comes in.

There is one mechanism for all that is not loaded: a value that is missing from an instance's ``__dict__`` is
asked for by the attribute that stands on the class (see `attributes`), for all instances of the page at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from .errors import ConversionError, DoesNotExist
from .fields import Field
from .info import is_model
from .query.fetch import fetch
from .query.paging import key_pages
from .query.query import Nested, Path, Query, raw_key
from .scalars import Convert
from .session import Session, current_session
from .wire import Row


class State:
    """What an instance knows of its row.

    ``row`` holds the server's JSON for each column that is loaded, untouched, to tell changes by;
    ``problems`` the fields whose value could not be taken, and why. ``missing`` says that the row was asked for
    and not there. ``pending`` are the related rows that go along when the instance is created, by relation.
    """

    __slots__ = ("batch", "deleted", "missing", "pending", "problems", "row", "stored")

    def __init__(self, batch: Batch | None = None, row: Row | None = None, *, stored: bool = False) -> None:
        self.batch = batch
        self.row: Row = {} if row is None else row
        self.problems: dict[str, ConversionError] = {}
        self.pending: dict[str, list[tuple[Any, Mapping[str, Any]]]] = {}
        self.stored = stored
        self.deleted = False
        self.missing = False

    def detached(self) -> State:
        """Return the same knowledge without batch and session, for copies and pickles."""
        copy = State(None, dict(self.row), stored=self.stored)
        copy.problems = dict(self.problems)
        copy.pending = {name: list(waiting) for name, waiting in self.pending.items()}
        copy.deleted = self.deleted
        return copy


class _Members:
    """Instances, held weakly; unsaved ones have no hash, so this is a list.

    Those that are gone are dropped when they are many: one instance that is kept would keep them all.
    """

    __slots__ = ("_gone", "_references")

    def __init__(self) -> None:
        self._references: list[weakref.ref[Any]] = []
        self._gone = 0

    def add(self, instance: Any) -> None:
        self._references.append(weakref.ref(instance, self._drop))

    def __len__(self) -> int:
        return len(self._references)

    def alive(self) -> list[Any]:
        return [instance for reference in list(self._references) if (instance := reference()) is not None]

    def _drop(self, _: weakref.ref[Any]) -> None:
        self._gone += 1
        if self._gone * 2 > len(self._references):
            self._references = [reference for reference in self._references if reference() is not None]
            self._gone = 0


class Way:
    """The relations that led from what a query found to a batch: their names, and whether they lead to many."""

    __slots__ = ("before", "names")

    def __init__(self, before: Way | None = None) -> None:
        self.before = before
        self.names: dict[str, bool] = {}

    def paths(self) -> list[tuple[str, bool]]:
        """Return the paths as queries write them, and whether one leads over a relation to many."""
        if self.before is None:
            return [("", False)]
        before, names = self.before.paths(), self.names.items()
        return [(extended(path, name), over_many or many) for path, over_many in before for name, many in names]


def extended(path: str, name: str) -> str:
    """Return a path with one more name."""
    return f"{path}__{name}" if path else name


class Batch:
    """Instances that came together, held weakly: what one of them lacks is loaded for all."""

    __slots__ = ("__weakref__", "_known", "_members", "_parent", "_parts", "model", "session", "way")

    def __init__(self, session: Session, model: type[Any], parent: Batch | None = None) -> None:
        self.session = session
        self.model = model
        self._members = _Members()
        self._known: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
        self._parts: dict[type[Any], Batch] = {}
        self._parent = None if parent is None else weakref.ref(parent)
        self.way: Way = Way(None if parent is None else parent.way)

    @property
    def has_room(self) -> bool:
        """Whether the next page may join, so that small pages load together."""
        return len(self._members) < _ROOM

    @property
    def parent(self) -> Batch | None:
        """The batch of the instances that led to these, while any of them is in use."""
        return None if self._parent is None else self._parent()

    def add(self, instance: Any) -> None:
        """Let an instance load together with the others."""
        self._members.add(instance)

    def members(self) -> list[Any]:
        """Return the instances that are still in use."""
        parent = self.parent
        if parent:
            parent.refer(self.model)
        return self.alive()

    def alive(self) -> list[Any]:
        """Return those of them that were met."""
        return self._members.alive()

    def refer(self, target: type[Any]) -> None:
        """Make the references of all members to a model, so that they load together."""
        names = [field.name for field in self.model.directus.fields.values() if field.target is target]
        for instance in self.members():
            for name in names:
                if name in instance.__dict__:
                    getattr(instance, name)

    def related(self, target: type[Any], name: str, *, many: bool = False) -> Batch:
        """Return the batch of the related instances of a model: two rows that name one key share one instance.

        ``name`` is the relation's, as a path has it; ``many`` says that it leads to many.
        """
        part = self._parts.get(target)
        if part is None:
            part = self._parts[target] = Batch(self.session, target, self)
        if name not in part.way.names:
            part.way.names[name] = many
        return part

    def instance(self, key: Any) -> Any:
        """Return the one instance with a key; a new one knows nothing else of its row."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = reference(self.model, key, self)
        return found


def state_of(instance: Any) -> State:
    """Return what an instance knows of its row."""
    state: State = instance.__dict__["_state"]
    return state


def key_of(instance: Any) -> Any:
    """Return the value of the key field, or None before there is one.

    Raises:
        ConversionError: there is a key, and its value does not fit.
    """
    pk = type(instance).directus.pk
    if pk.name in instance.__dict__:
        return instance.__dict__[pk.name]
    problem = state_of(instance).problems.get(pk.name)
    if problem is not None:
        raise problem.again()
    return None


def stored_key(instance: Any) -> Any:
    """Return the key of an instance's row as the server writes it, whatever was assigned meanwhile.

    Raises:
        ConversionError: the server does not write it as it is (G32), so that another row would be meant.
        DoesNotExist: it is not known.
    """
    key_of(instance)
    column = type(instance).directus.pk.column
    if column not in state_of(instance).row:
        raise gone(instance, "the server did not say the key it made, since this user may not read")
    return state_of(instance).row[column]


def session_of(instance: Any) -> Session:
    """Return the session an instance came by, else the current one."""
    batch = state_of(instance).batch
    return current_session() if batch is None else batch.session


def blank(model: type[Any], state: State) -> Any:
    """Return an instance without values; ``__init__`` is not called."""
    instance: Any = object.__new__(model)
    instance.__dict__["_state"] = state
    return instance


def reference(model: type[Any], key: Any, batch: Batch | None = None) -> Any:
    """Return an instance of which only the key is known; nothing is asked until something else is read."""
    pk = model.directus.pk
    instance = blank(model, State(batch, {pk.column: pk.value_type.dump(key)}, stored=True))
    instance.__dict__[pk.name] = key
    if batch is not None:
        batch.add(instance)
    return instance


# A reference holds its state and its key.
_OF_REFERENCES = 2
# So many may be loaded by one request.
_ROOM = 1000


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
        self._plan = plan(self._fields)
        nested = tuple(nested)
        self._nested: list[_NestedOne] = [
            (f, RowLoader(target_of(f), found, _behind(f, nested)), raw_key(f)) for f, found in inner.items()
        ]
        self._lists = [ListLoader(each) for each in nested if len(each.path) == 1]

    def __call__(self, row: Row, batch: Batch) -> Any:
        """Return a new instance for a row."""
        instance = blank(self.model, State(batch, row, stored=True))
        batch.add(instance)
        self.fill(instance, row, batch)
        return instance

    def fill(self, instance: Any, row: Row, batch: Batch) -> None:
        """Give an instance the values of a row, and the related instances that came with it."""
        take_by(self._plan, instance, row)
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
        if len(related.__dict__) > _OF_REFERENCES:
            self._complete(related, part, batch)
        else:
            row = state_of(related).row
            row.update(part)
            self.fill(related, row, batch)
        return related

    def _complete(self, instance: Any, row: Row, batch: Batch) -> None:
        """Give an instance what it lacks; what it has may have been changed meanwhile."""
        values = instance.__dict__
        missing = [field for field in self._fields if field.name not in values]
        if missing:
            complete(instance, row, missing)
        for nested in self._nested:
            field, loader, _ = nested
            part = row.get(field.column)
            if not is_model(type(values.get(field.name))):
                self._link(instance, row, batch, nested)
            elif isinstance(part, dict):
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


# Of each field: its name and column, the JSON class that is taken as it is, the conversion of others, and itself.
Planned = tuple[str, str, type | None, Convert, Field]
_Plan = tuple[Planned, ...]


def plan(fields: Iterable[Field]) -> _Plan:
    """Return what `take_by` needs of fields, looked up once for all rows."""
    return tuple((f.name, f.column, f.value_type.plain, f.value_type.load, f) for f in fields)


def take(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Give an instance the values of a row; one that does not fit is left out, and says so when it is read."""
    take_by(plan(fields), instance, row)


def take_by(fields: _Plan, instance: Any, row: Row) -> None:
    """Do as `take` does; this runs for every row of a loop."""
    values = instance.__dict__
    for name, column, plain, load, field in fields:
        try:
            raw = row[column]
            if raw.__class__ is plain:
                values[name] = raw
            elif raw is not None:
                values[name] = load(raw)
            elif field.nullable:
                values[name] = None
            else:
                _leave_out(instance, row, field, None)
        except (KeyError, ValueError, TypeError, ArithmeticError) as error:
            _leave_out(instance, row, field, error)


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


def read_rows(session: Session, instances: Sequence[Any], fields: Iterable[Field]) -> list[Row | None]:
    """Read the rows of instances of one model again; of one that is not there, None.

    By SEARCH, which no cache of the server answers (G28).
    """
    info = type(instances[0]).directus
    pk: Field = info.pk
    query = Query(info.model, paths=tuple((field,) for field in dict.fromkeys((pk, *fields))))
    dialect = session.dialect
    if info.options.singleton:
        answer = session.send(dialect.read_singleton(query, fresh=True))
        return [dialect.singleton_row(answer, info)]
    return found_rows(session, query, instances)


def found_rows(session: Session, query: Query, instances: Sequence[Any]) -> list[Row | None]:
    """Read what a query brings of the rows of instances; of one that is not there, None."""
    pk: Field = query.model.directus.pk
    keys = [stored_key(instance) for instance in instances]
    steps = key_pages(query, list(dict.fromkeys(keys)), session.dialect, session.max_rows)
    found = {pk.load(row[pk.column]): row for rows in fetch(session, steps) for row in rows}
    return [found.get(pk.load(key)) for key in keys]


def gone(instance: Any, why: str = "") -> DoesNotExist:
    """Return the error for an instance whose row is not there."""
    model = type(instance)
    hint = why or "it was deleted, never there, or this user may not read it"
    key = instance.__dict__.get(model.directus.pk.name)
    error: DoesNotExist = model.DoesNotExist(f"{model.__name__} with key {key!r} does not exist: {hint}.")
    return error


def complete(instance: Any, row: Row, fields: Iterable[Field]) -> None:
    """Take what an instance lacks; what was assigned meanwhile stays."""
    missing = [field for field in fields if field.name not in instance.__dict__]
    state_of(instance).row.update({field.column: row.get(field.column) for field in missing})
    take(instance, row, missing)
