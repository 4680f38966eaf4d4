"""Invitations, registration, passwords and two-factor authentication: `Session.people`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.errors import DoesNotExist, Forbidden, InvalidRequest, OutcomeUnknown
from ...core.json_codec import compact_json
from ...core.masking import Secret
from ...core.request_response import Request, Response, Send, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api
from ..http.error_mapping import unexpected_response
from ..http.routes import VERIFY_EMAIL
from .people_values import InvitedUser, TwoFactorSecret, checked_email, checked_emails, checked_key, checked_secret

# More would make long filters; each address is in it three times.
_EMAILS_IN_FILTER = 50
_MISSING = "there is no such user"
_OTHER_ROLE = "was invited before, and has another role"


@public_in("directus_orm.session")
class People:
    """The users of a server, and what they do with mails, links and passwords.

    Verbs that need no login (`accept_invite`, `register`, `verify_email`, `request_password_reset` and
    `reset_password`) are sent without the credentials of the session, and only once, whatever its option ``retry``
    says.

    Directus sends mails in the background: no response says whether one was sent. If the server cannot send mail,
    only its log says so.
    """

    def __init__(self, api: Api, send: Send, send_without_login: Send) -> None:
        self._api = api
        self._send = send
        self._send_without_login = send_without_login

    # --- invitations ----------------------------------------------------------------------------------------

    @hides_locals
    def invite(
        self, emails: str | Iterable[str], role: str | UUID, invite_url: str | None = None
    ) -> list[InvitedUser]:
        """Invite one or more people by mail; each becomes a user of this role, with the status ``"invited"``.

        ``invite_url`` is the page that the link in the mail leads to, with the token in its parameter ``token``.
        The server must allow it (USER_INVITE_URL_ALLOW_LIST). By default it is a page of Directus's own app.
        Inviting somebody again sends another mail.

        The server reports success even where it did nothing: if the user exists and is active, and (Directus 12)
        if the permission is missing. Therefore the users are requested afterwards, and returned with their
        ``status``; only those with ``"invited"`` got a mail. Raises `Forbidden` if a user is not there or has
        another role, `OutcomeUnknown` if the users are hidden from the user of this session, and `InvalidRequest`
        for an address, a role or an ``invite_url`` that the server refuses.

        ```python
        session.people.invite(["ada@example.com", "bob@example.com"], role)
        ```
        """
        invited, key = checked_emails(emails), checked_key("role", role)
        if not invited:
            return []
        response = self._send(_post("/users/invite", email=invited, role=key, invite_url=invite_url))
        try:
            rows = self._users_by_email(invited)
        except Forbidden as refusal:
            raise _unknown_invitation(response, invited) from refusal
        problems = {email: _problem(rows.get(email.lower()), key) for email in invited}
        self._check_invited({email: problem for email, problem in problems.items() if problem}, response)
        return [_invited_user(rows[email.lower()]) for email in invited]

    def _check_invited(self, problems: Mapping[str, str], response: Response) -> None:
        """Raise if the server did not invite some, as it does in silence without the permission (S17)."""
        if not problems:
            return
        if _OTHER_ROLE not in problems.values() and not self._sees_every_user():
            raise _unknown_invitation(response, problems)
        listed = ", ".join(f"{email} ({problem})" for email, problem in problems.items())
        raise Forbidden(
            f"Not invited: {listed}. The server reported success all the same (status {response.status}). "
            "This user needs the permissions to create, read and update users (directus_users).",
            status=response.status,
            request=response.request.masked() if response.request else None,
        )

    def _sees_every_user(self) -> bool:
        for request in self._api.visibility_requests:
            try:
                data = self._send(request).data
            except (Forbidden, InvalidRequest):
                continue
            if self._api.sees_every_row(data, "directus_users"):
                return True
        return False

    def _users_by_email(self, emails: list[str]) -> dict[str, Mapping[str, Any]]:
        """Return the users with these addresses, by the address in lower case."""
        found: dict[str, Mapping[str, Any]] = {}
        left = emails
        # A response may lack rows, if the server limits their number: those left are requested again.
        while left:
            response = self._send(_users_request(left[:_EMAILS_IN_FILTER]))
            new = {str(row.get("email")).lower(): row for row in _rows(response)}
            found |= new
            asked, rest = left[:_EMAILS_IN_FILTER], left[_EMAILS_IN_FILTER:]
            missing = [email for email in asked if email.lower() not in found]
            left = rest + missing if len(missing) < len(asked) else rest
        return found

    @hides_locals
    def accept_invite(self, token: str | Secret, password: str | Secret) -> None:
        """Accept an invitation: set the password, and make the user active. ``token`` comes from the mail.

        Raises `AuthenticationError` for a wrong or expired token, `InvalidRequest` if the invitation was accepted
        before, and `FailedValidation` if the password is too weak.

        With Directus 12, users of its own app take a seat of the licence. If none is free, this raises `Forbidden`
        (``LIMIT_EXCEEDED``). If more are taken than the licence has, the server reports success, but the user is
        ``"inactive-license"`` then, and cannot log in.

        ```python
        Session(url).people.accept_invite(token, password)
        ```
        """
        self._send_secrets("/users/invite/accept", token=token, password=password)

    # --- registration ---------------------------------------------------------------------------------------

    @hides_locals
    def register(
        self,
        email: str,
        password: str | Secret,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        verification_url: str | None = None,
    ) -> None:
        """Register a new user, where the server allows this (its setting ``public_registration``).

        The user is ``"unverified"`` until the link in a mail is followed; ``verification_url`` is the page that it
        leads to (see `verify_email`), which the server must allow (USER_REGISTER_URL_ALLOW_LIST).

        The server reports success whether the address is new or not, so that nobody learns who has an account.
        Raises `Forbidden` if registration is off or the address is not accepted, and `RateLimited` after some
        attempts from one computer (5 per minute by default); it is not repeated.
        """
        body = {"first_name": first_name, "last_name": last_name, "verification_url": verification_url}
        password = checked_secret("password", password)
        request = _post("/users/register", email=checked_email(email), password=password, **body)
        self._send_without_login(request)

    @hides_locals
    def verify_email(self, token: str | Secret) -> UUID:
        """Verify the address of a registered user by the token from the mail, and return the user's key.

        Raises `InvalidRequest` if the address was verified before, and `AuthenticationError` for a wrong or
        expired token.
        """
        text = checked_secret("token", token).reveal()
        response = self._send_without_login(Request("GET", VERIFY_EMAIL, (("token", text),)))
        key = _uuid(response.data)
        if key is None:
            raise unexpected_response(response, response.data, "a redirect to the page of a user")
        return key

    # --- passwords ------------------------------------------------------------------------------------------

    @hides_locals
    def request_password_reset(self, email: str, reset_url: str | None = None) -> None:
        """Ask for a mail with a link by which a new password can be set, see `reset_password`.

        ``reset_url`` is the page that the link leads to; the server must allow it
        (PASSWORD_RESET_URL_ALLOW_LIST). The server reports success whether there is an active user with this
        address or not, so that nobody learns who has an account. Raises `InvalidRequest` if it refuses
        ``reset_url``.
        """
        self._send_without_login(_post("/auth/password/request", email=checked_email(email), reset_url=reset_url))

    @hides_locals
    def reset_password(self, token: str | Secret, password: str | Secret) -> None:
        """Set a new password by the token from the mail. The token is used up then.

        The user is logged out everywhere: nobody can refresh a login any more. Access tokens stay valid until they
        expire, after 15 minutes by default. Raises `AuthenticationError` for a wrong or expired token, `Forbidden`
        for a used one, and `FailedValidation` if the password is too weak; Directus 10 answers to a wrong or
        expired one with a `ServerError` (status 500).
        """
        self._send_secrets("/auth/password/reset", token=token, password=password)

    # --- two-factor authentication --------------------------------------------------------------------------

    @hides_locals
    def generate_two_factor_secret(self, password: str | Secret) -> TwoFactorSecret:
        """Return a new secret for the authenticator app of the session's user; `enable_two_factor` stores it.

        ``password`` is the user's own. Raises `AuthenticationError` if it is wrong, and `InvalidRequest` if
        two-factor authentication is enabled already.
        """
        body = {"password": checked_secret("password", password)}
        response = self._send(Request("POST", "/users/me/tfa/generate", json=body, confidential=True))
        data = response.data if isinstance(response.data, dict) else {}
        secret, url = data.get("secret"), data.get("otpauth_url")
        if not isinstance(secret, str) or not isinstance(url, str):
            raise unexpected_response(response, "no secret", "the secret of two-factor authentication")
        return TwoFactorSecret(Secret(secret), Secret(url))

    @hides_locals
    def enable_two_factor(self, secret: str | Secret, otp: str | Secret) -> None:
        """Enable two-factor authentication for the session's user; ``otp`` is a current one-time password.

        From then on a login needs ``otp=``. Raises `InvalidRequest` for a wrong one-time password, and `Forbidden`
        if the user may not update the field ``tfa_secret`` of its own row.
        """
        body = {"secret": checked_secret("secret", secret), "otp": checked_secret("otp", otp)}
        try:
            self._send(_post("/users/me/tfa/enable", **body))
        except Forbidden as error:
            advice = "The user needs the permission to update tfa_secret of its own row in directus_users."
            raise error.with_message(f"{error} {advice}") from None

    @hides_locals
    def disable_two_factor(self, otp: str | Secret) -> None:
        """Disable two-factor authentication for the session's user; ``otp`` is a current one-time password.

        Raises `InvalidRequest` if that is wrong, or if it is not enabled.
        """
        self._send(_post("/users/me/tfa/disable", otp=checked_secret("otp", otp)))

    @hides_locals
    def disable_two_factor_of(self, user: str | UUID) -> None:
        """Disable two-factor authentication for another user, who has lost the authenticator app.

        Only administrators may do this; others get `Forbidden`. The server reports success for a user who does not
        exist, so the user is requested afterwards; if there is none, this raises `DoesNotExist`.
        """
        key = checked_key("user", user)
        self._send(_post(url_path("users", key, "tfa", "disable")))
        try:
            self._send(Request("GET", url_path("users", key), (("fields", "id"),), fresh=True))
        except Forbidden as error:
            raise DoesNotExist(f"There is no user with the key {key}.") from error

    # --- the app --------------------------------------------------------------------------------------------

    @hides_locals
    def track_page(self, path: str) -> None:
        """Store the page of Directus's app that the session's user saw last (``last_page``)."""
        self._send(Request("PATCH", "/users/me/track/page", json={"last_page": path}))

    def _send_secrets(self, path: str, **secrets: str | Secret) -> None:
        body = {name: checked_secret(name, text) for name, text in secrets.items()}
        self._send_without_login(_post(path, **body))

    ainvite = async_twin(invite, changes=True)
    aaccept_invite = async_twin(accept_invite, changes=True)
    aregister = async_twin(register, changes=True)
    averify_email = async_twin(verify_email, changes=True)
    arequest_password_reset = async_twin(request_password_reset, changes=True)
    areset_password = async_twin(reset_password, changes=True)
    agenerate_two_factor_secret = async_twin(generate_two_factor_secret)
    aenable_two_factor = async_twin(enable_two_factor, changes=True)
    adisable_two_factor = async_twin(disable_two_factor, changes=True)
    adisable_two_factor_of = async_twin(disable_two_factor_of, changes=True)
    atrack_page = async_twin(track_page, changes=True)


def _post(path: str, **body: Any) -> Request:
    return Request("POST", path, json={name: value for name, value in body.items() if value is not None})


def _users_request(emails: list[str]) -> Request:
    """Return the request for the users with these addresses, in any case, and perhaps some more."""
    # No operator compares the whole text without regard to case.
    alike = [{"_and": [{"email": {"_istarts_with": e}}, {"email": {"_iends_with": e}}]} for e in emails]
    query = {"_or": [{"email": {"_in": emails}}, *alike]}
    params = {"fields": "id,email,status,role", "filter": compact_json(query), "sort": "id", "limit": "-1"}
    return Request("GET", "/users", tuple(params.items()))


def _rows(response: Response) -> list[Mapping[str, Any]]:
    rows = response.data
    if not isinstance(rows, list) or not all(isinstance(row, dict) and _uuid(row.get("id")) for row in rows):
        raise unexpected_response(response, rows, "a list of users")
    return rows


def _uuid(data: Any) -> UUID | None:
    try:
        return UUID(data) if isinstance(data, str) else None
    except ValueError:
        return None


def _problem(row: Mapping[str, Any] | None, role: str) -> str:
    """Return what is wrong with a user who was invited; an empty text if nothing is."""
    if row is None:
        return _MISSING
    return _OTHER_ROLE if row.get("status") == "invited" and row.get("role") != role else ""


def _invited_user(row: Mapping[str, Any]) -> InvitedUser:
    return InvitedUser(UUID(row["id"]), str(row.get("email")), row.get("status"))


def _unknown_invitation(response: Response, emails: Iterable[str]) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"It is not known whether {', '.join(emails)} got an invitation: the server reports success even to users "
        "who may not invite (Directus 12), and the user of this session may not see them. Let it read the fields "
        "id, email, status and role of all users (directus_users).",
        request=response.request.masked() if response.request else None,
        status=response.status,
    )
