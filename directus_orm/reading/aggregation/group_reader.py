"""`GroupReader`: the requests for groups, and how the rows of the responses become groups.

If the server can compute and order everything, each row of a response is a group, and groups are streamed page by
page. Otherwise all groups are read, and merged in Python.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import attrs

from ...core.request_response import Row
from ...fields.paths import FieldPath, kind_of
from ...query.group_request import GroupColumn, GroupRequest, GroupSort, ServerAggregate
from ...query.grouping import Grouping
from ...session.session import Session
from ..pagination.pager_driver import fetch
from ..row_values import value_transform
from .accumulators import Rank, RelatedByKey, load_extreme, plain_value
from .aggregate_plans import (
    AggregatePlan,
    Plans,
    SharedRequest,
    plan_aggregate,
    plans_by_request,
    server_aggregate,
)
from .group_keys import Group, GroupKey, GroupValues, ReadValue, group_key
from .group_matching import Accumulators, GroupMatcher
from .group_ordering import database_rank
from .group_paging import GROUPS_AT_ONCE, group_pager
from .row_selection import RowSelection
from .values_over_relations import RelatedValues


class UnreliableDatePartsError(Exception):
    """The server may have rounded parts of dates wrongly: groups have to be read by whole values."""


class GroupReader:
    """Reads the groups of selected rows; with ``by_whole_values``, Python takes the parts of dates."""

    def __init__(self, selection: RowSelection, grouping: Grouping, *, by_whole_values: bool = False) -> None:
        self.selection = selection
        self.grouping = grouping
        self._capabilities = capabilities = selection.dialect.capabilities
        self.keys = [group_key(ref, capabilities, by_whole_values=by_whole_values) for _, ref in grouping.keys]
        self._key_by_name = dict(zip((name for name, _ in grouping.keys), self.keys, strict=True))
        self.columns = tuple(dict.fromkeys(column for key in self.keys for column in key.columns))
        # The earliest value of each datetime field whose parts the server computes, for `_check_date_parts`.
        moment_fields = [key.moment_field for key in self.keys if key.moment_field]
        self._earliest = tuple(
            server_aggregate("min", field, capabilities) for field in dict.fromkeys(moment_fields)
        )
        self._ranks: dict[FieldPath, Rank] = {}

    @property
    def session(self) -> Session:
        """The session that reads the groups."""
        return self.selection.session

    @property
    def is_split(self) -> bool:
        """Whether several rows of the responses may form one group."""
        return any(key.is_finer for key in self.keys) or len(self.selection.requests()) > 1

    @functools.cached_property
    def plans(self) -> Plans:
        """How each aggregate is computed."""
        return {
            name: plan_aggregate(spec, self._capabilities, is_split=self.is_split)
            for name, spec in self.grouping.aggregates
        }

    # --- requests ---------------------------------------------------------------------------------------------

    def stream_request(self) -> GroupRequest | None:
        """Return the request whose rows are the groups, in their order; None if groups are merged in Python."""
        plans = self.plans
        python_keys, order = self.server_order(plans)
        if python_keys or self.is_split or not self.selection.requests():
            return None
        if not all(plan.request.lists_groups for plan in plans.values()):
            return None
        request = _request_aggregates(self.selection.requests()[0], self.columns, plans, order)
        return self._with_earliest(request)

    def requests(self, shared: SharedRequest, plans: Plans) -> list[GroupRequest]:
        """Return the requests for the aggregates of plans that share a request; several if there are many keys."""
        column = () if shared.column is None else (shared.column,)
        columns = tuple(dict.fromkeys((*self.columns, *column)))
        order = self.server_order(plans)[1] if shared.lists_groups else ()
        order = order or tuple(map(GroupSort, columns))
        selected = self.selection.requests(shared.where)
        requests = [_request_aggregates(request, columns, plans, order) for request in selected]
        return list(map(self._with_earliest, requests)) if shared.lists_groups else requests

    def server_order(self, plans: Plans) -> tuple[int, tuple[GroupSort, ...]]:
        """Return how many leading keys of the ordering Python sorts by, and how the server sorts by the rest."""
        total_order = self.grouping.total_order
        if self.is_split:
            return len(total_order), ()
        sorts: tuple[GroupSort, ...] = ()
        for position in range(len(total_order), 0, -1):
            order = total_order[position - 1]
            sorted_by = self._server_sort(order.name, plans)
            if not sorted_by:
                return position, sorts
            sorts = (*(GroupSort(by, order.descending) for by in sorted_by), *sorts)
        return 0, sorts

    def _server_sort(self, name: str, plans: Plans) -> tuple[GroupColumn | ServerAggregate, ...]:
        """Return what the server sorts by for a name of the ordering; nothing if its order would be wrong."""
        if name in self._key_by_name:
            return self._key_by_name[name].columns
        spec, plan = dict(self.grouping.aggregates)[name], plans.get(name)
        # MariaDB rounds a mean of whole numbers to four digits.
        is_rounded = spec.function == "avg" and kind_of(spec.path[0]) != "float"
        if plan is None or not plan.request.lists_groups or spec.default is not None or is_rounded:
            return ()
        return (server_aggregate(spec.function, spec.path[0], self._capabilities, distinct=spec.distinct),)

    def _with_earliest(self, request: GroupRequest) -> GroupRequest:
        return attrs.evolve(request, aggregates=(*request.aggregates, *self._earliest))

    def read_rows(self, request: GroupRequest, page_size: int | None = None) -> Iterator[list[Row]]:
        """Yield the rows of the responses to a request, page by page."""
        pager = group_pager(request, self.selection.dialect, self.session.max_rows, page_size)
        return fetch(self.session, pager)

    # --- streamed ---------------------------------------------------------------------------------------------

    def stream(self, request: GroupRequest, page_size: int | None = None) -> Iterator[list[Group]]:
        """Yield groups page by page, one for each row of a response.

        Raises:
            UnreliableDatePartsError: groups have to be read by whole values; raised before the first page.
        """
        pages = self.read_rows(request, page_size)
        first = next(pages, [])
        if self._earliest:
            has_all = self._has_all_groups(request, first, page_size)
            self._check_date_parts(first if has_all else self._read_earliest())
        for rows in chain([first], pages):
            yield self._groups_from(rows)

    def _groups_from(self, rows: list[Row]) -> list[Group]:
        groups: dict[GroupValues, Accumulators] = {}
        for row, group in zip(rows, self._group_values(rows), strict=True):
            groups[group] = accumulators = self._new_accumulators()
            for accumulator in accumulators.values():
                accumulator.add(row, {})
        return self._results(groups)

    def _has_all_groups(self, request: GroupRequest, first_page: list[Row], page_size: int | None) -> bool:
        """Return whether the first page has all groups."""
        limits = (page_size or GROUPS_AT_ONCE, self.session.max_rows, request.rows.limit)
        return not request.rows.offset and len(first_page) < min(limit for limit in limits if limit is not None)

    def _read_earliest(self) -> Iterator[Row]:
        for request in self.selection.requests():
            for rows in self.read_rows(attrs.evolve(request, aggregates=self._earliest)):
                yield from rows

    def _check_date_parts(self, rows: Iterable[Row]) -> None:
        """Refuse parts of datetimes before 1970: SQLite's functions round their seconds up.

        Raises:
            UnreliableDatePartsError: there is such a datetime.
        """
        earliest = ((minimum.field, minimum.value_in(row)) for row in rows for minimum in self._earliest)
        for field, raw in earliest:
            if raw is not None and load_extreme(field, raw, self._capabilities).year < 1970:
                raise UnreliableDatePartsError

    # --- merged in Python -------------------------------------------------------------------------------------

    def merge(self) -> list[Group]:
        """Return all groups, in the order of the server's first response.

        Raises:
            UnreliableDatePartsError: groups have to be read by whole values.
        """
        groups: dict[GroupValues, Accumulators] = {} if self.keys else {(): self._new_accumulators()}
        for shared, plans in plans_by_request(self.plans, with_groups=bool(self.keys)).items():
            matcher = GroupMatcher(groups, self._new_accumulators, is_first=shared.lists_groups)
            for request in self.requests(shared, plans):
                for rows in self.read_rows(request):
                    if shared.lists_groups:
                        self._check_date_parts(rows)
                    self._accumulate(rows, plans, matcher)
        return self._results(groups)

    def _accumulate(self, rows: list[Row], plans: Plans, matcher: GroupMatcher) -> None:
        related = {name: self._related_to_plan(plan, rows) for name, plan in plans.items()}
        for row, group in zip(rows, self._group_values(rows), strict=True):
            accumulators = matcher.find(group)
            if accumulators is not None:
                for name in plans:
                    accumulators[name].add(row, related[name])

    def _related_to_plan(self, plan: AggregatePlan, rows: list[Row]) -> RelatedByKey:
        column, path = plan.inputs.column, plan.inputs.related
        if not path or column is None:
            return {}
        raw_keys = (row[column.key] for row in rows)
        keys = {column.field.load(raw) for raw in raw_keys if raw is not None}
        return self._related_values.load((column.field, *path), keys)

    def _new_accumulators(self) -> Accumulators:
        return {name: plan.new_accumulator(self._rank(plan.text_path)) for name, plan in self.plans.items()}

    def _rank(self, text_path: FieldPath) -> Rank:
        if not text_path or not self.selection.requests():
            return plain_value
        if text_path not in self._ranks:
            self._ranks[text_path] = database_rank(self.session, self.selection.requests(), text_path)
        return self._ranks[text_path]

    # --- rows of responses -> values --------------------------------------------------------------------------

    @functools.cached_property
    def _related_values(self) -> RelatedValues:
        return RelatedValues(self.session)

    def _group_values(self, rows: list[Row]) -> list[GroupValues]:
        """Return, for each row of a response, the values of its group keys."""
        readers = [self._key_reader(key, rows) for key in self.keys]
        return [tuple([read(row) for read in readers]) for row in rows]

    def _key_reader(self, key: GroupKey, rows: list[Row]) -> ReadValue:
        if not key.related:
            return key.read
        read_key, transform = key.read, value_transform(key.ref)
        values = self._related_values.load((key.ref.path[0], *key.related), set(map(read_key, rows)))

        def read(row: Row) -> Any:
            value = values.get(read_key(row))
            return value if value is None or transform is None else transform(value)

        return read

    def _results(self, groups: dict[GroupValues, Accumulators]) -> list[Group]:
        key_names = [name for name, _ in self.grouping.keys]
        defaults = {name: spec.default for name, spec in self.grouping.aggregates}
        results = []
        for values, accumulators in groups.items():
            group = dict(zip(key_names, values, strict=True))
            for name, accumulator in accumulators.items():
                result = accumulator.result()
                group[name] = defaults[name] if result is None else result
            results.append(group)
        return results


def _request_aggregates(
    request: GroupRequest, columns: tuple[GroupColumn, ...], plans: Plans, order: tuple[GroupSort, ...]
) -> GroupRequest:
    """Return the request for groups by these columns, with the server's aggregates that plans take."""
    aggregates = dict.fromkeys(chain.from_iterable(plan.inputs.aggregates for plan in plans.values()))
    return attrs.evolve(request, columns=columns, aggregates=tuple(aggregates), order=order)
