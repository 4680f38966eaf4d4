"""Lookups of one's own: names that stand for conditions made of the lookups there are."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, overload

from ...core.errors import ConfigurationError, QueryError
from ..q import Q, check_root

Build = Callable[[str, Any], Q]

TAKEN = frozenset(
    (
        "exact iexact contains icontains startswith istartswith endswith iendswith in gt gte lt lte range between "
        "isnull empty regex iregex search intersects intersects_bbox some none count "
        "year quarter month week day week_day iso_year iso_week_day hour minute second date time "
        "has_key has_keys has_any_keys contained_by contains_by overlap trigram_similar unaccent pk "
        "eq neq nin null nnull nempty json"
    ).split()
)
"""Names that mean something already, here, in Django or to the server."""

_known: dict[str, Build] = {}


@overload
def register_lookup(name: str) -> Callable[[Build], Build]: ...
@overload
def register_lookup(name: str, build: Build) -> Build: ...
def register_lookup(name: str, build: Build | None = None) -> Any:
    """Give a name to conditions of your own, for every model.

    ``build`` gets the path that the name stands behind, and the value; it returns a `Q` made of the path and
    lookups that exist. A field of that name wins over it; registering again replaces it.

    Raises:
        ConfigurationError: the name is taken, or could not be told apart from a path.

    Example:
        >>> @register_lookup("worse")
        ... def worse(path: str, minutes: int) -> Q:
        ...     return Q(**{f"{path}__gt": minutes}) | Q(**{f"{path}__isnull": True})
        >>> Flight.objects.filter(dep_delay__worse=70).count()
        66
    """
    _check(name)
    if build is None:
        return lambda made: register_lookup(name, made)
    if not callable(build):
        msg = f"register_lookup({name!r}): a function that takes a path and a value is needed, not {build!r}."
        raise ConfigurationError(msg)
    _known[name] = build
    return build


def _check(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or "__" in name or name[0] == "_" or name[-1] == "_":
        msg = f"register_lookup({name!r}): a name is an identifier without '__', and without '_' at its ends."
        raise ConfigurationError(msg)
    if name in TAKEN:
        msg = f"register_lookup({name!r}): this name means something already; choose another."
        raise ConfigurationError(msg)


def registered_names() -> tuple[str, ...]:
    """Return the names of the lookups that were registered."""
    return tuple(_known)


def expand_custom_lookups(condition: Q, model: type[Any]) -> Q:
    """Return a condition with its own lookups replaced by what they stand for.

    Raises:
        QueryError: a lookup was built wrongly.
    """
    return _prepared(condition, model, ()) if _known else condition


def _prepared(condition: Q, model: type[Any], within: tuple[str, ...]) -> Q:
    children = tuple(
        _prepared(child, model, within) if isinstance(child, Q) else _part(child, model, within)
        for child in condition.children
    )
    # By identity: values may not be comparable, and most conditions stay as they are.
    same = all(map(operator.is_, children, condition.children))
    return condition if same else condition.with_children(children)


def _part(part: tuple[str, Any], model: type[Any], within: tuple[str, ...]) -> Q | tuple[str, Any]:
    written, value = part
    check_root(written, model)
    path, _, name = written.rpartition("__")
    if name not in _known or not path or not _behind(written, model):
        return part
    if name in within:
        msg = f"{written}: the lookup {name!r} is built from itself ({' → '.join((*within, name))})."
        raise QueryError(msg)
    made = _known[name](path, value)
    if not isinstance(made, Q) or not made.children:
        msg = f"{written}: the lookup {name!r} is to return a Q with conditions, and returned {made!r}."
        raise QueryError(msg)
    return _prepared(made, model, (*within, name))


def _behind(written: str, model: type[Any]) -> bool:
    """Whether a name ends in a lookup: a field wins over one of the same name."""
    return bool(model.directus.resolve_path(written, where=f"filter({written}=…)")[1])
