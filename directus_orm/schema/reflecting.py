"""`Session.reflect`: models that are made from the server's schema at run time."""

from __future__ import annotations

import itertools
import threading
import types
import weakref
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

from ..core.errors import DoesNotExist, suggestion
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.registry import forget
from ..fields.to_many_declaration import many_to_any, many_to_many, one_to_many
from ..fields.type_table import DOCUMENTS, TYPES
from ..models.model import Model
from ..querysets.related import Related
from ..session.session import Session
from .naming import class_names, field_names
from .normal_form import CollectionSchema, DatabaseSchema, FieldSchema, RelationSchema
from .reading import read_schema
from .system_models import system_models

_numbers = itertools.count(1)
_lock = threading.RLock()
_reflections: weakref.WeakKeyDictionary[Session, Reflection] = weakref.WeakKeyDictionary()


def reflect(session: Session, collection: str, *, relations: bool, fresh: bool) -> type[Model]:
    """Return the model of a collection; the same one for the same session and arguments, unless it is ``fresh``.

    Raises:
        DoesNotExist: there is no such collection, or this user does not see it, or it has no key.
    """
    with _lock:
        if fresh or session not in _reflections:
            _reflections[session] = Reflection(read_schema(session))
        return _reflections[session].model(collection, with_relations=relations)


class Reflection:
    """The models of a schema: those with relations lead to one another, the others hold keys."""

    def __init__(self, schema: DatabaseSchema) -> None:
        self._schema = schema
        self._collections = {each.name: each for each in schema.collections}
        self._class_names = class_names(self._collections)
        self._families = {False: _Family(self), True: _Family(self)}

    def model(self, collection: str, *, with_relations: bool) -> type[Model]:
        """Return the model of a collection.

        Raises:
            DoesNotExist: there is none.
        """
        if collection not in self._collections:
            if collection in system_models():
                return system_models()[collection]
            raise self._missing(collection)
        family = self._families[with_relations]
        return family.related(collection) if with_relations else family.plain(collection)

    def schema_of(self, collection: str) -> CollectionSchema:
        """Return the schema of a collection."""
        return self._collections[collection]

    def class_name(self, collection: str) -> str:
        """Return the name of the class of a collection."""
        return self._class_names[collection]

    def _missing(self, collection: str) -> DoesNotExist:
        notes = [str(note) for note in self._schema.notes if (note.collection, note.field) == (collection, None)]
        why = notes[0] if notes else suggestion(collection, tuple(self._collections)).strip()
        text = f"There is no collection {collection!r} to reflect, or this user may not see it. {why}"
        return DoesNotExist(text.rstrip())


class _Family:
    """The models of a schema with relations, or those without."""

    def __init__(self, reflection: Reflection) -> None:
        self._reflection = reflection
        # Of no module that could be imported: the models of two sessions are not the same.
        self._module = f"reflected_{next(_numbers)}"
        self._models: dict[str, type[Model]] = {}

    def plain(self, collection: str) -> type[Model]:
        """Return the model of a collection, in which relations are keys."""
        if collection not in self._models:
            self._define(collection, ())
        return self._models[collection]

    def related(self, collection: str) -> type[Model]:
        """Return the model of a collection, with all that its relations lead to."""
        if collection not in self._models:
            self._define_all(self._reached_from(collection))
        return self._models[collection]

    def _reached_from(self, collection: str) -> list[str]:
        """Return the collections without a model that relations lead to, however many steps away."""
        reached, waiting = [], [collection]
        while waiting:
            name = waiting.pop()
            if name not in self._models and name not in reached:
                reached.append(name)
                followed = _followed(self._reflection.schema_of(name))
                waiting += [other for relation in followed for other in relation.related]
                waiting += [relation.junction for relation in followed if relation.junction]
        return reached

    def _define_all(self, collections: Iterable[str]) -> None:
        collections = list(collections)
        by_name = {name: _followed(self._reflection.schema_of(name)) for name in collections}
        junctions = {each.junction for relations in by_name.values() for each in relations}
        for name in sorted(collections, key=lambda name: name not in junctions):  # the lists name their models
            self._define(name, by_name[name])
        for name in collections:
            self._resolve(name, by_name[name])

    def _define(self, collection: str, relations: Collection[RelationSchema]) -> None:
        schema = self._reflection.schema_of(collection)
        base = system_models().get(collection)
        columns = [each for each in schema.fields if base is None or not each.is_key]
        if base is not None and not columns and not relations:
            self._models[collection] = base
            return
        names = field_names(_server_names(schema))
        to_one = {each.field for each in relations if not each.is_list}
        body = _columns_body(columns, names, to_one)
        for relation in (each for each in relations if each.is_list):
            body["__annotations__"][names[relation.field]] = Any
            body[names[relation.field]] = self._list(relation, names[relation.field])
        class_name = self._reflection.class_name(collection) if base is None else base.__name__
        body |= {"__module__": self._module, "__qualname__": class_name, "__doc__": schema.note}
        options = {"collection": collection, "singleton": schema.is_singleton}
        model = types.new_class(class_name, (base or Model,), options, lambda names: names.update(body))
        # No annotation of the application means a model that it did not declare.
        forget(model)
        self._models[collection] = model

    def _list(self, relation: RelationSchema, name: str) -> Any:
        """Return the declaration of a relation to many rows."""
        server_name = relation.field if name != relation.field else None
        if relation.kind == "one-to-many":
            other = field_names(_server_names(self._reflection.schema_of(relation.related[0])))
            sort = None if relation.sort is None else other[relation.sort]
            return one_to_many(other[str(relation.reverse)], name=server_name, sort=sort)
        junction = str(relation.junction)
        through = self._models.get(junction, junction)
        names: dict[str, Any] = {"name": server_name, "source": relation.source, "target": relation.target}
        if relation.kind == "many-to-many":
            return many_to_many(through, sort=relation.sort, **names)
        return many_to_any(through, sort=relation.sort, collection=str(relation.collection_field), **names)

    def _resolve(self, collection: str, relations: Iterable[RelationSchema]) -> None:
        """Give the relations of a model the models that they lead to, which were not there when it was made."""
        schema = self._reflection.schema_of(collection)
        model: Any = self._models[collection]
        names = field_names(_server_names(schema))
        attributes = {each.name: each for each in attrs.fields(model)}
        for relation in relations:
            annotation = self._annotation(schema, relation)
            # As `attrs.resolve_types` does, which looks for names in a module.
            object.__setattr__(attributes[names[relation.field]], "type", annotation)

    def _annotation(self, schema: CollectionSchema, relation: RelationSchema) -> Any:
        first, *others = (self._models[name] for name in relation.related)
        target: Any = first
        for other in others:
            target = target | other
        if relation.is_list:
            return Related[target]
        return target | None if schema.field(relation.field).is_nullable else target


def _followed(schema: CollectionSchema) -> list[RelationSchema]:
    """Return the relations that a model can have; a column that leads to any collection is none of them."""
    return [each for each in schema.relations if each.kind != "any"]


def _server_names(schema: CollectionSchema) -> list[str]:
    return [*(each.name for each in schema.fields), *(each.field for each in schema.lists)]


# --- the body of a class ----------------------------------------------------------------------------------------


def _columns_body(
    columns: Iterable[FieldSchema], names: Mapping[str, str], to_one: Collection[str]
) -> dict[str, Any]:
    body: dict[str, Any] = {"__annotations__": {}}
    for each in columns:
        name, is_relation = names[each.name], each.name in to_one
        body["__annotations__"][name] = Any if is_relation else _annotation(each)
        body[name] = field(**_options(each, name, is_relation=is_relation))
    return body


def _annotation(column: FieldSchema) -> Any:
    kind = column.type.partition(".")[0]
    if kind not in TYPES:
        return Any  # of a type that Directus does not know: read as it comes
    annotation = TYPES[kind].annotations[0]
    return annotation | None if column.is_nullable and annotation is not Any else annotation


def _options(column: FieldSchema, name: str, *, is_relation: bool) -> dict[str, Any]:
    """Return the arguments of `field` for a column."""
    options: dict[str, Any] = {"primary_key": column.is_key, "readonly": column.is_readonly and not column.is_key}
    if name != column.name:
        options["name"] = column.name
    if not is_relation:
        options["type"] = _kind(column)
    if column.default is not None or column.made_by is not None:
        options["default"] = generated
    elif not column.needs_value:
        options["default"] = None
    return options


def _kind(column: FieldSchema) -> str | None:
    if column.secret is not None and column.type in ("string", "text", "hash"):
        return "hash"
    return column.type if column.type in (*TYPES, *DOCUMENTS) else None
