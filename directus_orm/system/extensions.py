"""The extensions of the server: which there are, and which are enabled."""

from __future__ import annotations

from functools import partial
from typing import Any, Self
from uuid import UUID

import attrs

from ..core.async_twins import async_twin, run_in_thread
from ..core.request_response import url_path
from ..core.tracebacks import hides_locals
from ..session.current import current_session
from ..session.session import Session

_ROUTE = "extensions"


@attrs.define(eq=False)
class Extension:
    """An extension of the server. It is no model: the server lists all of them, without filters.

    Attributes:
        id: the key.
        name: the name of its package.
        type: what it is, such as ``"hook"``, ``"endpoint"``, ``"interface"`` or ``"bundle"``.
        enabled: whether it is loaded.
        version: the version of its package.
        source: where it comes from: ``"local"``, ``"module"`` or ``"registry"``.
        folder: the folder that it is in.
        bundle: the key of the bundle that it is part of.

    Example:
        >>> for extension in Extension.all():  # doctest: +SKIP
        ...     print(extension.name, extension.enabled)
    """

    id: UUID
    name: str
    type: str | None
    enabled: bool
    version: str | None = None
    source: str | None = None
    folder: str | None = None
    bundle: UUID | None = None
    _session: Session | None = attrs.field(default=None, repr=False, alias="session")

    @classmethod
    @hides_locals
    def all(cls, *, using: Session | None = None) -> list[Self]:
        """Return all extensions, by name, by one request of the current session, or of ``using``.

        Raises:
            Forbidden: this user is no administrator.
        """
        session = using or current_session()
        extensions = [cls._of_row(row, session) for row in session.get(url_path(_ROUTE))]
        return sorted(extensions, key=lambda extension: extension.name)

    @classmethod
    async def aall(cls, *, using: Session | None = None) -> list[Self]:
        """Do as `all` does, in a worker thread: await it."""
        return await run_in_thread(partial(cls.all, using=using))

    @classmethod
    def _of_row(cls, row: dict[str, Any], session: Session) -> Self:
        about, package = row.get("meta") or {}, row.get("schema") or {}
        bundle = row.get("bundle")
        return cls(
            id=UUID(row["id"]),
            name=package.get("name") or about.get("folder") or row["id"],
            type=package.get("type"),
            enabled=bool(about.get("enabled")),
            version=package.get("version"),
            source=about.get("source"),
            folder=about.get("folder"),
            bundle=None if bundle is None else UUID(bundle),
            session=session,
        )

    @hides_locals
    def enable(self) -> None:
        """Enable the extension. The server loads it now, or when it starts again."""
        self._set_enabled(enabled=True)

    @hides_locals
    def disable(self) -> None:
        """Disable the extension. The server drops it now, or when it starts again."""
        self._set_enabled(enabled=False)

    def _set_enabled(self, *, enabled: bool) -> None:
        session = self._session or current_session()
        row = session.patch(url_path(_ROUTE, self.id), {"meta": {"enabled": enabled}})
        self.enabled = bool(row["meta"]["enabled"])

    aenable = async_twin(enable, changes=True)
    adisable = async_twin(disable, changes=True)
