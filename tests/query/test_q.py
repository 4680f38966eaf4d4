"""`Q` is a value: joined, negated and compared, and never mistaken for a truth."""

from __future__ import annotations

import functools
import operator
import pickle

import pytest

from directus_orm import Q, QueryError, Session
from tests.worlds.flights import Flight


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


def test_exclusive_or_is_one_and_not_the_other(session: Session) -> None:
    late, odd = Q(dep_delay__gt=40), Q(carrier="AA")

    def keys(*conditions: Q) -> set[int]:
        return {flight.id for flight in Flight.objects.filter(*conditions)}

    assert keys(late ^ odd) == keys(late) ^ keys(odd)
    assert keys(late ^ odd ^ Q(diverted=True)) == keys(late) ^ keys(odd) ^ keys(Q(diverted=True))
    assert keys(~(late ^ odd)) == keys(Q()) - (keys(late) ^ keys(odd))
    assert late ^ Q() == late == Q() ^ late
