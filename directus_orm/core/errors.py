"""Every error this library raises.

```
DirectusError
├── ConfigurationError (ValueError)         no session, a model that cannot work
├── QueryError (ValueError)                 refused before anything was sent
│   ├── FieldError                          unknown field or lookup: the choices, a suggestion
│   └── UnsupportedQuery (NotImplementedError)   this server cannot run it: the reason, the way out
├── DoesNotExist (LookupError)              and one subclass per model
├── MultipleObjectsReturned (LookupError)   and one subclass per model
├── ConversionError (ValueError)            a value that does not fit its field, read or written
├── TransportError (OSError)                no usable response
│   └── OutcomeUnknown                      ... to a write that may have been applied
├── StaleObject (RuntimeError)              the row was changed since it was loaded
├── IterationLost (RuntimeError)            a loop cannot go on: the rows that it read last are gone
└── ServerError                             the server refused a request: status, code, extensions, request
    ├── AuthenticationError (PermissionError)
    ├── Forbidden (PermissionError)
    ├── InvalidRequest (ValueError)         .field
    │   ├── FailedValidation
    │   ├── NotNullViolation
    │   ├── RecordNotUnique
    │   ├── InvalidForeignKey
    │   ├── ValueTooLong
    │   └── ValueOutOfRange
    ├── Protected                           still referenced by another row: .collection, .field, .constraint
    ├── RateLimited                         .retry_after, in seconds
    └── Unavailable                         .retry_after
```

Each error carries its data as attributes and can be pickled. The attribute ``bulk`` of an error that ends a bulk
write is a `BulkFailure`: what happened to the rows.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs

if TYPE_CHECKING:
    from .request_response import Request


@attrs.frozen(repr=False)
class BulkFailure:
    """What happened to the rows of a bulk write that ended in an error.

    Rows are the instances that were passed, in their order; for `update` and `delete`, the selected keys. Each row
    is in one of four attributes. ``done`` were written. ``refused`` were sent together, in one transaction, which
    the server refused. ``unknown`` may have been written: no usable response came. ``unsent`` were not sent.

    ``at_fault`` are the refused rows that match the server's message: mostly one; several if they hold the same
    value; none if the message names no value.

    Example:
        >>> BulkFailure(done=(1, 2), refused=(3,), at_fault=(3,))
        <BulkFailure: 2 done, 1 refused; at fault: 3>
    """

    done: tuple[Any, ...] = ()
    refused: tuple[Any, ...] = ()
    unknown: tuple[Any, ...] = ()
    unsent: tuple[Any, ...] = ()
    at_fault: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        outcomes = {"done": self.done, "refused": self.refused, "unknown": self.unknown, "unsent": self.unsent}
        counts = [f"{len(rows)} {outcome}" for outcome, rows in outcomes.items() if rows]
        fault = f"; at fault: {self.at_fault[0]!r}" if len(self.at_fault) == 1 else ""
        return f"<BulkFailure: {', '.join(counts)}{fault}>"


class DirectusError(Exception):
    """The base of all errors of this library; ``bulk`` is set on an error that ended a bulk write."""

    bulk: BulkFailure | None = None


class ConfigurationError(DirectusError, ValueError):
    """The program is set up wrongly: no session, or a model that cannot work."""


class QueryError(DirectusError, ValueError):
    """A query that has no meaning; raised at the call, before anything is sent."""


class FieldError(QueryError):
    """A field or lookup that does not exist: its ``name``, and the ``choices`` that exist."""

    def __init__(self, message: str, *, name: str = "", choices: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.choices = tuple(choices)


class UnsupportedQuery(QueryError, NotImplementedError):
    """A query with a clear meaning that this server cannot run exactly."""


class DoesNotExist(DirectusError, LookupError):
    """No row matched; every model has its own subclass."""


class MultipleObjectsReturned(DirectusError, LookupError):
    """More than one row matched; every model has its own subclass."""


class ConversionError(DirectusError, ValueError):
    """A value that does not fit its field: ``model``, ``key``, ``field``, ``value``."""

    def __init__(
        self, message: str, *, model: str = "", key: Any = None, field: str = "", value: Any = None
    ) -> None:
        super().__init__(message)
        self.model = model
        self.key = key
        self.field = field
        self.value = value

    def again(self) -> ConversionError:
        """Return a copy to raise again: one object that is raised twice would collect both tracebacks."""
        return ConversionError(str(self), model=self.model, key=self.key, field=self.field, value=self.value)


class TransportError(DirectusError, OSError):
    """No usable response came: no connection, a timeout, or a response that is not Directus's.

    ``sent`` is False if the request certainly did not reach a server. ``passing`` is True if a retry
    a moment later may succeed.
    """

    def __init__(
        self,
        message: str,
        *,
        request: Request | None = None,
        status: int | None = None,
        sent: bool = True,
        passing: bool = False,
    ) -> None:
        super().__init__(message)
        self.request = request
        self.status = status
        self.sent = sent
        self.passing = passing


class OutcomeUnknown(TransportError):
    """A write was sent, and neither its response nor the rows on the server show whether it was applied.

    ``request`` is what was sent: look at the rows before sending it again.
    """


class StaleObject(DirectusError, RuntimeError):
    """The row was changed since it was loaded, so it was not written: ``model``, ``key``.

    For each field that changed on the server, ``ours`` holds the value of the instance, ``theirs`` that of the
    server, and ``loaded`` the one that was loaded; relations are given by their keys.
    """

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        key: Any = None,
        ours: Mapping[str, Any] | None = None,
        theirs: Mapping[str, Any] | None = None,
        loaded: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.key = key
        self.ours = dict(ours or {})
        self.theirs = dict(theirs or {})
        self.loaded = dict(loaded or {})


class IterationLost(DirectusError, RuntimeError):
    """A loop cannot go on: too many of the rows that it read last were deleted or moved at once.

    Or another loop over the same queryset failed, so that its rows are read anew, and may be others by then.
    """


class ServerError(DirectusError):
    """The server refused a request; ``code`` and ``extensions`` are those of the first of its ``errors``."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        extensions: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        request: Request | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.extensions = dict(extensions or {})
        self.errors = tuple(errors)
        self.request = request

    def with_message(self, message: str) -> Self:
        """Return a copy of the error with another message."""
        error = copy.copy(self)
        error.args = (message,)
        return error


class AuthenticationError(ServerError, PermissionError):
    """Wrong, expired or missing credentials."""


class Forbidden(ServerError, PermissionError):
    """No permission, or no such collection or field: Directus does not tell the two apart."""


class InvalidRequest(ServerError, ValueError):
    """The server refused a query or a payload as invalid; ``field`` is the field at fault, if it named one."""

    @property
    def field(self) -> str | None:
        """The server's name of the field."""
        name = self.extensions.get("field")
        return None if name is None else str(name)


class FailedValidation(InvalidRequest):
    """A value broke a rule of its field."""


class NotNullViolation(InvalidRequest):
    """A null where the table forbids it."""


class RecordNotUnique(InvalidRequest):
    """A value of a unique field, or a key, that another row already has."""


class InvalidForeignKey(InvalidRequest):
    """A reference to a row that does not exist."""


class ValueTooLong(InvalidRequest):
    """A text longer than its column."""


class ValueOutOfRange(InvalidRequest):
    """A number larger than its column holds."""


class Protected(ServerError):
    """The row is still referenced by another one, so it was not deleted.

    ``collection`` and ``field`` are those of the reference, ``constraint`` is its name in the database. They are
    None if the database did not name them (SQLite never does).
    """

    collection: str | None = None
    field: str | None = None
    constraint: str | None = None


class RateLimited(ServerError):
    """Too many requests; ``retry_after`` is the number of seconds to wait, or None if the server did not say."""

    retry_after: float | None = None


class Unavailable(ServerError):
    """The server, or a service behind it, cannot handle the request now; ``retry_after`` as for `RateLimited`."""

    retry_after: float | None = None


class RoundedWarning(UserWarning):
    """A number or a time was stored as another one than was sent; the instance holds the stored value.

    The column is less precise, or the server's clock skips the time when daylight saving time begins.
    """


class NotVisibleWarning(UserWarning):
    """A row was written, but is not visible to this user: the instance holds what was sent, and is saved."""


class DefaultLimitWarning(UserWarning):
    """A list was read without a limit, and ends where Directus cuts such lists: there may be more rows."""


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?``, or an empty text if no choice is similar."""
    near = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
