"""Reading groups: which requests bring them, and how their rows are put together.

Where the server says all of it, groups come page by page, in its order. Else all of them are read, put together,
filtered, ordered and cut here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from unicodedata import combining, normalize

import attrs

from ...core.errors import UnsupportedQuery
from ...core.messages import Row
from ...dialects.registry import dialect_of
from ...fields.paths import FieldPath, kind_of
from ...fields.type_table import COUNTED_DISTINCT
from ...query.conditions import ALWAYS, Node, joins_to_many
from ...query.group_request import GroupColumn, GroupRequest, GroupSort, ServerAggregate
from ...query.grouping import AggregateSpec, Grouping
from ...query.query import Query
from ...session.session import Session
from .. import explain as explained
from ..pagination.fetch import fetch
from ..pagination.pagers import key_pager
from ..query_description import describe_query
from ..row_recheck import needs_recheck
from ..row_values import value_getter, value_of
from ..run_query import KEYS_AT_ONCE, resolve_subqueries, select_keys
from .accumulators import Accumulator, Rank, Related, in_rows, inner_value
from .group_keys import GroupKey, group_key
from .group_ordering import Ordering, text_rank
from .group_paging import GROUPS_AT_ONCE, by_keys, cut_to, group_pages, with_totals
from .having import test_of
from .recipes import AggregatePlan, aggregate_plan

Group = dict[str, Any]


class GroupReader:
    """The groups of some rows: the requests for them, and what was asked meanwhile."""

    def __init__(self, session: Session | None, query: Query, grouping: Grouping, *, whole: bool = False) -> None:
        self._session = session
        self.grouping = grouping
        self.rows = query.evolve(paths=(), related=(), shown=(), nested=(), grouping=None)
        self.keys = [group_key(term, whole=whole) for _, term in grouping.keys]
        # What tells whether the server can be believed about parts of dates, see `_is_early`.
        self._firsts = tuple(
            dict.fromkeys(ServerAggregate("min", part.moment) for part in self.keys if part.moment)
        )
        self.columns = tuple(dict.fromkeys(column for part in self.keys for column in part.columns))
        self._chosen: dict[Node, list[GroupRequest]] = {}
        self._tables: dict[FieldPath, dict[Any, Any]] = {}
        self._ranks: dict[FieldPath, Rank] = {}
        self._slice: list[Any] | None = None

    @property
    def session(self) -> Session:
        """The session that is asked."""
        assert self._session is not None  # noqa: S101 - without one, nothing is read
        return self._session

    def chosen(self, where: Node = ALWAYS) -> list[GroupRequest]:
        """Return how the rows that meet a further condition are asked for: several times where by many keys."""
        if where not in self._chosen:
            self._chosen[where] = self._choose(where)
        return self._chosen[where]

    def _choose(self, where: Node) -> list[GroupRequest]:
        if self.rows.is_sliced:
            return self._of_slice(where)
        rows = attrs.evolve(self.rows.filtered(where), order=())
        if needs_recheck(rows):
            return by_keys(Query(rows.model), select_keys(self.session, rows))
        query = resolve_subqueries(self.session, rows)
        if not joins_to_many(query.where):
            return [] if query.is_empty else [GroupRequest(query)]
        # The server would count rows once for each related row (G21).
        return by_keys(Query(rows.model), select_keys(self.session, query))

    def _of_slice(self, where: Node) -> list[GroupRequest]:
        if self._slice is None:
            self._slice = select_keys(self.session, self.rows)
        query = resolve_subqueries(self.session, Query(self.rows.model, where=where))
        if joins_to_many(query.where):
            msg = "Of a slice, the server cannot count rows by a condition on related rows: filter before slicing."
            raise UnsupportedQuery(msg)
        return [] if query.is_empty else by_keys(query, self._slice)

    @property
    def split(self) -> bool:
        """Whether one group comes in several rows of the answers."""
        return any(part.finer for part in self.keys) or len(self.chosen()) > 1

    def recipes(self) -> dict[str, AggregatePlan]:
        """Return how each measure is made."""
        return {name: aggregate_plan(measure, split=self.split) for name, measure in self.grouping.aggregates}

    # --- all of them ----------------------------------------------------------------------------------------

    def gathered(self) -> list[Group] | None:
        """Return all groups, in the order of the server's first answer; None if that cannot be believed."""
        recipes = self.recipes()
        groups: dict[tuple[Any, ...], dict[str, Accumulator]] = {}
        if not self.keys:
            groups[()] = self._results(recipes)
        for (where, column), names in _requests(recipes, grouped=bool(self.keys)).items():
            chosen = {name: recipes[name] for name in names}
            first = where == ALWAYS and column is None
            find = GroupMatcher(groups, functools.partial(self._results, recipes), first=first)
            for rows in self._answers(where, column, chosen, first=first):
                if first and self._is_early(rows):
                    return None
                self._take(rows, chosen, find)
        return self._finished(groups)

    def _results(self, recipes: Mapping[str, AggregatePlan]) -> dict[str, Accumulator]:
        return {name: made.make(self._rank(made.texts)) for name, made in recipes.items()}

    def _rank(self, path: FieldPath) -> Rank:
        if path and self.chosen():
            if path not in self._ranks:
                self._ranks[path] = text_rank(self.session, self.chosen(), path)
            return self._ranks[path]
        return inner_value

    def _by_whole_values(self) -> GroupReader:
        return GroupReader(self._session, self.rows, self.grouping, whole=True)

    def _is_early(self, rows: Iterable[Row]) -> bool:
        """Return whether there are moments before 1970, of whose seconds SQLite's functions round parts up."""
        firsts = ((total.field, total.value_in(row)) for row in rows for total in self._firsts)
        return any(field.load(in_rows(field, raw)).year < 1970 for field, raw in firsts if raw is not None)

    def _answers(
        self, where: Node, column: GroupColumn | None, chosen: Mapping[str, AggregatePlan], *, first: bool
    ) -> Iterator[list[Row]]:
        for ask in self._asks(where, column, chosen, first=first):
            yield from self._pages(ask)

    def _asks(
        self, where: Node, column: GroupColumn | None, chosen: Mapping[str, AggregatePlan], *, first: bool
    ) -> list[GroupRequest]:
        columns = self.columns if column is None else tuple(dict.fromkeys((*self.columns, column)))
        order = self.ordered(chosen)[1] if first else ()
        plain = tuple(GroupSort(each) for each in columns)
        asks = [with_totals(ask, columns, chosen, order or plain) for ask in self.chosen(where)]
        return [self._with_firsts(ask) for ask in asks] if first else asks

    def _pages(self, ask: GroupRequest, page_size: int | None = None) -> Iterator[list[Row]]:
        return fetch(self.session, group_pages(ask, dialect_of(self.session), self.session.max_rows, page_size))

    def plan(self, choose: Callable[[Node], GroupRequest], query: Query) -> Iterator[tuple[str, GroupRequest]]:
        """Yield what would be asked of rows that are chosen so, and what for; nothing is sent."""
        self._chosen[ALWAYS] = [choose(ALWAYS)]
        ask = self.streamed()
        if ask is not None:
            yield "the groups", ask if self.grouping.having else cut_to(ask, query.limit, query.offset)
            return
        recipes = self.recipes()
        for (where, column), names in _requests(recipes, grouped=True).items():
            if where not in self._chosen:
                self._chosen[where] = [choose(where)]
            chosen = {name: recipes[name] for name in names}
            first = where == ALWAYS and column is None
            purpose = "the groups" if first else f"{', '.join(names)} of each group"
            yield from ((purpose, ask) for ask in self._asks(where, column, chosen, first=first))

    def choice(self, asks: explained.Explainer, where: Node) -> GroupRequest:
        """Return how the rows that meet a further condition would be asked for; what comes before is added."""
        rows = attrs.evolve(self.rows.filtered(where), order=())
        if not needs_recheck(rows):
            rows = asks.settle(rows)
            if not joins_to_many(rows.where):
                return GroupRequest(rows)
        pk = rows.model.directus.pk
        asks.read(rows.with_paths((pk,)), "the keys of the rows that are put in groups", KEYS_AT_ONCE)
        return GroupRequest(Query(rows.model), keys=(asks.last,))

    def _take(self, rows: list[Row], chosen: Mapping[str, AggregatePlan], find: GroupMatcher) -> None:
        tables = {name: self._table(made, rows) for name, made in chosen.items()}
        for row, group in zip(rows, self.groups_of(rows), strict=True):
            results = find(group)
            if results is not None:
                for name in chosen:
                    results[name].add(row, tables[name])

    def groups_of(self, rows: list[Row]) -> list[tuple[Any, ...]]:
        """Return the group that each row of an answer belongs to."""
        getters = [self._getter(part, rows) for part in self.keys]
        return [tuple([get(row) for get in getters]) for row in rows]

    def _getter(self, part: GroupKey, rows: list[Row]) -> Callable[[Row], Any]:
        if not part.related:
            return part.get
        table = self.table((part.term.path[0], *part.related), {part.get(row) for row in rows})
        value = value_of(part.term)

        def get(row: Row) -> Any:
            found = table.get(part.get(row))
            return found if found is None or value is None else value(found)

        return get

    def _table(self, made: AggregatePlan, rows: list[Row]) -> Related:
        if not made.related or made.column is None:
            return {}
        field, column = made.column.field, made.column.key
        found = {field.load(row[column]) for row in rows if row[column] is not None}
        return self.table((field, *made.related), found)

    def table(self, path: FieldPath, wanted: Iterable[Any]) -> Related:
        """Return the values at the end of a path, by the key of the row it leads over first."""
        known = self._tables.setdefault(path, {})
        missing = [one for one in wanted if one is not None and one not in known]
        first, *rest = path
        assert first.target is not None  # noqa: S101 - the path leads on
        pk = first.target.directus.pk
        query = Query(first.target, paths=((pk,), tuple(rest)))
        get = value_getter(tuple(rest))
        sent = [pk.value_type.dump(one) for one in missing]
        known.update(dict.fromkeys(missing))
        steps = key_pager(query, sent, dialect_of(self.session), self.session.max_rows)
        for rows in fetch(self.session, steps) if sent else ():
            known.update((pk.load(row[pk.column]), get(row, row[pk.column])) for row in rows)
        return known

    # --- page by page ---------------------------------------------------------------------------------------

    def ordered(self, recipes: Mapping[str, AggregatePlan]) -> tuple[int, tuple[GroupSort, ...]]:
        """Return how the server orders groups, and by how many keys of the ordering they have to be ordered here.

        The last keys are the server's, as many of them as it can order by as it should.
        """
        known = dict(zip((name for name, _ in self.grouping.keys), self.keys, strict=True))
        measures, total = dict(self.grouping.aggregates), self.grouping.total_order
        found: tuple[GroupSort, ...] = ()
        for place in range(len(total) if not self.split else 0, 0, -1):
            order = total[place - 1]
            if order.name in known:
                by: tuple[GroupColumn | ServerAggregate, ...] = known[order.name].columns
            else:
                by = _sortable(measures[order.name], recipes.get(order.name))
            if not by:
                return place, found
            found = (*(GroupSort(each, order.descending) for each in by), *found)
        return (len(total) if self.split else 0), found

    def streamed(self) -> GroupRequest | None:
        """Return what brings finished groups in their order; None where they have to be made here."""
        recipes = self.recipes()
        here, order = self.ordered(recipes)
        if here or self.split or not self.chosen() or not all(made.is_first for made in recipes.values()):
            return None
        return self._with_firsts(with_totals(self.chosen()[0], self.columns, recipes, order))

    def _with_firsts(self, ask: GroupRequest) -> GroupRequest:
        return attrs.evolve(ask, aggregates=(*ask.aggregates, *self._firsts))

    def _finished(self, groups: Mapping[tuple[Any, ...], Mapping[str, Accumulator]]) -> list[Group]:
        """Return groups as their values by name."""
        names = [name for name, _ in self.grouping.keys]
        measures = dict(self.grouping.aggregates)
        return [
            {
                **dict(zip(names, group, strict=True)),
                **{name: _or_default(result.value(), measures[name]) for name, result in results.items()},
            }
            for group, results in groups.items()
        ]

    def made(self, rows: list[Row]) -> list[Group]:
        """Return the groups of rows that each are one."""
        recipes = self.recipes()
        groups = {}
        for row, group in zip(rows, self.groups_of(rows), strict=True):
            groups[group] = results = self._results(recipes)
            for result in results.values():
                result.add(row, {})
        return self._finished(groups)

    def pages(self, query: Query, page_size: int | None) -> Iterator[list[Group]]:
        """Yield the groups, filtered, in order, cut."""
        test = test_of(self.grouping.having, self.grouping) if self.grouping.having else None
        ask = self.streamed()
        if ask is None:
            groups = self.gathered()
            if groups is None:
                yield from self._by_whole_values().pages(query, page_size)
                return
            found = [group for group in groups if test is None or test(group)]
            here, _ = self.ordered({name: made for name, made in self.recipes().items() if made.is_first})
            if here and found:
                Ordering(self.session, self.chosen(), self.grouping).sort(found, self.grouping.total_order[:here])
            yield _cut(found, query)
            return
        part = ask if test is not None else cut_to(ask, query.limit, query.offset)
        answers = self._pages(part, page_size)
        first = next(answers, [])
        if self._firsts and self._is_early(first if self._is_all(part, first, page_size) else self._earliest()):
            yield from self._by_whole_values().pages(query, page_size)
            return
        made = (self.made(rows) for rows in chain([first], answers))
        yield from made if test is None else _sliced(([g for g in page if test(g)] for page in made), query)

    def _is_all(self, part: GroupRequest, rows: list[Row], page_size: int | None) -> bool:
        """Return whether a first page has all groups."""
        bounds = (page_size or GROUPS_AT_ONCE, self.session.max_rows, part.rows.limit)
        return not part.rows.offset and len(rows) < min(bound for bound in bounds if bound is not None)

    def _earliest(self) -> Iterator[Row]:
        for ask in self.chosen():
            for rows in self._pages(attrs.evolve(ask, aggregates=self._firsts)):
                yield from rows


def read(session: Session, query: Query, page_size: int | None = None) -> Iterator[list[Group]]:
    """Yield the groups of a query, page by page."""
    if not query.is_empty:
        yield from _reading(session, query).pages(query, page_size)


def explain(query: Query, session: Session | None = None) -> explained.Explanation:
    """Return what reading groups sends; without any session, what Directus 12 would be sent."""
    if query.is_empty:
        return explained.Explanation(describe_query(query))
    asks, reading = explained.Explainer.of(session), _reading(None, query)
    maximum = None if asks.session is None else asks.session.max_rows
    for purpose, ask in reading.plan(functools.partial(reading.choice, asks), query):
        (request,) = next(group_pages(ask, asks.dialect, maximum)).requests
        asks.add(purpose, request)
    return explained.Explanation(
        describe_query(query), asks.made, f"Groups are read {GROUPS_AT_ONCE:,} at a time.{_AFTER}"
    )


# Which of these there are, and for which values, only the groups tell.
_AFTER = (
    " Related rows that they name are read by key, and the database's order of texts and nulls where it counts."
)


def count(session: Session, query: Query) -> int:
    """Return the number of groups: by one request that reads none where the server can tell."""
    if query.is_empty:
        return 0
    reading = _reading(session, query)
    number = None if reading.grouping.having else _counted(reading)
    if number is None:
        whole = query.evolve(limit=None, offset=0)
        bare = attrs.evolve(reading.grouping, order=(), aggregates=_needed(reading.grouping))
        number = sum(map(len, read(session, attrs.evolve(whole, grouping=bare))))
    behind = max(number - query.offset, 0)
    return behind if query.limit is None else min(behind, query.limit)


def _needed(grouping: Grouping) -> tuple[tuple[str, AggregateSpec], ...]:
    return grouping.aggregates if grouping.having else ()


def _counted(reading: GroupReader) -> int | None:
    """Return the number of different values of the only group key, null included."""
    chosen = reading.chosen()
    if not chosen:
        return 0
    columns = reading.columns
    if (
        reading.split
        or len(columns) != 1
        or columns[0].function
        or kind_of(columns[0].field) not in COUNTED_DISTINCT
    ):
        return None
    field = columns[0].field
    rows, filled = ServerAggregate("count", reading.rows.model.directus.pk), ServerAggregate("count", field)
    different = ServerAggregate("countDistinct", field)
    ask = attrs.evolve(chosen[0], aggregates=(rows, filled, different))
    ((row,),) = fetch(reading.session, group_pages(ask, dialect_of(reading.session)))
    return int(different.value_in(row)) + (int(rows.value_in(row)) > int(filled.value_in(row)))


def aggregate(session: Session, query: Query, measures: Mapping[str, AggregateSpec]) -> Group:
    """Return what is made of all rows of a query, by name."""
    reading = GroupReader(session, query, Grouping(aggregates=tuple(measures.items())))
    found = reading.gathered()
    assert found is not None  # noqa: S101 - without groups, there are no parts of dates to doubt
    return found[0]


def _reading(session: Session | None, query: Query) -> GroupReader:
    assert query.grouping is not None  # noqa: S101 - asked of groups alone
    return GroupReader(session, query.evolve(limit=None, offset=0), query.grouping)


def _requests(
    recipes: Mapping[str, AggregatePlan], *, grouped: bool
) -> dict[tuple[Node, GroupColumn | None], list[str]]:
    """Return which measures come by the same request; of groups, the first one says which there are."""
    found: dict[tuple[Node, GroupColumn | None], list[str]] = {(ALWAYS, None): []} if grouped else {}
    for name, made in recipes.items():
        found.setdefault((made.where, made.column), []).append(name)
    return found


def _or_default(value: Any, measure: AggregateSpec) -> Any:
    return measure.default if value is None else value


def _sortable(measure: AggregateSpec, made: AggregatePlan | None) -> tuple[ServerAggregate, ...]:
    """Return the server's total that orders as the measure does."""
    # Of a mean of whole numbers, MariaDB keeps four digits.
    cut = measure.function == "avg" and kind_of(measure.path[0]) != "float"
    if made is None or not made.is_first or measure.default is not None or cut:
        return ()
    suffix = "Distinct" if measure.distinct and measure.function not in ("min", "max") else ""
    return (ServerAggregate(measure.function + suffix, measure.path[0]),)


def _cut(found: list[Group], query: Query) -> list[Group]:
    return found[query.offset :] if query.limit is None else found[query.offset : query.offset + query.limit]


def _sliced(found: Iterable[list[Group]], query: Query) -> Iterator[list[Group]]:
    """Yield the groups of a slice of all pages, and ask for no more of them."""
    seen = 0
    last = None if query.limit is None else query.offset + query.limit
    for page in found:
        yield page[max(query.offset - seen, 0) : None if last is None else max(last - seen, 0)]
        seen += len(page)
        if last is not None and seen >= last:
            return


class GroupMatcher:
    """Finds the group that a row of an answer belongs to; the first answer says which groups there are.

    A database that takes "a" for "A" names a group by either, and by the other one in its next answer.
    """

    def __init__(
        self,
        groups: dict[tuple[Any, ...], dict[str, Accumulator]],
        make: Callable[[], dict[str, Accumulator]],
        *,
        first: bool,
    ) -> None:
        self._groups = groups
        self._make = make
        self._first = first
        self._alike: dict[tuple[Any, ...], dict[str, Accumulator] | None] | None = None

    def __call__(self, group: tuple[Any, ...]) -> dict[str, Accumulator] | None:
        """Return what is made of the group; None of one that came meanwhile."""
        if group not in self._groups and not self._first:
            return self._called_alike(group)
        if group not in self._groups:
            self._groups[group] = self._make()
        return self._groups[group]

    def _called_alike(self, group: tuple[Any, ...]) -> dict[str, Accumulator] | None:
        if self._alike is None:
            self._alike = {}
            for name, results in self._groups.items():
                folded = _folded(name)
                self._alike[folded] = None if folded in self._alike else results
        return self._alike.get(_folded(group))


def _folded(group: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_letters(part) if isinstance(part, str) else part for part in group)


def _letters(text: str) -> str:
    """Return a text as MariaDB compares it by default: without case, accents and trailing blanks, emoji alike."""
    plain = (c if c < "\U00010000" else "\ufffd" for c in normalize("NFKD", text) if not combining(c))
    return "".join(plain).casefold().rstrip(" ")
