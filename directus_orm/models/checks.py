"""Checks of a model class when it is defined: reserved names, hidden fields, two fields for one column."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from typing import Any

import attrs

from ..core.errors import ConfigurationError
from ..fields.field import RESERVED, field_options
from ..fields.registry import is_model
from ..fields.to_many_declaration import relation_options

if sys.version_info >= (3, 14):
    import annotationlib

    # Names in annotations may be defined later: from Python 3.14 on, such annotations need no quotes.
    annotations_of = functools.partial(annotationlib.get_annotations, format=annotationlib.Format.FORWARDREF)
else:
    annotations_of = inspect.get_annotations


def check_names(model: type[Any]) -> None:
    """Refuse field names that `Model` uses itself, or that would be ambiguous in the paths of lookups.

    Raises:
        ConfigurationError: a name is reserved, begins with ``_``, or has ``__`` inside.
    """
    for name, annotation in annotations_of(model).items():
        if "ClassVar" in str(annotation) or (name not in RESERVED and "__" not in name and name[0] != "_"):
            continue
        msg = (
            f"{model.__name__}.{name}: this name is reserved, or has '__' or a leading '_', which paths and Model "
            f"use themselves. Choose another, and give the server's name with field(name={name!r})."
        )
        raise ConfigurationError(msg)


def check_bases(model: type[Any]) -> None:
    """Refuse fields of base classes that would be lost.

    Raises:
        ConfigurationError: a class attribute hides a field of a base, or a base that is not a model has a field.
    """
    own_names = annotations_of(model)
    for base in model.__mro__[1:]:
        if is_model(base):
            hidden = [a.name for a in attrs.fields(base) if a.name in model.__dict__ and a.name not in own_names]
            problem = f"it hides the field of {base.__name__}: annotate it, to declare the field anew"
        else:
            hidden = [n for n, kind in annotations_of(base).items() if "ClassVar" not in str(kind)]
            problem = f"fields are taken from models: make {base.__name__} one, with abstract=True"
        if hidden and base not in (object, typing.Generic):
            msg = f"{model.__name__}.{hidden[0]}: {problem}."
            raise ConfigurationError(msg)


def check_columns(model: type[Any]) -> None:
    """Refuse two fields with the same name on the server.

    Raises:
        ConfigurationError: two fields have the same name.
    """
    columns: dict[str, str] = {}
    for attribute in attrs.fields(model):
        declared = relation_options(attribute) or field_options(attribute)
        column = declared.name or attribute.name
        if column in columns:
            attributes = f"{attribute.name} and .{columns[column]}"
            msg = f"{model.__name__}.{attributes} both name the server's field {column!r}."
            raise ConfigurationError(msg)
        columns[column] = attribute.name
