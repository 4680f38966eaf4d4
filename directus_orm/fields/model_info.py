"""`ModelInfo`: the collection, fields and relations of a model, and the resolution of paths such as ``a__b__c``.

Annotations are resolved at first use, so that models may refer to one another before they are defined.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

import attrs
import inflection

from ..core.errors import ConfigurationError, FieldError, QueryError, UnsupportedQuery, suggestion
from .field import Field, field_options
from .to_many import ToMany

Step = Field | ToMany

_MOST_CACHED = 1000

# The lookups that may follow a many-to-any without the name of one of its models; "" is none.
_LOOKUPS_OF_LISTS = frozenset({"", "count", "isnull"})


@attrs.frozen
class ModelOptions:
    """The arguments of a model's class statement: collection, singleton, abstract, ordering, meta."""

    collection: str
    singleton: bool = False
    abstract: bool = False
    ordering: tuple[str, ...] = ()
    meta: Mapping[str, Any] = attrs.field(factory=lambda: types.MappingProxyType({}), hash=False)
    junction_of: ToMany | None = attrs.field(default=None, eq=False)
    """The relation whose junction this model stands for; None for a model that the user declared."""


@attrs.frozen(eq=False)
class ModelInfo:
    """A model whose annotations are resolved: its options, and its fields and relations to many by Python name.

    It is ``Model.directus``, which tools may read: `docs/models.md` lists the attributes that stay.
    """

    model: type[Any]
    options: ModelOptions
    fields: Mapping[str, Field] = attrs.field(repr=False)
    relations: Mapping[str, ToMany] = attrs.field(repr=False)
    pk: Field = attrs.field(init=False, repr=False)
    _resolved: dict[str, tuple[tuple[Step, ...], str]] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "pk", self.fields[primary_key_name(self.model)])

    @property
    def paths(self) -> tuple[tuple[Field], ...]:
        """The paths of its own fields, which are read by default; never ``*``, which reads more."""
        return tuple((field,) for field in self.fields.values())

    @property
    def columns(self) -> set[str]:
        """The server's names of its fields and lists."""
        return {f.column for f in self.fields.values()} | {r.column for r in self.relations.values()}

    @property
    def collection(self) -> str:
        """The server's name of the collection."""
        return self.options.collection

    def field(self, name: str, where: str = "") -> Field:
        """Return a field by its Python name, or ``pk``.

        Raises:
            FieldError: there is none; the message names the choices.
        """
        if name == "pk":
            return self.pk
        if name in self.fields:
            return self.fields[name]
        raise self.unknown_field(name, where)

    def unknown_field(self, name: str, where: str = "", also: tuple[str, ...] = ()) -> FieldError:
        """Return the error for a name that is no field; ``where`` is the call, ``also`` names further choices."""
        choices = (*self.fields, *self.relations, *also)
        renamed = {f.column: f.name for f in self.fields.values() if f.column != f.name}
        hint = (
            f" The server's {name!r} is {renamed[name]!r} here." if name in renamed else suggestion(name, choices)
        )
        if name in self.relations:
            hint = f" {name!r} leads to many rows."
        relation = self.options.junction_of
        owner = self.model.__name__ if relation is None else f"The junction of {relation}"
        message = (
            f"{owner} has no field {name!r}{where and f' (in {where})'}.{hint} "
            f"Fields: {', '.join(sorted((*self.fields, *self.relations)))}."
        )
        if relation is not None:
            message += f" {relation} names only these: for others, give it a model of the junction as through=."
        return FieldError(message, name=name, choices=choices)

    def resolve_to_one(self, path: str, where: str = "") -> tuple[tuple[Field, ...], str]:
        """Resolve a path over many-to-one fields; return its fields, and the rest of the path (a lookup).

        Raises:
            FieldError: the first name is no field.
            UnsupportedQuery: the path leads over a relation to many rows.
        """
        steps, rest = self.resolve_path(path, where)
        for step in steps:
            if isinstance(step, ToMany):
                msg = (
                    f"{where}: {step} leads to many rows, so that {path!r} has no single value. Query "
                    f"{step.target.__name__}, or count them with annotate(n=Count({step.name!r}))."
                )
                raise UnsupportedQuery(msg)
        return typing.cast("tuple[Field, ...]", steps), rest

    def resolve_relation(self, path: str, where: str) -> tuple[Step, ...]:
        """Resolve a path that ends in a relation; return its steps.

        Raises:
            FieldError: a name does not exist.
            QueryError: the path ends in something else.
        """
        steps, rest = self.resolve_path(path, where)
        last = steps[-1]
        if rest or last.target is None:
            owner: ModelInfo = last.target.directus if rest and last.target else last.model.directus
            relations = (*owner.relations, *(f.name for f in owner.fields.values() if f.target is not None))
            name = owner.model.__name__
            msg = (
                f"{where}: {name}.{rest or last.name} is no relation. "
                f"Relations of {name}: {', '.join(relations) or 'none'}."
            )
            raise QueryError(msg)
        return steps

    def resolve_path(self, path: str, where: str = "") -> tuple[tuple[Step, ...], str]:
        """Resolve a path over relations of every kind; return its steps, and the rest of the path (a lookup).

        Raises:
            FieldError: the first name is no field, or the path names no model of a many-to-any.
        """
        if not isinstance(path, str):
            msg = f"{where or 'a path'}: a name is a text, not {path!r}."
            raise QueryError(msg)
        resolved = self._resolved.get(path)
        if resolved is None:
            resolved = self._resolve(path, where)
            if len(self._resolved) < _MOST_CACHED:
                self._resolved[path] = resolved
        return resolved

    def cached_path(self, path: str) -> tuple[tuple[Step, ...], str] | None:
        """Return the steps and the rest of a path that was resolved before, else None."""
        return self._resolved.get(path)

    def _resolve(self, path: str, where: str) -> tuple[tuple[Step, ...], str]:
        name, rest = self._split_first(path)
        steps: list[Step] = []
        owner = self
        while True:
            if name in owner.relations:
                relation = owner.relations[name]
                if relation.is_many_to_any and rest.partition("__")[0] not in _LOOKUPS_OF_LISTS:
                    scope, _, rest = rest.partition("__")
                    relation = relation.scoped(scope)
                relation.target_column  # noqa: B018 - raises for a wrong declaration
                steps.append(relation)
            else:
                steps.append(owner.field(name, where))
            target = steps[-1].target
            if not rest or target is None:
                break
            owner = target.directus
            name, after = owner._split_first(rest)  # noqa: SLF001
            # A field wins over a lookup of the same name.
            if name not in owner.fields and name not in owner.relations and name != "pk":
                break
            rest = after
        return tuple(steps), rest

    def _split_first(self, path: str) -> tuple[str, str]:
        """Split a path after its first name; the longest field wins, since names may end in ``_``."""
        name, _, rest = path.partition("__")
        if name in self.fields and rest[:1] != "_":
            return name, rest
        names = (*self.fields, *self.relations)
        fitting = [name for name in names if path == name or path.startswith(f"{name}__")]
        name = max(fitting, key=len, default=path.partition("__")[0])
        return name, path[len(name) + 2 :]


def default_collection(class_name: str) -> str:
    """Return the collection of a model whose class statement names none: ``blog_posts`` for ``BlogPost``."""
    return str(inflection.tableize(class_name))


def primary_key_name(model: type[Any]) -> str:
    """Return the name of the primary key: the field marked as such, else ``id``.

    Raises:
        ConfigurationError: the model has no primary key, or several.
    """
    attributes = attrs.fields(model)
    marked = [a.name for a in attributes if field_options(a).primary_key]
    if len(marked) > 1:
        msg = f"{model.__name__} marks {len(marked)} fields as primary_key ({', '.join(marked)}); one is needed."
        raise ConfigurationError(msg)
    if marked:
        return str(marked[0])
    if any(a.name == "id" for a in attributes):
        return "id"
    msg = (
        f"{model.__name__} has no key: mark a field with field(primary_key=True), or name one 'id'. "
        "A base for other models, without a collection, is declared with abstract=True."
    )
    raise ConfigurationError(msg)
