"""Groups and their totals, as the REST API is asked for them (facts, section 3)."""

from __future__ import annotations

from ..query.parts import Ask
from ..wire import Row


def query_of(ask: Ask, filtered: Row) -> Row:
    """Return the parameters of a request for groups; ``filtered`` are those that choose the rows.

    The limit and the offset are those of groups, and both must be said (G22, G23).
    """
    parts: Row = {}
    functions = dict.fromkeys(total.function for total in ask.totals)
    if functions:
        parts["aggregate"] = {
            function: [total.field.column for total in dict.fromkeys(ask.totals) if total.function == function]
            for function in functions
        }
    parts |= filtered
    if ask.columns:
        parts["groupBy"] = [column.text for column in ask.columns]
        parts["sort"] = [("-" if order.descending else "") + order.by.text for order in ask.order]
    parts["limit"] = ask.rows.limit
    if ask.rows.offset:
        parts["offset"] = ask.rows.offset
    return parts
