"""What `Items.read_all` reads, as a value. Code above this folder pages through it, the same as through models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from ...core.errors import QueryError
from ...core.request_response import Row
from .item_queries import count_of, names_in, parsed_filter
from .key_columns import KeyColumn

_ALL = frozenset({"*", "*.*", "*.*.*"})
_OTHERS = ("search", "alias", "version", "versionRaw", "backlink")


@attrs.frozen
class WholeList:
    """A list of rows that is read to its end, however many rows it has.

    ``fields`` includes the key. ``others`` are the parameters that go along as they are. ``is_keyset`` says that
    the rows are in the order of an integer key.
    """

    collection: str
    key: KeyColumn
    fields: tuple[str, ...]
    where: Any = None
    sort: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0
    deep: Mapping[str, Any] = attrs.field(factory=dict)
    others: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def is_keyset(self) -> bool:
        """Whether the rows are ordered by the key alone, and the key is an integer."""
        return self.key.is_integer and self.sort[0].lstrip("-") == self.key.name

    @property
    def sorting_columns(self) -> tuple[str, ...]:
        """The fields of the rows themselves that they are sorted by, beside the key."""
        names = (name.lstrip("-") for name in self.sort)
        return tuple(name for name in names if name != self.key.name and name.isidentifier())

    def wants(self, column: str) -> bool:
        """Return whether a field of the rows is asked for."""
        return column in self.fields or not _ALL.isdisjoint(self.fields)

    @property
    def is_descending(self) -> bool:
        """Whether the rows come with the last one first."""
        return self.sort[0].startswith("-")


def whole_list(collection: str, key: KeyColumn, query: Mapping[str, Any]) -> WholeList:
    """Return the list that parameters of Directus describe.

    The key is added to the fields and to the sort. Lists of related rows that the fields name are complete, too,
    unless ``deep`` says otherwise: the server would cut each of them after 100 rows (G24).

    Raises:
        QueryError: a parameter has a value that Directus does not take.
    """
    fields = names_in(query.get("fields") or "*", "fields")
    sort = names_in(query.get("sort") or (), "sort")
    if key.name not in {name.lstrip("-") for name in sort}:
        sort.append(key.name)
    deep = query.get("deep") or {}
    if not isinstance(deep, Mapping):
        raise QueryError(f"deep is a dict such as {{'comments': {{'_limit': 5}}}}, and not {deep!r}.")
    return WholeList(
        collection,
        key,
        tuple(dict.fromkeys((*fields, key.name))),
        parsed_filter(query.get("filter")) or None,
        tuple(sort),
        count_of("limit", query.get("limit")),
        count_of("offset", query.get("offset")) or 0,
        _complete(deep, list(_related_paths(fields, key))),
        {name: query[name] for name in _OTHERS if query.get(name) is not None},
    )


def returns_key(fields: Any) -> bool:
    """Return whether rows with these fields have the key, whatever its name: they are all fields."""
    return not fields or not _ALL.isdisjoint(names_in(fields, "fields"))


def _related_paths(fields: Iterable[str], key: KeyColumn) -> Iterator[list[str]]:
    """Yield the paths among fields that may lead to a list of related rows."""
    for name in fields:
        first, *rest = name.split(".")
        if first == "*":
            yield from ([each, *rest] for each in sorted(key.lists or ()))
        elif "(" not in name and (rest or key.lists is None or first in key.lists):
            yield [first, *rest]


def _complete(deep: Mapping[str, Any], paths: Iterable[list[str]]) -> dict[str, Any]:
    """Return ``deep`` with no limit for each list of related rows that it gives none; others ignore it."""
    completed = dict(deep)
    for name in dict.fromkeys(path[0] for path in paths):
        if "*" in name:
            continue
        below = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        given = completed.get(name, {})
        if isinstance(given, Mapping):
            has_limit = "_limit" in given or "_page" in given
            completed[name] = {**({} if has_limit else {"_limit": -1}), **_complete(given, below)}
    return completed


ReadPages = Callable[[WholeList], Iterator[list[Row]]]
_readers: list[Callable[[Any, WholeList], Iterator[list[Row]]]] = []


def register_reader(reader: Callable[[Any, WholeList], Iterator[list[Row]]]) -> None:
    """Let a function page through whole lists: it takes a session and the list, and yields its pages."""
    _readers[:] = [reader]


def read_pages(session: Any, rows: WholeList) -> Iterator[list[Row]]:
    """Yield the pages of a whole list."""
    (reader,) = _readers
    return reader(session, rows)
