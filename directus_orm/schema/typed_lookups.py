"""The stub file of a model's lookups, which type checkers and editors read; see `models.typed_lookups`."""

from __future__ import annotations

import enum
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import attrs

from ..fields.field import Field
from ..fields.model_info import ModelInfo
from ..fields.to_many import ToMany
from ..fields.type_table import DATES
from ..query.comparisons import COMPARISONS, OPERATORS
from ..query.lookups.date_parts import DATE_PARTS
from ..query.lookups.field_lookups import LOOKUPS, Takes, lookups_of
from ..query.lookups.json_lookups import KEY_LOOKUPS
from ..query.lookups.list_lookups import list_lookups_of

Depth = Literal["own", "one", "two"]
_STEPS: dict[Depth, int] = {"own": 0, "one": 1, "two": 2}

_HEAD = """\
# Made by directus-orm from the models, for type checkers and editors. Do not edit.
# fmt: off
# ruff: noqa: I001

"""
_BODY = """
_T = TypeVar("_T")
_In: TypeAlias = Iterable[_T] | Rows[Any]
_Range: TypeAlias = tuple[_T, _T] | list[_T]

class _Lookups(TypedDict, total=False):
{lookups}

def lookups(*conditions: Q, **lookups: Unpack[_Lookups]) -> None: ...
"""
_IMPORTS = (
    ("collections.abc", ("Iterable",)),
    ("datetime", ("date", "datetime", "time")),
    ("decimal", ("Decimal",)),
    ("typing", ("Any", "Literal", "TypeAlias", "TypedDict", "TypeVar", "Unpack")),
    ("uuid", ("UUID",)),
    ("directus_orm", ("Q", "Rows")),
    ("directus_orm.query.lookups.server_values", ("ServerValue",)),
)

# What a lookup takes, as an annotation; {} stands for the annotation of the field's values.
_ANNOTATIONS: dict[Takes, str] = {
    "value": "{}",
    "values": "_In[{}]",
    "bounds": "_Range[{}]",
    "text": "str",
    "flag": "bool",
    "shape": "dict[str, Any]",
}
# What is compared with the values of some types, where it is not their own Python type alone.
_VALUES = {"UUID": "UUID | str", "Decimal": "Decimal | int", "date": "date", "datetime": "datetime"}
# The parts of dates whose comparisons are typed over relations as well: those of all would double the stubs.
_MAIN_PARTS = frozenset({"date", "year"})
_WORD = re.compile(r"\w+")
_SCALARS = frozenset({"str", "int", "float", "bool", "time", *_VALUES})


def lookup_stub(model: type[Any], depth: Depth = "one", *, module: str | None = None) -> str:
    """Return the text of the stub file of one model: the function ``lookups``, for `TypedManager`.

    Over relations, of the parts of dates only the date and the year have comparisons such as ``gt``. Paths inside
    JSON, names of `register_lookup` and of `annotate`, and longer paths are not in it: a `Q` takes any.

    Args:
        model: the model.
        depth: its own fields alone, or those of related models as well, over one relation or two.
        module: the name of the module that the models will be imported from, if not the one that they are in.
    """
    stub = _Stub(model, module)
    lookups = stub.lookups_of_model(model.directus, _STEPS[depth])
    lines = [f"    {name}: {annotation}" for name, annotation in lookups.items()]
    body = _BODY.format(lookups="\n".join(lines))
    return "".join((_HEAD, *stub.imports(set(_WORD.findall(body))), body))


@attrs.define
class _Stub:
    """A stub file in the making: it collects the classes that it imports."""

    model: type[Any]
    module: str | None
    _classes: dict[str, str] = attrs.field(factory=dict, init=False)

    def imports(self, words: set[str]) -> Iterator[str]:
        """Yield a line for each module that has names among these words, and for each that has models."""
        for module, names in _IMPORTS:
            if used := [name for name in names if name in words]:
                yield f"from {module} import {', '.join(used)}\n"
        for module in sorted(set(self._classes.values())):
            classes = sorted(name for name, found_in in self._classes.items() if found_in == module)
            yield f"from {module} import {', '.join(classes)}\n"

    def lookups_of_model(self, info: ModelInfo, steps: int, *, related: bool = False) -> dict[str, str]:
        """Return the annotations of all lookups of a model by name; a field wins over a lookup of its name."""
        lookups: dict[str, str] = {}
        for name, field in (*info.fields.items(), ("pk", info.pk)):
            lookups |= self._of_field(name, field, related=related)
            if field.target is not None and steps:
                lookups |= _prefixed(name, self.lookups_of_model(field.target.directus, steps - 1, related=True))
        for name, relation in info.relations.items():
            lookups |= self._of_list(name, relation, steps)
        return lookups

    def _of_list(self, name: str, relation: ToMany, steps: int) -> dict[str, str]:
        lookups = {f"{name}__isnull": "bool", **_prefixed(name, dict(_compared("count", "int", OPERATORS)))}
        if relation.is_many_to_any:
            return lookups
        target: ModelInfo = relation.target.directus
        row = self._row(relation.target, target.pk)
        lookups |= {name: row, f"{name}__in": f"_In[{row}]", f"{name}__some": "Q", f"{name}__none": "Q"}
        if steps:
            lookups |= _prefixed(name, self.lookups_of_model(target, steps - 1, related=True))
        return lookups

    def _of_field(self, name: str, field: Field, *, related: bool) -> dict[str, str]:
        kind = field.value_type.kind
        value = self._value(field)
        lookups = {name: f"{value} | None" if value != "Any" else "Any"}
        for lookup in lookups_of(kind):
            lookups[f"{name}__{lookup}"] = _ANNOTATIONS[LOOKUPS[lookup].takes].format(value)
        for lookup in list_lookups_of(field):
            lookups[f"{name}__{lookup}"] = "Iterable[Any]"
        for part in DATE_PARTS.values():
            if kind in part.kinds:
                compared = "date" if part.name == "date" else "int"
                comparisons = COMPARISONS if part.name in _MAIN_PARTS or not related else ()
                lookups |= _prefixed(name, dict(_compared(part.name, compared, comparisons)))
        if kind == "json":
            lookups |= {f"{name}__{lookup}": "Any" for lookup in KEY_LOOKUPS}
        return lookups

    def _value(self, field: Field) -> str:
        """Return the annotation of what a field is compared with."""
        if field.target is not None:
            return self._row(field.target, field.target.directus.pk)
        value = self._plain_value(field)
        if field.primary_key and value != "Any":
            value = f"{self._class(field.model)} | {value}"
        evaluated = field.value_type.kind in DATES or "UUID" in value
        return f"{value} | ServerValue" if evaluated else value

    def _row(self, model: type[Any], pk: Field) -> str:
        """Return the annotation of a related row or its key; keys of users are compared with ``current_user``."""
        key = self._plain_value(pk) if pk.target is None else self._row(pk.target, pk.target.directus.pk)
        name = self._class(model)
        if "Any" in (name, key):
            return "Any"
        return f"{name} | {key} | ServerValue" if "UUID" in key else f"{name} | {key}"

    def _plain_value(self, field: Field) -> str:
        """Return the Python type of a field's values; Any for documents and for types of the application."""
        value_type = field.value_type
        python = value_type.python
        if python in _SCALARS:
            return _VALUES.get(python, python)
        choices = value_type.choices
        if value_type.is_open and value_type.plain is not None:
            return value_type.plain.__name__
        if choices is None or value_type.is_open:
            return "Any"
        if all(type(choice) in (str, int, bool) for choice in choices) and python.startswith("Literal"):
            return f"Literal[{', '.join(map(_literal, choices))}]"
        found = getattr(sys.modules.get(field.model.__module__), python, None)
        return self._class(found) if isinstance(found, type) and issubclass(found, enum.Enum) else "Any"

    def _class(self, named: type[Any]) -> str:
        """Return the name of a class that the stub imports, or Any if no module has it, or two have one."""
        name, module = named.__name__, named.__module__
        if named.__qualname__ != name:
            return "Any"
        if self.module is not None and not module.startswith("directus_orm"):
            module = self.module
        return name if self._classes.setdefault(name, module) == module else "Any"


def _compared(name: str, value: str, comparisons: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the lookups that compare a part of a date, or a number of rows."""
    yield name, value
    for lookup in comparisons:
        yield f"{name}__{lookup}", _ANNOTATIONS[LOOKUPS[lookup].takes].format(value)


def _prefixed(name: str, lookups: dict[str, str]) -> dict[str, str]:
    return {f"{name}__{lookup}": annotation for lookup, annotation in lookups.items()}


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
