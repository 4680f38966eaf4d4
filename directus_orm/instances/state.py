"""The state of an instance (`InstanceState`), and the batch of instances that load together (`PageBatch`).

A value that is not loaded is missing from the instance's ``__dict__``. The descriptor of its field (see
`models.descriptors`) then loads it, for all instances of the batch in one request.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from ..core.errors import ConversionError, DoesNotExist
from ..core.request_response import Row
from ..fields.model_info import ModelInfo
from ..fields.registry import is_model
from ..session.current import current_session
from ..session.session import Session


class HasKey(Protocol):
    """An instance of a model, for type checkers: it has a key."""

    @property
    def pk(self) -> Any:
        """The key, or None if there is none yet."""


class InstanceState:
    """What an instance knows of its row on the server.

    ``row`` holds the server's JSON of each loaded column, unchanged; dirty tracking compares with it. ``missing``
    says that a request did not find the row.
    """

    __slots__ = ("_pending", "_problems", "batch", "deleted", "missing", "row", "stored")

    def __init__(self, batch: PageBatch | None = None, row: Row | None = None, *, stored: bool = False) -> None:
        self.batch = batch
        self.row: Row = {} if row is None else row
        self.stored = stored
        self.deleted = self.missing = False
        # Most instances need neither, so they are created on first use.
        self._problems: dict[str, ConversionError] | None = None
        self._pending: dict[str, list[tuple[Any, Mapping[str, Any]]]] | None = None

    @property
    def problems(self) -> dict[str, ConversionError]:
        """The fields whose value could not be converted, each with its error."""
        if self._problems is None:
            self._problems = {}
        return self._problems

    @property
    def pending(self) -> dict[str, list[tuple[Any, Mapping[str, Any]]]]:
        """The related instances to be written when this one is created, by relation.

        Each comes with the values of further fields of its junction row.
        """
        if self._pending is None:
            self._pending = {}
        return self._pending

    def keys(self) -> NoReturn:
        """Refuse `dict`: FastAPI tries it on all that ``vars(instance)`` holds, and shows this error."""
        raise TypeError("An instance of a model becomes JSON by instance.to_dict(json=True).")

    def detached(self) -> InstanceState:
        """Return a copy without batch and session, for copies and pickles."""
        copy = InstanceState(None, dict(self.row), stored=self.stored)
        copy.problems.update(self.problems)
        copy.pending.update((name, list(waiting)) for name, waiting in self.pending.items())
        copy.deleted = self.deleted
        return copy


class RelationTrail:
    """The relation path from the rows of a query to a batch.

    ``names`` holds the relations of the last step (several may lead to the same batch), each with whether it is
    to-many.
    """

    __slots__ = ("names", "parent")

    def __init__(self, parent: RelationTrail | None = None) -> None:
        self.parent = parent
        self.names: dict[str, bool] = {}

    def paths(self) -> list[tuple[str, bool]]:
        """Return the paths as queries write them, each with whether it crosses a to-many relation."""
        if self.parent is None:
            return [("", False)]
        return [
            (extend_path(path, name), crosses_many or is_many)
            for path, crosses_many in self.parent.paths()
            for name, is_many in self.names.items()
        ]


def extend_path(path: str, name: str) -> str:
    """Return a path with one more name at its end."""
    return f"{path}__{name}" if path else name


# The number of instances that one request may load for.
BATCH_SIZE = 1000


class PageBatch:
    """The instances of one page (weak references). A value missing on one is loaded for all in one request."""

    __slots__ = (
        "__weakref__",
        "_by_key",
        "_members",
        "_parent",
        "_prune_at",
        "_related",
        "lazily_loaded",
        "model",
        "readable",
        "session",
        "trail",
    )

    def __init__(
        self, session: Session, model: type[Any], parent: PageBatch | None = None, *, readable: bool = False
    ) -> None:
        self.session = session
        self.model = model
        # Whether only what the user may read is loaded later, too.
        self.readable: bool = readable if parent is None else parent.readable
        # Unsaved instances have no hash, so this is a list.
        self._members: list[weakref.ref[Any]] = []
        self._prune_at = BATCH_SIZE
        self._by_key: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
        self._related: dict[type[Any], PageBatch] = {}
        self._parent = None if parent is None else weakref.ref(parent)
        # What was loaded lazily for this batch, in this order.
        self.lazily_loaded: dict[Any, None] = {}
        self.trail: RelationTrail = RelationTrail(None if parent is None else parent.trail)

    @property
    def has_room(self) -> bool:
        """Whether the next page may join this batch, so that small pages load together."""
        if len(self._members) >= BATCH_SIZE:
            self._prune()
        return len(self._members) < BATCH_SIZE

    @property
    def parent(self) -> PageBatch | None:
        """The batch of the instances that refer to these, while any of them is in use."""
        return None if self._parent is None else self._parent()

    def add(self, instance: Any) -> None:
        """Add an instance to the batch."""
        if len(self._members) >= self._prune_at:
            self._prune()
        self._members.append(weakref.ref(instance))

    def _prune(self) -> None:
        # Called rarely: a weak reference callback per instance would add a fifth to the time of creating it.
        self._members = [member for member in self._members if member() is not None]
        self._prune_at = max(BATCH_SIZE, 2 * len(self._members))

    def members(self) -> list[Any]:
        """Return the instances that are still in use, with those that the parent refers to by bare keys."""
        parent = self.parent
        if parent:
            parent.make_references(self.model)
        return self.living_members()

    def living_members(self) -> list[Any]:
        """Return the instances that were created and are still in use."""
        return [instance for member in list(self._members) if (instance := member()) is not None]

    def make_references(self, target: type[Any]) -> None:
        """Replace the bare keys of a related model by instances, on all members, so that these load together."""
        names = [field.name for field in self.model.directus.fields.values() if field.target is target]
        for instance in self.members():
            for name in names:
                if name in instance.__dict__:
                    getattr(instance, name)

    def related_batch(self, target: type[Any], name: str, *, many: bool = False) -> PageBatch:
        """Return the batch of the related instances of a model; two rows with the same key share one instance.

        ``name`` is the relation's name in a path; ``many`` says that the relation is to-many.
        """
        batch = self._related.get(target)
        if batch is None:
            batch = self._related[target] = PageBatch(self.session, target, self)
        if name not in batch.trail.names:
            batch.trail.names[name] = many
        return batch

    def known_related_batch(self, target: type[Any]) -> PageBatch | None:
        """Return the batch of the related instances of a model, or None if there is none yet."""
        return self._related.get(target)

    def instance_with_key(self, key: Any) -> Any:
        """Return the only instance of the batch with a key; create a reference if there is none."""
        instance = self._by_key.get(key)
        if instance is None:
            instance = self._by_key[key] = reference(self.model, key, self)
        return instance


def state_of(instance: Any) -> InstanceState:
    """Return the state of an instance."""
    state: InstanceState = instance.__dict__["_state"]
    return state


def info_of(instance: Any) -> ModelInfo:
    """Return the description of an instance's model."""
    info: ModelInfo = type(instance).directus
    return info


def is_new(value: Any) -> bool:
    """Return whether a value is an instance that has no row yet."""
    return is_model(type(value)) and not state_of(value).stored and not state_of(value).deleted


def key_of(instance: Any) -> Any:
    """Return the value of the key field, or None if there is none yet.

    Raises:
        ConversionError: the server sent a key that does not fit the field.
    """
    pk = type(instance).directus.pk
    if pk.name in instance.__dict__:
        return instance.__dict__[pk.name]
    problem = state_of(instance).problems.get(pk.name)
    if problem is not None:
        raise problem.again()
    return None


def stored_key(instance: Any) -> Any:
    """Return the key of an instance's row in the server's JSON, even if another key was assigned since.

    Raises:
        ConversionError: the key that the server sent does not fit the field (G32): it could mean another row.
        DoesNotExist: the key is not known.
    """
    key_of(instance)
    column = type(instance).directus.pk.column
    if column not in state_of(instance).row:
        raise does_not_exist(instance, "the server did not return its key, since this user may not read it")
    return state_of(instance).row[column]


def key_to_send(instance: Any) -> Any:
    """Return the key of an instance's row for a payload.

    Raises:
        DoesNotExist: the instance was deleted, or its key is not known.
    """
    if state_of(instance).deleted:
        raise does_not_exist(instance, "it was deleted")
    return stored_key(instance)


RowIdentity = tuple[str, Any]
"""A collection and a key."""


def row_identity(instance: Any) -> RowIdentity:
    """Return what identifies the row of an instance: its collection and its key.

    Raises:
        DoesNotExist: the key is not known.
    """
    info = info_of(instance)
    return (info.collection, info.pk.load(stored_key(instance)))


def session_of(instance: Any) -> Session:
    """Return the session that loaded an instance, or the current session."""
    batch = state_of(instance).batch
    return current_session() if batch is None else batch.session


def new_instance(model: type[Any], state: InstanceState) -> Any:
    """Return an instance without values; ``__init__`` is not called."""
    instance: Any = object.__new__(model)
    instance.__dict__["_state"] = state
    return instance


def reference(model: type[Any], key: Any, batch: PageBatch | None = None) -> Any:
    """Return an instance of which only the key is known; access to another field loads the row."""
    pk = model.directus.pk
    instance = new_instance(model, InstanceState(batch, {pk.column: pk.value_type.dump(key)}, stored=True))
    instance.__dict__[pk.name] = key
    if batch is not None:
        batch.add(instance)
    return instance


# The state and the key.
_VALUES_OF_A_REFERENCE = 2


def is_reference(instance: Any) -> bool:
    """Return whether an instance has no value but its key."""
    return len(instance.__dict__) <= _VALUES_OF_A_REFERENCE


def does_not_exist(instance: Any, why: str = "") -> DoesNotExist:
    """Return the error for an instance whose row does not exist."""
    model = type(instance)
    hint = why or "it was deleted, never existed, or this user may not read it"
    key = instance.__dict__.get(model.directus.pk.name)
    error: DoesNotExist = model.DoesNotExist(f"{model.__name__} with key {key!r} does not exist: {hint}.")
    return error
