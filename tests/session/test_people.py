"""Invitations, registration, passwords and two-factor authentication, with the mails that a real server sends.

The mails go to a server of the test; the tokens come from the links in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from directus_orm import (
    AuthenticationError,
    DoesNotExist,
    FailedValidation,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    TransportError,
)
from directus_orm.session import InvitedUser, Secret, Session
from directus_orm.testing import DirectusServer, start
from tests.promises.exposure import shown
from tests.worlds.mail_sink import MailSink, mail_sink
from tests.worlds.server_setup import post, user
from tests.worlds.sessions import make_due, me, one_time_password, paths
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]

JOIN, VERIFY, RESET = (f"https://app.example.com/{page}" for page in ("join", "verify", "reset"))
ALLOWED = {
    "USER_INVITE_URL_ALLOW_LIST": JOIN,
    "USER_REGISTER_URL_ALLOW_LIST": VERIFY,
    "PASSWORD_RESET_URL_ALLOW_LIST": RESET,
    "RATE_LIMITER_REGISTRATION_ENABLED": "false",
    "QUERY_LIMIT_MAX": "3",  # fewer users than are invited at once
}


QUOTED = "a-quoted-password"


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def server(directus_version: str, sink: MailSink) -> Iterator[DirectusServer]:
    """A server that sends mails to the sink, and registers everybody; its users are left to it."""
    with start(directus_version, env={**sink.environment, **ALLOWED}) as server:
        settings = {"public_registration": True, "public_registration_verify_email": True}
        with Session(server.url, token=server.token) as session:
            session.patch("/settings", settings)
        yield server


@pytest.fixture
def admin(server: DirectusServer, open_session: Open) -> Session:
    return open_session(server.url, token=server.token)


@pytest.fixture
def public(server: DirectusServer, open_session: Open) -> Session:
    return open_session(server.url)


@pytest.fixture(scope="module")
def role(server: DirectusServer) -> str:
    """A role whose users may read and update users, and so their own row; they take no seat of a licence."""
    role = str(post(server, "/roles", {"name": "members"})["id"])
    holder = {"role": role}
    if not server.version.startswith("10."):
        holder = {"policy": post(server, "/policies", {"name": "members"})["id"]}
        post(server, "/access", {"role": role, **holder})
    for action in ("read", "update"):
        permission = {"collection": "directus_users", "action": action, "fields": ["*"]}
        post(server, "/permissions", {**holder, **permission})
    return role


@pytest.fixture
def member(admin: Session, role: str, open_session: Open) -> Session:
    """A session that is logged in as an active user, whose password is ``"old password"``."""
    return open_session(admin.url, email=new_user(admin, role), password="old password")


def new_user(admin: Session, role: str, status: str = "active") -> str:
    email = new_email()
    admin.post("/users", {"email": email, "password": "old password", "role": role, "status": status})
    return email


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


def state_of(admin: Session, email: str) -> list[tuple[str, str]]:
    rows = admin.get("/users", {"filter": {"email": {"_eq": email}}, "fields": "status,role"})
    return [(row["status"], row["role"]) for row in rows]


@pytest.mark.parametrize("mode", ["json", "session"])
def test_a_user_is_invited_joins_and_resets_the_password(
    mode: str, server: DirectusServer, admin: Session, role: str, sink: MailSink, open_session: Open
) -> None:
    """Invite, mail, accept, login, two-factor authentication, reset by mail; the old session is dead (S25)."""
    email = new_email()
    (invited,) = admin.people.invite(email, role, JOIN)
    assert (invited.email, invited.status, invited.is_invited) == (email, "invited", True)

    public = open_session(admin.url)
    public.people.accept_invite(sink.token(email, JOIN), "first password")
    first = open_session(admin.url, email=email, password="first password", mode=mode)
    first.login()
    assert me(first) == email

    two_factor = first.people.generate_two_factor_secret("first password")
    assert two_factor.secret.reveal() in two_factor.otpauth_url.reveal()
    assert two_factor.secret.reveal() not in f"{two_factor!r} {two_factor}"
    with pytest.raises(InvalidRequest, match="otp"):
        first.people.enable_two_factor(two_factor.secret, "not-it")
    first.people.enable_two_factor(two_factor.secret, one_time_password(two_factor.secret))

    with pytest.raises(AuthenticationError, match="give otp="):
        open_session(admin.url, email=email, password="first password").login()
    credentials = {"email": email, "otp": lambda: one_time_password(two_factor.secret), "mode": mode}
    second = open_session(admin.url, password="first password", **credentials)
    second.login()
    assert me(second) == email

    public.people.request_password_reset(email.upper(), RESET)
    reset = sink.token(email, RESET)
    public.people.reset_password(reset, "second password")
    with pytest.raises(Forbidden):
        public.people.reset_password(reset, "third password")

    # An access token stays valid until it expires; in Directus 10 the whole login does.
    stays_logged_in = server.version.startswith("10.")
    if mode == "json" or stays_logged_in:
        assert me(second) == email
    make_due(second)
    if stays_logged_in:
        assert me(second) == email
    else:
        with pytest.raises(AuthenticationError):
            me(second)
    third = open_session(admin.url, password="second password", **credentials)
    assert me(third) == email
    third.people.disable_two_factor(one_time_password(two_factor.secret))
    assert me(open_session(admin.url, email=email, password="second password")) == email


# --- invitations ------------------------------------------------------------------------------------------------


def test_an_invitation_returns_every_user_in_the_order_of_the_addresses(
    admin: Session, role: str, sink: MailSink
) -> None:
    """More than the server returns in one response; the server does not tell upper from lower case (S49)."""
    known = new_user(admin, role, status="invited")
    emails = [f"Some_{new_email()}", new_email(), known.upper(), new_email(), new_email()]
    invited = admin.people.invite([*emails, emails[0].lower()], UUID(role))
    assert [each.email for each in invited] == [*emails[:2], known, *emails[3:]]
    assert {each.status for each in invited} == {"invited"}
    assert {str(each.id) for each in invited} <= {row["id"] for row in users(admin, [*emails, known])}
    for email in (*emails[:2], known, *emails[3:]):
        sink.take(email)
    assert sink.mails == []  # the first one was given twice, and got one mail


def users(admin: Session, emails: list[str]) -> list[Any]:
    return [
        row
        for email in emails
        for row in admin.get("/users", {"filter": {"email": {"_eq": email}}, "fields": "id"})
    ]


def test_who_is_active_already_is_returned_as_such_and_gets_no_mail(
    admin: Session, role: str, sink: MailSink
) -> None:
    active, new = new_user(admin, role), new_email()
    invited = admin.people.invite([active, new], role)
    assert [(each.email, each.is_invited) for each in invited] == [(active, False), (new, True)]
    assert invited[0].status == "active"
    sink.take(new)
    assert sink.mails == []


def test_an_invitation_again_sends_another_mail_and_changes_the_role(
    admin: Session, role: str, sink: MailSink
) -> None:
    email, other = new_email(), admin.post("/roles", {"name": "others"})["id"]
    first = admin.people.invite(email, role)
    assert admin.people.invite(email, other) == first
    assert state_of(admin, email) == [("invited", other)]
    for _ in range(2):
        sink.take(email)


def test_an_invitation_without_permission_is_forbidden(
    server: DirectusServer, admin: Session, role: str, sink: MailSink, open_session: Open
) -> None:
    """S17: Directus 12 reports success, and neither makes a user nor sends a mail."""
    email = new_email()
    with (
        user(server, "only-reader", directus_users=["read"]) as token,
        pytest.raises(Forbidden) as caught,
    ):
        open_session(server.url, token=token).people.invite(email, role)
    if server.version.startswith("12."):
        assert email in str(caught.value)
        assert caught.value.status == 204
    assert state_of(admin, email) == []
    assert sink.mails == []


def test_a_role_that_may_not_be_changed_makes_an_invitation_forbidden(
    server: DirectusServer, admin: Session, role: str, sink: MailSink, open_session: Open
) -> None:
    """S17: Directus 12 reports success, though the user keeps the former role and gets no mail."""
    email, other = new_email(), admin.post("/roles", {"name": "others"})["id"]
    admin.people.invite(email, role)
    sink.take(email)
    with (
        user(server, "creator", directus_users=["create", "read"]) as token,
        pytest.raises(Forbidden) as caught,
    ):
        open_session(server.url, token=token).people.invite(email, other)
    assert server.version[:2] != "12" or "has another role" in str(caught.value)
    assert state_of(admin, email) == [("invited", role)]
    assert sink.mails == []


def test_who_may_not_read_users_does_not_know_whether_an_invitation_was_sent(
    server: DirectusServer, role: str, sink: MailSink, open_session: Open
) -> None:
    email = new_email()
    with user(server, "only-creator", directus_users=["create"]) as token:
        creator = open_session(server.url, token=token)
        with pytest.raises(OutcomeUnknown, match="may not see them"):
            creator.people.invite(email, role)
    sink.take(email)


@pytest.mark.row_rules
def test_who_sees_some_users_does_not_know_whether_others_were_invited(
    server: DirectusServer, role: str, sink: MailSink, open_session: Open
) -> None:
    if server.version.startswith("12."):
        pytest.skip("Directus 12 without a licence has no rules for rows")
    email, rules = new_email(), {"directus_users": {"last_name": {"_eq": "seen"}}}
    with user(server, "half-blind", rules=rules, directus_users=["create", "read"]) as token:
        creator = open_session(server.url, token=token)
        with pytest.raises(OutcomeUnknown, match="may not see them"):
            creator.people.invite(email, role)
    sink.take(email)


def test_what_the_server_refuses_of_an_invitation_is_an_error(admin: Session, role: str) -> None:
    with pytest.raises(InvalidRequest, match=r"elsewhere\.example.* can't be used"):
        admin.people.invite(new_email(), role, "https://elsewhere.example")
    with pytest.raises(InvalidForeignKey):
        admin.people.invite(new_email(), uuid4())
    with pytest.raises(InvalidRequest, match="must be a valid email"):
        admin.people.invite("ada@example.invalid-name", role)


def test_an_invitation_of_nobody_sends_nothing(admin: Session, role: str) -> None:
    with admin.capture() as sent:
        assert admin.people.invite([], role) == []
    assert len(sent) == 0


def test_an_invitation_is_accepted_once(public: Session, admin: Session, role: str, sink: MailSink) -> None:
    email = new_email()
    admin.people.invite(email, role)
    token = sink.token(email, f"{admin.url}/admin/accept-invite")
    public.people.accept_invite(Secret(token), Secret("a password"))
    with pytest.raises(InvalidRequest, match=r"no longer valid|hasn.t been invited"):
        public.people.accept_invite(token, "a password")
    with pytest.raises(AuthenticationError, match="Invalid token"):
        public.people.accept_invite("no-token", "a password")


def test_an_app_user_without_a_seat_stays_invited(
    server: DirectusServer, admin: Session, public: Session, sink: MailSink
) -> None:
    """G42: a Directus 12 without a licence has three seats for users of its app; older versions have no limit."""
    role = admin.post("/roles", {"name": "app"})["id"]
    if server.version.startswith("10."):
        admin.patch(f"/roles/{role}", {"app_access": True})
    else:
        policy = admin.post("/policies", {"name": "app", "app_access": True})["id"]
        admin.post("/access", {"role": role, "policy": policy})
    emails = [new_email() for _ in range(3)]
    admin.people.invite(emails, role)
    tokens = [sink.token(email, f"{admin.url}/admin/accept-invite") for email in emails]
    for token in tokens[:2]:
        public.people.accept_invite(token, "a password")
    if server.version.startswith("12."):
        with pytest.raises(Forbidden, match="LIMIT_EXCEEDED"):
            public.people.accept_invite(tokens[2], "a password")
        assert state_of(admin, emails[2]) == [("invited", role)]
    else:
        public.people.accept_invite(tokens[2], "a password")
    admin.delete("/users", [row["id"] for row in users(admin, emails)])


# --- registration -----------------------------------------------------------------------------------------------


def test_a_registered_user_logs_in_once_the_address_is_verified(
    public: Session, admin: Session, sink: MailSink, open_session: Open
) -> None:
    """The server answers with a redirect to its app, which is not followed."""
    email = new_email()
    public.people.register(email, "my password", first_name="Ada", last_name="Byron", verification_url=VERIFY)
    user = open_session(public.url, email=email, password="my password")
    with pytest.raises(AuthenticationError):
        user.login()
    token = sink.token(email, VERIFY)
    with public.capture() as sent:
        key = public.people.verify_email(token)
    assert paths(sent) == ["/users/register/verify-email"]
    assert token not in f"{sent!r}"
    user.login()
    row = admin.get(f"/users/{key}", {"fields": "email,first_name,last_name,status"})
    assert row == {"email": email, "first_name": "Ada", "last_name": "Byron", "status": "active"}
    with pytest.raises(InvalidRequest):
        public.people.verify_email(token)
    with pytest.raises(AuthenticationError) as caught:
        public.people.verify_email("no-token-at-all")
    assert "no-token-at-all" not in str(caught.value)


def test_registering_a_known_address_looks_like_success(public: Session, admin: Session, role: str) -> None:
    email = new_user(admin, role)
    public.people.register(email.upper(), "another password")
    assert state_of(admin, email) == [("active", role)]
    assert state_of(admin, email.upper()) == []


def test_a_registration_too_many_is_refused_at_once(directus_version: str, open_session: Open) -> None:
    """S59: it is sent once, though other requests are repeated after the time that the server names."""
    limit = {"RATE_LIMITER_REGISTRATION_POINTS": "1", "RATE_LIMITER_REGISTRATION_DURATION": "30"}
    with start(directus_version, env=limit) as server:
        public = open_session(server.url)
        with pytest.raises(Forbidden):  # registration is off by default
            public.people.register(new_email(), "a password")
        with public.capture() as sent, pytest.raises(RateLimited) as caught:
            public.people.register(new_email(), "a password")
    assert caught.value.retry_after is not None
    assert [entry.status for entry in sent] == [429]


def test_a_verification_that_leads_elsewhere_is_an_error(tiny: TinyServer, open_session: Open) -> None:
    """A gateway that redirects to another address did not verify anything."""
    tiny.answers(Scripted(302, "", {"Location": "https://cms.example.com/users/register/verify-email?token=a"}))
    with pytest.raises(TransportError, match="Redirects are not followed"):
        open_session(tiny.url).people.verify_email("a-token")


# --- passwords --------------------------------------------------------------------------------------------------


def test_a_reset_for_nobody_looks_like_success(public: Session, admin: Session, role: str, sink: MailSink) -> None:
    public.people.request_password_reset(new_email(), RESET)
    assert sink.mails == []
    with pytest.raises(InvalidRequest, match="can't be used to reset"):
        public.people.request_password_reset(new_user(admin, role), "https://elsewhere.example")


def test_a_user_whose_session_cannot_log_in_resets_the_password(
    admin: Session, role: str, sink: MailSink, open_session: Open
) -> None:
    """These verbs are sent without a login: the session that needs them has a forgotten password."""
    email = new_user(admin, role)
    forgetful = open_session(admin.url, email=email, password="forgotten")
    with forgetful.capture() as sent:
        forgetful.people.request_password_reset(email, RESET)
        forgetful.people.reset_password(sink.token(email, RESET), "forgotten")
    assert paths(sent) == ["/auth/password/request", "/auth/password/reset"]
    assert me(forgetful) == email


def test_a_refused_password_is_not_shown(admin: Session, public: Session, role: str, sink: MailSink) -> None:
    """S58: the server quotes the password that does not match its rule."""
    email = new_email()
    admin.people.invite(email, role, JOIN)
    invite = sink.token(email, JOIN)
    active = new_user(admin, role)
    public.people.request_password_reset(active, RESET)
    reset = sink.token(active, RESET)
    admin.patch("/settings", {"auth_password_policy": "/^.{30,}$/"})
    acts: list[Callable[[], None]] = [
        lambda: public.people.accept_invite(invite, QUOTED),
        lambda: public.people.reset_password(reset, QUOTED),
        lambda: public.people.register(new_email(), QUOTED),
    ]
    try:
        for act in acts:
            with pytest.raises(FailedValidation) as caught:
                act()
            assert caught.value.field == "password"
            for where, text in shown(caught.value):
                assert not [secret for secret in (QUOTED, invite, reset) if secret in text], where
    finally:
        admin.patch("/settings", {"auth_password_policy": None})


# --- two-factor authentication ----------------------------------------------------------------------------------


def test_an_administrator_disables_two_factor_authentication_of_another_user(
    admin: Session, member: Session
) -> None:
    two_factor = member.people.generate_two_factor_secret("old password")
    member.people.enable_two_factor(two_factor.secret, one_time_password(two_factor.secret))
    key = member.get("/users/me", {"fields": "id"})["id"]
    with pytest.raises(Forbidden):
        member.people.disable_two_factor_of(key)
    admin.people.disable_two_factor_of(UUID(key))
    member.login()
    with pytest.raises(InvalidRequest):
        member.people.disable_two_factor("123456")


def test_two_factor_authentication_of_nobody_is_not_disabled(admin: Session) -> None:
    """The server reports success."""
    with pytest.raises(DoesNotExist):
        admin.people.disable_two_factor_of(uuid4())


def test_a_wrong_password_generates_no_secret(member: Session) -> None:
    with pytest.raises(AuthenticationError) as caught:
        member.people.generate_two_factor_secret(QUOTED)
    assert not [where for where, text in shown(caught.value) if QUOTED in text]


def test_who_may_not_store_the_secret_is_told_which_permission_it_takes(
    server: DirectusServer, admin: Session, open_session: Open
) -> None:
    email = new_user(admin, admin.post("/roles", {"name": "powerless"})["id"])
    session = open_session(server.url, email=email, password="old password")
    two_factor = session.people.generate_two_factor_secret("old password")
    with pytest.raises(Forbidden, match="permission to update tfa_secret"):
        session.people.enable_two_factor(two_factor.secret, one_time_password(two_factor.secret))


@pytest.mark.parametrize(
    "answer",
    [
        Scripted(200, '{"data": {"secret": "MADEBYTHESERVER"'),
        Scripted(200, "MADEBYTHESERVER"),
        Scripted(200, {"data": {"secret": "MADEBYTHESERVER"}}),
        Scripted(200, {"secret": "MADEBYTHESERVER"}),
    ],
    ids=["broken", "text", "half", "bare"],
)
def test_no_broken_response_shows_the_secret_in_it(answer: Scripted, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(answer)
    with pytest.raises(TransportError) as caught:
        open_session(tiny.url, token="a").people.generate_two_factor_secret("a password")
    assert not [where for where, text in shown(caught.value) if "MADEBYTHESERVER" in text]


# --- all of them ------------------------------------------------------------------------------------------------


def test_the_last_page_in_the_app_is_stored(member: Session) -> None:
    member.people.track_page("/content/articles")
    assert member.get("/users/me", {"fields": "last_page"}) == {"last_page": "/content/articles"}


KEY = "3b241101-e2bb-4255-8caf-4136c566a962"
REFUSED: dict[str, tuple[Callable[[Session], object], type[Exception], str]] = {
    "no address": (lambda s: s.people.invite("ada", KEY), QueryError, "'ada' is not an e-mail address"),
    "a variable": (lambda s: s.people.invite("$NOW@example.com", KEY), QueryError, "is not an e-mail"),
    "a number": (lambda s: s.people.invite([7], KEY), TypeError, "is a text, not 7"),  # type: ignore[list-item]
    "name of a role": (lambda s: s.people.invite("a@b.de", "Editor"), QueryError, "role='Editor' is not a key"),
    "me": (lambda s: s.people.disable_two_factor_of("me"), QueryError, "user='me' is not a key"),
    "empty password": (lambda s: s.people.reset_password("a", ""), QueryError, "password= is empty"),
    "empty invite": (lambda s: s.people.accept_invite("a", Secret("")), QueryError, "password= is empty"),
    "empty register": (lambda s: s.people.register("a@b.de", ""), QueryError, "password= is empty"),
    "empty token": (lambda s: s.people.verify_email(""), QueryError, "token= is empty"),
    "an int": (lambda s: s.people.disable_two_factor(123456), TypeError, "otp= takes a text"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_and_nothing_is_sent(
    name: str, tiny: TinyServer, open_session: Open
) -> None:
    """S49: the server would store an empty password."""
    act, error, message = REFUSED[name]
    with pytest.raises(error, match=message) as caught:
        act(open_session(tiny.url, token="a"))
    assert tiny.seen == []
    assert "123456" not in str(caught.value)


@pytest.mark.parametrize("users", [[1], [{"id": "x"}], {}, None], ids=str)
def test_a_response_that_lacks_the_users_is_an_error(users: Any, tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(204, ""), Scripted(200, {"data": users}))
    with pytest.raises(TransportError, match="a list of users"):
        open_session(tiny.url, token="a").people.invite("ada@example.com", KEY)


def test_an_invitation_whose_response_is_lost_is_not_repeated(tiny: TinyServer, open_session: Open) -> None:
    tiny.answers(Scripted(0))
    session = open_session(tiny.url, token="a")
    for act in (
        lambda: session.people.invite("ada@example.com", KEY),
        lambda: session.people.register("ada@example.com", "a password"),
        lambda: session.people.reset_password("a", "a password"),
    ):
        with pytest.raises(OutcomeUnknown):
            act()
    assert tiny.paths == ["/users/invite", "/users/register", "/auth/password/reset"]


def test_every_verb_has_an_async_form(admin: Session, role: str, sink: MailSink, open_session: Open) -> None:
    async def joined() -> tuple[list[InvitedUser], UUID]:
        public = open_session(admin.url)
        email, other = new_email(), new_email()
        invited = await admin.people.ainvite(email, role)
        await public.people.aaccept_invite(sink.token(email, f"{admin.url}/admin/accept-invite"), "one password")
        user = open_session(admin.url, email=email, password="one password")
        await user.alogin()
        two = await user.people.agenerate_two_factor_secret("one password")
        await user.people.aenable_two_factor(two.secret, one_time_password(two.secret))
        await user.people.adisable_two_factor(one_time_password(two.secret))
        await admin.people.adisable_two_factor_of(invited[0].id)
        await user.people.atrack_page("/")
        await public.people.arequest_password_reset(email, RESET)
        await public.people.areset_password(sink.token(email, RESET), "two passwords")
        await public.people.aregister(other, "a password", verification_url=VERIFY)
        return invited, await public.people.averify_email(sink.token(other, VERIFY))

    invited, registered = asyncio.run(joined())
    assert invited[0].is_invited
    assert isinstance(registered, UUID)
