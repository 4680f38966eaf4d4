"""`TypedManager`: ``Model.objects`` whose lookups type checkers and editors know, from a function in a stub file.

The querysets are those of every model; only type checkers see other classes, in which the parameters of that
function are those of `filter`, `exclude` and `get`.
"""

# ruff: noqa: D102 - the docstrings are those of `Rows`
from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Self, TypeVar, overload

from ..instances.state import HasKey
from ..query.expressions import F
from ..querysets.base_queryset import Rows
from ..querysets.queryset import Manager, QuerySet

L = ParamSpec("L")
T = TypeVar("T")
M = TypeVar("M", bound=HasKey)


class TypedManager(Manager, Generic[L]):
    """The descriptor ``Model.objects`` of a model with typed lookups: type checkers refuse all others.

    `directus_orm.schema.lookup_stub` makes the stub file that has the function.
    Longer paths, and names that `annotate` added, are given as ``filter(Q(author__country__name="Peru"))``.

    Args:
        lookups: a function whose parameters are the lookups. It is for type checkers alone, and never called.

    Example:
        >>> from typing import TYPE_CHECKING
        >>> if TYPE_CHECKING:
        ...     from shop_lookups import country as country_lookups
        >>> class Country(Model):
        ...     code: str = field(primary_key=True)
        ...     if TYPE_CHECKING:
        ...         objects = TypedManager(country_lookups.lookups)
    """

    def __init__(self, lookups: Callable[L, None]) -> None:
        """Keep nothing: the function is for type checkers."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[M]) -> TypedQuerySet[M, L]: ...


if TYPE_CHECKING:

    class TypedRows(Rows[T], Generic[T, L]):
        """`Rows` with typed lookups."""

        def filter(self, *conditions: L.args, **lookups: L.kwargs) -> Self: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

        def exclude(self, *conditions: L.args, **lookups: L.kwargs) -> Self: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

        def get(self, /, *conditions: L.args, **lookups: L.kwargs) -> T: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

        def aget(  # type: ignore[override]
            self, /, *conditions: L.args, **lookups: L.kwargs
        ) -> Coroutine[Any, Any, T]: ...

        def values(self, *names: str | F, **expressions: F) -> TypedRows[dict[str, Any], L]: ...

        @overload
        def values_list(self, *names: str | F) -> TypedRows[tuple[Any, ...], L]: ...
        @overload
        def values_list(self, *names: str | F, flat: Literal[True]) -> TypedRows[Any, L]: ...
        @overload
        def values_list(self, *names: str | F, named: Literal[True]) -> TypedRows[Any, L]: ...
        def values_list(self, *names: str | F, flat: bool = False, named: bool = False) -> TypedRows[Any, L]: ...

    class TypedQuerySet(TypedRows[M, L], QuerySet[M]):
        """`QuerySet` with typed lookups."""
