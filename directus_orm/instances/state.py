"""Instances: how rows become them, what each knows of its row, and how what is not loaded comes in.

There is one mechanism for all that is not loaded: a value that is missing from an instance's ``__dict__`` is
asked for by the attribute that stands on the class (see `attributes`), for all instances of the page at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from ..core.errors import ConversionError, DoesNotExist
from ..core.messages import Row
from ..fields.model_info import ModelInfo, is_model
from ..session.session import Session, current_session


class InstanceState:
    """What an instance knows of its row.

    ``row`` holds the server's JSON for each column that is loaded, untouched, to tell changes by. ``missing`` says
    that the row was asked for and not there.
    """

    __slots__ = ("_pending", "_problems", "batch", "deleted", "missing", "row", "stored")

    def __init__(self, batch: PageBatch | None = None, row: Row | None = None, *, stored: bool = False) -> None:
        self.batch = batch
        self.row: Row = {} if row is None else row
        self.stored = stored
        self.deleted = self.missing = False
        # Most instances need neither.
        self._problems: dict[str, ConversionError] | None = None
        self._pending: dict[str, list[tuple[Any, Mapping[str, Any]]]] | None = None

    @property
    def problems(self) -> dict[str, ConversionError]:
        """The fields whose value could not be taken, and why."""
        if self._problems is None:
            self._problems = {}
        return self._problems

    @property
    def pending(self) -> dict[str, list[tuple[Any, Mapping[str, Any]]]]:
        """The related rows that go along when the instance is created, by relation."""
        if self._pending is None:
            self._pending = {}
        return self._pending

    def detached(self) -> InstanceState:
        """Return the same knowledge without batch and session, for copies and pickles."""
        copy = InstanceState(None, dict(self.row), stored=self.stored)
        copy.problems.update(self.problems)
        copy.pending.update((name, list(waiting)) for name, waiting in self.pending.items())
        copy.deleted = self.deleted
        return copy


class RelationTrail:
    """The relations that led from what a query found to a batch: their names, and whether they lead to many."""

    __slots__ = ("names", "parent")

    def __init__(self, parent: RelationTrail | None = None) -> None:
        self.parent = parent
        self.names: dict[str, bool] = {}

    def paths(self) -> list[tuple[str, bool]]:
        """Return the paths as queries write them, and whether one leads over a relation to many."""
        if self.parent is None:
            return [("", False)]
        before, names = self.parent.paths(), self.names.items()
        return [(extend_path(path, name), over_many or many) for path, over_many in before for name, many in names]


def extend_path(path: str, name: str) -> str:
    """Return a path with one more name."""
    return f"{path}__{name}" if path else name


# So many may be loaded by one request.
BATCH_SIZE = 1000


class PageBatch:
    """Instances that came together, held weakly: what one of them lacks is loaded for all."""

    __slots__ = (
        "__weakref__",
        "_known",
        "_members",
        "_most",
        "_parent",
        "_parts",
        "model",
        "session",
        "touched",
        "trail",
    )

    def __init__(self, session: Session, model: type[Any], parent: PageBatch | None = None) -> None:
        self.session = session
        self.model = model
        # Unsaved ones have no hash, so this is a list.
        self._members: list[weakref.ref[Any]] = []
        self._most = BATCH_SIZE
        self._known: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
        self._parts: dict[type[Any], PageBatch] = {}
        self._parent = None if parent is None else weakref.ref(parent)
        # What was loaded for it when it was touched, in this order.
        self.touched: dict[Any, None] = {}
        self.trail: RelationTrail = RelationTrail(None if parent is None else parent.trail)

    @property
    def has_room(self) -> bool:
        """Whether the next page may join, so that small pages load together."""
        if len(self._members) >= BATCH_SIZE:
            self._forget_gone()
        return len(self._members) < BATCH_SIZE

    @property
    def parent(self) -> PageBatch | None:
        """The batch of the instances that led to these, while any of them is in use."""
        return None if self._parent is None else self._parent()

    def add(self, instance: Any) -> None:
        """Let an instance load together with the others."""
        if len(self._members) >= self._most:
            self._forget_gone()
        self._members.append(weakref.ref(instance))

    def _forget_gone(self) -> None:
        # Now and then: to be told of each that goes would take a fifth of the time that it takes to make it.
        self._members = [member for member in self._members if member() is not None]
        self._most = max(BATCH_SIZE, 2 * len(self._members))

    def members(self) -> list[Any]:
        """Return the instances that are still in use."""
        parent = self.parent
        if parent:
            parent.make_references(self.model)
        return self.living_members()

    def living_members(self) -> list[Any]:
        """Return those of them that were met."""
        return [instance for member in list(self._members) if (instance := member()) is not None]

    def make_references(self, target: type[Any]) -> None:
        """Make the references of all members to a model, so that they load together."""
        names = [field.name for field in self.model.directus.fields.values() if field.target is target]
        for instance in self.members():
            for name in names:
                if name in instance.__dict__:
                    getattr(instance, name)

    def related_batch(self, target: type[Any], name: str, *, many: bool = False) -> PageBatch:
        """Return the batch of the related instances of a model: two rows that name one key share one instance.

        ``name`` is the relation's, as a path has it; ``many`` says that it leads to many.
        """
        part = self._parts.get(target)
        if part is None:
            part = self._parts[target] = PageBatch(self.session, target, self)
        if name not in part.trail.names:
            part.trail.names[name] = many
        return part

    def known_related_batch(self, target: type[Any]) -> PageBatch | None:
        """Return the batch of the related instances of a model, where there is one."""
        return self._parts.get(target)

    def instance_with_key(self, key: Any) -> Any:
        """Return the one instance with a key; a new one knows nothing else of its row."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = reference(self.model, key, self)
        return found


def state_of(instance: Any) -> InstanceState:
    """Return what an instance knows of its row."""
    state: InstanceState = instance.__dict__["_state"]
    return state


def is_new(value: Any) -> bool:
    """Return whether a value is an instance that has no row yet."""
    return is_model(type(value)) and not state_of(value).stored and not state_of(value).deleted


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
        raise does_not_exist(instance, "the server did not say the key it made, since this user may not read")
    return state_of(instance).row[column]


def session_of(instance: Any) -> Session:
    """Return the session an instance came by, else the current one."""
    batch = state_of(instance).batch
    return current_session() if batch is None else batch.session


def new_instance(model: type[Any], state: InstanceState) -> Any:
    """Return an instance without values; ``__init__`` is not called."""
    instance: Any = object.__new__(model)
    instance.__dict__["_state"] = state
    return instance


def reference(model: type[Any], key: Any, batch: PageBatch | None = None) -> Any:
    """Return an instance of which only the key is known; nothing is asked until something else is read."""
    pk = model.directus.pk
    instance = new_instance(model, InstanceState(batch, {pk.column: pk.value_type.dump(key)}, stored=True))
    instance.__dict__[pk.name] = key
    if batch is not None:
        batch.add(instance)
    return instance


def is_reference(instance: Any) -> bool:
    """Return whether an instance has nothing but its state and its key."""
    return len(instance.__dict__) <= _OF_REFERENCES


_OF_REFERENCES = 2


def does_not_exist(instance: Any, why: str = "") -> DoesNotExist:
    """Return the error for an instance whose row is not there."""
    model = type(instance)
    hint = why or "it was deleted, never there, or this user may not read it"
    key = instance.__dict__.get(model.directus.pk.name)
    error: DoesNotExist = model.DoesNotExist(f"{model.__name__} with key {key!r} does not exist: {hint}.")
    return error


def info_of(instance: Any) -> ModelInfo:
    """Return the description of an instance's model."""
    info: ModelInfo = type(instance).directus
    return info


def key_to_send(instance: Any) -> Any:
    """Return the key of an instance as it is sent.

    Raises:
        DoesNotExist: it has no row.
    """
    if state_of(instance).deleted:
        raise does_not_exist(instance, "it was deleted")
    return stored_key(instance)
