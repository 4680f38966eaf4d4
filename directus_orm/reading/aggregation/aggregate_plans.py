"""Plans of aggregates: what to request from the server for an aggregate, and which accumulator combines the rows.

An aggregate is computed from the server's own aggregates if they are exact and can be combined. Otherwise the rows
are grouped by the aggregated value as well, and the result is computed from the values and how often each occurs.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...fields.field import Field
from ...fields.paths import FieldPath, kind_of, trim_join
from ...fields.type_table import BOOLEANS, COLLATED, COUNTED
from ...query.capabilities import Capabilities
from ...query.conditions import ALWAYS, Comparison, Node, all_of
from ...query.group_request import GroupColumn, ServerAggregate
from ...query.grouping import AggregateSpec
from .accumulators import (
    Accumulator,
    AggregateInputs,
    CountAccumulator,
    ExtremeAccumulator,
    FloatMeanAccumulator,
    FloatSumAccumulator,
    MeanAccumulator,
    Rank,
    SumAccumulator,
    ValuesAccumulator,
    ValuesCount,
    ValuesExtreme,
    ValuesMean,
    ValuesSum,
)


@attrs.frozen
class SharedRequest:
    """A further condition and a further column to group by; aggregates with the same ones share a request."""

    where: Node = ALWAYS
    column: GroupColumn | None = None

    @property
    def lists_groups(self) -> bool:
        """Whether it reads all rows, so that its response has all groups."""
        return self.where == ALWAYS and self.column is None


@attrs.frozen
class AggregatePlan:
    """How an aggregate is computed.

    ``where`` is the condition on the rows to aggregate. ``text_path`` is the path of texts that are compared in
    Python, by their places in the database's order.
    """

    accumulator: type[Accumulator]
    inputs: AggregateInputs
    where: Node = ALWAYS
    text_path: FieldPath = ()

    @property
    def request(self) -> SharedRequest:
        """The request that reads this aggregate, together with others."""
        return SharedRequest(self.where, self.inputs.column)

    def new_accumulator(self, rank: Rank) -> Accumulator:
        """Return an accumulator for one group; ``rank`` compares values."""
        return self.accumulator(self.inputs, rank)


Plans = Mapping[str, AggregatePlan]
"""Plans by the names of the aggregates."""


def plans_by_request(plans: Plans, *, with_groups: bool) -> dict[SharedRequest, dict[str, AggregatePlan]]:
    """Group plans by their request; ``with_groups`` puts the request that lists the groups first."""
    shared: dict[SharedRequest, dict[str, AggregatePlan]] = {SharedRequest(): {}} if with_groups else {}
    for name, plan in plans.items():
        shared.setdefault(plan.request, {})[name] = plan
    return shared


def plan_aggregate(spec: AggregateSpec, capabilities: Capabilities, *, is_split: bool) -> AggregatePlan:
    """Return the plan of an aggregate; ``is_split`` says that several rows of a response form one group."""
    spec = attrs.evolve(spec, path=trim_join(spec.path))
    field, *related = spec.path
    if related or _needs_values(spec, is_split=is_split):
        return _plan_from_values(spec, capabilities)
    if spec.function == "count" and kind_of(field) not in COUNTED:
        return _plan_counting_rows(spec, capabilities)
    return _plan_from_server(spec, capabilities, is_split=is_split)


def _needs_values(spec: AggregateSpec, *, is_split: bool) -> bool:
    kind = kind_of(spec.path[-1])
    if spec.function in ("min", "max"):
        return kind in BOOLEANS  # not every database has min and max of these
    return spec.distinct and (is_split or (spec.function == "count" and kind not in COUNTED))


def _plan_counting_rows(spec: AggregateSpec, capabilities: Capabilities) -> AggregatePlan:
    """Return the plan that counts the values of a field by the keys of the rows that have one."""
    has_value = all_of([spec.where, Comparison(spec.path, "nnull")])
    inputs = AggregateInputs("count", (row_count(spec.path[0], capabilities),), capabilities)
    return AggregatePlan(CountAccumulator, inputs, has_value)


# For each function: the accumulator, and the server's aggregates that it takes, in this order.
_FromServer = dict[str, tuple[type[Accumulator], tuple[str, ...]]]
_FROM_SERVER: _FromServer = {
    "count": (CountAccumulator, ("count",)),
    "sum": (SumAccumulator, ("sum",)),
    "avg": (MeanAccumulator, ("sum", "count")),
    "min": (ExtremeAccumulator, ("min",)),
    "max": (ExtremeAccumulator, ("max",)),
}
_FROM_SERVER_OF_FLOATS: _FromServer = {
    **_FROM_SERVER,
    "sum": (FloatSumAccumulator, ("sum", "avg", "count")),
    "avg": (FloatMeanAccumulator, ("avg", "count")),
}


def _plan_from_server(spec: AggregateSpec, capabilities: Capabilities, *, is_split: bool) -> AggregatePlan:
    field = spec.path[0]
    table = _FROM_SERVER_OF_FLOATS if kind_of(field) == "float" else _FROM_SERVER
    accumulator, functions = table[spec.function]
    aggregates = tuple(
        server_aggregate(function, field, capabilities, distinct=spec.distinct) for function in functions
    )
    inputs = AggregateInputs(spec.function, aggregates, capabilities)
    return AggregatePlan(accumulator, inputs, spec.where, _text_path(spec) if is_split else ())


_FROM_VALUES: dict[str, type[ValuesAccumulator]] = {
    "count": ValuesCount,
    "sum": ValuesSum,
    "avg": ValuesMean,
    "min": ValuesExtreme,
    "max": ValuesExtreme,
}


def _plan_from_values(spec: AggregateSpec, capabilities: Capabilities) -> AggregatePlan:
    field, *related = spec.path
    counts = (row_count(field, capabilities),)
    inputs = AggregateInputs(
        spec.function, counts, capabilities, spec.distinct, GroupColumn(field), tuple(related)
    )
    return AggregatePlan(_FROM_VALUES[spec.function], inputs, spec.where, _text_path(spec))


def _text_path(spec: AggregateSpec) -> FieldPath:
    """Return the path of an aggregate that compares texts, which databases order by collations of their own."""
    compares = spec.function in ("min", "max") and kind_of(spec.path[-1]) in COLLATED
    return spec.path if compares else ()


def server_aggregate(
    function: str, field: Field, capabilities: Capabilities, *, distinct: bool = False
) -> ServerAggregate:
    """Return the server's aggregate for a function; ``distinct`` makes no difference to ``min`` and ``max``."""
    is_distinct = distinct and function not in ("min", "max")
    return ServerAggregate(capabilities.aggregate_function(function, distinct=is_distinct), field)


def row_count(field: Field, capabilities: Capabilities) -> ServerAggregate:
    """Return the server's aggregate for the number of rows: the count of keys of a field's model."""
    return server_aggregate("count", field.model.directus.pk, capabilities)
