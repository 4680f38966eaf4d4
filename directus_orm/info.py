"""What is known of a model: its collection, its fields, and the way along a path of names.

Annotations are resolved at first use, so that models may name one another before they exist.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import operator
import sys
import types
import typing
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import inflection

from .convert import field_type
from .errors import ConfigurationError, FieldError, QueryError, UnsupportedQuery, suggestion
from .fields import RESERVED, Field, options_of
from .relations import RelationOptions, ToMany, relation_options

Step = Field | ToMany

_MOST_REMEMBERED = 1000

# What may follow a relation to many rows without naming one of the models it leads to.
_OF_LISTS = frozenset({"", "count", "isnull"})

_models: weakref.WeakValueDictionary[tuple[str, str], type[Any]] = weakref.WeakValueDictionary()


@attrs.frozen
class Options:
    """What a model's class statement says: collection, singleton, abstract, ordering."""

    collection: str
    singleton: bool = False
    abstract: bool = False
    ordering: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class ModelInfo:
    """A model in use: its options, its fields and relations to many by Python name, and its key field, ``pk``."""

    model: type[Any]
    options: Options
    fields: Mapping[str, Field] = attrs.field(repr=False)
    relations: Mapping[str, ToMany] = attrs.field(repr=False)
    pk: Field = attrs.field(init=False, repr=False)
    _followed: dict[str, tuple[tuple[Step, ...], str]] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "pk", self.fields[key_name(self.model)])

    @property
    def paths(self) -> tuple[tuple[Field], ...]:
        """The paths of its own fields: what is asked for by default, and never ``*``, which brings more."""
        return tuple((field,) for field in self.fields.values())

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
        raise self.unknown(name, where)

    def unknown(self, name: str, where: str = "", also: tuple[str, ...] = ()) -> FieldError:
        """Return the error for a name that is no field."""
        choices = (*self.fields, *self.relations, *also)
        known = {f.column: f.name for f in self.fields.values() if f.column != f.name}
        hint = f" The server's {name!r} is {known[name]!r} here." if name in known else suggestion(name, choices)
        if name in self.relations:
            hint = f" {name!r} leads to many rows."
        relation = getattr(self.model, "_made_of", None)
        who = self.model.__name__ if relation is None else f"The junction of {relation}"
        message = (
            f"{who} has no field {name!r}{where and f' (in {where})'}.{hint} "
            f"Fields: {', '.join(sorted((*self.fields, *self.relations)))}."
        )
        if relation is not None:
            message += f" They are those that {relation} tells of; its model as through= has all that it declares."
        return FieldError(message, name=name, choices=choices)

    def walk(self, path: str, where: str = "") -> tuple[tuple[Field, ...], str]:
        """Follow ``a__b__c`` over many-to-one fields; return the fields, and what is left of the path.

        Raises:
            FieldError: the first name is no field.
            UnsupportedQuery: the path leads over a relation to many rows.
        """
        steps, rest = self.follow(path, where)
        for step in steps:
            if isinstance(step, ToMany):
                msg = (
                    f"{where}: {step} leads to many rows, so that {path!r} has no single value. Query "
                    f"{step.target.__name__}, or count them with annotate(n=Count({step.name!r}))."
                )
                raise UnsupportedQuery(msg)
        return typing.cast("tuple[Field, ...]", steps), rest

    def follow(self, path: str, where: str = "") -> tuple[tuple[Step, ...], str]:
        """Follow a path over relations of every kind; return the steps, and what is left of the path.

        Raises:
            FieldError: the first name is no field, or a path over a many-to-any does not say to which model.
        """
        if not isinstance(path, str):
            msg = f"{where or 'a path'}: a name is a text, not {path!r}."
            raise QueryError(msg)
        known = self._followed.get(path)
        if known is None:
            known = self._follow(path, where)
            if len(self._followed) < _MOST_REMEMBERED:
                self._followed[path] = known
        return known

    def followed(self, path: str) -> tuple[tuple[Step, ...], str] | None:
        """Return what `follow` does of a path that was followed before, or None."""
        return self._followed.get(path)

    def _follow(self, path: str, where: str) -> tuple[tuple[Step, ...], str]:
        name, rest = self._first(path)
        steps: list[Step] = []
        owner = self
        while True:
            if name in owner.relations:
                relation = owner.relations[name]
                if relation.is_scoped and rest.partition("__")[0] not in _OF_LISTS:
                    scope, _, rest = rest.partition("__")
                    relation = relation.scoped(scope)
                relation.steps  # noqa: B018 - a wrong declaration is an error at the call
                steps.append(relation)
            else:
                steps.append(owner.field(name, where))
            target = steps[-1].target
            if not rest or target is None:
                break
            owner = target.directus
            name, after = owner._first(rest)  # noqa: SLF001
            # A field wins over a lookup of the same name.
            if name not in owner.fields and name not in owner.relations and name != "pk":
                break
            rest = after
        return tuple(steps), rest

    def _first(self, path: str) -> tuple[str, str]:
        """Split a path behind its first name; the longest field wins, since names may end in ``_``."""
        name, _, rest = path.partition("__")
        if name in self.fields and rest[:1] != "_":
            return name, rest
        fits = [name for name in (*self.fields, *self.relations) if path == name or path.startswith(f"{name}__")]
        name = max(fits, key=len, default=path.partition("__")[0])
        return name, path[len(name) + 2 :]


def is_model(kind: object) -> bool:
    """Return whether a class is a model; unlike asking for its info, this resolves no annotations."""
    return isinstance(kind, type) and getattr(kind, "_options", None) is not None


def collection_name(class_name: str) -> str:
    """Return the collection of a model that names none: ``BlogPost`` lives in ``blog_posts``."""
    return str(inflection.tableize(class_name))


def key_name(model: type[Any]) -> str:
    """Return the name of the key field: the one marked so, else ``id``.

    Raises:
        ConfigurationError: there is none, or more than one.
    """
    attributes = attrs.fields(model)
    marked = [a.name for a in attributes if options_of(a).primary_key]
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


def check_names(model: type[Any]) -> None:
    """Refuse field names that queries or `Model` itself could not tell from their own."""
    for name, annotation in inspect.get_annotations(model).items():
        if "ClassVar" in str(annotation) or (name not in RESERVED and "__" not in name and name[0] != "_"):
            continue
        msg = (
            f"{model.__name__}.{name}: this name is reserved, or has '__' or a leading '_', which paths and Model "
            f"use themselves. Choose another; the server's is said by field(name={name!r})."
        )
        raise ConfigurationError(msg)


def check_bases(model: type[Any]) -> None:
    """Refuse fields that a class statement names where they would be overlooked."""
    own = inspect.get_annotations(model)
    for base in model.__mro__[1:]:
        if is_model(base):
            hidden = [a.name for a in attrs.fields(base) if a.name in model.__dict__ and a.name not in own]
            problem = f"it hides the field of {base.__name__}: annotate it, to declare the field anew"
        else:
            hidden = [n for n, kind in inspect.get_annotations(base).items() if "ClassVar" not in str(kind)]
            problem = f"fields are taken from models: make {base.__name__} one, with abstract=True"
        if hidden and base not in (object, typing.Generic):
            msg = f"{model.__name__}.{hidden[0]}: {problem}."
            raise ConfigurationError(msg)


def check_columns(model: type[Any]) -> None:
    """Refuse two fields for one column."""
    columns: dict[str, str] = {}
    for attribute in attrs.fields(model):
        declared = relation_options(attribute) or options_of(attribute)
        column = declared.name or attribute.name
        if column in columns:
            both = f"{attribute.name} and .{columns[column]}"
            msg = f"{model.__name__}.{both} both name the server's field {column!r}."
            raise ConfigurationError(msg)
        columns[column] = attribute.name


def register(model: type[Any]) -> None:
    """Make a model known by its class name; one defined again, as in a notebook, replaces the former."""
    place = (model.__module__, model.__qualname__)
    if place in _models:
        for known in list(_models.values()):
            known._info = None  # noqa: SLF001 - what they know may lead to the former
    _models[place] = model


def latest(model: type[Any]) -> type[Any]:
    """Return the model that was last defined in a model's place."""
    return _models.get((model.__module__, model.__qualname__), model)


def build(model: type[Any], options: Options) -> ModelInfo:
    """Resolve the annotations of a model.

    Raises:
        ConfigurationError: an annotation names nothing that is known, or a type that has no meaning here.
    """
    fields: dict[str, Field] = {}
    relations: dict[str, ToMany] = {}
    for attribute in attrs.fields(model):
        to_many = relation_options(attribute)
        if to_many is None:
            fields[attribute.name] = _field(model, attribute)
        else:
            relations[attribute.name] = _relation(model, attribute, to_many)
    return ModelInfo(model, options, types.MappingProxyType(fields), types.MappingProxyType(relations))


def _relation(model: type[Any], attribute: attrs.Attribute[Any], declared: RelationOptions) -> ToMany:
    annotation = _resolve(model, attribute)
    inner = typing.get_args(annotation)
    targets = typing.get_args(inner[0]) or inner if inner else ()
    one = declared.kind != "many-to-any"
    if not _is_related(annotation) or not targets or not all(map(is_model, targets)) or (one and len(targets) > 1):
        wanted = "Related[Model]" if one else "Related[One | Another]"
        msg = (
            f"{model.__name__}.{attribute.name} is a {declared.kind} relation: its annotation is {wanted}, "
            f"not {attribute.type!r}."
        )
        raise ConfigurationError(msg)
    found = ToMany(model, attribute.name, declared.name or attribute.name, declared, tuple(map(latest, targets)))
    found.check_targets()
    return found


def _field(model: type[Any], attribute: attrs.Attribute[Any]) -> Field:
    declared = options_of(attribute)
    annotation, nullable = _without_none(_resolve(model, attribute))
    column = declared.name or attribute.name
    if is_model(annotation):
        if declared.type is not None:
            msg = f"{model.__name__}.{attribute.name} is a relation: its type is that of the other key."
            raise ConfigurationError(msg)
        return Field(model, attribute.name, column, nullable, declared, attribute, target=latest(annotation))
    if _is_related(annotation):
        msg = (
            f"{model.__name__}.{attribute.name} leads to many rows: say how, with = one_to_many(field), "
            "many_to_many(through) or many_to_any(through)."
        )
        raise ConfigurationError(msg)
    try:
        own_type = field_type(annotation, declared.type)
    except ConfigurationError as error:
        msg = f"{model.__name__}.{attribute.name}: {error}"
        raise ConfigurationError(msg) from None
    return Field(model, attribute.name, column, nullable, declared, attribute, own_type)


def _is_related(annotation: Any) -> bool:
    return getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Related"


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, annotation in (Any, object)
    parts = list(typing.get_args(annotation))
    rest = [part for part in parts if part is not type(None)]
    return functools.reduce(operator.or_, rest), len(rest) < len(parts)


def _resolve(model: type[Any], attribute: attrs.Attribute[Any]) -> Any:
    owner = _owner(model, attribute.name)
    holder = types.SimpleNamespace(__annotations__={"it": attribute.type})
    try:
        return typing.get_type_hints(holder, globalns={}, localns=_Scope(owner, attribute.name))["it"]
    except NameError as error:
        msg = (
            f"{model.__name__}.{attribute.name}: the annotation {attribute.type!r} names {error.name!r}, which is "
            f"neither in module {owner.__module__!r} nor a model. Import it there, or define it before first use."
        )
        raise ConfigurationError(msg) from None
    except TypeError as error:
        msg = f"{model.__name__}.{attribute.name}: the annotation {attribute.type!r} cannot be read: {error}."
        raise ConfigurationError(msg) from error


def _owner(model: type[Any], name: str) -> type[Any]:
    """Return the class whose body declares a field: its module is where the annotation's names live."""
    return next((c for c in model.__mro__ if name in inspect.get_annotations(c)), model)


class _Scope(dict[str, Any]):
    """The names an annotation may use: those of its module, the builtins, and all models by class name."""

    def __init__(self, owner: type[Any], field: str) -> None:
        super().__init__()
        self._owner = owner
        self._field = field

    def __missing__(self, name: str) -> Any:
        module = sys.modules.get(self._owner.__module__, builtins)
        for known in (vars(module), vars(builtins)):
            if name in known:
                return known[name]
        return self._model(name)

    def _model(self, name: str) -> type[Any]:
        for candidates in self._tiers(name):
            if len(candidates) > 1:
                places = sorted(f"{m.__module__}.{m.__qualname__}" for m in candidates)
                field = f"{self._owner.__name__}.{self._field}"
                msg = f"{field}: {name!r} may be any of {', '.join(places)}; import the one meant."
                raise ConfigurationError(msg)
            if candidates:
                return candidates[0]
        raise KeyError(name)

    def _tiers(self, name: str) -> Iterator[list[type[Any]]]:
        """Yield the models of that name, nearest first: the same function, the same module, all."""
        owner = self._owner
        found = [model for model in list(_models.values()) if model.__name__ == name]
        scope = owner.__qualname__.rpartition(".")[0]
        same_module = [model for model in found if model.__module__ == owner.__module__]
        yield [model for model in same_module if model.__qualname__.rpartition(".")[0] == scope]
        yield same_module
        yield found
