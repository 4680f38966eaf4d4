"""Totals of groups, put together: what of each row the server sends goes into which result.

A measure is taken from the server's own totals where these are exact and can be added up. Else the rows are
grouped by the value as well, and its results are made of the values and how often each occurs.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of, trim_join
from ...fields.type_table import BOOLEANS, COLLATED, COUNTED
from ...query.conditions import ALWAYS, Comparison, Node, all_of
from ...query.group_request import GroupColumn, ServerAggregate
from ...query.grouping import AggregateSpec
from .accumulators import _FROM_VALUES, Accumulator, Rank, _Count, _Extreme, _FloatMean, _FloatSum, _Mean, _Sum


@attrs.frozen
class AggregatePlan:
    """How a measure is made: of which rows, grouped by which further column, with which totals.

    ``related`` is the rest of a path over a relation; the column holds the key of the related row then. ``texts``
    is the path of texts that have to be compared here, by their places in the database's order.
    """

    make: Callable[[Rank], Accumulator] = attrs.field(eq=False, repr=False)
    aggregates: tuple[ServerAggregate, ...]
    where: Node = ALWAYS
    column: GroupColumn | None = None
    related: FieldPath = ()
    texts: FieldPath = ()

    @property
    def is_first(self) -> bool:
        """Whether it comes with the groups themselves, without a request of its own."""
        return self.where == ALWAYS and self.column is None


def aggregate_plan(measure: AggregateSpec, *, split: bool) -> AggregatePlan:
    """Return how a measure is made; ``split`` says that a group comes in several rows."""
    measure = attrs.evolve(measure, path=trim_join(measure.path))
    field, *rest = measure.path
    if rest or _needs_values(measure, split):
        return _of_values(measure)
    if measure.function == "count" and kind_of(field) not in COUNTED:
        present = all_of([measure.where, Comparison((field,), "nnull")])
        rows = _rows(field)
        return AggregatePlan(lambda _: _Count(rows), (rows,), present)
    return _of_totals(measure, field, split=split)


def _needs_values(measure: AggregateSpec, split: bool) -> bool:
    kind = kind_of(measure.path[-1])
    if measure.function in ("min", "max"):
        return kind in BOOLEANS  # which not every database compares
    return measure.distinct and (split or (measure.function == "count" and kind not in COUNTED))


def _of_totals(measure: AggregateSpec, field: Field, *, split: bool) -> AggregatePlan:
    suffix = "Distinct" if measure.distinct else ""
    count, mean = ServerAggregate(f"count{suffix}", field), ServerAggregate(f"avg{suffix}", field)
    whole = ServerAggregate(f"sum{suffix}", field)
    single = kind_of(field) == "float"
    match measure.function:
        case "count":
            return AggregatePlan(lambda _: _Count(count), (count,), measure.where)
        case "sum" if single:
            return AggregatePlan(lambda _: _FloatSum(whole, mean, count), (whole, mean, count), measure.where)
        case "sum":
            return AggregatePlan(lambda _: _Sum(whole), (whole,), measure.where)
        case "avg" if single:
            return AggregatePlan(lambda _: _FloatMean(mean, count), (mean, count), measure.where)
        case "avg":
            return AggregatePlan(lambda _: _Mean(whole, count), (whole, count), measure.where)
    extreme = ServerAggregate(measure.function, field)
    texts = _texts(measure) if split else ()
    return AggregatePlan(lambda rank: _Extreme(extreme, rank), (extreme,), measure.where, texts=texts)


def _of_values(measure: AggregateSpec) -> AggregatePlan:
    first, *rest = measure.path
    make, column, rows = _FROM_VALUES[measure.function], GroupColumn(first), _rows(first)
    return AggregatePlan(
        lambda rank: make(column, rows, measure, rank, related=bool(rest)),
        (rows,),
        measure.where,
        column,
        tuple(rest),
        _texts(measure),
    )


def _texts(measure: AggregateSpec) -> FieldPath:
    """Return the path of the texts that a measure compares."""
    compares = measure.function in ("min", "max") and kind_of(measure.path[-1]) in COLLATED
    return measure.path if compares else ()


def _rows(field: Field) -> ServerAggregate:
    return ServerAggregate("count", field.model.directus.pk)
