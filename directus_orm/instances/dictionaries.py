"""Instances as dictionaries: their loaded fields, and the related instances and lists that are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..core.errors import QueryError
from ..core.masking import MASK
from ..fields.field import Field
from ..fields.registry import is_model
from ..fields.to_many import ToMany, scope_name
from .state import info_of, is_reference, state_of

_COLLECTION = "collection"
"""The key that names the collection of an item of a many-to-any."""


@attrs.frozen
class Form:
    """How `Model.to_dict` writes values.

    Attributes:
        json: whether values are as the server writes them in JSON.
        skips_invalid: whether values that do not fit their fields are left out.
    """

    json: bool
    skips_invalid: bool


def to_dict(instance: Any, relations: bool | str | Iterable[str], form: Form) -> dict[str, Any]:
    """Return the loaded fields of an instance by name, with related instances and lists; see `Model.to_dict`."""
    if relations is True:
        return _with_all_loaded(instance, form, ())
    names = [relations] if isinstance(relations, str) else relations or ()
    return _with_named(instance, form, {name: name for name in names})


def own_values(instance: Any, form: Form) -> dict[str, Any]:
    """Return the loaded fields of an instance by name; a many-to-one is its key.

    Raises:
        ConversionError: a value does not fit its field.
    """
    values: dict[str, Any] = {}
    problems = state_of(instance).problems
    for field in info_of(instance).fields.values():
        if field.name in instance.__dict__:
            values[field.name] = _written(field, instance.__dict__[field.name], form)
        elif field.name in problems and not form.skips_invalid:
            raise problems[field.name].again()
    return values


def _written(field: Field, value: Any, form: Form) -> Any:
    value = value.pk if is_model(type(value)) else value
    # A masked secret cannot be dumped; it may be shown, since nothing is sent.
    return value if not form.json or value is None or value == MASK else field.dump(value)


# --- all that is loaded -----------------------------------------------------------------------------------------


def _with_all_loaded(instance: Any, form: Form, above: tuple[Any, ...]) -> dict[str, Any]:
    """Return the fields of an instance with all that is loaded of its relations.

    An instance that contains this one is not written again: a many-to-one to it is its key, and in a list it has
    its own fields only.
    """
    values = own_values(instance, form)
    path = (*above, instance)
    for name, related in _loaded_rows(instance):
        if not _is_among(path, related):
            values[name] = _with_all_loaded(related, form, path)
    for name, items in _loaded_lists(instance):
        kind = _kind_of_items(instance, name, items)
        values[name] = [{**kind.of(item), **_item_with_all_loaded(item, form, path)} for item in items]
    return values


def _item_with_all_loaded(item: Any, form: Form, path: tuple[Any, ...]) -> dict[str, Any]:
    return own_values(item, form) if _is_among(path, item) else _with_all_loaded(item, form, path)


def _is_among(instances: Iterable[Any], instance: Any) -> bool:
    return any(each is instance for each in instances)


def _loaded_rows(instance: Any) -> Iterator[tuple[str, Any]]:
    """Yield the many-to-one relations whose rows are loaded, each with the related instance."""
    for field in info_of(instance).fields.values():
        related = instance.__dict__.get(field.name)
        if field.target is not None and _is_loaded(related):
            yield field.name, related


def _is_loaded(related: Any) -> bool:
    """Return whether the row of a related instance was read, or is not stored yet."""
    if not is_model(type(related)):
        return False
    state = state_of(related)
    return not is_reference(related) or not state.stored or state.missing or bool(state.problems)


def _loaded_lists(instance: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of related instances that are loaded or wait to be saved, each by its attribute."""
    info = info_of(instance)
    for name in dict.fromkeys((*info.relations, *instance.__dict__)):
        items = None if name in info.fields else _loaded_list(instance, name)
        if items is not None:
            yield name, items


def _loaded_list(instance: Any, name: str) -> list[Any] | None:
    """Return the list of a relation, or that of a `Prefetch` in another attribute; None if it is not loaded."""
    items = instance.__dict__.get(name)
    if isinstance(items, list) and all(is_model(type(item)) for item in items):
        return items
    pending = state_of(instance).pending.get(name)
    return None if pending is None else [item for item, _ in pending]


# --- what is named ----------------------------------------------------------------------------------------------


def _with_named(instance: Any, form: Form, named: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of an instance with the relations at the end of these paths.

    ``named`` holds the paths from this instance, each with the whole path that the user named.
    """
    values = own_values(instance, form)
    rests: dict[str, dict[str, str]] = {}
    for path, whole in named.items():
        name, rest = _split_path(instance, path, whole)
        rests.setdefault(name, {}).setdefault(rest, whole)
    for name, paths in rests.items():
        if name not in state_of(instance).problems or name in instance.__dict__:
            values[name] = _named_relation(instance, form, name, paths)
    return values


def _named_relation(instance: Any, form: Form, name: str, paths: Mapping[str, str]) -> Any:
    """Return a related instance or list as dictionaries, with what the rests of the paths lead to.

    Raises:
        QueryError: it is not loaded.
    """
    rests = {rest: whole for rest, whole in paths.items() if rest}
    related, items = instance.__dict__.get(name), _loaded_list(instance, name)
    if _is_loaded(related):
        return _with_named(related, form, rests)
    if items is not None:
        kind = _kind_of_items(instance, name, items)
        return [{**kind.of(item), **_with_named(item, form, kind.paths_of(item, rests))} for item in items]
    if related is None and (name in instance.__dict__ or not state_of(instance).stored):
        return [] if name in info_of(instance).relations else None
    raise _not_loaded(instance, name, next(iter(paths.values())))


def _split_path(instance: Any, path: str, whole: str) -> tuple[str, str]:
    """Return the first name of a path and the rest.

    Raises:
        FieldError: there is no such relation.
        QueryError: a name is not a relation.
    """
    info, where = info_of(instance), f"to_dict(relations={whole!r})"
    own = isinstance(path, str) and next((n for n in _attribute_lists(instance) if _begins(path, n)), None)
    if own:
        return own, path[len(own) + 2 :]
    steps = info.resolve_relation(path, where)
    return steps[0].name, path[len(steps[0].name) + 2 :]


def _attribute_lists(instance: Any) -> Iterator[str]:
    """Yield the attributes that `Prefetch` gave to lists of an instance."""
    info = info_of(instance)
    for name, value in instance.__dict__.items():
        if isinstance(value, list) and name not in info.fields and name not in info.relations:
            yield name


def _begins(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}__")


def _not_loaded(instance: Any, name: str, whole: str) -> QueryError:
    """Return the error for a relation that is named and not loaded."""
    is_one = name in info_of(instance).fields
    call = "select_related" if is_one and "__" not in whole else "prefetch_related"
    has_key = is_one and name in instance.__dict__
    hidden = " If it is there, this user may not read that row: relations=True gives its key." if has_key else ""
    return QueryError(
        f"to_dict(relations={whole!r}): {type(instance).__name__}.{name} is not loaded, and to_dict() sends "
        f"nothing. Add {call}({whole!r}) to the queryset.{hidden}"
    )


# --- the items of a many-to-any ---------------------------------------------------------------------------------


@attrs.frozen
class _KindOfItems:
    """Tells the items of a many-to-any apart, by this key; the items of other lists have no such key."""

    key: str = ""

    def of(self, item: Any) -> dict[str, Any]:
        """Return the entry that says of which collection an item is."""
        return {self.key: info_of(item).collection} if self.key else {}

    def paths_of(self, item: Any, paths: Mapping[str, str]) -> Mapping[str, str]:
        """Return the paths that go on from an item; those of a many-to-any begin with the name of a model."""
        if not self.key:
            return paths
        scope = f"{scope_name(type(item))}__"
        return {path.removeprefix(scope): whole for path, whole in paths.items() if path.startswith(scope)}


def _kind_of_items(instance: Any, name: str, items: Iterable[Any]) -> _KindOfItems:
    relations: Mapping[str, ToMany] = info_of(instance).relations
    # A list with an attribute of its own may be that of any relation.
    candidates = [relations[name]] if name in relations else relations.values()
    relation = next((each for each in candidates if _may_hold(each, items)), None)
    if relation is None:
        return _KindOfItems()
    key = _COLLECTION
    while any(key in target.directus.fields for target in relation.targets):
        key += "_"
    return _KindOfItems(key)


def _may_hold(relation: ToMany, items: Iterable[Any]) -> bool:
    return relation.is_many_to_any and all(isinstance(item, relation.targets) for item in items)
