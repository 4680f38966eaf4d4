"""Every error this library raises.

```
DirectusError
├── ConfigurationError (ValueError)         no session, a model that cannot work
├── QueryError (ValueError)                 refused before anything was sent
│   ├── FieldError                          unknown field or lookup: the choices, a guess
│   └── UnsupportedQuery (NotImplementedError)   this server cannot be asked that: the reason, the way out
├── DoesNotExist (LookupError)              and one subclass per model
├── MultipleObjectsReturned (LookupError)   and one subclass per model
├── ConversionError (ValueError)            a value that does not fit its field, either way
├── TransportError (OSError)                no usable answer
│   └── OutcomeUnknown                      ... to a write that may have been applied
├── StaleObject (RuntimeError)              the row changed since it was loaded
├── PlaceLost (RuntimeError)                a loop cannot go on: the rows around its place are gone
└── ServerError                             the server said no: status, code, extensions, request
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

Each carries its data as attributes and can be pickled. An error that ends a bulk write has a `BulkFailure` as its
``bulk``: what became of the rows.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from .messages import Request


@attrs.frozen(repr=False)
class BulkFailure:
    """What became of the rows of a bulk write that an error ended; each row is in one of the first four.

    Rows are the instances that were given, in their order; of `update` and `delete`, the keys that were chosen.
    ``done`` were written. ``refused`` were sent together, in one transaction, and the server refused it. Of
    ``unknown`` no answer came, or none that tells: they may have been written. ``unsent`` were not sent.

    ``at_fault`` are those of the refused that fit what the server said: mostly one; several where they are alike;
    none where it did not say enough.

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
        fates = ("done", "refused", "unknown", "unsent")
        counts = [f"{len(rows)} {fate}" for fate in fates if (rows := getattr(self, fate))]
        fault = f"; at fault: {self.at_fault[0]!r}" if len(self.at_fault) == 1 else ""
        return f"<BulkFailure: {', '.join(counts)}{fault}>"


class DirectusError(Exception):
    """The base of all errors of this library; ``bulk`` tells of the rows of a bulk write that it ended."""

    bulk: BulkFailure | None = None


class ConfigurationError(DirectusError, ValueError):
    """The program is set up wrongly: no session, or a model that cannot work."""


class QueryError(DirectusError, ValueError):
    """A query that means nothing; raised at the call, before anything was sent."""


class FieldError(QueryError):
    """A field or lookup that does not exist; ``name`` was asked for, ``choices`` exist."""

    def __init__(self, message: str, *, name: str = "", choices: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.choices = tuple(choices)


class UnsupportedQuery(QueryError, NotImplementedError):
    """A query with a clear meaning that this server cannot be asked without bending it."""


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
        """Return the same error anew: one that is raised twice collects the tracebacks of both."""
        return ConversionError(str(self), model=self.model, key=self.key, field=self.field, value=self.value)


class TransportError(DirectusError, OSError):
    """No usable answer came: no connection, a timeout, or an answer that is not Directus's.

    ``sent`` is False where the request surely did not reach a server, ``passing`` True where the like often goes
    better a moment later.
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
    """A write was sent and no answer tells whether it was applied, nor do the rows that it meant.

    ``request`` is what was sent: look at the rows before sending it again.
    """


class StaleObject(DirectusError, RuntimeError):
    """The row changed since it was loaded, so it was not written: ``model``, ``key``.

    ``ours``, ``theirs`` and ``loaded`` hold, of each field that changed on the server, the value of the instance,
    the server's, and the one that was loaded; relations by their keys.
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
    """A loop cannot go on: too many of the rows that it read last were deleted at once, or moved."""


class ServerError(DirectusError):
    """The server refused; ``code`` and ``extensions`` are those of the first of its ``errors``."""

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


class AuthenticationError(ServerError, PermissionError):
    """Wrong, expired or missing credentials."""


class Forbidden(ServerError, PermissionError):
    """No permission, or no such collection or field: Directus answers both alike (G33)."""


class InvalidRequest(ServerError, ValueError):
    """The server could not make sense of a query or a payload; ``field`` is the one at fault, if it said."""

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
    """A value that another row already has, in a unique field or the key."""


class InvalidForeignKey(InvalidRequest):
    """A reference to a row that does not exist."""


class ValueTooLong(InvalidRequest):
    """A text longer than its column."""


class ValueOutOfRange(InvalidRequest):
    """A number larger than its column holds."""


class Protected(ServerError):
    """The row is still referenced by another one, so it was not deleted (G34).

    ``collection`` and ``field`` are those of the reference, ``constraint`` is its name in the database; None where
    the database did not say (SQLite never does).
    """

    collection: str | None = None
    field: str | None = None
    constraint: str | None = None


class RateLimited(ServerError):
    """Too many requests; ``retry_after`` says how many seconds to wait, when the server told."""

    retry_after: float | None = None


class Unavailable(ServerError):
    """The server, or a service behind it, cannot answer now; ``retry_after`` as for `RateLimited`."""

    retry_after: float | None = None


class RoundedWarning(UserWarning):
    """A column kept less of a number or time than was sent; the instance shows what was stored."""


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?``, or nothing where no choice is near."""
    near = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
