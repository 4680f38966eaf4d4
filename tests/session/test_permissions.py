"""`session.permissions` and `session.can`: what the server then does, for users of every kind."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import FieldError, Forbidden, Model, QueryError, UnsupportedQuery, field, generated, system
from directus_orm.core.request_response import Request
from directus_orm.session import ActionPermission, Allowed, CollectionPermissions, Permissions, Session
from directus_orm.session.permissions.permissions import ACTIONS, Action
from directus_orm.session.permissions.questions import Question
from directus_orm.session.permissions.v10_permissions import ask_allowed
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, delete, drop_collection, make_collection, post

Open = Callable[..., Session]
Permission = dict[str, Any]

NOTES, HOME = "may_notes", "may_home"
YES, NO, DEPENDS = Allowed.YES, Allowed.NO, Allowed.DEPENDS
DRAFT, NOT_DRAFT = {"status": {"_eq": "draft"}}, {"status": {"_neq": "draft"}}
MOST_POLICIES = 3
EXAMPLES = int(os.environ.get("PERMISSION_EXAMPLES", "50"))


class Note(Model, collection=NOTES):
    id: int = field(default=generated, primary_key=True)
    headline: str | None = field(default=None, name="title")
    body: str | None = None
    status: str | None = None


class Home(Model, collection=HOME, singleton=True):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    status: str | None = None


class User(Model, collection="directus_users"):
    id: str = field(primary_key=True)
    email: str | None = None


class LimitedUser:
    """A user of the app whose permissions a test sets: of one role with Directus 10, else of some policies."""

    def __init__(self, server: DirectusServer, name: str, *, app: bool = True) -> None:
        self.server = server
        self.token = f"token-of-{name}"
        self.has_policies = not server.version.startswith("10.")
        self.lacks_rules = server.version.startswith("12.")  # without a licence
        app_access = {} if self.has_policies else {"app_access": app}
        self.role = post(server, "/roles", {"name": name, **app_access})["id"]
        email = f"{name}@example.com"
        self.key = post(server, "/users", {"role": self.role, "token": self.token, "email": email})["id"]
        self.created = [f"/users/{self.key}", f"/roles/{self.role}"]
        self.holders: list[Permission] = [{"role": self.role}]
        if self.has_policies:
            policies = [{"name": f"{name} {n}", "icon": "add", "app_access": app} for n in range(MOST_POLICIES)]
            keys = [policy["id"] for policy in post(server, "/policies", policies)]
            post(server, "/access", [{"role": self.role, "policy": key} for key in keys])
            self.created += [f"/policies/{key}" for key in keys]
            self.holders = [{"policy": key} for key in keys]
        self.given: list[int] = []

    def may(self, *policies: Iterable[Permission]) -> None:
        """Take all permissions, and give those of each policy."""
        if self.given:
            headers = {"Authorization": f"Bearer {self.server.token}"}
            requests.delete(f"{self.server.url}/permissions", json=self.given, headers=headers, timeout=60)
        rows = [
            {**holder, **each} for holder, policy in zip(self.holders, policies, strict=False) for each in policy
        ]
        made = post(self.server, "/permissions", rows) if rows else []
        self.given = [row["id"] for row in made if row.get("id")]

    def remove(self) -> None:
        self.may()
        for path in self.created:
            delete(self.server, path)


def may(action: str, *fields: str, rule: Any = None, collection: str = NOTES, **more: Any) -> Permission:
    return {"collection": collection, "action": action, "fields": [*fields] or ["*"], "permissions": rule, **more}


@pytest.fixture(scope="module")
def server(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    names = ("title", "body", "status")
    make_collection(directus_server, NOTES, *(column(name, "string") for name in names))
    make_collection(directus_server, HOME, *(column(name, "string") for name in names), singleton=True)
    post(directus_server, f"/items/{NOTES}", [note(1, "draft"), note(2, "published")])
    yield directus_server
    drop_collection(directus_server, NOTES)
    drop_collection(directus_server, HOME)


def note(key: int, status: str) -> dict[str, Any]:
    return {"id": key, "title": f"title {key}", "body": f"body {key}", "status": status}


@pytest.fixture(scope="module")
def limited_user(server: DirectusServer) -> Iterator[LimitedUser]:
    user = LimitedUser(server, "limited")
    yield user
    user.remove()


@pytest.fixture
def limited(limited_user: LimitedUser) -> LimitedUser:
    """The limited user, who may do nothing."""
    limited_user.may()
    return limited_user


@pytest.fixture
def session(limited: LimitedUser, open_session: Open) -> Session:
    """A session of the limited user."""
    return open_session(limited.server.url, token=limited.token)


@pytest.fixture
def admin(server: DirectusServer, open_session: Open) -> Session:
    return open_session(server.url, token=server.token)


@pytest.fixture
def needs_rules(server: DirectusServer) -> None:
    if server.version.startswith("12."):
        pytest.skip("without a licence it has no permissions for single rows and fields")


def ref(key: int) -> Note:
    return Note.objects.ref(key)


# --- what the server then does ----------------------------------------------------------------------------------

FIELDS: list[tuple[str, ...]] = [(), ("headline",), ("body",), ("headline", "body")]
COLUMNS = {"headline": "title", "body": "body", "status": "status"}


class Attempts:
    """What the server does when the user tries, on each note; afterwards it is as before."""

    def __init__(self, session: Session, admin: Session) -> None:
        self.session = session
        self.admin = admin
        self.value = map("value {}".format, itertools.count())

    def does(self, action: str, key: int, fields: tuple[str, ...]) -> bool:
        return bool(getattr(self, action)(key, [COLUMNS[name] for name in fields]))

    def read(self, key: int, names: list[str]) -> bool:
        row = self._sent(self.session.get, f"/items/{NOTES}/{key}", {"fields": ["id", *names]})
        return row is not None and all(row[name] is not None for name in ["id", *names])

    def update(self, key: int, names: list[str]) -> bool:
        if not names:
            return any(self.update(key, [name]) for name in ("title", "body")) or self._sets_status(key)
        changes = {name: next(self.value) for name in names}
        if self._sent(self.session.patch, f"/items/{NOTES}/{key}", changes) is None:
            return False
        stored = self.admin.get(f"/items/{NOTES}/{key}")
        return all(stored[name] == value for name, value in changes.items())

    def _sets_status(self, key: int) -> bool:
        status = "draft" if key == 1 else "published"  # as it is: rules depend on it
        return self._sent(self.session.patch, f"/items/{NOTES}/{key}", {"status": status}) is not None

    def delete(self, key: int, names: list[str]) -> bool:
        if self._sent(self.session.delete, f"/items/{NOTES}/{key}") is None:
            return False
        self.admin.post(f"/items/{NOTES}", note(key, "draft" if key == 1 else "published"))
        return True

    def create(self, key: int, names: list[str]) -> bool:
        if self._sent(self.session.post, f"/items/{NOTES}", dict.fromkeys(names, "new")) is None:
            return False
        made = [row["id"] for row in self.admin.get(f"/items/{NOTES}", {"fields": "id"}) if row["id"] > 2]
        self.admin.delete(f"/items/{NOTES}", made)
        return True

    def _sent(self, send: Callable[..., Any], *arguments: Any) -> Any:
        """Return the data of a response, True if there are none, None if the server refuses."""
        try:
            data = send(*arguments)
        except Forbidden:
            return None
        return True if data is None else data


def permissions(action: str) -> st.SearchStrategy[Permission]:
    rules = st.sampled_from([None, {}, DRAFT, NOT_DRAFT, {"id": {"_lt": 0}}])
    # A permission for fields, but for none of them, would allow nothing.
    names = st.sampled_from([["*"], ["id", "title"], ["id", "title", "body"], ["title", "status"], ["body", "id"]])
    whole = st.sampled_from([["*"], None])
    return st.builds(
        lambda rule, fields: {"collection": NOTES, "action": action, "permissions": rule, "fields": fields},
        rules if action != "create" else st.just(None) | st.just(DRAFT),
        whole if action == "delete" else names,
    )


policy = st.tuples(
    *(st.none() | permissions(action) | permissions(action) for action in ("read", "update", "delete", "create"))
)
policies = st.lists(policy, min_size=1, max_size=MOST_POLICIES)
questions = st.lists(
    st.sampled_from(
        [(action, fields) for action in ("read", "update", "create") for fields in FIELDS] + [("delete", ())]
    ),
    min_size=4,
    max_size=4,
    unique=True,
)


@pytest.mark.row_rules
@pytest.mark.usefixtures("needs_rules")
def test_can_says_what_the_server_then_does(session: Session, admin: Session, limited: LimitedUser) -> None:
    """NO is refused, YES is done; a row DEPENDS only on fields, where policies may differ in them."""
    attempts = Attempts(session, admin)
    answers: list[Allowed] = []

    def check(action: Action, fields: tuple[str, ...]) -> None:
        general = session.can(action, Note, fields=fields)
        for key in (1, 2):
            said = session.can(action, ref(key), fields=fields)
            done = attempts.does(action, key, fields)
            told = session.permissions()[Note][action]
            assert said is DEPENDS or (said is YES) == done, (action, key, fields)
            assert general is DEPENDS or (general is YES) == done, (action, fields)
            answers.append(said)
            if said is DEPENDS:
                assert fields
                assert told.access == "partial"
                assert limited.has_policies

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(policies, questions)
    def run(given: list[tuple[Permission | None, ...]], asked: list[tuple[Any, tuple[str, ...]]]) -> None:
        limited.may(*([each for each in policy if each] for policy in given))
        session.permissions(fresh=True)
        for action, fields in asked:
            check(action, fields)

    run()
    counted = {answer.name: answers.count(answer) for answer in Allowed}
    print(f"{len(answers)} answers about rows: {counted}")
    assert counted["DEPENDS"] < len(answers) / 3


# --- what is asked ----------------------------------------------------------------------------------------------


def paths(sent: Iterable[Any]) -> list[str]:
    return [entry.request.path for entry in sent]


@pytest.fixture
def asked(server: DirectusServer) -> list[str]:
    """The requests for the permissions of a user, by path."""
    return ["/permissions/me", *(["/users/me", "/permissions"] if server.version.startswith("10.") else [])]


def test_permissions_are_asked_once_for_every_use_of_them(
    session: Session, limited: LimitedUser, asked: list[str]
) -> None:
    limited.may([may("read"), may("create")])
    with session.capture() as sent:
        permissions = session.permissions()
        assert session.permissions() is permissions
        assert session.readable_fields(NOTES) == {"*"}
        assert session.with_options(timeout=20).permissions() is permissions
        assert asyncio.run(session.apermissions()) is permissions
        assert session.can("read", Note) is YES
        assert session.can("update", Note) is NO
        assert asyncio.run(session.acan("create", NOTES, fields=("title",))) is YES
    assert paths(sent) == asked
    assert permissions[NOTES].read == permissions[Note]["read"] == ActionPermission("full", frozenset({"*"}))
    assert permissions[NOTES].delete == permissions["nothing"].read == ActionPermission()
    assert not permissions.is_administrator
    assert NOTES in permissions
    assert HOME not in set(permissions)


@pytest.mark.row_rules
@pytest.mark.usefixtures("needs_rules")
def test_permissions_name_fields_and_presets(session: Session, limited: LimitedUser) -> None:
    limited.may(
        [may("create", "title", "status", presets={"status": "draft"}), may("update", "title", rule=DRAFT)]
    )
    permissions = session.permissions()
    created, updated = permissions[Note].create, permissions[Note].update
    assert (created.access, updated.access) == ("full", "partial")
    assert created.fields == {"title", "status"}
    assert updated.fields == {"title"}
    assert (created.presets, updated.presets) == ({"status": "draft"}, {})


def test_permissions_that_changed_are_seen_when_they_are_asked_afresh(
    session: Session, limited: LimitedUser
) -> None:
    assert not session.can("read", Note)
    limited.may([may("read")])
    assert not session.can("read", Note)
    assert session.permissions(fresh=True)[Note].read.access == "full"
    assert session.can("read", Note)
    assert session.readable_fields(NOTES) == {"*"}


def test_another_user_has_other_permissions(session: Session, limited: LimitedUser, admin: Session) -> None:
    limited.may([may("read")])
    assert session.can("update", ref(1)) is NO
    assert session.with_options(token=limited.server.token).can("update", ref(1)) is YES
    assert admin.permissions().is_administrator


def test_the_repr_is_a_list_of_what_is_allowed(session: Session, limited: LimitedUser, admin: Session) -> None:
    limited.may([may("read", "id", "title"), may("delete")] if not limited.lacks_rules else [may("read")])
    shown = repr(session.permissions())
    assert shown.startswith("<Permissions:\n  directus_")
    assert ("may_notes: read (id, title), delete (*)" in shown) or limited.lacks_rules
    assert "directus_notifications: read (*) on some rows, update (status) on some rows" in shown
    assert repr(session.permissions()["nothing"]) == "<CollectionPermissions: nothing>"
    assert repr(admin.permissions()) == "<Permissions: everything, as an administrator>"


def test_a_row_costs_one_request(session: Session, limited: LimitedUser) -> None:
    limited.may([may("read"), may("update"), may("delete")])
    session.permissions()
    action: Action
    for action in ("read", "update", "delete"):
        with session.capture() as sent:
            assert session.can(action, ref(1)) is YES
            assert session.can(action, ref(99)) is NO
            assert session.can("share", ref(1)) is NO
        assert len(sent) == 2
        assert all(entry.purpose == "info" for entry in sent)


def test_depends_counts_as_true(session: Session) -> None:
    """On some rows only: of the app's own collections, as rules of one's own need a licence with Directus 12."""
    said = session.can("read", "directus_users")
    assert said is DEPENDS
    assert said
    assert YES
    assert not NO


def test_rows_of_directus_s_own_collections_are_asked_by_key(
    session: Session, limited: LimitedUser, admin: Session
) -> None:
    myself, other = User.objects.ref(limited.key), User.objects.ref(admin.get("/users/me")["id"])
    assert (session.can("read", myself), session.can("read", other)) == (YES, NO)
    assert session.can("update", myself) is NO
    assert session.can("read", myself, fields=("email",)) is YES


@pytest.mark.row_rules
@pytest.mark.usefixtures("needs_rules")
def test_a_permission_without_fields_allows_nothing(session: Session, limited: LimitedUser) -> None:
    limited.may([{**may(action), "fields": []} for action in ("read", "update")])
    assert session.permissions()[Note].read.access == session.permissions()[Note].update.access == "full"
    for subject in (Note, NOTES, ref(1)):
        assert session.can("read", subject) is NO
        assert session.can("update", subject) is NO
    with pytest.raises(Forbidden):
        session.get(f"/items/{NOTES}/1", {"fields": "title"})
    with pytest.raises(Forbidden):
        session.patch(f"/items/{NOTES}/1", {"title": "x"})


@pytest.mark.row_rules
@pytest.mark.usefixtures("needs_rules")
def test_an_empty_rule_allows_all_rows_and_null_leaves_it_to_the_app(
    session: Session, limited: LimitedUser, admin: Session
) -> None:
    """With Directus 10, where the app's own permissions have a rule; later versions take null as no rule."""
    other = User.objects.ref(admin.get("/users/me")["id"])
    rule: dict[str, Any] | None
    for rule in ({}, None):
        limited.may([may("read", rule=rule, collection="directus_users")])
        session.permissions(fresh=True)
        is_read = rule == {} or limited.has_policies
        assert session.can("read", other) is (YES if is_read else NO)
        assert session.can("read", User) is (DEPENDS if limited.has_policies or not is_read else YES)
        assert (str(other.pk) in [user["id"] for user in session.get("/users")]) is is_read


class TestAnAdministrator:
    def test_may_do_everything_to_what_exists(self, admin: Session) -> None:
        """Directus says that administrators may use rows and collections, whether these exist or not."""
        action: Action
        for action in ("read", "update", "delete", "share"):
            assert admin.can(action, ref(1)) is YES
            assert admin.can(action, ref(99)) is NO
            assert admin.can(action, Note) is YES
            assert admin.can(action, "may_nothing") is NO
        assert admin.can("create", Note(), fields=("headline",)) is YES
        assert admin.can("read", Home) is admin.can("update", Home) is YES
        assert admin.can("read", "directus_users") is YES
        assert admin.can("update", User.objects.ref("4ac06a80-4b3e-4b34-8f7e-3a8a1b6de1f1")) is NO

    def test_is_who_the_server_calls_so(self, admin: Session, server: DirectusServer) -> None:
        permissions = admin.permissions()
        assert permissions.is_administrator
        assert permissions["anything"].share == ActionPermission("full", frozenset({"*"}))
        assert (NOTES in set(permissions)) is not server.version.startswith("10.")


class TestASingleton:
    @pytest.fixture(autouse=True)
    def no_row(self, server: DirectusServer, admin: Session) -> Iterator[None]:
        yield
        key = admin.get(f"/items/{HOME}").get("id")
        if key is not None:
            admin.delete(f"/items/{HOME}/{key}")

    def test_without_a_row_is_updated_by_who_may_create_it(
        self, session: Session, limited: LimitedUser, admin: Session
    ) -> None:
        limited.may([may("create", collection=HOME), may("read", collection=HOME)])
        assert session.can("update", Home) is YES
        session.patch(f"/items/{HOME}", {"title": "first"})
        assert session.can("update", Home) is NO
        with pytest.raises(Forbidden):
            session.patch(f"/items/{HOME}", {"title": "second"})

    @pytest.mark.row_rules
    @pytest.mark.usefixtures("needs_rules")
    def test_is_asked_without_a_key(self, session: Session, limited: LimitedUser, admin: Session) -> None:
        admin.patch(f"/items/{HOME}", {"title": "a", "status": "draft"})
        rules: Any = {"rule": DRAFT, "collection": HOME}
        limited.may([may("read", **rules), may("update", "title", **rules)])
        for subject in (Home, Home()):
            assert session.can("read", subject) is YES
            assert session.can("update", subject) is YES
            assert session.can("update", subject, fields=("status",)) is NO
            assert session.can("read", subject, fields=("title",)) is YES
            assert session.can("delete", subject) is NO
        assert session.can("update", Home.objects.using(session).get(), fields=("title",)) is not NO
        assert session.can("read", HOME) is session.can("update", HOME) is DEPENDS
        admin.patch(f"/items/{HOME}", {"status": "published"})
        assert session.can("read", Home) is NO
        assert session.can("update", Home) is (DEPENDS if limited.has_policies else NO)  # its key is hidden
        limited.may([may("read", collection=HOME), may("update", "title", **rules)])
        session.permissions(fresh=True)
        assert session.can("read", Home) is YES
        assert session.can("update", Home) is NO
        with pytest.raises(Forbidden):
            session.patch(f"/items/{HOME}", {"title": "b"})


@pytest.mark.row_rules
@pytest.mark.usefixtures("needs_rules")
def test_a_field_that_is_null_may_be_hidden(session: Session, limited: LimitedUser, admin: Session) -> None:
    limited.may([may("read", "id", "title")], [may("read", "id", "title", "body", rule=DRAFT)])
    if not limited.has_policies:
        limited.may([may("read", "id", "title", "body")])
    key = admin.post(f"/items/{NOTES}", {"title": "no body", "status": "draft"})["id"]
    said = session.can("read", ref(key), fields=("body",))
    admin.delete(f"/items/{NOTES}/{key}")
    assert said is (DEPENDS if limited.has_policies else YES)


# --- users of whom less is known --------------------------------------------------------------------------------


def test_the_public_is_told_nothing(server: DirectusServer, open_session: Open) -> None:
    public = open_session(server.url)
    for ask in (public.permissions, lambda: public.can("read", Note), lambda: public.can("update", ref(1))):
        with public.capture() as sent, pytest.raises(UnsupportedQuery, match="does not say what this user may do"):
            ask()
        assert not sent


def test_a_share_shows_its_row(limited: LimitedUser, admin: Session, open_session: Open) -> None:
    """Directus 10 says nothing to its holder, but shows the row."""
    limited.may([may("read"), may("update")])
    share = admin.post("/shares", {"collection": NOTES, "item": "1", "role": limited.role})["id"]
    token = admin.post("/shares/auth", {"share": share})["access_token"]
    guest = open_session(limited.server.url, token=token)
    try:
        assert (guest.can("read", ref(1)), guest.can("read", ref(2))) == (YES, NO)
        if limited.has_policies:
            assert guest.can("update", ref(1)) is NO
            assert guest.permissions()[Note].read.access == "partial"
        else:
            with pytest.raises(UnsupportedQuery):
                guest.can("update", ref(1))
        with pytest.raises(Forbidden):
            guest.patch(f"/items/{NOTES}/1", {"title": "x"})
    finally:
        admin.delete(f"/shares/{share}")


@pytest.fixture
def outsider(server: DirectusServer) -> Iterator[LimitedUser]:
    """A user who may not use the app."""
    user = LimitedUser(server, "outsider", app=False)
    yield user
    user.remove()


def test_a_user_without_the_app_is_answered(outsider: LimitedUser, open_session: Open) -> None:
    """Directus 10 shows such users no permissions, but it answers about rows."""
    session = open_session(outsider.server.url, token=outsider.token)
    outsider.may([may("read", "id", "title"), may("delete")] if not outsider.lacks_rules else [may("read")])
    assert session.can("read", ref(1)) is YES
    assert session.can("update", ref(1)) is NO
    if outsider.has_policies:
        assert session.can("read", Note, fields=("headline",)) is YES
        assert set(session.permissions()) == {NOTES}
        return
    for subject, fields in ((Note, ()), (NOTES, ()), (ref(1), ("headline",))):
        with pytest.raises(UnsupportedQuery, match="Directus 10 those who may use its app"):
            session.can("read", subject, fields=fields)
    with session.capture() as sent, pytest.raises(UnsupportedQuery):
        session.permissions()
    assert not sent


def test_a_user_who_may_do_everything_is_no_administrator(
    outsider: LimitedUser, admin: Session, open_session: Open
) -> None:
    if not outsider.has_policies:
        pytest.skip("which says who is an administrator, and names no collections")
    outsider.may([may(action, collection=name) for name in admin.permissions() for action in ACTIONS])
    permissions = open_session(outsider.server.url, token=outsider.token).permissions()
    assert permissions[Note] == permissions["directus_migrations"] == admin.permissions()[Note]
    assert not permissions.is_administrator


def test_a_user_without_the_app_who_sees_some_permissions_is_not_misled(
    outsider: LimitedUser, open_session: Open
) -> None:
    """With Directus 10 the list may lack some: no conclusion is drawn from it."""
    if outsider.has_policies:
        pytest.skip("whose permissions are always shown as a whole")
    session = open_session(outsider.server.url, token=outsider.token)
    seen = {"collection": {"_eq": "directus_permissions"}}
    outsider.may([may("read"), may("read", rule=seen, collection="directus_permissions")])
    assert len(session.get("/permissions")) == 1
    with pytest.raises(UnsupportedQuery):
        session.can("read", Note)


# --- questions that have no answer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "subject", "fields", "message"),
    [
        (
            "updat",
            Note,
            (),
            r"no action 'updat'. Did you mean 'update'\? Its actions are: create, read, update, delete",
        ),
        (None, Note, (), "no action None"),
        ("update", 3, (), "a model, an instance, or the name of a collection, not to 3"),
        ("update", Note, "headline", "write fields=\\('headline',\\)"),
        ("update", Note, (1,), "takes the names of fields"),
        ("delete", Note, ("headline",), "'delete' is about whole rows"),
        ("update", Note(), (), 'not saved yet.*Ask can\\("create", …\\) for it, or can\\("update", Note\\)'),
    ],
)
def test_a_question_without_meaning_is_refused(
    session: Session, action: Any, subject: Any, fields: Any, message: str
) -> None:
    with session.capture() as sent, pytest.raises(QueryError, match=message):
        session.can(action, subject, fields=fields)
    assert not sent


def test_an_unknown_field_is_named(session: Session) -> None:
    with pytest.raises(FieldError, match=r"Note has no field 'title'.*The server's 'title' is 'headline' here"):
        session.can("update", Note, fields=("title",))
    with pytest.raises(QueryError, match=r"no action 'reed'. Did you mean 'read'"):
        session.permissions()[Note]["reed"]
    with pytest.raises(QueryError, match="the name of a collection, not to 3"):
        session.permissions()[3]  # type: ignore[index]


def test_a_list_is_a_field_unless_the_server_has_none(admin: Session) -> None:
    assert admin.can("update", system.Role, fields=("users",)) is YES
    with pytest.raises(UnsupportedQuery, match="has no list for this relation, so no permission is about it"):
        admin.can("update", system.Folder, fields=("files",))


def test_a_key_without_a_route_depends() -> None:
    """Clients and proxies resolve dots: the request would ask about the collection."""
    some = CollectionPermissions(update=ActionPermission("partial", frozenset({"*"})))
    dialogue = ask_allowed(
        Question("update", "words", key=".."), Permissions(by_collection={"words": some}), Request("GET", "/")
    )
    with pytest.raises(StopIteration) as stopped:
        next(dialogue)
    assert stopped.value.value is DEPENDS
