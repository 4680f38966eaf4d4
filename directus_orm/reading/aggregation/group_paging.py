"""Pagination of groups: the pager that requests groups by limit and offset, and misses no row. No I/O.

A user may be allowed to read a field on some rows only. The server leaves the others out of the groups if all the
fields that it groups by are hidden, and takes null for a field if only some are hidden.
"""

from __future__ import annotations

from collections.abc import Generator

import attrs

from ...core.errors import ConversionError, InvalidRequest
from ...core.request_response import Row
from ...dialects.protocol import Dialect
from ...fields.field import Field
from ...fields.paths import kind_of
from ...fields.type_table import BOOLEANS, COUNTED, WITH_EXTREMES
from ...query.conditions import ALWAYS
from ...query.group_request import GroupColumn, GroupRequest, ServerAggregate
from ...session.http.error_mapping import unusable_response
from ..pagination.complete_rows import check_last_row
from ..pagination.page_size import PageSizer
from ..pagination.pager_protocol import Pager, RawPage, RoundTrip
from .accumulators import load_count

# In most cases one request returns all groups, as they were at one moment.
GROUPS_AT_ONCE = 10_000


def group_pager(
    request: GroupRequest, dialect: Dialect, maximum: int | None = None, page_size: int | None = None
) -> Pager:
    """Page through the groups of a request by limit and offset.

    Raises:
        ConversionError: a field that is grouped by is hidden on some rows. Groups without aggregates are not
            checked; rows that are in no group are noticed only if all groups are read.
    """
    request = attrs.evolve(request, aggregates=_with_sort_aggregates(request))
    if not request.columns:
        yield RoundTrip([(yield from _totals(request, dialect))])
        return
    hidden = _HiddenValues.of(request) if request.aggregates else None
    if hidden is not None:
        request = attrs.evolve(request, aggregates=hidden.with_counts(request.aggregates))
    sizes = PageSizer(dialect, page_size or GROUPS_AT_ONCE, maximum)
    left, offset = request.rows.limit, request.rows.offset
    while left is None or left > 0:
        size = sizes.next(left)
        total = hidden is not None and hidden.takes_total and not offset
        try:
            (page,) = yield sizes.round_trip((dialect.groups(slice_groups(request, size, offset), total=total),))
        except InvalidRequest as refusal:
            sizes.retry_smaller(refusal)
            continue
        sizes.ready = page.rows
        if hidden is not None:
            hidden.add(page)
        if len(page.rows) < size:
            if hidden is not None and not request.rows.offset:
                yield from hidden.check_rows(dialect)
            break
        offset += size
        left = None if left is None else left - size
    yield sizes.round_trip()


def slice_groups(request: GroupRequest, limit: int | None, offset: int) -> GroupRequest:
    """Return the request for at most ``limit`` of the groups, from ``offset`` on."""
    return attrs.evolve(request, rows=attrs.evolve(request.rows, limit=limit, offset=offset))


def _with_sort_aggregates(request: GroupRequest) -> tuple[ServerAggregate, ...]:
    """Return the aggregates of a request and those that it sorts by, which the server has to compute as well."""
    sorted_by = (sort.by for sort in request.order if isinstance(sort.by, ServerAggregate))
    return tuple(dict.fromkeys((*request.aggregates, *sorted_by)))


def _totals(request: GroupRequest, dialect: Dialect) -> Generator[RoundTrip, list[RawPage], Row]:
    """Request the aggregates of all rows, and return them."""
    sent = dialect.groups(slice_groups(request, 1, 0))
    (page,) = yield RoundTrip(None, (sent,))
    if len(page.rows) != 1:
        raise unusable_response(sent, f"The response to {sent.method} {sent.path} is not one row of totals.")
    return page.rows[0]


@attrs.define
class _HiddenValues:
    """Finds out whether the fields of a grouped request are hidden on some rows.

    The server computes aggregates of what is stored, also where it shows null. ``shown`` are aggregates that tell
    whether a group has stored values of a column that is null.
    """

    request: GroupRequest
    rows: ServerAggregate
    """The number of rows in a group."""
    shown: tuple[tuple[GroupColumn, ServerAggregate], ...]
    number: int = 0
    """The number of rows in the groups so far."""
    total: int | None = None
    """The number of rows that should be in the groups; None if it is not known."""

    @classmethod
    def of(cls, request: GroupRequest) -> _HiddenValues | None:
        """Return the check of a request; None if the response has no room for a further number."""
        taken = {column.key for column in request.columns}
        count = next((function for function in ("count", "countDistinct") if function not in taken), None)
        if count is None:
            return None
        model, chosen = request.rows.model, request.rows.where != ALWAYS or request.rows.search is not None
        total = None if request.keys is None or chosen else len(request.keys)
        # Rows on which the only field is hidden are left out, so that none of them is null.
        columns = request.columns if len({column.field for column in request.columns}) > 1 else ()
        shown = ((column, _stored_values(column.field, taken)) for column in columns)
        known = tuple((column, aggregate) for column, aggregate in shown if aggregate is not None)
        return cls(request, ServerAggregate(count, model.directus.pk), known, total=total)

    @property
    def takes_total(self) -> bool:
        """Whether the server is asked for the number of rows; it would not count those of given keys."""
        return self.request.keys is None

    def with_counts(self, aggregates: tuple[ServerAggregate, ...]) -> tuple[ServerAggregate, ...]:
        """Return the aggregates of the request, and those that are needed here."""
        return tuple(dict.fromkeys((*aggregates, self.rows, *(aggregate for _, aggregate in self.shown))))

    def add(self, page: RawPage) -> None:
        """Take a page of groups.

        Raises:
            ConversionError: a field is null in a group that has values of it.
        """
        if self.total is None:
            self.total = page.total
        self.number += sum(load_count(self.rows, row) for row in page.rows)
        for column, aggregate in self.shown:
            nulls = (row for row in page.rows if row[column.key] is None)
            if any(_has_values(aggregate, row) for row in nulls):
                raise _hidden_error((column.field,))

    def check_rows(self, dialect: Dialect) -> Generator[RoundTrip, list[RawPage], None]:
        """Check, when all groups are read, that they have all rows; asks the server only if they have fewer.

        Raises:
            ConversionError: all fields are hidden on some rows, which are in no group.
        """
        if self.total is None or self.number >= self.total:
            return
        fields = tuple(dict.fromkeys(column.field for column in self.request.columns))
        if self.request.keys is None:
            rows = self.request.rows.with_paths(*((field,) for field in fields))
            yield from check_last_row(rows, self.total, dialect, _hidden_error(fields))
            return
        request = attrs.evolve(self.request, columns=(), order=(), aggregates=(self.rows,))
        if self.number < load_count(self.rows, (yield from _totals(request, dialect))):
            raise _hidden_error(fields)


def _stored_values(field: Field, taken: set[str]) -> ServerAggregate | None:
    """Return an aggregate that tells whether there is any value of a field; None if there is no such aggregate."""
    if kind_of(field) in COUNTED and "count" not in taken:
        return ServerAggregate("count", field)
    if kind_of(field) in WITH_EXTREMES - BOOLEANS and "min" not in taken:
        return ServerAggregate("min", field)
    return None


def _has_values(aggregate: ServerAggregate, row: Row) -> bool:
    if aggregate.function == "count":
        return load_count(aggregate, row) > 0
    return aggregate.value_in(row) is not None


def _hidden_error(fields: tuple[Field, ...]) -> ConversionError:
    """Return the error for fields that are hidden on some of the rows to group."""
    model, names = fields[0].model, ", ".join(repr(field.column) for field in fields)
    collection = model.directus.collection
    message = (
        f"{', '.join(map(str, fields))}: the groups lack some rows of {collection!r}, or have them as null, since "
        f"this user may not read {names} there. Let its permissions include {names} wherever they allow reading "
        f"{collection!r}, or filter for rows where it may."
    )
    return ConversionError(message, model=model.__name__, key=None, field=fields[0].name, value=None)
