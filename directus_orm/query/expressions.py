"""What queries compute: `F` names a value, `Count` and its kin make one of many. Values, and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from ..core.errors import QueryError, UnsupportedQuery
from .q import Q, only_q


class _Alone:
    """An expression that stands by itself: the server computes nothing with it."""

    def _refuse(self, *_: object) -> Any:
        msg = f"{self!r}: the server has no arithmetic on expressions. Compute with the results, in Python."
        raise UnsupportedQuery(msg)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = _refuse
    __and__ = __or__ = __xor__ = _refuse


def _name_of(expression: str | F) -> str:
    name = expression.name if isinstance(expression, F) else expression
    if isinstance(name, str) and name:
        return name
    msg = (
        f"An expression names a field, such as 'dep_delay' or F('carrier__name'), not {expression!r}. "
        "The server computes nothing else: no Case, no Value, no Subquery; compute in Python."
    )
    raise UnsupportedQuery(msg)


@attrs.frozen(repr=False)
class F(_Alone):
    """A value by its path: to rename it in `annotate` and `values`, or to group by it.

    Example:
        >>> named = Flight.objects.annotate(airline=F("carrier__name"), year=F("time_hour__year"))
        >>> named.filter(airline__startswith="Jet").order_by("id")[0].airline
        'JetBlue'
    """

    name: str = attrs.field(converter=_name_of)

    def __repr__(self) -> str:
        return f"F({self.name!r})"


def _condition(value: Q | None) -> Q | None:
    return None if value is None else only_q(value)


@attrs.frozen(repr=False)
class Aggregate(_Alone):
    """One value made of many: the base of `Count`, `Sum`, `Avg`, `Min` and `Max`.

    Args:
        expression: the path of the values; null is never among them.
        distinct: take equal values once.
        filter: take only the rows that meet this `Q`; asks one more request.
        default: what comes instead of None where there is no value.
    """

    function: ClassVar[str] = ""

    expression: str = attrs.field(converter=_name_of)
    distinct: bool = attrs.field(default=False, kw_only=True)
    filter: Q | None = attrs.field(default=None, kw_only=True, converter=_condition)
    default: Any = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.function:
            msg = "Aggregate is the base of Count, Sum, Avg, Min and Max; the server has no others."
            raise UnsupportedQuery(msg)
        if self.expression == "*" and (self.function != "count" or self.distinct):
            msg = f"{self!r}: '*' stands for rows, which are counted with Count('*'); name a field."
            raise QueryError(msg)

    @property
    def default_name(self) -> str:
        """The name that it has where none was given: ``dep_delay__avg``.

        Raises:
            QueryError: it counts rows, which have no name.
        """
        if self.expression == "*":
            msg = "Count('*') needs a name: n=Count('*')."
            raise QueryError(msg)
        return f"{self.expression}__{self.function}"

    def __repr__(self) -> str:
        told = [("distinct", self.distinct, False), ("filter", self.filter, None), ("default", self.default, None)]
        extra = "".join(f", {name}={value!r}" for name, value, usual in told if value is not usual)
        return f"{type(self).__name__}({self.expression!r}{extra})"


class Count(Aggregate):
    """The number of values that are not null; ``Count("*")`` that of rows, ``Count("comments")`` of related rows.

    Example:
        >>> Flight.objects.aggregate(flights=Count("*"), planes=Count("plane", distinct=True))
        {'flights': 260, 'planes': 3}
    """

    __slots__ = ()
    function = "count"

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.default is not None:
            msg = "Count() takes no default: of nothing it is 0."
            raise QueryError(msg)


class Sum(Aggregate):
    """The sum of numbers: an int of ints, a Decimal of Decimals; None of nothing."""

    __slots__ = ()
    function = "sum"


class Avg(Aggregate):
    """The mean of numbers: a Decimal of Decimals, else a float; None of nothing."""

    __slots__ = ()
    function = "avg"


class Min(Aggregate):
    """The least of numbers, texts, dates or times, as the database orders them; None of nothing."""

    __slots__ = ()
    function = "min"


class Max(Aggregate):
    """The greatest of numbers, texts, dates or times, as the database orders them; None of nothing."""

    __slots__ = ()
    function = "max"
