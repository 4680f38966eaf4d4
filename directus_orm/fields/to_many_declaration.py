"""How a model declares a relation to many rows: one_to_many(), many_to_many(), many_to_any()."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from ..core.errors import ConfigurationError
from .declarations.field_options import Deselect, check_options
from .registry import is_model

Kind = Literal["one-to-many", "many-to-many", "many-to-any"]

_METADATA = "directus_orm.relation"
MANY_TO_ANY_COLUMNS = {"target": "item", "collection": "collection"}
"""How Directus Studio names two fields of the junction of a many-to-any, by the argument that renames them."""


@attrs.frozen
class RelationOptions:
    """The arguments of a declaration. For a name that is None, the name that Directus Studio gives is assumed."""

    kind: Kind
    field: str | None = None
    through: str | type[Any] | None = None
    name: str | None = None
    source: str | None = None
    target: str | None = None
    collection: str | None = None
    sort: str | None = None
    has_alias: bool = True
    deselect: Deselect | None = None


def one_to_many(
    field: str,
    *,
    name: str | None = None,
    listed: bool = True,
    sort: str | None = None,
    deselect: Deselect | None = None,
    init: Literal[False] = False,
) -> Any:
    """Declare the list of rows of another model whose many-to-one ``field`` refers to this model.

    Args:
        field: the Python name of the many-to-one field of the other model.
        name: the server's name of the list, if it differs from the attribute's name.
        listed: whether the server has the list as a field of its own, which Directus calls an alias. Without it,
            a filter on ``field`` finds the rows. Such a list can be read and filtered by; ``field`` writes it.
        sort: the field of the other model that holds the order of the list, by its Python name. The list is read
            in this order; rows that are added get no value of it.
        deselect: what becomes of a row that is taken out of the list: ``"nullify"`` or ``"delete"``. It
            describes the server, which acts by its own setting.
        init: always False; tells type checkers that ``__init__`` does not take the list.

    Example:
        >>> class Author(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     articles: Related["Article"] = one_to_many("author")
        >>> class Article(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     author: Author | None = None
    """
    options = RelationOptions(
        "one-to-many", field=field, name=name, has_alias=bool(listed), sort=sort, deselect=deselect
    )
    return _declare(options, init)


def many_to_many(
    through: str | type[Any],
    *,
    name: str | None = None,
    source: str | None = None,
    target: str | None = None,
    sort: str | None = None,
    deselect: Deselect | None = None,
    init: Literal[False] = False,
) -> Any:
    """Declare the list of rows of another model that a junction collection links to each row of this model.

    Args:
        through: the junction: the name of its collection, or its model, or the class name of the model, which may
            be defined later, before the first use. A model of that name is preferred to a collection.
        name: the server's name of the list, if it differs from the attribute's name.
        source: the junction's field that refers to this model, by the server's name.
        target: the junction's field that refers to the other model, by the server's name.
        sort: the junction's field that holds the order of the list, by the server's name.
        deselect: what becomes of a junction's row that is taken out of the list: ``"nullify"`` or ``"delete"``. It
            describes the server, which acts by its own setting.
        init: always False; tells type checkers that ``__init__`` does not take the list.

    Example:
        >>> class Tag(Model):
        ...     id: int = field(default=generated, primary_key=True)
        >>> class Article(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     tags: Related[Tag] = many_to_many("articles_tags")
    """
    options = RelationOptions(
        "many-to-many", None, through, name=name, source=source, target=target, sort=sort, deselect=deselect
    )
    return _declare(options, init)


def many_to_any(
    through: str | type[Any],
    *,
    name: str | None = None,
    source: str | None = None,
    target: str = MANY_TO_ANY_COLUMNS["target"],
    collection: str = MANY_TO_ANY_COLUMNS["collection"],
    sort: str | None = None,
    deselect: Deselect | None = None,
    init: Literal[False] = False,
) -> Any:
    """Declare the list of rows of several models that a junction collection links to each row of this model.

    Args:
        through: the junction: the name of its collection, or its model, or the class name of the model, which may
            be defined later, before the first use. A model of that name is preferred to a collection.
        name: the server's name of the list, if it differs from the attribute's name.
        source: the junction's field that refers to this model, by the server's name.
        target: the junction's field that holds the key of the related row, by the server's name.
        collection: the junction's field that holds the collection of the related row, by the server's name.
        sort: the junction's field that holds the order of the list, by the server's name.
        deselect: what becomes of a junction's row that is taken out of the list: ``"nullify"`` or ``"delete"``. It
            describes the server, which acts by its own setting.
        init: always False; tells type checkers that ``__init__`` does not take the list.

    Example:
        >>> class Hero(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     title: str
        >>> class Text(Model):
        ...     id: int = field(default=generated, primary_key=True)
        >>> class Page(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     blocks: Related[Hero | Text] = many_to_any("pages_blocks")
        >>> welcome = Page.objects.filter(blocks__hero__title="Welcome")
    """
    options = RelationOptions(
        "many-to-any",
        None,
        through,
        name=name,
        source=source,
        target=target,
        collection=collection,
        sort=sort,
        deselect=deselect,
    )
    return _declare(options, init)


def _declare(options: RelationOptions, init: object) -> Any:
    if init is not False:
        msg = "A relation to many rows is never an argument of __init__: leave init out."
        raise ConfigurationError(msg)
    _check_names(options)
    return attrs.field(init=False, metadata={_METADATA: options})


def _check_names(options: RelationOptions) -> None:
    """Refuse arguments that are not names.

    Raises:
        ConfigurationError: an argument is no name, or a name that is needed was not given.
    """
    needed = "field" if options.kind == "one-to-many" else "through"
    names = attrs.asdict(options, recurse=False)
    del names["has_alias"]
    check_options({"deselect": names.pop("deselect")}, f"A {options.kind} relation")
    for name, value in names.items():
        is_name = isinstance(value, str) and value
        is_left_out = value is None and name != needed
        if is_name or is_left_out or (name == "through" and is_model(value)):
            continue
        expected = "a collection, or a model" if name == "through" else "a name"
        msg = f"A {options.kind} relation takes {expected} as {name}, not {value!r}."
        raise ConfigurationError(msg)


def relation_options(attribute: attrs.Attribute[Any]) -> RelationOptions | None:
    """Return the arguments that a relation to many rows was declared with; None for a plain field."""
    options: RelationOptions | None = attribute.metadata.get(_METADATA)
    return options
