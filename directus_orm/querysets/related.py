"""`Related`: the related rows of one instance as a queryset, with add, remove, set, create and clear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload
from uuid import UUID

from ..core.async_twins import async_twin
from ..core.deferred_import import DeferredModule
from ..core.errors import UnsupportedQuery
from ..core.progress import Progress
from ..core.tracebacks import hides_locals
from ..fields.registry import is_row_of
from ..fields.to_many import ToMany
from ..instances.state import (
    HasKey,
    does_not_exist,
    is_new,
    row_identity,
    session_of,
    state_of,
    stored_key,
)
from ..query.conditions import Exists
from ..query.lookups.field_lookups import condition
from ..query.lookups.ordering import list_queries
from ..query.query import PrefetchedList, Query
from ..session.http.routes import SYSTEM_COLLECTIONS
from ..session.session import Session
from .junction_models import field_of, junction_condition, junction_model, read_links, shown_keys
from .queryset import QuerySet
from .result_shapes import Instances

if TYPE_CHECKING:
    from ..instances import lazy_loading
    from ..reading import explain as query_explain
    from ..reading.explain import Explanation
    from ..writing import relation_arguments, relation_writes
else:
    lazy_loading = DeferredModule("..instances.lazy_loading", __package__)
    query_explain = DeferredModule("..reading.explain", __package__)
    relation_arguments = DeferredModule("..writing.relation_arguments", __package__)
    relation_writes = DeferredModule("..writing.relation_writes", __package__)


M = TypeVar("M", bound=HasKey)
One = TypeVar("One", bound=HasKey)
Key = int | str | UUID

# Methods that need the rows in the order of the junction, which no query can have.
_NOT_IN_JUNCTION_ORDER = frozenset({"limit", "offset", "page", "reverse"})
# Methods of `QuerySet` that would create rows, and not add them to the list.
_NOT_OF_LISTS = frozenset({"bulk_create", "upsert"})
# The methods that work without a query: no single query has instances of several models.
_OF_SEVERAL_MODELS = frozenset({"iteration", "truth", "slices", "add", "remove", "set", "clear", "create"})


class Related(QuerySet[M]):
    """The related rows of one instance, as a queryset: ``comments: Related["Comment"] = one_to_many("article")``.

    Iterating over ``article.comments`` loads the lists of all articles of the same page in one request, and keeps
    them. `filter` and the other methods that return querysets read the rows of this instance alone. `add`,
    `remove`, `set`, `create` and `clear` write the relation.

    Example:
        >>> len(Airline.objects.get(pk="AA").flights.filter(dep_delay__gt=60))
        10
    """

    __slots__ = ("_instance", "_relation")

    _instance: Any
    _relation: ToMany

    @classmethod
    def of(cls, instance: Any, relation: ToMany) -> Self:
        """Return the related rows of an instance, with the rows that are loaded or wait to be saved."""
        state = state_of(instance)
        related = cls(_query_of(instance, relation), Instances(), state.batch.session if state.batch else None)
        related._instance, related._relation = instance, relation
        if not state.stored:
            pending = state.pending.get(relation.name, ())
            related._cache, related._complete = [added for added, _ in pending], True
        elif relation.name in instance.__dict__:
            related._cache, related._complete = instance.__dict__[relation.name], True
        return related

    @property
    def through(self) -> QuerySet[Any]:
        """The rows of the junction that belong to this instance, with their own fields, in the relation's order.

        Raises:
            UnsupportedQuery: a one-to-many has no junction.
        """
        if self._relation.is_one_to_many:
            msg = f"{self._relation} is a one-to-many, which has no junction."
            raise UnsupportedQuery(msg)
        objects: QuerySet[Any] = junction_model(self._relation).objects
        model = objects.query.model
        rows = objects.filter(**{field_of(model, self._relation.source_column).name: self._instance})
        if (
            self._relation.junction in SYSTEM_COLLECTIONS
        ):  # its rows link others as well: a policy to roles and users
            rows = rows.filter(**{f"{field_of(model, self._relation.target_column).name}__isnull": False})
        sort = self._relation.sort_column
        return rows.order_by(field_of(model, sort).name) if sort else rows

    def of_model(self, model: type[One]) -> QuerySet[One]:
        """Return the rows of a many-to-any that are of one model, as a queryset of that model.

        Raises:
            UnsupportedQuery: the relation does not lead to this model.

        Example:
            >>> hero = page.blocks.create(Hero, title="Hello")
            >>> page.blocks.of_model(Hero).filter(title="Hello").count()
            1
        """
        for relation in self._relation.scopes:
            if relation.target is model or issubclass(model, relation.target):
                if not relation.is_many_to_any:
                    return self._with(self._query)  # type: ignore[no-any-return]
                target: Any = model
                rows: QuerySet[One] = target.objects.filter()
                where = junction_condition(self._instance, relation)
                return type(rows)(rows.query.filtered(where), Instances(), self._using)
        names = ", ".join(target.__name__ for target in self._relation.targets)
        msg = f"{self._relation} leads to {names}, not to {model!r}."
        raise UnsupportedQuery(msg)

    def all(self) -> Self:
        """Return the same rows; rows that are loaded are not read again."""
        return self.of(self._instance, self._relation)

    def using(self, session: Session) -> Any:
        """Return the same rows, to be read by this session instead of the session of the instance."""
        self._check_verb("using")
        return self._with(self._query).using(session)

    @hides_locals
    def explain(self) -> Explanation:
        """Return the requests that reading the rows would send, as data and in words; nothing is sent."""
        if not state_of(self._instance).stored:
            return super().explain()
        load = lazy_loading.lazy_load_for(self._instance, all_related(self._relation))
        keys = [stored_key(instance) for instance in load.instances]
        return query_explain.explain_list(self._relation, load.query, keys, load.batch.session)

    @hides_locals
    def first(self) -> M | None:
        """Return the first row or None, by key if unordered; lists with a ``sort`` field are read whole."""
        return next(iter(self._read_all()), None) if self._is_read_whole else super().first()

    @hides_locals
    def last(self) -> M | None:
        """Return the last row or None, by key if unordered; lists with a ``sort`` field are read whole."""
        return next(iter(self._read_all()[::-1]), None) if self._is_read_whole else super().last()

    def _iterator_pages(
        self, page_size: int | None = None, read_ahead: int = 1, progress: Progress = None, after: Any = None
    ) -> Iterator[list[M]]:
        if after is not None:
            self._check_verb("iterator(after=…)")
        elif self._is_read_whole or not state_of(self._instance).stored:
            return self._with_progress(self._single_page(), progress)
        return super()._iterator_pages(page_size, read_ahead, progress, after)

    def _single_page(self) -> Iterator[list[M]]:
        yield self._read_all()

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> M | Self | list[M]:
        """Return the row at a position, or the queryset of a range of rows; negative positions are refused."""
        if self._is_read_whole:
            self._read_all()
        return super().__getitem__(index)

    @property
    def _is_read_whole(self) -> bool:
        """Whether the list is always read whole, since no query returns it in the order of the junction."""
        return bool(self._relation.sort_column) and not self._query.order

    def _check_verb(self, verb: str) -> None:
        if verb in _NOT_OF_LISTS:
            msg = f"{self._relation} has no {verb}(): add(*instances) creates and adds many instances."
            raise UnsupportedQuery(msg)
        if self._is_read_whole and verb in _NOT_IN_JUNCTION_ORDER:
            msg = (
                f"{self._relation} is in the order of its junction, which no query can have, so it has no "
                f"{verb}(): take a slice, or part of list(…), or call order_by() first, for another order."
            )
            raise UnsupportedQuery(msg)
        super()._check_verb(verb)

    # --- writing ----------------------------------------------------------------------------------------------

    @hides_locals
    def add(self, *others: M | Key, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Add instances, or rows by their keys, to the list; those that are in it already stay as they are.

        New instances are created first. If this instance is not saved yet, nothing is sent: `Model.save` sends the
        list along with it.

        Args:
            others: instances of the related model, or keys.
            through_defaults: values of further fields of the new junction rows, by the server's field names.

        Raises:
            TypeError: an argument is neither an instance nor a key.
            DoesNotExist: one of the instances was deleted meanwhile.

        Example:
            >>> article.tags.add(tag, 5, through_defaults={"note": "by hand"})
        """
        instances = relation_arguments.coerce_instances(self._relation, "add", others)
        values = relation_arguments.junction_values(self._relation, through_defaults)
        if self._is_unsaved("add"):
            pending = self._pending_links()
            already_added = [added for added, _ in pending]
            pending += [(instance, values) for instance in instances if not _contains(already_added, instance)]
        elif self._relation.is_one_to_many:
            relation_writes.move_children(self._instance, self._relation, instances, ())
        elif instances:
            relation_writes.add_links(self._instance, self._relation, instances, values, self._junction_rows)
        self._forget_rows()

    @hides_locals
    def remove(self, *others: M | Key) -> None:
        """Remove instances, or rows by their keys, from the list; those that are not in it are ignored.

        The server's settings of the relation decide whether the removed children of a one-to-many, or the rows of
        the junction, are deleted, or only have their reference set to null.

        Example:
            >>> article.tags.remove(tag, 5)
        """
        instances = relation_arguments.coerce_instances(self._relation, "remove", others)
        if self._is_unsaved("remove"):
            pending = self._pending_links()
            pending[:] = [pair for pair in pending if not _contains(instances, pair[0])]
            self._forget_rows()
            return
        saved = relation_arguments.require_saved(self._relation, "remove", instances)
        if self._relation.is_one_to_many:
            relation_writes.move_children(self._instance, self._relation, (), saved)
        elif saved:
            relation_writes.remove_links(self._instance, self._relation, saved, self._junction_rows)
        self._forget_rows()

    @hides_locals
    def set(self, others: Iterable[M | Key], *, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Replace the list by these instances, or rows by their keys.

        The rows that are in the list now are read, and new instances are created. Then one request adds and
        removes only the differences, so that rows which another program adds meanwhile stay, and rows or links
        which this user may not see. If the relation has a ``sort`` field, the list gets the given order, unless
        ``others`` is a Python set.

        Raises:
            ConversionError: a row of the list has to go, and this user may not see a field that links it.

        Example:
            >>> article.tags.set([tag])
        """
        ordered = relation_arguments.keeps_order_of(self._relation, others)
        instances = relation_arguments.coerce_instances(self._relation, "set", others)
        values = relation_arguments.junction_values(self._relation, through_defaults)
        if self._is_unsaved("set"):
            self._pending_links()[:] = [(instance, values) for instance in instances]
        elif self._relation.is_one_to_many:
            relation_writes.move_children(self._instance, self._relation, *self._gained_and_lost(instances))
        else:
            relation_writes.set_links(
                self._instance, self._relation, instances, values, self._junction_rows, ordered=ordered
            )
        self._forget_rows()

    @hides_locals
    def clear(self) -> None:
        """Remove all rows that this user sees in the list, as ``set(())`` does: their keys are read, then sent."""
        self.set(())

    @overload
    def create(self, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> M: ...
    @overload
    def create(
        self, model: type[One], /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
    ) -> One: ...
    @hides_locals
    def create(
        self, model: Any = None, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
    ) -> Any:
        """Create an instance, save it, add it to the list, and return it.

        Of a many-to-any relation, the model is the first argument. If this instance is not saved yet, nothing is
        sent: `Model.save` sends the new instance along with it.

        Example:
            >>> comment = article.comments.create(text="First!")
            >>> hero = page.blocks.create(Hero, title="Welcome")
        """
        child = relation_arguments.new_child(self._relation, self._instance, model, values)
        self.add(child, through_defaults=through_defaults)
        return child

    if TYPE_CHECKING:  # `async_twin` keeps the types of a single signature, not of overloads

        @overload
        async def acreate(self, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> M: ...
        @overload
        async def acreate(
            self, model: type[One], /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
        ) -> One: ...
        async def acreate(self, model: Any = None, /, **values: Any) -> Any:
            """Do as `create` does, in a worker thread."""
    else:
        acreate = async_twin(create, changes=True)
    aadd = async_twin(add, changes=True)
    aremove = async_twin(remove, changes=True)
    aset = async_twin(set, changes=True)  # noqa: A003 - the method
    aclear = async_twin(clear, changes=True)

    def _gained_and_lost(self, wanted: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return the children to add and those to remove, so that the list holds the wanted ones."""
        rows = self._with(self._query).using(session_of(self._instance))
        # The server filters by fields that it hides on some rows: they match, and have a null in the response.
        links = rows.values_list("pk", self._relation.reverse_field.name)
        keys = [key for key, parent in links if parent is not None]
        children = relation_arguments.references_to(self._relation, keys)
        current = {row_identity(child): child for child in children}
        kept = {row_identity(child) for child in wanted if not is_new(child)}
        gained = [child for child in wanted if is_new(child) or row_identity(child) not in current]
        return gained, [child for child_identity, child in current.items() if child_identity not in kept]

    def _is_unsaved(self, verb: str) -> bool:
        state = state_of(self._instance)
        if state.deleted:
            raise does_not_exist(self._instance, f"it was deleted, and has nothing to {verb}")
        return not state.stored

    def _pending_links(self) -> list[tuple[Any, Mapping[str, Any]]]:
        """Return the entries of an unsaved list: instances, each with further values of its junction row."""
        return state_of(self._instance).pending.setdefault(self._relation.name, [])

    def _forget_rows(self) -> None:
        """Forget the loaded rows: other programs may have changed them, even if nothing was left to send."""
        if state_of(self._instance).stored:
            self._instance.__dict__.pop(self._relation.name, None)
        fresh = self.of(self._instance, self._relation)
        self._cache, self._complete = fresh._cache, fresh._complete  # noqa: SLF001 - of the same class

    def _junction_rows(self, others: Sequence[Any]) -> relation_writes.JunctionRows:
        """Return the junction rows that link this instance to others, by the related row; without others, all."""
        rows_by_identity: relation_writes.JunctionRows = {}
        for scope in self._relation.scopes:
            of_model = [other for other in others if is_row_of(other, scope.target)]
            if others and not of_model:
                continue
            collection, session = scope.target.directus.collection, session_of(self._instance)
            links = read_links(session, self._instance, scope, of_model)
            shown = {link.related_key for link in links} if of_model else shown_keys(session, scope, links)
            for link in links:
                # Of which row a link is that has no key, nobody can tell.
                is_shown = link.is_shown is not False and (link.related_key is None or link.related_key in shown)
                row = relation_writes.JunctionRow(link.key, link.sort, is_shown, link.hidden_column)
                rows_by_identity.setdefault((collection, link.related_key), []).append(row)
        return rows_by_identity

    def _with(self, query: Query) -> Any:
        return type(self._relation.target.objects)(query, self._shape, self._using)

    def _next_rows(self, place: Any) -> list[M]:
        return [] if place.position else super()._next_rows(place)

    def _next_cached_rows(self, place: Any) -> list[M]:
        # The list is read whole, so a loop that has rows has all of them, also if the list was written since.
        return [] if place.position else super()._next_cached_rows(place)

    @hides_locals
    def _read_next_page(self) -> bool:
        if self._complete:
            return False
        lazy_loading.load_list(self._instance, all_related(self._relation))
        self._cache, self._complete = self._instance.__dict__[self._relation.name], True
        return bool(self._cache)

    def __reduce__(self) -> tuple[Any, ...]:
        return _related_of, (type(self), self._instance, self._relation)


class RelatedAny(Related[M]):
    """The related rows of a many-to-any: a list of instances of several models, read whole.

    It has the methods of a list. Those that need a single query are refused: `of_model` returns a queryset of one
    model.
    """

    __slots__ = ()

    def _check_verb(self, verb: str) -> None:
        if verb not in _OF_SEVERAL_MODELS:
            raise self._refuse_for_many_models(f"no {verb}()")

    def _refuse_for_many_models(self, reason: str) -> UnsupportedQuery:
        names = " or ".join(f"of_model({target.__name__})" for target in self._relation.targets)
        return UnsupportedQuery(
            f"{self._relation} has rows of several models, and {reason}: {names} is a queryset of one."
        )

    @property
    def query(self) -> Query:
        """Refuse: a query has rows of one model only."""
        raise self._refuse_for_many_models("is no queryset of one")

    def _with(self, query: Query) -> Any:  # noqa: ARG002
        raise self._refuse_for_many_models("cannot be changed as a queryset of one")

    @property
    def _is_read_whole(self) -> bool:
        return True

    @hides_locals
    def contains(self, instance: Any) -> bool:
        """Return whether an instance is in the list."""
        return instance in self

    @hides_locals
    def count(self) -> int:
        """Return the length of the list."""
        return len(self)

    @hides_locals
    def exists(self) -> bool:
        """Return whether the list has any row."""
        return bool(self)

    def __getitem__(self, index: Any) -> Any:
        """Return the row at a position, or a list of a range of rows; as in any list, negative positions count."""
        return self._read_all()[index]


def _contains(instances: Iterable[Any], instance: Any) -> bool:
    """Whether a list has an instance, or an equal one; a set would not do, as unsaved instances have no hash."""
    return any(other is instance or other == instance for other in instances)


def _related_of(related_class: type[Any], instance: Any, relation: ToMany) -> Any:
    """Return the related rows of an unpickled instance."""
    return related_class.of(instance, relation)


def all_related(relation: ToMany) -> PrefetchedList:
    """Return the description of a list with all rows of a relation."""
    return PrefetchedList((relation,), list_queries(relation))


# --- the rows of one instance -----------------------------------------------------------------------------------


def _query_of(instance: Any, relation: ToMany) -> Query:
    """Return the query for the related rows of one instance; for a many-to-any, only those of its first model."""
    rows: QuerySet[Any] = relation.target.objects
    if not state_of(instance).stored:
        return rows.none().query
    stored_key(instance)  # raises if this user may not read the key
    if relation.is_many_to_any:
        return rows.query
    if relation.is_one_to_many:
        return list_queries(relation)[0].filtered(condition((relation.reverse_field,), "exact", instance))
    reverse = _reverse_of(relation)
    has_key = condition((relation.model.directus.pk,), "exact", instance)
    shortcut = None if reverse is None else Exists((reverse,), has_key)
    return rows.query.filtered(junction_condition(instance, relation, shortcut))


def _reverse_of(relation: ToMany) -> ToMany | None:
    """Return the relation of the other side over the same junction, or None where none is declared."""
    columns = (relation.target_column, relation.source_column)
    for other in relation.target.directus.relations.values():
        same = other.is_many_to_many and other.junction == relation.junction
        if same and (other.source_column, other.target_column) == columns:
            return other  # type: ignore[no-any-return]
    return None
