"""`Related`: the rows at the other end of a relation to many, as a queryset of each instance."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Iterator
from typing import Any, Self, TypeVar

import attrs

from ..errors import UnsupportedQuery
from ..fields import Field, field, generated
from ..info import is_model
from ..instances import load_list, state_of
from ..relations import ToMany
from ..session import Session
from .conditions import Among, Leaf, Node, Some
from .lookups import condition
from .query import Nested, Query
from .queryset import HasKey, QuerySet
from .references import Reference
from .shapes import Instances

M = TypeVar("M", bound=HasKey)


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
            related._complete = True
        elif relation.name in instance.__dict__:
            related._cache, related._complete = instance.__dict__[relation.name], True
        return related

    @property
    def through(self) -> QuerySet[Any]:
        """The rows of the junction, with their own fields, in the order of the relation.

        Raises:
            UnsupportedQuery: a one-to-many has none.
        """
        if self._link.options.kind == "one-to-many":
            msg = f"{self._link} is a one-to-many, which has no junction."
            raise UnsupportedQuery(msg)
        rows: QuerySet[Any] = junction(self._link).objects
        sort = self._link.options.sort
        found = rows.filter(**{_field_of(rows.query.model, self._link.source).name: self._instance})
        return found.order_by(_field_of(rows.query.model, sort).name) if sort else found

    def all(self) -> Self:
        """Return the same rows, without asking again where they are known."""
        return self.of(self._instance, self._link)

    def using(self, session: Session) -> Any:
        """Ask this session, whatever the instance came by."""
        return self._with(self._query).using(session)

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

    def of_model(self, model: type[Any]) -> QuerySet[Any]:
        """Return those of the rows that are of one model, as a queryset."""
        for relation in self._link.scopes:
            if relation.target is model or issubclass(model, relation.target):
                rows: QuerySet[Any] = model.objects.filter()
                where = _through(self._instance, relation)
                return type(rows)(rows.query.filtered(where), Instances(), self._using)
        names = ", ".join(target.__name__ for target in self._link.targets)
        msg = f"{self._link} leads to {names}, not to {model!r}."
        raise UnsupportedQuery(msg)

    def _plural(self, verb: str) -> None:
        if verb not in _OF_LISTS:
            names = " or ".join(f"of_model({target.__name__})" for target in self._link.targets)
            msg = f"{self._link} has rows of several models, and no {verb}(): {names} is a queryset of one."
            raise UnsupportedQuery(msg)

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

    def iterator(self, page_size: int | None = None) -> Iterator[M]:  # noqa: ARG002
        """Iterate over the rows, which are read at once."""
        return iter(self)

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]


_OF_LISTS = frozenset({"iteration", "truth", "slices", "add", "remove", "set", "clear", "create"})


def _of(kind: type[Any], instance: Any, relation: ToMany) -> Any:
    return kind.of(instance, relation)


class ManyAttribute:
    """Stands for a relation to many rows: gives the rows of an instance."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return Reference(owner, (self.name,), to_many=True)
        relation = owner.directus.relations[self.name]
        return (RelatedAny if relation.is_scoped else Related).of(instance, relation)

    def __set__(self, instance: Any, value: Any) -> None:
        name = type(instance).__name__
        msg = f"{name}.{self.name} leads to many rows, and is not assigned: {self.name}.set([…]) writes them."
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<relation {self.name!r}>"


def nested(relation: ToMany) -> Nested:
    """Return the description of all rows behind a relation, for them to come along with others."""
    return Nested((relation,), tuple(target.objects.query for target in relation.targets))


# --- the rows of one instance -----------------------------------------------------------------------------------


def _behind(instance: Any, relation: ToMany) -> Query:
    rows: QuerySet[Any] = relation.target.objects
    if not state_of(instance).stored:
        return rows.none().query
    if relation.is_scoped:
        return rows.query
    if relation.options.kind == "one-to-many":
        return rows.query.filtered(condition((relation.reverse,), "exact", instance))
    reverse = _reverse(relation)
    if reverse is None:
        return rows.query.filtered(_through(instance, relation))
    key = condition((relation.model.directus.pk,), "exact", instance)
    return rows.query.filtered(Some((reverse,), key))


def _reverse(relation: ToMany) -> ToMany | None:
    """Return the other side's relation over the same junction, where it is declared."""
    ways = (relation.steps[1], relation.source)
    for other in relation.target.directus.relations.values():
        same = other.options.kind == "many-to-many" and _collection(other) == _collection(relation)
        if same and (other.source, other.steps[1]) == ways:
            return other  # type: ignore[no-any-return]
    return None


def _through(instance: Any, relation: ToMany) -> Node:
    """Return the condition that the junction ties a row to an instance, by the keys that stand there."""
    tie = _tie(relation.model, relation.name, relation.target)
    fields = tie.directus.fields
    where = [condition((fields["source"],), "exact", instance)]
    if relation.is_scoped:
        where.append(Leaf((fields["collection"],), "eq", relation.target.directus.collection))
    query = Query(tie, paths=((tie.directus.pk,), (fields["target"],)))
    for part in where:
        query = query.filtered(part)
    return Among((relation.target.directus.pk,), query, (fields["target"],))


# --- junctions --------------------------------------------------------------------------------------------------

_made: weakref.WeakKeyDictionary[type[Any], dict[tuple[str, type[Any] | None], type[Any]]] = (
    weakref.WeakKeyDictionary()
)


def junction(relation: ToMany) -> type[Any]:
    """Return the model of a relation's junction: the declared one, or one of the fields that are known."""
    through = relation.options.through
    if not isinstance(through, str):
        assert through is not None  # noqa: S101 - only a one-to-many has none
        return through
    return _once(relation, None, functools.partial(_junction, relation, through))


def _junction(relation: ToMany, collection: str) -> type[Any]:
    options = relation.options
    if relation.is_scoped:
        target: dict[Any, Any] = {options.target: str | None, options.collection: str | None}
    else:
        target = {relation.steps[1]: relation.target | None}
    sort = {options.sort: int | None} if options.sort else {}
    annotations = {"id": int, relation.source: relation.model | None, **target, **sort}
    return _define(relation, collection, annotations, {"id": field(default=generated, primary_key=True)})


def _tie(model: type[Any], name: str, target: type[Any]) -> type[Any]:
    """Return a model of the rows of a junction that lead to one model, for conditions on them."""
    relation = attrs.evolve(model.directus.relations[name], targets=(target,))
    return _once(relation, target, functools.partial(_define_tie, relation))


def _define_tie(relation: ToMany) -> type[Any]:
    step = relation.steps[1].partition(":")[0]
    fields = {
        "id": field(default=generated, primary_key=True, name=relation.junction_key),
        "source": field(default=None, name=relation.source),
        "target": field(default=None, name=step),
    }
    annotations = {"id": Any, "source": relation.model | None, "target": relation.target | None}
    if relation.is_scoped:
        annotations["collection"] = str | None
        fields["collection"] = field(default=None, name=relation.options.collection)
    return _define(relation, _collection(relation), {**annotations, "id": int}, fields)


def _collection(relation: ToMany) -> str:
    through = relation.options.through
    return through if isinstance(through, str) else str(through.directus.collection) if through else ""


def _once(relation: ToMany, target: type[Any] | None, make: Any) -> type[Any]:
    known = _made.setdefault(relation.model, {})
    key = (relation.name, target)
    if key not in known:
        known[key] = make()
    return known[key]


def _define(relation: ToMany, collection: str, annotations: dict[Any, Any], fields: dict[str, Any]) -> type[Any]:
    root = next(each for each in reversed(relation.model.__mro__) if is_model(each))
    name = f"{relation.model.__name__}_{relation.name}_{len(_made.get(relation.model, {}))}"
    body = {
        "__annotations__": annotations,
        "__module__": relation.model.__module__,
        "__qualname__": name,
        **fields,
    }
    return types.new_class(name, (root,), {"collection": collection}, lambda namespace: namespace.update(body))


def _field_of(model: type[Any], column: str | None) -> Field:
    fields: dict[str, Field] = {each.column: each for each in model.directus.fields.values()}
    return fields[column or ""]
