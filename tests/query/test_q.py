"""`Q` is a value: joined, negated and compared, and never mistaken for a truth."""

from __future__ import annotations

import functools
import operator
import pickle

import pytest

from directus_orm import Q, QueryError

from ..world import Flight


def test_joining_makes_new_values_and_leaves_the_parts_alone() -> None:
    left, right = Q(a=1), Q(b=2)
    joined = left & ~right | left
    assert left == Q(a=1)
    assert right == Q(b=2)
    assert joined == Q(a=1) & ~Q(b=2) | Q(a=1)
    assert joined != Q(a=1)
    assert pickle.loads(pickle.dumps(joined)) == joined
    assert repr(joined) == "Q(Q(a=1 & ~Q(Q(b=2))) | a=1)"


def test_a_long_chain_is_flat() -> None:
    many = functools.reduce(operator.or_, [Q(id=n) for n in range(3000)])
    assert len(many.children) == 3000
    assert "_or" in repr(Flight.objects.filter(many).explain())


def test_an_empty_q_says_nothing() -> None:
    assert (Q() & Q(a=1)) == Q(a=1)
    assert (Q(a=1) | Q()) == Q(a=1)


def test_a_q_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="'and'"):
        bool(Q(a=1))


def test_a_bool_is_refused_with_an_explanation() -> None:
    with pytest.raises(QueryError, match="evaluated already"):
        Flight.objects.filter(Flight.dep_delay == 3)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="A condition is a Q"):
        Q(a=1) & {"b": 2}  # type: ignore[operator]
