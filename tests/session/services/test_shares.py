"""Visitors of a share log in without an account, and see its one row."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import attrs
import pytest

from directus_orm import AuthenticationError, ConfigurationError, DoesNotExist, Forbidden, QueryError, Session
from directus_orm.system import Role, Share
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, key, make_collection, post


@attrs.frozen
class Shared:
    url: str
    role: str
    key: int

    def make(self, **values: object) -> Share:
        return Share.objects.create(
            collection="shared_leaflets", item=str(self.key), role=Role.objects.ref(self.role), **values
        )


@pytest.fixture(scope="module")
def leaflets(directus_server: DirectusServer, directus_version: str) -> Iterator[Shared]:
    server = directus_server
    make_collection(server, "shared_leaflets", key("integer"), column("title", "string"))
    post(server, "/items/shared_leaflets", [{"id": 1, "title": "shown"}, {"id": 2, "title": "hidden"}])
    rights = {"collection": "shared_leaflets", "action": "read", "fields": ["*"]}
    with Session(server.url, token=server.token) as session:
        role = session.post("/roles", {"name": "visitors of leaflets"})["id"]
        if directus_version.startswith("10"):
            permission = session.post("/permissions", {**rights, "role": role})["id"]
        else:
            policy = session.post("/policies", {"name": "readers of leaflets", "roles": [{"role": role}]})["id"]
            session.post("/permissions", {**rights, "policy": policy})
        yield Shared(server.url, role, 1)
        Share.objects.filter(collection="shared_leaflets").delete()
        if directus_version.startswith("10"):
            session.delete(f"/permissions/{permission}")
        else:
            session.delete(f"/policies/{policy}")
        session.delete(f"/roles/{role}")
    drop_collection(server, "shared_leaflets")


@pytest.fixture
def shared(leaflets: Shared, directus_server: DirectusServer) -> Iterator[Shared]:
    with Session(directus_server.url, token=directus_server.token):
        yield leaflets


def titles(session: Session) -> list[str]:
    return [row["title"] for row in session.items("shared_leaflets").read(fields="title")]


@pytest.mark.parametrize("mode", ["json", "session"])
def test_a_visitor_sees_the_one_row(shared: Shared, mode: str) -> None:
    with Session(shared.url, share=shared.make().pk, mode=mode) as visitor:
        assert titles(visitor) == ["shown"]
        visitor.logout()
        assert titles(visitor) == ["shown"]


def test_a_share_with_a_password_needs_it(shared: Shared) -> None:
    """The server has no error for a missing one: it fails with status 500."""
    share = shared.make(password="s3cret-words")
    with Session(shared.url, share=str(share.pk), password="s3cret-words") as visitor:
        assert titles(visitor) == ["shown"]
        assert "s3cret" not in repr(visitor)
    with pytest.raises(AuthenticationError, match="The share has a password: give password="):
        Session(shared.url, share=share.pk).login()
    with pytest.raises(AuthenticationError, match=f"Login as 'share {share.pk}' failed"):
        Session(shared.url, share=share.pk, password="wrong-words").login()


def test_a_password_that_is_not_needed_is_not_sent(shared: Shared) -> None:
    with (
        Session(shared.url, share=shared.make().pk, password="s3cret-words") as visitor,
        visitor.capture() as sent,
    ):
        assert titles(visitor) == ["shown"]
    assert not any("password" in (entry.request.json or {}) for entry in sent)


@pytest.mark.parametrize("ended", [None, datetime(2020, 1, 1, tzinfo=UTC)], ids=["unknown", "expired"])
def test_a_share_that_is_not_there_is_said_so(shared: Shared, ended: datetime | None) -> None:
    share = uuid4() if ended is None else shared.make(date_end=ended).pk
    with pytest.raises(AuthenticationError, match="no such share, or it has expired"):
        Session(shared.url, share=share).login()
    with pytest.raises(DoesNotExist, match="no share"):
        Session(shared.url).shares.info(share)


@pytest.mark.parametrize("share", ["nope", 7, "../users", ""])
def test_what_is_no_key_is_refused(shared: Shared, share: object) -> None:
    with pytest.raises(ConfigurationError, match="is not the key of a share"):
        Session(shared.url, share=share)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="is not a key"):
        Session(shared.url).shares.info(share)  # type: ignore[arg-type]


def test_a_share_goes_with_no_other_login(shared: Shared) -> None:
    with pytest.raises(ConfigurationError, match="do not make one way to log in"):
        Session(shared.url, share=uuid4(), token="t")


def test_anyone_may_ask_what_a_share_shows(shared: Shared) -> None:
    ends = datetime(2100, 1, 1, 12, tzinfo=UTC)
    share = shared.make(password="s3cret-words", max_uses=5, date_end=ends)
    info = Session(shared.url).shares.info(share.pk)
    assert (info.id, info.collection, info.item) == (share.pk, "shared_leaflets", "1")
    assert (info.needs_password, info.max_uses, info.times_used) == (True, 5, 0)
    assert (info.date_start, info.date_end) == (None, ends)


def test_the_server_lets_in_one_visitor_more(shared: Shared) -> None:
    """So the documentation of `Share` says."""
    share = shared.make(max_uses=1)
    for _ in range(2):
        Session(shared.url, share=share.pk).login()
    with pytest.raises(AuthenticationError):
        Session(shared.url, share=share.pk).login()


def test_a_derived_session_may_be_a_visitor(shared: Shared, directus_server: DirectusServer) -> None:
    with Session(directus_server.url, token=directus_server.token) as session:
        assert len(titles(session)) == 2
        assert titles(session.with_options(share=shared.make().pk)) == ["shown"]
        assert len(titles(session)) == 2


def test_a_pickled_visitor_takes_no_login_of_the_environment(
    shared: Shared, directus_server: DirectusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator's token there would show every row."""
    monkeypatch.setenv("DIRECTUS_TOKEN", directus_server.token)
    visitor = pickle.loads(pickle.dumps(Session(shared.url, share=shared.make().pk)))
    with pytest.raises(ConfigurationError, match="for a share"):
        titles(visitor)


def test_a_login_is_refreshed(shared: Shared, login_server: DirectusServer) -> None:
    """On a server whose tokens live for 3 s."""
    make_collection(login_server, "shared_leaflets", key("integer"), column("title", "string"))
    with Session(login_server.url, token=login_server.token) as session:
        row = session.items("shared_leaflets").create({"id": 1, "title": "shown"})
        share = session.items("directus_shares").create({"collection": "shared_leaflets", "item": str(row["id"])})
        with Session(login_server.url, share=share["id"]) as visitor, visitor.capture() as sent:
            visitor.login()
            time.sleep(3)
            with pytest.raises(Forbidden, match="may read no field"):  # the share has no role
                titles(visitor)
        session.delete(f"/shares/{share['id']}")
    drop_collection(login_server, "shared_leaflets")
    paths = [entry.request.path for entry in sent]
    assert paths[:3] == [f"/shares/info/{share['id']}", "/shares/auth", "/auth/refresh"]


def test_invitations_are_sent_for_shares_that_are_there(shared: Shared) -> None:
    """No mail server is there, which only the log of the server says."""
    share = shared.make()
    share.invite("ada@example.com")
    with pytest.raises(Forbidden):
        Share.objects.ref(uuid4()).invite(["ada@example.com"])
    with pytest.raises(QueryError, match="not an e-mail"):
        share.invite("nobody")
