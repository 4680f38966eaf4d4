"""Checks and converts the arguments of add(), remove(), set() and create() of a to-many relation. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from ..core.errors import FieldError, QueryError
from ..core.request_response import Row
from ..fields.registry import is_model, is_row_of
from ..fields.to_many import ToMany
from ..instances.state import does_not_exist, is_new, reference, row_identity, state_of

# --- related instances ------------------------------------------------------------------------------------------


def coerce_instances(relation: ToMany, verb: str, others: Iterable[Any]) -> list[Any]:
    """Return an instance for each argument, which is an instance or a key; each row once.

    Raises:
        TypeError: an argument is neither an instance nor a key.
        QueryError: no row can have a key.
        UnsupportedQuery: the server has no such list.
        DoesNotExist: an instance was deleted.
    """
    if not relation.has_alias:
        raise relation.missing_alias_error(f"{verb}() has nothing to write")
    if isinstance(others, str | bytes | Mapping) or not isinstance(others, Iterable):
        msg = f"{relation}.{verb}() takes a list, not {others!r}."
        raise TypeError(msg)
    instances: dict[Any, Any] = {}
    for other in others:
        instance = _coerce_instance(relation, verb, other)
        has_row = not is_new(instance) and instance.pk is not None
        instances.setdefault(row_identity(instance) if has_row else id(instance), instance)
    return list(instances.values())


def _coerce_instance(relation: ToMany, verb: str, other: Any) -> Any:
    if any(is_row_of(other, target) for target in relation.targets):
        if state_of(other).deleted:
            raise does_not_exist(other, "it was deleted")
        return other
    if other is None or is_model(type(other)) or relation.is_many_to_any:
        raise _wrong_type(relation, verb, other)
    pk = relation.target.directus.pk
    try:
        key = pk.value_type.load(pk.value_type.dump(other))
    except (ValueError, TypeError, ArithmeticError):
        raise _wrong_type(relation, verb, other) from None
    if not key:
        msg = f"{relation}.{verb}(): {pk} cannot be {key!r}."
        raise QueryError(msg)
    return reference(relation.target, key)


def _wrong_type(relation: ToMany, verb: str, other: Any) -> TypeError:
    key = "" if relation.is_many_to_any else f", or its key ({relation.target.directus.pk.value_type.python})"
    hint = f"; {verb}(*…) takes each of a list" if verb != "set" and isinstance(other, Iterable) else ""
    msg = (
        f"{relation}.{verb}() takes {_target_names(relation)}{key}, not {other!r} ({type(other).__name__}){hint}."
    )
    return TypeError(msg)


def _target_names(relation: ToMany) -> str:
    return " or ".join(target.__name__ for target in relation.targets)


def require_saved(relation: ToMany, verb: str, instances: Sequence[Any]) -> list[Any]:
    """Return the instances if all of them have rows.

    Raises:
        QueryError: an instance has no row.
    """
    for instance in instances:
        if is_new(instance):
            msg = f"{relation}.{verb}(): {instance!r} is not saved, so it cannot be in the list."
            raise QueryError(msg)
    return list(instances)


def references_to(relation: ToMany, keys: Iterable[Any]) -> Iterator[Any]:
    """Yield an instance for each key, of which only the key is known."""
    return (reference(relation.target, key) for key in keys)


def new_child(relation: ToMany, parent: Any, model: Any, values: dict[str, Any]) -> Any:
    """Return a new instance for the list of a parent.

    Raises:
        TypeError: the model is not one of the relation's, or is missing though the relation has several.
        QueryError: the values name another parent.
    """
    if model is None and not relation.is_many_to_any:
        model = relation.target
    if model not in relation.targets:
        given = "missing" if model is None else repr(model)
        msg = f"{relation}.create() makes a {_target_names(relation)}: name the model first; it is {given}."
        raise TypeError(msg)
    if relation.is_one_to_many:
        name = relation.reverse_field.name
        if name in values and values[name] is not parent and values[name] != parent:
            msg = f"{relation}.create({name}=…): its rows belong to this {type(parent).__name__}; leave it out."
            raise QueryError(msg)
        values = {**values, name: parent}
    return model(**values)


def keeps_order_of(relation: ToMany, others: Any) -> bool:
    """Return whether the relation stores the order of the arguments; a set has none."""
    return relation.sort_column is not None and not isinstance(others, Set)


# --- fields of the junction -------------------------------------------------------------------------------------


def junction_values(relation: ToMany, values: Any) -> Row:
    """Return ``through_defaults`` as JSON: values of further junction fields, by the server's names.

    Raises:
        TypeError: the values are not a mapping.
        QueryError: there is no junction, or a field is one that the relation sets itself.
        FieldError: the junction's model has no such field.
        ConversionError: a value does not fit its field.
    """
    if values is None or values == {}:
        return {}
    if not isinstance(values, Mapping):
        msg = f"{relation}: through_defaults= takes a dict, by the server's names, not {values!r}."
        raise TypeError(msg)
    if relation.is_one_to_many:
        msg = f"{relation} is a one-to-many, which has no junction for through_defaults={dict(values)!r}."
        raise QueryError(msg)
    set_by_relation = {relation.source_column, relation.target_column, relation.collection_column}
    for name in values:
        if name in set_by_relation:
            msg = f"{relation}: through_defaults= contains {name!r}, which the relation sets itself."
            raise QueryError(msg)
    through = relation.options.through
    return dict(values) if isinstance(through, str) else _dump_junction_values(relation, through, values)


def _dump_junction_values(relation: ToMany, junction: Any, values: Mapping[str, Any]) -> Row:
    fields = {field.column: field for field in junction.directus.fields.values()}
    for name in values:
        if name not in fields:
            msg = (
                f"{relation}: the junction {junction.__name__} has no field {name!r} (in through_defaults=). "
                f"Fields, by the server's names: {', '.join(fields)}."
            )
            raise FieldError(msg, name=name, choices=tuple(fields))
    row = {name: fields[name].dump(value, None) for name, value in values.items()}
    for name, sent in row.items():
        fields[name].check_length(sent)
    return row
