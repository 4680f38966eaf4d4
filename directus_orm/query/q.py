"""`Q`: conditions as values, joined by ``&``, ``|`` and ``^``, negated by ``~``; and names bound to a model."""

from __future__ import annotations

from typing import Any, Literal, Self, final

import attrs

from ..core.errors import FieldError, QueryError
from ..fields.registry import latest_definition


class RootedName(str):
    """The name of a lookup or of an ordering, with ``root``, the model that its path begins at.

    It equals the same name as a plain text, which has no root.
    """

    __slots__ = ("root",)

    root: type[Any]

    def __new__(cls, text: str, root: type[Any]) -> Self:
        """Return a text as a name whose path begins at a model."""
        name = super().__new__(cls, text)
        name.root = root
        return name

    def __reduce__(self) -> tuple[Any, ...]:
        return RootedName, (str(self), self.root)


def check_root(name: str, model: type[Any]) -> None:
    """Refuse a name that was made from the fields of another model.

    Raises:
        FieldError: the name's root is neither this model nor a base of it.
    """
    if (
        type(name) is str
        or not isinstance(name, RootedName)
        or issubclass(model, name.root)
        or issubclass(model, latest_definition(name.root))
    ):
        return
    root, written = name.root.__name__, name.lstrip("-")
    msg = (
        f"{model.__name__}: {written!r} was made of the fields of {root}. Use it with {root}.objects; follow a "
        f"relation from {model.__name__} to {root} by via({model.__name__}.…)."
    )
    raise FieldError(msg, name=str(name), choices=tuple(model.directus.fields))


@final
@attrs.frozen(init=False, repr=False)
class Q:
    """Conditions to filter by, which can be joined by ``&``, ``|`` and ``^`` and negated by ``~``.

    Keywords are lookups as in `QuerySet.filter`, and all of them must hold. Names of fields are checked when a
    queryset takes the Q, not before.

    Example:
        >>> late = Flight.objects.filter(Q(dep_delay__gt=60) | ~Q(carrier="AA"))
    """

    children: tuple[Q | tuple[str, Any], ...]
    joined_by: Literal["and", "or"]
    negated: bool

    def __init__(self, *conditions: Q, **lookups: Any) -> None:
        self._set((*map(only_q, conditions), *lookups.items()), "and", negated=False)

    @classmethod
    def of(cls, name: str, value: Any) -> Q:
        """Return the condition of one lookup; a `RootedName` keeps its root."""
        return cls._of(((name, value),), "and")

    def with_children(self, children: tuple[Q | tuple[str, Any], ...]) -> Q:
        """Return the Q with other children, joined and negated as before."""
        return Q._of(children, self.joined_by, negated=self.negated)

    @classmethod
    def _of(
        cls, children: tuple[Q | tuple[str, Any], ...], joined_by: Literal["and", "or"], *, negated: bool = False
    ) -> Q:
        condition = cls.__new__(cls)
        condition._set(children, joined_by, negated=negated)  # noqa: SLF001
        return condition

    def _set(
        self, children: tuple[Q | tuple[str, Any], ...], joined_by: Literal["and", "or"], *, negated: bool
    ) -> None:
        for name, value in (("children", children), ("joined_by", joined_by), ("negated", negated)):
            object.__setattr__(self, name, value)

    def _joined(self, other: Q, joined_by: Literal["and", "or"]) -> Q:
        # An empty Q has no effect, as in Django, so that a loop can start with one.
        if not (self.children and other.children):
            return self if self.children else other
        return Q._of((*self._children_to_join(joined_by), *other._children_to_join(joined_by)), joined_by)

    def _children_to_join(self, joined_by: Literal["and", "or"]) -> tuple[Q | tuple[str, Any], ...]:
        # Conditions that are joined in the same way become siblings: otherwise a long chain would be a deep tree.
        same_way = self.joined_by == joined_by or len(self.children) == 1
        return self.children if same_way and not self.negated else (self,)

    def __and__(self, other: Q) -> Q:
        return self._joined(only_q(other), "and")

    def __or__(self, other: Q) -> Q:
        return self._joined(only_q(other), "or")

    def __xor__(self, other: Q) -> Q:
        """Return the condition that exactly one of both holds."""
        other = only_q(other)
        if not (self.children and other.children):
            return self if self.children else other
        return (self & ~other) | (~self & other)

    def __invert__(self) -> Q:
        return Q._of((self,), "and", negated=True)

    def __bool__(self) -> bool:
        msg = "A Q is neither true nor false: join conditions with & | ^ ~, not with 'and', 'or', 'not'."
        raise TypeError(msg)

    def __repr__(self) -> str:
        parts = [repr(c) if isinstance(c, Q) else f"{c[0]}={c[1]!r}" for c in self.children]
        joint = (
            " | " if self.joined_by == "or" else " & " if any(isinstance(c, Q) for c in self.children) else ", "
        )
        inner = f"Q({joint.join(parts)})"
        return f"~{inner}" if self.negated else inner


def only_q(condition: object) -> Q:
    """Return the argument, which must be a Q.

    Raises:
        QueryError: it is something else; a bool is most often ``Model.field == value``.
    """
    if isinstance(condition, Q):
        return condition
    hint = (
        " It looks like a comparison that Python has evaluated already: write filter(name=value), or "
        "filter(col(Model.name) == value)."
        if isinstance(condition, int)  # ~True is -2
        else ""
    )
    msg = f"A condition is a Q or a keyword such as name__lookup=value, not {condition!r}.{hint}"
    raise QueryError(msg)
