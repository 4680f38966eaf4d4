"""The parameters of a request for groups: ``groupBy``, ``aggregate``, ``sort``."""

from __future__ import annotations

from ..core.request_response import Row
from ..query.group_request import GroupColumn, GroupRequest, ServerAggregate
from .v10_filters import function_call


def group_params(groups: GroupRequest, row_choice: Row) -> Row:
    """Return the parameters of a request for groups; limit and offset are those of groups (G22, G23).

    ``row_choice`` holds the parameters that choose the rows, such as the filter.
    """
    params: Row = {}
    aggregates = dict.fromkeys(groups.aggregates)
    if aggregates:
        params["aggregate"] = {
            function: [aggregate.field.column for aggregate in aggregates if aggregate.function == function]
            for function in dict.fromkeys(aggregate.function for aggregate in aggregates)
        }
    params |= row_choice
    if groups.columns:
        params["groupBy"] = [_group_key(column) for column in groups.columns]
        params["sort"] = [("-" if order.descending else "") + _group_key(order.by) for order in groups.order]
    params["limit"] = groups.rows.limit
    if groups.rows.offset:
        params["offset"] = groups.rows.offset
    return params


def _group_key(by: GroupColumn | ServerAggregate) -> str:
    """Return the name, in a request, of a column or aggregate to group or sort by."""
    if isinstance(by, ServerAggregate):
        return f"{by.function}.{by.field.column}"
    return by.field.column if by.function is None else function_call(by.function, by.field.column)
