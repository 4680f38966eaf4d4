"""What can be asked: the paths of every model, their lookups, and values that occur in the rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import attrs
from django.db import models
from hypothesis import strategies as st

from tests.oracle import django_models as oracle
from tests.worlds import flights as world
from tests.worlds import library

# The longest path has so many relations, and no more than two of them lead to many rows.
HOPS, LISTS = 3, 2

ROWS: dict[str, list[dict[str, Any]]] = {
    **library.ROWS,
    "airlines": world.AIRLINES,
    "planes": world.PLANES,
    "flights": [
        {**row, "id": n, "time_hour": row["time_hour"] and datetime.fromisoformat(row["time_hour"])}
        for n, row in enumerate(world.flight_rows(), 1)
    ],
}

_KINDS: dict[type[models.Field], str] = {
    models.CharField: "text",
    models.TextField: "text",
    models.IntegerField: "integer",
    models.FloatField: "float",
    models.DecimalField: "decimal",
    models.BooleanField: "boolean",
    models.DateTimeField: "timestamp",
    oracle.NaiveDateTimeField: "dateTime",
    models.DateField: "date",
    models.TimeField: "time",
}
NUMBERS = frozenset({"integer", "float", "decimal"})
MOMENTS = frozenset({"timestamp", "dateTime"})
TIMES = MOMENTS | {"date", "time"}


@attrs.frozen
class Path:
    """A field of a model, or one that its relations lead to.

    ``hops`` are the relations on the way and ``tables`` what they enter, from the model's own on; ``lists`` are
    those of them with many rows to one, and ``target`` is the model that a key belongs to.
    """

    name: str
    kind: str
    column: tuple[str, str]
    hops: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    target: str = ""

    @functools.cached_property
    def values(self) -> tuple[Any, ...]:
        """What the rows hold, without null."""
        table, column = self.column
        return tuple(dict.fromkeys(row[column] for row in ROWS[table] if row[column] is not None))

    @property
    def tables_before_lists(self) -> tuple[str, ...]:
        """The tables up to the first one with many rows to one."""
        return self.tables[: self.tables.index(self.lists[0], 1)] if self.lists else self.tables

    @property
    def hidden_nulls(self) -> bool:
        """Whether null could also mean that a block is of the other collection."""
        return "blocks" in self.hops


@attrs.frozen
class _Place:
    """A model on the way, and how it was reached."""

    model: type[models.Model]
    hops: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    def by(self, hop: Any) -> _Place:
        entered = [hop.related_model._meta.db_table]
        if hop.many_to_many:
            relation = hop if hop.auto_created else hop.remote_field
            entered.insert(0, relation.through._meta.db_table)
        lists = self.lists if hop.many_to_one else (*self.lists, entered[0])
        return _Place(hop.related_model, (*self.hops, hop.name), (*self.tables, *entered), lists)


@functools.cache
def paths(model: str) -> tuple[Path, ...]:
    """Return every path from a model, the short ones first."""
    root = oracle.MODELS[model]
    found, places = [], [_Place(root, tables=(root._meta.db_table,))]
    for _ in range(HOPS + 1):
        found += [path for place in places for path in _of(place)]
        places = [place.by(hop) for place in places for hop in _hops(place)]
        places = [place for place in places if len(place.lists) <= LISTS and len(place.hops) <= HOPS]
    return tuple(found)


def _of(place: _Place) -> Iterator[Path]:
    if place.model is oracle.Block:  # it has no name in our paths
        return
    table, at = place.model._meta.db_table, (place.hops, place.tables, place.lists)
    for column in place.model._meta.concrete_fields:
        name = "__".join((*place.hops, column.name))
        if column.remote_field:
            related = column.related_model
            yield Path(name, "key", (related._meta.db_table, related._meta.pk.name), *at, related.__name__)
        elif column.primary_key:
            yield Path("__".join((*place.hops, "pk")), "key", (table, column.name), *at, place.model.__name__)
            if place.hops and place.lists:  # comments=3, comments__isnull=True
                yield Path("__".join(place.hops), "key", (table, column.name), *at, place.model.__name__)
        else:
            yield Path(name, _KINDS[type(column)], (table, column.name), *at)


def _hops(place: _Place) -> Iterator[Any]:
    for hop in place.model._meta.get_fields():
        back = place.model is oracle.Block and hop.name == "page"
        if hop.is_relation and hop.related_model not in (oracle.ArticleTag, None) and not back:
            yield hop


# --- lookups ------------------------------------------------------------------------------------------------

COMPARED = ("gt", "gte", "lt", "lte", "exact")
PATTERNS = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith")

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "year": lambda value: value.year,
    "quarter": lambda value: (value.month + 2) // 3,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "week": lambda value: value.isocalendar()[1],
    "week_day": lambda value: value.isoweekday() % 7 + 1,
    "date": lambda value: value.date(),
    "hour": lambda value: value.hour,
    "minute": lambda value: value.minute,
    "second": lambda value: value.second,
}
_OF_DATES = ("year", "quarter", "month", "day", "week", "week_day")
_OF_TIMES = ("hour", "minute", "second")
TRANSFORMS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(MOMENTS, (*_OF_DATES, "date", *_OF_TIMES)),
    "date": _OF_DATES,
    "time": _OF_TIMES,
}

Asked = tuple[str, Any]
"""What comes behind the path, and the value."""


def asked(path: Path, vendor: str) -> st.SearchStrategy[Asked]:
    """Return what can be asked of a path."""
    if path.kind == "text":
        found = _texts(path, vendor)
    elif path.kind in ("key", "boolean"):
        found = _keys(path)
    elif path.kind in TIMES:
        # Twice as often a part of the time as the time itself.
        parts = _parts(path)
        found = st.one_of(_compared(_near(path)), parts, parts)
    else:
        found = _compared(_near(path))
    if path.hidden_nulls:
        return found.filter(lambda it: it[0] != "__isnull" and it[1] is not None)
    return found


def _compared(values: st.SearchStrategy[Any], prefix: str = "", *, null: bool = True) -> st.SearchStrategy[Asked]:
    """Return comparisons; those that part the rows well come more often than ``exact``."""
    comparison = st.tuples(st.sampled_from(COMPARED), values)
    choices: list[st.SearchStrategy[Asked]] = [
        *(comparison, comparison, comparison),
        st.tuples(st.just("in"), _lists(values, null=null)),
        st.tuples(st.just("range"), st.tuples(values, values).map(sorted).map(tuple)),
    ]
    if null:
        choices.append(st.tuples(st.just("exact"), st.none()) | st.tuples(st.just("isnull"), st.booleans()))
    return st.one_of(choices).map(lambda it: _behind(prefix, it))


def _lists(values: st.SearchStrategy[Any], *, null: bool = True) -> st.SearchStrategy[list[Any]]:
    """Return lists for ``in``, seldom empty, and now and then with a None in them, which counts for nothing."""
    found = st.lists(values, min_size=3, max_size=7)
    few = st.lists(values, max_size=1)
    return st.one_of(found, found, found, found.map(lambda it: [None, *it]) if null else found, few)


def _behind(prefix: str, it: Asked) -> Asked:
    lookup, value = it
    # Without a name it is exact; both spellings occur.
    name = "" if lookup == "exact" and value is not None and prefix else f"__{lookup}"
    return f"{prefix}{name}", value


def _parts(path: Path) -> st.SearchStrategy[Asked]:
    return st.sampled_from(TRANSFORMS_OF[path.kind]).flatmap(
        lambda name: _compared(_part_values(path, name), f"__{name}", null=False)
    )


def _part_values(path: Path, name: str) -> st.SearchStrategy[Any]:
    found = sorted({TRANSFORMS[name](value) for value in path.values})
    step: Any = timedelta(days=1) if name == "date" else 1
    return st.sampled_from(found) | st.sampled_from([found[0] - step, *(it + step for it in found)])


def _near(path: Path) -> st.SearchStrategy[Any]:
    """Return values of the rows, and now and then one that is none but not far."""
    known = st.sampled_from(path.values)
    return st.one_of(known, known, known, known.map(_NEXT[path.kind]))


_NEXT: dict[str, Callable[[Any], Any]] = {
    "integer": lambda value: value + 1,
    "float": lambda value: value + 0.25,
    "decimal": lambda value: value + Decimal("0.01"),
    "timestamp": lambda value: value + timedelta(milliseconds=1),
    "dateTime": lambda value: value - timedelta(seconds=1),
    "date": lambda value: value + timedelta(days=1),
    "time": lambda value: value.replace(second=59 - value.second),
}


def _keys(path: Path) -> st.SearchStrategy[Asked]:
    unknown: list[Any] = [] if path.kind == "boolean" else ["ZZ" if isinstance(path.values[0], str) else 9999]
    values = st.sampled_from([*path.values, *unknown])
    choices: list[st.SearchStrategy[Asked]] = [
        st.tuples(st.just("__in"), _lists(values)),
        st.tuples(st.just(""), values),
        st.tuples(st.just("__isnull"), st.booleans()),
        st.tuples(st.just("__exact"), st.none() | values),
    ]
    if path.kind == "key" and unknown[:1] != ["ZZ"]:
        choices.append(st.tuples(st.sampled_from(["__gt", "__lte"]), values))
    return st.one_of(choices)


def _texts(path: Path, vendor: str) -> st.SearchStrategy[Asked]:
    values = st.one_of(st.sampled_from(path.values), st.sampled_from(path.values), st.just("no such text"))
    pattern = st.sampled_from(PATTERNS).flatmap(
        lambda name: st.tuples(st.just(f"__{name}"), _needles(path, name).map(lambda it: _cased(name, it, vendor)))
    )
    choices: list[st.SearchStrategy[Asked]] = [
        *(pattern, pattern, pattern),
        st.tuples(st.just(""), values),
        st.tuples(st.just("__iexact"), values.map(lambda it: _cased("iexact", _swapped(it), vendor))),
        st.tuples(st.just("__in"), _lists(values)),
        st.tuples(st.just("__isnull"), st.booleans()) | st.just(("__exact", None)),
    ]
    return st.one_of(choices)


@st.composite
def _needles(draw: st.DrawFn, path: Path, lookup: str) -> str:
    """Return a part of a text of the rows, mostly a short one, since long ones are found in one row or none."""
    text = draw(st.sampled_from(path.values))
    length = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 5, 60]))
    last = max(len(text) - length, 0)
    start = 0 if "starts" in lookup else last if "ends" in lookup else draw(st.integers(0, last))
    needle = text[start : start + length]
    return _swapped(needle) if draw(st.integers(0, 4)) == 0 else needle


def _swapped(text: str) -> str:
    """Return a text in the other case, where that is one letter for one: ß, for example, is left alone."""
    return "".join(it.swapcase() if len(it.swapcase()) == 1 else it for it in text)


def _cased(lookup: str, needle: str, vendor: str) -> str:
    # SQLite knows the case of ASCII letters only; there we find the lower-case form of a needle as well.
    return needle if needle.isascii() or vendor != "sqlite" or not lookup.startswith("i") else needle.lower()


# --- code ---------------------------------------------------------------------------------------------------


def code(value: Any) -> str:
    """Return a value as it is written in Python, with the names of `namespaces`."""
    if isinstance(value, list | tuple):
        inner = ", ".join(map(code, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, datetime | date | time):
        return repr(value).removeprefix("datetime.").replace("datetime.timezone.utc", "UTC")
    return repr(value)


def arguments(values: Iterable[Any]) -> str:
    """Return values as the arguments of a call."""
    return ", ".join(map(code, values))
