"""What the verbs for users return, and the checks of what they take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

import attrs

from ...core.deferred_import import public_in
from ...core.errors import QueryError
from ...core.masking import Secret, as_secret

# The server checks addresses thoroughly. A text that begins with "$" could be evaluated in a filter.
_EMAIL = re.compile(r"[^\s@$][^\s@]*@[^\s@]+")


@public_in("directus_orm.session")
@attrs.frozen
class InvitedUser:
    """A user after an invitation: its key, its address as the server has it, and its ``status``.

    A mail goes to users with the status ``"invited"``. Any other status means that the user existed already, and
    that the server did nothing.
    """

    id: UUID
    email: str
    status: str | None = None

    @property
    def is_invited(self) -> bool:
        """Whether the user got a mail and has not accepted the invitation yet."""
        return self.status == "invited"


@public_in("directus_orm.session")
@attrs.frozen
class TwoFactorSecret:
    """The secret from which an authenticator app makes one-time passwords; it is shown nowhere.

    ``otpauth_url`` holds the secret as well, for a QR code. ``reveal()`` of either returns the text.
    """

    secret: Secret
    otpauth_url: Secret


def checked_emails(emails: str | Iterable[str]) -> list[str]:
    """Return the addresses, each once; the server does not tell upper from lower case.

    Raises:
        QueryError: one is not an address.
        TypeError: one is not a text.
    """
    listed = [emails] if isinstance(emails, str) else list(emails)
    distinct: dict[str, str] = {}
    for email in listed:
        distinct.setdefault(checked_email(email).lower(), email)
    return list(distinct.values())


def checked_email(email: str) -> str:
    """Return an address.

    Raises:
        QueryError: it is not one.
        TypeError: it is not a text.
    """
    if not isinstance(email, str):
        raise TypeError(f"An e-mail address is a text, not {email!r}.")
    if not _EMAIL.fullmatch(email):
        raise QueryError(f"{email!r} is not an e-mail address.")
    return email


def checked_key(name: str, key: str | UUID) -> str:
    """Return the key of a user or role as it is sent.

    Raises:
        QueryError: it is no UUID.
    """
    try:
        return str(key if isinstance(key, UUID) else UUID(key))
    except (ValueError, TypeError, AttributeError) as error:
        raise QueryError(f"{name}={key!r} is not a key: it takes a UUID, or the text of one.") from error


def checked_secret(name: str, text: str | Secret) -> Secret:
    """Return a password or token.

    Raises:
        QueryError: it is empty; the server would store an empty password.
        TypeError: it is not a text.
    """
    secret = as_secret(text)
    if not isinstance(secret, Secret):
        raise TypeError(f"{name}= takes a text or a Secret, not a value of type {type(text).__name__}.")
    if not secret.reveal():
        raise QueryError(f"{name}= is empty.")
    return secret
