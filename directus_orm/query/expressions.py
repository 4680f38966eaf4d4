"""Expressions: `F` refers to a value of a row; `Count`, `Sum`, `Avg`, `Min`, `Max` compute one from many rows."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from ..core.errors import QueryError, UnsupportedQuery
from .q import Q, only_q


class _NoArithmetic:
    """Base of expressions: refuses arithmetic on them, which the server does not have."""

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
class F(_NoArithmetic):
    """A reference to a value of each row, by its path: to name it in `annotate` and `values`, or to group by it.

    Example:
        >>> named = Flight.objects.annotate(airline=F("carrier__name"), year=F("time_hour__year"))
        >>> named.filter(airline__startswith="Jet").order_by("id")[0].airline
        'JetBlue'
    """

    name: str = attrs.field(converter=_name_of)

    def __repr__(self) -> str:
        return f"F({self.name!r})"


def _optional_q(value: Q | None) -> Q | None:
    return None if value is None else only_q(value)


@attrs.frozen(repr=False)
class Aggregate(_NoArithmetic):
    """One value computed from many: the base of `Count`, `Sum`, `Avg`, `Min` and `Max`.

    Args:
        expression: the path of the values; values that are null are left out.
        distinct: take equal values once.
        filter: take only the rows that meet this `Q`; costs one more request.
        default: the result instead of None where there is no value.
    """

    function: ClassVar[str] = ""

    expression: str = attrs.field(converter=_name_of)
    distinct: bool = attrs.field(default=False, kw_only=True)
    filter: Q | None = attrs.field(default=None, kw_only=True, converter=_optional_q)
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
        """The name of the result if none is given, such as ``dep_delay__avg``.

        Raises:
            QueryError: it is ``Count("*")``, which needs a name.
        """
        if self.expression == "*":
            msg = "Count('*') needs a name: n=Count('*')."
            raise QueryError(msg)
        return f"{self.expression}__{self.function}"

    def __repr__(self) -> str:
        options = (
            ("distinct", self.distinct, False),
            ("filter", self.filter, None),
            ("default", self.default, None),
        )
        shown = "".join(f", {name}={value!r}" for name, value, default in options if value is not default)
        return f"{type(self).__name__}({self.expression!r}{shown})"


class Count(Aggregate):
    """The number of values that are not null. ``Count("*")`` counts rows, ``Count("comments")`` related rows.

    Example:
        >>> Flight.objects.aggregate(flights=Count("*"), planes=Count("plane", distinct=True))
        {'flights': 260, 'planes': 3}
    """

    __slots__ = ()
    function = "count"

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.default is not None:
            msg = "Count() takes no default: without values it is 0."
            raise QueryError(msg)


class Sum(Aggregate):
    """The sum of numbers: an int for ints, a Decimal for Decimals; None if there are no values."""

    __slots__ = ()
    function = "sum"


class Avg(Aggregate):
    """The mean of numbers: a Decimal for Decimals, else a float; None if there are no values."""

    __slots__ = ()
    function = "avg"


class Min(Aggregate):
    """The least of numbers, texts, dates or times, as the database orders them; None if there are no values."""

    __slots__ = ()
    function = "min"


class Max(Aggregate):
    """The greatest of numbers, texts, dates or times, as the database orders them; None if there are no values."""

    __slots__ = ()
    function = "max"
