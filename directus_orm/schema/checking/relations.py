"""The differences between a relation of a model and that of the server: to one row, or a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...fields.field import Field
from ...fields.to_many import ToMany
from ..normal_form import CollectionSchema, DatabaseSchema, RelationSchema
from .columns import drift_of
from .drift import Drift


def to_one_drifts(
    field: Field, collection: CollectionSchema, *, compares_foreign_keys: bool = True
) -> Iterator[Drift]:
    """Yield the differences of a column that refers to a row, or might."""
    there = collection.relation(field.column)
    if field.target is None:
        if there is not None and there.kind == "many-to-one":
            message = "The field holds the key; declared as a relation, it would hold the row."
            yield drift_of(field, "relation-undeclared", field.type, there.related[0], message)
        return
    here = field.target.directus.collection
    if there is None or there.kind != "many-to-one":
        message = "The server knows no relation, and refuses to read along it."
        yield drift_of(field, "relation-differs", here, "no relation", message)
    elif there.related != (here,):
        message = "Rows of another collection are read into this model."
        yield drift_of(field, "relation-differs", here, there.related[0], message)
    elif compares_foreign_keys:
        yield from _foreign_key_drifts(field, there)


def _foreign_key_drifts(field: Field, there: RelationSchema) -> Iterator[Drift]:
    message = "Nothing breaks; the model says otherwise."
    options = field.options
    if not options.foreign_key and there.has_foreign_key:
        yield drift_of(field, "foreign-key-differs", "no foreign key", "a foreign key", message)
    # For databases, both refuse the deletion.
    same = {"RESTRICT": "NO ACTION"}
    said = options.on_delete and same.get(options.on_delete, options.on_delete)
    if said and there.on_delete and said != same.get(there.on_delete, there.on_delete):
        yield drift_of(field, "on-delete-differs", str(options.on_delete), there.on_delete, message)


def list_drifts(relation: ToMany, collection: CollectionSchema, schema: DatabaseSchema) -> Iterator[Drift]:
    """Yield the differences of a list of related rows."""
    if not relation.has_alias:
        yield from _unlisted_drifts(relation, schema)
        return
    there = collection.relation(relation.column)
    if there is None or not there.is_list:
        message = "The server has no such list, and refuses to read it."
        yield _drift(relation, "list-missing", f"a list of {_targets(relation)}", "no list", message)
        return
    here, found = _SHAPES[relation.kind](relation, there)
    if here != found:
        message = "Other rows are read, or none."
        yield _drift(relation, "list-differs", here, found, message)
        return
    yield from _list_option_drifts(relation, there)


def _unlisted_drifts(relation: ToMany, schema: DatabaseSchema) -> Iterator[Drift]:
    """Yield the difference of a list that the server has no field for: it needs the column that refers back."""
    other, column = relation.target.directus.collection, relation.source_column
    there = schema.collection(other).relation(column) if other in schema else None
    own = relation.model.directus.collection
    if other in schema and (there is None or there.related != (own,)):
        found = f"{other}.{column} leads to {', '.join(there.related) if there else 'nothing'}"
        yield _drift(relation, "list-differs", f"{other}.{column} leads to {own}", found, "Wrong rows are read.")


def _drift(relation: ToMany, code: str, here: str, there: str, message: str) -> Drift:
    return Drift(code, relation.model.__name__, relation.name, here, there, message)


def _targets(relation: ToMany) -> str:
    return ", ".join(each.directus.collection for each in relation.targets)


# --- the shape of each kind, here and there -------------------------------------------------------------------


def _one_to_many(relation: ToMany, there: RelationSchema) -> tuple[str, str]:
    here = f"{_targets(relation)} by {relation.source_column}"
    if there.kind == "one-to-many":
        return here, f"{', '.join(there.related)} by {there.reverse}"
    # The rows of a junction, too, refer to this model.
    return here, f"{there.junction} by {there.source}"


def _many_to_many(relation: ToMany, there: RelationSchema) -> tuple[str, str]:
    here = f"{_targets(relation)} through {relation.junction} ({relation.source_column}, {relation.target_column})"
    return here, _through(there, f"{there.source}, {there.target}")


def _many_to_any(relation: ToMany, there: RelationSchema) -> tuple[str, str]:
    names = f"{relation.source_column}, {relation.target_column}, {relation.collection_column}"
    lacking = [each.directus.collection for each in relation.targets]
    lacking = [each for each in lacking if each not in there.related]
    here = f"any of {', '.join(lacking) or 'several'} through {relation.junction} ({names})"
    if there.kind != "many-to-any":
        return here, _through(there, f"{there.source}, {there.target}")
    related = ", ".join(there.related) if lacking else "several"
    return (
        here,
        f"any of {related} through {there.junction} ({there.source}, {there.target}, {there.collection_field})",
    )


def _through(there: RelationSchema, names: str) -> str:
    related = ", ".join(there.related)
    if there.junction is None:
        return f"{related} by {there.reverse}"
    return f"{'any of ' * (there.kind == 'many-to-any')}{related} through {there.junction} ({names})"


_SHAPES: dict[str, Callable[[ToMany, RelationSchema], tuple[str, str]]] = {
    "one-to-many": _one_to_many,
    "many-to-many": _many_to_many,
    "many-to-any": _many_to_any,
}


# --- options --------------------------------------------------------------------------------------------------


def _list_option_drifts(relation: ToMany, there: RelationSchema) -> Iterator[Drift]:
    field = relation.sort_field
    sort = relation.sort_column if field is None else field.column
    if sort is None and there.sort is not None:
        message = "The list can be read in the order that Directus's app gives it."
        yield _drift(relation, "sort-undeclared", "no order", there.sort, message)
    elif sort != there.sort:
        message = "The list is read in another order than Directus's app gives it."
        yield _drift(relation, "sort-differs", str(sort), there.sort or "no order", message)
    deselect = relation.options.deselect
    if deselect is not None and there.deselect not in (None, deselect):
        message = "Nothing breaks; the model says otherwise."
        yield _drift(relation, "deselect-differs", deselect, str(there.deselect), message)
    further = [each for each in there.related if each not in {t.directus.collection for t in relation.targets}]
    if relation.is_many_to_any and further:
        message = "Rows of the others raise when they are read."
        yield _drift(relation, "target-undeclared", _targets(relation), ", ".join(there.related), message)
