"""What a server says of itself: its version, limits, health and logins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

# The first and the last major version that has a capability; None: every later version has it, too.
_CAPABILITIES: Mapping[str, tuple[int, int | None]] = {
    "json_filters": (12, None),  # conditions inside JSON fields
    "exact_counts": (12, None),  # count(*) of a join counts each row once (G21)
    "compound_quantifiers": (0, 10),  # several conditions inside _some and _none (G2)
    "named_refusals": (11, None),  # a refusal names the field or collection
    "policies": (11, None),  # permissions belong to policies, not to roles
    "checked_conditions": (11, None),  # a condition on a name that is not there is refused, and not left out
}


@attrs.frozen
class RateLimit:
    """A limit of requests: ``points`` requests in ``duration`` seconds."""

    points: int
    duration: float


@attrs.frozen
class ServerInfo:
    """The version, the limits and the settings that a server reports.

    Attributes:
        major: the major version, such as 12; known even where the server hides its full version.
        version: the full version, such as ``"12.4.0"``; shown to logged-in users only.
        complete: whether the server showed its limits, as it does to logged-in users. If not, None does not
            mean that there is no limit.
        default_rows: the number of rows in a list requested without a limit (models always send one).
        max_rows: the largest number of rows that the server returns in one response.
        rate_limit: the limit per client address.
        global_rate_limit: the limit of all requests together.
        websocket: the settings of the WebSocket endpoint; None where it is off.
        project: the name of the project.
        raw: the whole response.
    """

    major: int
    version: str | None = None
    complete: bool = False
    default_rows: int | None = None
    max_rows: int | None = None
    rate_limit: RateLimit | None = None
    global_rate_limit: RateLimit | None = None
    websocket: Mapping[str, Any] | None = attrs.field(default=None, hash=False)
    project: str | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def capabilities(self) -> frozenset[str]:
        """The names of the version-dependent features that this version has, such as ``json_filters``."""
        return frozenset(
            name
            for name, (first, last) in _CAPABILITIES.items()
            if first <= self.major and (last is None or self.major <= last)
        )


@attrs.frozen
class Health:
    """The health of a server: ``status`` is ``"ok"``, ``"warn"`` or ``"error"``.

    Administrators also see ``version``, and ``checks``: the measurements of each component.
    """

    status: str
    version: str | None = None
    checks: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)

    @property
    def problems(self) -> tuple[str, ...]:
        """The components whose checks are not ok."""
        return tuple(
            component
            for component, checks in self.checks.items()
            if not isinstance(checks, list) or any(_status(check) != "ok" for check in checks)
        )


@attrs.frozen
class LoginProvider:
    """A service that users can log in with; ``driver`` is ``"openid"``, ``"oauth2"``, ``"saml"`` or ``"ldap"``."""

    name: str
    driver: str | None = None
    icon: str | None = None
    label: str | None = None


@attrs.frozen
class LoginProviders:
    """The ways to log in: ``providers``, over which a loop goes, and whether e-mail and password are disabled."""

    providers: tuple[LoginProvider, ...] = ()
    default_is_disabled: bool = False

    def __iter__(self) -> Iterator[LoginProvider]:
        return iter(self.providers)

    def __len__(self) -> int:
        return len(self.providers)


def _status(check: Any) -> Any:
    return check.get("status") if isinstance(check, Mapping) else None
