"""The comparisons in Python mean what the operators that are sent mean, and a range has two bounds."""

from __future__ import annotations

from typing import Any

import pytest

from directus_orm import QueryError
from directus_orm.query.comparisons import COMPARISONS, OPERATORS, compares, range_bounds
from directus_orm.query.conditions import OPPOSITE

OPERANDS: dict[str, Any] = {"in": [1, 2], "range": [1, 2]}


@pytest.mark.parametrize("lookup", COMPARISONS)
def test_a_lookup_and_its_operator_compare_alike_and_the_opposite_does_not(lookup: str) -> None:
    operand = OPERANDS.get(lookup, 1)
    for number in range(4):
        holds = bool(COMPARISONS[lookup](number, operand))
        assert compares(number, OPERATORS[lookup], operand) is holds
        assert compares(number, OPPOSITE[OPERATORS[lookup]], operand) is not holds


@pytest.mark.parametrize("value", [(1, 2), [1, 2]])
def test_a_range_is_a_list_or_a_tuple_of_two_values(value: Any) -> None:
    assert range_bounds(value, "n__range") == (1, 2)


@pytest.mark.parametrize("value", [None, 1, "ab", {1, 2}, (), (1,), (1, 2, 3), (None, 2), (1, None)])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(QueryError, match="n__range takes two values, the lowest and the highest, not"):
        range_bounds(value, "n__range")
