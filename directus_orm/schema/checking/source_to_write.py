"""The line to write for a difference, as `generate` writes it, with the names of the models that are checked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import attrs

from ...fields.model_info import ModelInfo
from ..generating.fields import column, related_list
from ..generating.names import Names, names_of
from ..generating.options import GeneratorOptions
from ..normal_form import CollectionSchema, DatabaseSchema
from .drift import Drift

# `generate` does not write what these are about: their values say what to change.
_WITHOUT_LINE = frozenset({"foreign-key-differs", "index-differs", "note-differs"})


class SourceToWrite:
    """Writes lines with the names of models, and with those of `generate` for what has no model."""

    def __init__(self, schema: DatabaseSchema, models: Iterable[type[Any]]) -> None:
        chosen = _chosen_names(models)
        names: Names = names_of(schema, GeneratorOptions(names=chosen))
        self._names = attrs.evolve(names, undeclared=frozenset(names.classes) - chosen.keys())

    def line(self, info: ModelInfo, collection: CollectionSchema, drift: Drift) -> str:
        """Return the line for a field that the server has; empty where it has none."""
        if drift.code in _WITHOUT_LINE:
            return ""
        name = _columns(info).get(str(drift.field), drift.field)
        relation = next((each for each in collection.lists if each.field == name), None)
        field = next((each for each in collection.fields if each.name == name), None)
        if relation is not None:
            lines = related_list(collection, relation, self._names).lines
        elif field is not None:
            options = GeneratorOptions(choices="literal" if drift.code.startswith("choices-") else "none")
            lines = column(collection, field, self._names, options).lines
        else:
            return ""
        return textwrap.dedent("\n".join(lines))


def _chosen_names(models: Iterable[type[Any]]) -> dict[str, str]:
    """Return the names of classes by collection, and of attributes by ``collection.field``, each once."""
    chosen: dict[str, str] = {}
    for model in models:
        info: ModelInfo = model.directus
        if info.collection in chosen or model.__name__ in chosen.values():
            continue
        chosen[info.collection] = model.__name__
        chosen |= {f"{info.collection}.{column}": name for name, column in _columns(info).items()}
    return chosen


def _columns(info: ModelInfo) -> dict[str, str]:
    """Return the server's names of the fields and lists of a model, by their names in Python."""
    fields = {name: field.column for name, field in info.fields.items()}
    return fields | {name: relation.column for name, relation in info.relations.items()}
