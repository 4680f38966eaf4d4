"""`Related`: the rows at the other end of a relation to many, as a queryset of each instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from ..core.async_twins import async_twin
from ..core.errors import UnsupportedQuery
from ..core.progress import Progress
from ..fields.to_many import ToMany
from ..instances.lazy_loading import lazy_load_for, load_list
from ..instances.state import does_not_exist, is_new, key_to_send, session_of, state_of, stored_key
from ..query.conditions import ALWAYS, Exists
from ..query.lookups.field_lookups import condition
from ..query.q import Q
from ..query.query import PrefetchedList, Query
from ..reading.explain import Explanation, explain_list
from ..session.session import Session
from ..writing import relation_writes
from .junctions import field_of, junction, junction_condition, junction_rows
from .queryset import HasKey, QuerySet
from .result_shapes import Instances

M = TypeVar("M", bound=HasKey)
One = TypeVar("One", bound=HasKey)


class Related(QuerySet[M]):
    """The rows behind a relation to many: ``comments: Related["Comment"] = one_to_many("article")``.

    ``article.comments`` is a queryset. As it is, it is read for all instances that came together, in one request,
    and kept; `filter` and its kin ask for the rows of this instance alone.
    """

    __slots__ = ("_instance", "_link")

    _instance: Any
    _link: ToMany

    @classmethod
    def of(cls, instance: Any, relation: ToMany) -> Self:
        """Return the rows behind a relation of an instance."""
        batch = state_of(instance).batch
        related = cls(_behind(instance, relation), Instances(), batch.session if batch else None)
        related._instance, related._link = instance, relation
        if not state_of(instance).stored:
            waiting = state_of(instance).pending.get(relation.name, ())
            related._cache, related._complete = [one for one, _ in waiting], True
        elif relation.name in instance.__dict__:
            related._cache, related._complete = instance.__dict__[relation.name], True
        return related

    @property
    def through(self) -> QuerySet[Any]:
        """The rows of the junction, with their own fields, in the order of the relation.

        Raises:
            UnsupportedQuery: a one-to-many has none.
        """
        if self._link.is_one_to_many:
            msg = f"{self._link} is a one-to-many, which has no junction."
            raise UnsupportedQuery(msg)
        rows: QuerySet[Any] = junction(self._link).objects
        sort = self._link.options.sort
        found = rows.filter(**{field_of(rows.query.model, self._link.source_column).name: self._instance})
        return found.order_by(field_of(rows.query.model, sort).name) if sort else found

    def of_model(self, model: type[One]) -> QuerySet[One]:
        """Return those rows of a many-to-any that are of one model, as a queryset.

        Raises:
            UnsupportedQuery: the relation does not lead there.
        """
        for relation in self._link.scopes:
            if relation.target is model or issubclass(model, relation.target):
                if not relation.is_many_to_any:
                    return self._with(self._query)  # type: ignore[no-any-return]
                known: Any = model
                rows: QuerySet[One] = known.objects.filter()
                where = junction_condition(self._instance, relation)
                return type(rows)(rows.query.filtered(where), Instances(), self._using)
        names = ", ".join(target.__name__ for target in self._link.targets)
        msg = f"{self._link} leads to {names}, not to {model!r}."
        raise UnsupportedQuery(msg)

    def all(self) -> Self:
        """Return the same rows, without asking again where they are known."""
        return self.of(self._instance, self._link)

    def using(self, session: Session) -> Any:
        """Ask this session, whatever the instance came by."""
        return self._with(self._query).using(session)

    def explain(self) -> Explanation:
        """Return what reading the rows sends, as data and in words; nothing is sent."""
        if not state_of(self._instance).stored:
            return super().explain()
        asking = lazy_load_for(self._instance, nested(self._link))
        keys = [stored_key(one) for one in asking.instances]
        return explain_list(self._link, asking.query, keys, asking.batch.session)

    def first(self) -> M | None:
        """Return the first row, by key where there is no ordering, or None."""
        return next(iter(self._all()), None) if self._is_sorted else super().first()

    def last(self) -> M | None:
        """Return the last row, by key where there is no ordering, or None."""
        return next(iter(self._all()[::-1]), None) if self._is_sorted else super().last()

    def _paged(
        self, page_size: int | None = None, read_ahead: int = 1, progress: Progress = None, after: Any = None
    ) -> Iterator[list[M]]:
        if (self._is_sorted or not state_of(self._instance).stored) and after is None:
            return self._told(self._at_once(), progress)
        return super()._paged(page_size, read_ahead, progress, after)

    def _at_once(self) -> Iterator[list[M]]:
        yield self._all()

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> M | Self | list[M]:
        """Return a row by position, or a query for a range of rows; nothing counts from the end."""
        if self._is_sorted:
            self._all()
        return super().__getitem__(index)

    @property
    def _is_sorted(self) -> bool:
        """Whether the rows are in an order that only the whole list has: that of the junction."""
        return bool(self._link.options.sort) and not self._query.order

    def _plural(self, verb: str) -> None:
        if verb in _OF_ALL_ROWS:
            msg = f"{self._link} has no {verb}(), which would tie nothing: add(*instances) makes and ties many."
            raise UnsupportedQuery(msg)
        if self._is_sorted and verb in _OF_ORDERS:
            msg = (
                f"{self._link} is in the order of its junction, which no query has, so that there is no {verb}(): "
                "take a slice, or part of list(…); what filter() and order_by() return has an order of its own."
            )
            raise UnsupportedQuery(msg)
        super()._plural(verb)

    # --- writing --------------------------------------------------------------------------------------------

    def add(self, *others: M | Any, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Tie instances, or rows by their keys, to this instance; those that are tied already stay as they are.

        New instances are created first. ``through_defaults`` are further fields of the junction's rows, by the
        server's names. Of an instance that is not saved, they wait, and go with its `save()`.

        Raises:
            TypeError: something else was given.
            DoesNotExist: one of them was deleted meanwhile.

        Example:
            >>> article.tags.add(tag, 5, through_defaults={"note": "by hand"})
        """
        found, further = (
            relation_writes.coerce_instances(self._link, "add", others),
            relation_writes.junction_values(self._link, through_defaults),
        )
        if self._waits("add"):
            waiting = self._waiting()
            known = [one for one, _ in waiting]
            waiting += [(one, further) for one in found if not _listed(one, known)]
        elif self._link.is_one_to_many:
            relation_writes.move_children(self._instance, self._link, found, ())
        elif found:
            relation_writes.add_links(self._instance, self._link, found, further, self._ties)
        self._reset()

    def remove(self, *others: M | Any) -> None:
        """Untie instances, or rows by their keys, from this instance; others are not touched.

        What becomes of rows of a one-to-many, and of a junction's rows, the relation's settings on the server say:
        they lead nowhere then, or are deleted.
        """
        found = relation_writes.coerce_instances(self._link, "remove", others)
        if self._waits("remove"):
            kept = [pair for pair in self._waiting() if not _listed(pair[0], found)]
            self._waiting()[:] = kept
        elif self._link.is_one_to_many:
            relation_writes.move_children(
                self._instance, self._link, (), relation_writes.require_saved(self._link, "remove", found)
            )
        elif found:
            relation_writes.remove_links(
                self._instance, self._link, relation_writes.require_saved(self._link, "remove", found), self._ties
            )
        self._reset()

    def set(self, others: Iterable[M | Any], *, through_defaults: Mapping[str, Any] | None = None) -> None:
        """Tie these instances, or rows by their keys, to this instance, and untie all others, in one request.

        Others are those that are found now: what another program ties meanwhile stays. Where the relation has a
        ``sort``, the list is in this order then, unless it is given as a Python set.
        """
        ordered = relation_writes.keeps_order_of(self._link, others)
        found, further = (
            relation_writes.coerce_instances(self._link, "set", others),
            relation_writes.junction_values(self._link, through_defaults),
        )
        if self._waits("set"):
            self._waiting()[:] = [(one, further) for one in found]
        elif self._link.is_one_to_many:
            relation_writes.move_children(self._instance, self._link, *self._difference(found))
        else:
            relation_writes.set_links(self._instance, self._link, found, further, self._ties, ordered=ordered)
        self._reset()

    def clear(self) -> None:
        """Untie all rows that are found now from this instance, as `set` does; the server is told their keys."""
        self.set(())

    @overload
    def create(self, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any) -> M: ...
    @overload
    def create(
        self, model: type[One], /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
    ) -> One: ...
    def create(
        self, model: Any = None, /, *, through_defaults: Mapping[str, Any] | None = None, **values: Any
    ) -> Any:
        """Make an instance, save it, tie it to this instance, and return it; of several models, say which first.

        Of an instance that is not saved, it waits, and goes with its `save()`.

        Example:
            >>> comment = article.comments.create(text="First!")
            >>> hero = page.blocks.create(Hero, title="Welcome")
        """
        made = relation_writes.new_child(self._link, self._instance, model, values)
        self.add(made, through_defaults=through_defaults)
        return made

    if TYPE_CHECKING:  # `async_twin` tells the types of one signature, not of several

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

    def _difference(self, wanted: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return those of the wanted children that are to be gained, and those to be lost."""
        rows = self._with(self._query).using(session_of(self._instance))
        now = {
            relation_writes.identity(one): one
            for one in relation_writes.references_to(self._link, rows.values_list("pk", flat=True))
        }
        kept = {relation_writes.identity(one) for one in wanted if not is_new(one)}
        gained = [one for one in wanted if is_new(one) or relation_writes.identity(one) not in now]
        return gained, [one for known, one in now.items() if known not in kept]

    def _waits(self, verb: str) -> bool:
        if state_of(self._instance).deleted:
            raise does_not_exist(self._instance, f"it was deleted, and has nothing to {verb}")
        return not state_of(self._instance).stored

    def _waiting(self) -> list[tuple[Any, Mapping[str, Any]]]:
        return state_of(self._instance).pending.setdefault(self._link.name, [])

    def _reset(self) -> None:
        """Look at the rows anew: other programs may have changed them, also where nothing was left to send."""
        if state_of(self._instance).stored:
            self._instance.__dict__.pop(self._link.name, None)
        again = self.of(self._instance, self._link)
        self._cache, self._complete = again._cache, again._complete  # noqa: SLF001 - another of this kind

    def _ties(self, others: Sequence[Any]) -> relation_writes.JunctionRows:
        """Return the junction's rows that tie these instances, or all, by what they lead to."""
        found: relation_writes.JunctionRows = {}
        for scope in self._link.scopes:
            mine = [one for one in others if isinstance(one, scope.target)]
            if others and not mine:
                continue
            rows = junction_rows(self._instance, scope)
            if mine:
                rows = rows.filter(target__in=mine)
            elif scope.target.objects.query.where != ALWAYS:  # what the list does not show stays as it is
                rows = rows.filter(target__in=scope.target.objects.all())
            for row in rows.using(session_of(self._instance)):
                if row.__dict__["target"] is not None:
                    tie = relation_writes.JunctionRow(key_to_send(row), row.__dict__.get("place"))
                    found.setdefault(relation_writes.identity(row.target), []).append(tie)
        return found

    def _with(self, query: Query) -> Any:
        kind = type(self._link.target.objects)
        return kind(query, self._shape, self._using)

    def _more(self) -> bool:
        if self._complete:
            return False
        load_list(self._instance, nested(self._link))
        self._cache, self._complete = self._instance.__dict__[self._link.name], True
        return bool(self._cache)

    def __reduce__(self) -> tuple[Any, ...]:
        return _of, (type(self), self._instance, self._link)


class RelatedAny(Related[M]):
    """The rows behind a many-to-any: a list of instances of several models; `of_model` is a queryset of one."""

    __slots__ = ()

    def get(self, *conditions: Q, **lookups: Any) -> M:
        """Refuse, as all verbs do that one query would have to answer."""
        self._plural("get")
        return super().get(*conditions, **lookups)

    def only(self, *names: str) -> Self:
        """Refuse: fields are those of one model."""
        self._plural("only")
        return super().only(*names)

    def defer(self, *names: str) -> Self:
        """Refuse: fields are those of one model."""
        self._plural("defer")
        return super().defer(*names)

    def using(self, session: Session) -> Any:
        """Refuse: the rows come by the session of the instance."""
        self._plural("using")
        return super().using(session)

    def contains(self, instance: Any) -> bool:
        """Return whether an instance is among the rows."""
        return instance in self

    def _plural(self, verb: str) -> None:
        if verb not in _OF_LISTS:
            raise self._manifold(f"no {verb}()")

    def _manifold(self, what: str) -> UnsupportedQuery:
        names = " or ".join(f"of_model({target.__name__})" for target in self._link.targets)
        return UnsupportedQuery(
            f"{self._link} has rows of several models, and {what}: {names} is a queryset of one."
        )

    @property
    def query(self) -> Query:
        """There is none: in other querysets it would stand for all rows of one model."""
        raise self._manifold("is no queryset of one")

    def _with(self, query: Query) -> Any:  # noqa: ARG002
        raise self._manifold("cannot be changed as a queryset of one")

    def count(self) -> int:
        """Return the number of rows."""
        return len(self)

    def exists(self) -> bool:
        """Return whether there is any row."""
        return bool(self)

    def first(self) -> M | None:
        """Return the first row, or None."""
        return self[0] if self else None

    def last(self) -> M | None:
        """Return the last row, or None."""
        return self._all()[-1] if self else None

    def _paged(
        self,
        page_size: int | None = None,  # noqa: ARG002
        read_ahead: int = 1,  # noqa: ARG002
        progress: Progress = None,
        after: Any = None,
    ) -> Iterator[list[M]]:
        if after is not None:
            self._plural("iterator(after=…)")
        return self._told(self._at_once(), progress)

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]


# What would have to know the order of a junction.
_OF_ORDERS = frozenset({"limit", "offset", "page", "reverse"})
_OF_ALL_ROWS = frozenset({"bulk_create", "upsert"})
_OF_LISTS = frozenset({"iteration", "truth", "slices", "add", "remove", "set", "clear", "create"})


def _listed(instance: Any, others: Iterable[Any]) -> bool:
    return any(one is instance or one == instance for one in others)


def _of(kind: type[Any], instance: Any, relation: ToMany) -> Any:
    return kind.of(instance, relation)


def nested(relation: ToMany) -> PrefetchedList:
    """Return the description of all rows behind a relation, for them to come along with others."""
    return PrefetchedList((relation,), tuple(target.objects.query for target in relation.targets))


# --- the rows of one instance -----------------------------------------------------------------------------------


def _behind(instance: Any, relation: ToMany) -> Query:
    rows: QuerySet[Any] = relation.target.objects
    if not state_of(instance).stored:
        return rows.none().query
    stored_key(instance)  # raises where this user was not told
    if relation.is_many_to_any:
        return rows.query
    if relation.is_one_to_many:
        return rows.query.filtered(condition((relation.reverse_field,), "exact", instance))
    reverse = _reverse(relation)
    if reverse is None:
        return rows.query.filtered(junction_condition(instance, relation))
    key = condition((relation.model.directus.pk,), "exact", instance)
    return rows.query.filtered(Exists((reverse,), key))


def _reverse(relation: ToMany) -> ToMany | None:
    """Return the other side's relation over the same junction, where it is declared."""
    ways = (relation.target_column, relation.source_column)
    for other in relation.target.directus.relations.values():
        same = other.is_many_to_many and other.junction == relation.junction
        if same and (other.source_column, other.target_column) == ways:
            return other  # type: ignore[no-any-return]
    return None
