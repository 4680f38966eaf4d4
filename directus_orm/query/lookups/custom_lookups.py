"""Lookups that an application defines with `register_lookup`: names for conditions made of existing lookups."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, overload

from ...core.errors import ConfigurationError, QueryError
from ..q import Q, check_root

BuildLookup = Callable[[str, Any], Q]
"""Makes the condition of a lookup, from the path before its name and the value."""

TAKEN = frozenset(
    (
        "exact iexact contains icontains startswith istartswith endswith iendswith in gt gte lt lte range between "
        "isnull empty regex iregex search intersects intersects_bbox some none count "
        "year quarter month week day week_day iso_year iso_week_day hour minute second date time "
        "has_key has_keys has_any_keys contained_by contains_by overlap trigram_similar unaccent pk "
        "eq neq nin null nnull nempty json"
    ).split()
)
"""Names that have a meaning already: in this library, in Django or on the server."""

_registered: dict[str, BuildLookup] = {}


@overload
def register_lookup(name: str) -> Callable[[BuildLookup], BuildLookup]: ...
@overload
def register_lookup(name: str, build: BuildLookup) -> BuildLookup: ...
def register_lookup(name: str, build: BuildLookup | None = None) -> Any:
    """Define a lookup of your own, for every model; also as a decorator.

    ``build`` is called with the path before the lookup's name, and the value. It returns a `Q` with existing
    lookups on that path. A field of the same name wins over the lookup; registering a name again replaces it.

    Raises:
        ConfigurationError: the name is taken, or is not an identifier without ``__``.

    Example:
        >>> @register_lookup("worse")
        ... def worse(path: str, minutes: int) -> Q:
        ...     return Q(**{f"{path}__gt": minutes}) | Q(**{f"{path}__isnull": True})
        >>> Flight.objects.filter(dep_delay__worse=70).count()
        66
    """
    _check(name)
    if build is None:
        return lambda function: register_lookup(name, function)
    if not callable(build):
        msg = f"register_lookup({name!r}): a function that takes a path and a value is needed, not {build!r}."
        raise ConfigurationError(msg)
    _registered[name] = build
    return build


def unregister_lookup(name: str) -> None:
    """Undo `register_lookup`."""
    _registered.pop(name, None)


def _check(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or "__" in name or name[0] == "_" or name[-1] == "_":
        msg = f"register_lookup({name!r}): a name is an identifier without '__', and without '_' at its ends."
        raise ConfigurationError(msg)
    if name in TAKEN:
        msg = f"register_lookup({name!r}): this name already has a meaning; choose another."
        raise ConfigurationError(msg)


def registered_names() -> tuple[str, ...]:
    """Return the names of the lookups that were registered."""
    return tuple(_registered)


def expand_custom_lookups(condition: Q, model: type[Any]) -> Q:
    """Return a condition with registered lookups replaced by their conditions.

    Raises:
        QueryError: a lookup's function returned no `Q`, or uses the lookup itself.
    """
    return _expand(condition, model, ()) if _registered else condition


def _expand(condition: Q, model: type[Any], within: tuple[str, ...]) -> Q:
    """Expand a condition; ``within`` are the lookups that are being expanded around it."""
    children = tuple(
        _expand(child, model, within) if isinstance(child, Q) else _expand_lookup(child, model, within)
        for child in condition.children
    )
    # Compared by identity, since values may not be comparable; most conditions stay as they are.
    is_unchanged = all(map(operator.is_, children, condition.children))
    return condition if is_unchanged else condition.with_children(children)


def _expand_lookup(part: tuple[str, Any], model: type[Any], within: tuple[str, ...]) -> Q | tuple[str, Any]:
    written, value = part
    check_root(written, model)
    path, _, name = written.rpartition("__")
    if name not in _registered or not path or not _ends_in_lookup(written, model):
        return part
    if name in within:
        msg = f"{written}: the lookup {name!r} is built from itself ({' → '.join((*within, name))})."
        raise QueryError(msg)
    condition = _registered[name](path, value)
    if not isinstance(condition, Q) or not condition.children:
        msg = f"{written}: the lookup {name!r} must return a Q with conditions, and returned {condition!r}."
        raise QueryError(msg)
    return _expand(condition, model, (*within, name))


def _ends_in_lookup(written: str, model: type[Any]) -> bool:
    """Return whether a path ends in a lookup, and not in a field of the same name."""
    return bool(model.directus.resolve_path(written, where=f"filter({written}=…)")[1])
