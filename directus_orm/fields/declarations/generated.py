"""`generated`, the default of a field whose value the server makes, and how the server makes it."""

from __future__ import annotations

from typing import Final

import attrs

from ...core.errors import ConfigurationError


@attrs.frozen(repr=False)
class Generated:
    """A value that the server makes: by one of Directus's specials, by an SQL expression, or in a way not said."""

    special: str | None = None
    expression: str | None = None

    @property
    def is_stamp(self) -> bool:
        """Whether the server writes it at each creation or change, whatever is sent."""
        return self.special in _STAMPS

    def __repr__(self) -> str:
        if self.expression is not None:
            return f"generated.sql({self.expression!r})"
        return f"generated.{self.special.replace('-', '_')}" if self.special else "generated"


class _Generated(Generated):
    """The type of `generated`, whose attributes say how the server makes the value."""

    date_created: Final = Generated("date-created")
    """The time of creation. Only the server writes it."""
    date_updated: Final = Generated("date-updated")
    """The time of the last change. Only the server writes it."""
    user_created: Final = Generated("user-created")
    """The user who created the row. Only the server writes it."""
    user_updated: Final = Generated("user-updated")
    """The user who changed the row last. Only the server writes it."""
    role_created: Final = Generated("role-created")
    """The role of the user who created the row. Only the server writes it."""
    role_updated: Final = Generated("role-updated")
    """The role of the user who changed the row last. Only the server writes it."""
    uuid: Final = Generated("uuid")
    """A new UUID, unless one is sent."""

    def sql(self, expression: str) -> Generated:
        """Return the default of a column that the database computes with this SQL expression, unless one is sent.

        Raises:
            ConfigurationError: the expression is no text, or an empty one.

        Example:
            >>> class Visit(Model):
            ...     id: int = field(default=generated, primary_key=True)
            ...     seen: datetime = field(default=generated.sql("now()"))
        """
        if not isinstance(expression, str) or not expression.strip():
            msg = f"generated.sql() takes an SQL expression as text, such as 'now()', not {expression!r}."
            raise ConfigurationError(msg)
        return Generated(None, expression)

    def __reduce__(self) -> str:
        return "generated"


generated: Final = _Generated()
"""The default of a field whose value the server generates: optional in ``__init__``, absent until saved.

Its attributes say how the server makes the value: ``generated.uuid``, ``generated.date_created``,
``generated.sql("now()")`` …
"""

_STAMPS = frozenset({f"{who}-{when}" for who in ("date", "user", "role") for when in ("created", "updated")})
