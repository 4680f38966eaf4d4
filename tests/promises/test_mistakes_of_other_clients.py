"""Mistakes of other clients for Directus and similar servers, tried on this one."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from directus_orm import Model, OutcomeUnknown, Q, Session, field, generated
from directus_orm.core import errors
from directus_orm.core.masking import as_secret
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight, Note
from tests.worlds.server_setup import column, drop_collection, key, make_collection
from tests.worlds.sessions import in_threads, me, paths
from tests.worlds.tiny_server import Scripted, TinyServer

Open = Callable[..., Session]


@pytest.fixture
def flights(world: DirectusServer) -> Iterator[Session]:
    with Session(world.url, token=world.token) as session:
        yield session


class TestTheJavaScriptSdk:
    def test_a_response_without_type_and_body_is_an_error(self, tiny: TinyServer, open_session: Open) -> None:
        """A 431 was returned as if it were data."""
        tiny.answers(Scripted(431, "", {"Content-Type": ""}))
        with pytest.raises(errors.TransportError, match="431"):
            open_session(tiny.url, token="t").get("/items/x")

    def test_two_thousand_keys_are_read(self, flights: Session) -> None:
        assert len(Flight.objects.filter(id__in=range(1, 2001))) == 260

    def test_a_page_and_its_total_come_by_one_request(self, flights: Session) -> None:
        """``meta`` was thrown away."""
        with flights.capture() as sent:
            page = Flight.objects.page(2, 10)
        assert (len(page.rows), page.total, len(sent)) == (10, 260, 1)

    def test_a_key_cannot_become_another_route(self, flights: Session) -> None:
        """``JFK/../../../users/me`` gave the administrator's e-mail."""
        with pytest.raises(errors.Forbidden):
            flights.items("airlines").read("JFK/../../../users/me?fields=email")
        with pytest.raises(Airline.DoesNotExist):
            Airline.objects.get(pk="JFK/../../../users/me?fields=email")

    def test_a_list_does_not_end_after_100_rows(self, flights: Session) -> None:
        assert len(list(Flight.objects.all())) == 260

    def test_two_refreshes_at_once_are_one(self, world: DirectusServer, open_session: Open) -> None:
        """The second one was sent with the token that the first had spent."""
        session = open_session(world.url, email=world.email, password=world.password)
        me(session)
        auth, sender = session._state.auth, session._state.login_sender
        refused = as_secret(auth.token(sender) or "")
        with session.capture() as sent:
            assert (
                in_threads(10, lambda: session._state.auth.renew(session._state.login_sender, refused))
                == [True] * 10
            )
        assert paths(sent) == ["/auth/refresh"]

    def test_a_failed_refresh_is_not_passed_over_with_the_old_token(
        self, tiny: TinyServer, open_session: Open
    ) -> None:
        no = {"errors": [{"message": "no", "extensions": {"code": "INVALID_CREDENTIALS"}}]}
        tokens = {"data": {"access_token": "old", "refresh_token": "b", "expires": 0}}
        tiny.answers(Scripted(body=tokens), Scripted(body={"data": {"email": ""}}), Scripted(401, no))
        session = open_session(tiny.url, email="a@example.com", password="b")
        me(session)
        with pytest.raises(errors.AuthenticationError, match="Login as"):
            me(session)
        assert [path.split("?")[0] for path in tiny.paths] == [
            *("/auth/login", "/users/me", "/auth/refresh", "/auth/login"),
        ]

    def test_there_is_always_a_timeout(self, tiny: TinyServer, open_session: Open) -> None:
        session = open_session(tiny.url, token="t")
        assert session._state.options.timeout == (10, 60)
        with pytest.raises(errors.ConfigurationError):
            open_session(tiny.url, timeout=None)

    @pytest.mark.parametrize(
        "answer", [{"errors": []}, {"errors": None}, {"errors": {}}, {"errors": ["x"]}], ids=str
    )
    def test_an_error_without_errors_is_one_all_the_same(
        self, answer: Any, tiny: TinyServer, open_session: Open
    ) -> None:
        tiny.answers(Scripted(400, answer))
        with pytest.raises(errors.DirectusError, match="400"):
            open_session(tiny.url, token="t").get("/items/x")

    def test_directus_own_collections_are_models_as_others_are(self, flights: Session) -> None:
        class Person(Model, collection="directus_users"):
            id: str
            email: str | None = None

        assert "admin@example.com" in {person.email for person in Person.objects.all()}


class TestPyDirectus:
    def test_a_web_page_is_an_error(self, tiny: TinyServer, open_session: Open) -> None:
        """A 502 of a proxy was swallowed, and there were no rows."""
        tiny.answers(Scripted(502, "<html>"))
        with open_session(tiny.url, token="t", retry=0), pytest.raises(errors.TransportError, match="502"):
            list(Flight.objects.all())

    def test_nothing_found_is_an_empty_list(self, flights: Session) -> None:
        assert list(Flight.objects.filter(id=-1)) == []
        assert flights.items("flights").read(filter={"id": -1}) == []

    def test_a_query_that_is_used_again_has_not_changed(self, flights: Session) -> None:
        base = Flight.objects.filter(id__lte=10)
        before = base.query
        list(base.filter(id=1).order_by("-id")[:3])
        assert base.query == before
        assert base.count() == 10

    @pytest.mark.parametrize("lookup", ["carrier__name__nicontains", "note__sounds_like", "carrier__nonsense"])
    def test_an_unknown_lookup_is_refused_here(self, lookup: str, flights: Session) -> None:
        """It was taken for a field, and the server said 403."""
        with flights.capture() as sent, pytest.raises(errors.FieldError):
            list(Flight.objects.filter(**{lookup: "x"}))
        assert not sent

    def test_conditions_can_be_negated(self, flights: Session) -> None:
        assert Flight.objects.filter(~Q(id__lte=10)).count() == 250

    def test_a_logout_ends_the_login(self, world: DirectusServer, open_session: Open) -> None:
        """No refresh token was sent, so that the server refused, and the token went on being used."""
        session = open_session(world.url, email=world.email, password=world.password)
        with session.capture() as sent, session:
            me(session)
        assert [(entry.request.path, entry.status) for entry in sent][-1] == ("/auth/logout", 204)
        with session.capture() as sent:
            me(session)
        assert paths(sent) == ["/auth/login", "/users/me"]

    def test_nothing_is_printed_and_no_module_is_patched_by_importing(self) -> None:
        script = (
            "import json; known = json.JSONEncoder.default, json.dumps; "
            "import directus_orm; from directus_orm import *; "
            "assert known == (json.JSONEncoder.default, json.dumps)"
        )
        done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, check=True)
        assert (done.stdout, done.stderr) == (b"", b"")

    def test_a_collection_named_like_directus_own_is_an_ordinary_one(
        self, tiny: TinyServer, open_session: Open
    ) -> None:
        """``my_directus_notes`` was asked for at ``/my_notes``."""

        class Mine(Model, collection="my_directus_notes"):
            id: int

        with open_session(tiny.url, token="t"):
            list(Mine.objects.all())
        assert tiny.paths[0].startswith("/items/my_directus_notes?")

    def test_a_failure_leaves_the_session_usable(self, flights: Session) -> None:
        with pytest.raises(errors.Forbidden):
            flights.items("no_such_collection").read()
        assert Flight.objects.count() == 260

    def test_acronyms_and_digits_stay_in_a_collections_name(self) -> None:
        class HTTPLog2(Model):
            id: int

        assert HTTPLog2.directus.collection == "http_log2s"


class TestPydirectus:
    def test_a_refused_deletion_raises(self, flights: Session) -> None:
        """A 403 was passed over."""
        with pytest.raises(errors.Forbidden):
            flights.items("no_such_collection").delete(1)

    def test_the_callers_parameters_are_not_changed(self, flights: Session) -> None:
        params: dict[str, Any] = {"filter": {"id": {"_lte": 3}}, "fields": ["id"], "sort": ["id"]}
        before = copy.deepcopy(params)
        assert len(flights.get("/items/flights", params)) == 3
        assert len(flights.items("flights").read(**params)) == 3
        assert params == before

    def test_the_public_can_ask(self, world: DirectusServer, open_session: Open) -> None:
        assert open_session(world.url).get("/server/ping") == "pong"

    def test_a_write_whose_response_is_empty_is_no_crash(self, tiny: TinyServer, open_session: Open) -> None:
        tiny.answers(Scripted(204, ""))
        assert open_session(tiny.url, token="t").items("x").create({}) is None

    def test_a_login_goes_the_way_of_every_request(
        self, tiny: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It left out the proxy and the certificates."""
        monkeypatch.setenv("http_proxy", tiny.url)
        monkeypatch.setenv("no_proxy", "")
        tokens = {"data": {"access_token": "a", "refresh_token": "b", "expires": 900000}}
        tiny.answers(Scripted(body=tokens), Scripted(body={"data": {"email": ""}}))
        with Session("http://directus.invalid", email="a@example.com", password="b") as session:
            me(session)
        assert [path.split("?")[0].removeprefix("http://directus.invalid") for path in tiny.paths] == [
            *("/auth/login", "/users/me", "/auth/logout")
        ]


class TestDirectusPySdk:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
    def test_a_refusal_is_asked_for_once_and_costs_no_time(
        self, status: int, tiny: TinyServer, open_session: Open
    ) -> None:
        """A missing row took 11 seconds and four requests."""
        tiny.answers(Scripted(status, {"errors": [{"message": "no"}]}))
        session = open_session(tiny.url, token="t")
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(errors.ServerError):
                session.get("/items/x/1")
        assert len(tiny.seen) == 2
        assert time.monotonic() - started < 5

    def test_a_create_is_not_repeated_after_a_500(self, tiny: TinyServer, open_session: Open) -> None:
        """It was sent four times."""
        tiny.answers(Scripted(500, {"errors": [{"message": "no"}]}))
        with pytest.raises(errors.ServerError):
            open_session(tiny.url, token="t").items("x").create({})
        assert len(tiny.seen) == 1

    def test_a_refresh_does_not_precede_every_request_and_its_token_is_used(
        self, tiny: TinyServer, open_session: Open
    ) -> None:
        """Headers were built with the token from before the refresh."""
        expired = {"errors": [{"message": "x", "extensions": {"code": "TOKEN_EXPIRED"}}]}
        first, second = (
            {"data": {"access_token": name, "refresh_token": "r", "expires": 900000}} for name in ("one", "two")
        )
        tiny.answers(
            Scripted(body=first), Scripted(), Scripted(401, expired), Scripted(body=second), Scripted(), Scripted()
        )
        session = open_session(tiny.url, email="a@example.com", password="b")
        for _ in range(3):
            session.get("/items/x")
        assert tiny.bearers == [None, "Bearer one", "Bearer one", None, "Bearer two", "Bearer two"]

    def test_connections_are_reused(self, tiny: TinyServer, open_session: Open) -> None:
        session = open_session(tiny.url, token="t")
        for _ in range(7):
            session.get("/items/x")
        assert len(set(tiny.ports)) == 1

    def test_a_wrong_query_raises_and_is_no_row(self, flights: Session) -> None:
        """``{"error": …}`` was returned, and iterated over."""
        with pytest.raises(errors.ServerError):
            flights.items("flights").read(sort="nonsense")
        with pytest.raises(errors.FieldError):
            Flight.objects.order_by("nonsense")

    def test_parameters_of_one_row_are_sent(self, flights: Session) -> None:
        assert flights.items("airlines").read("AA", fields=["name"]) == {"name": "American Airlines"}

    def test_a_base_url_keeps_its_path(self, tiny: TinyServer, open_session: Open) -> None:
        open_session(f"{tiny.url}/cms", token="t").get("/users/me")
        assert tiny.paths == ["/cms/users/me"]

    def test_no_call_changes_the_next(self, tiny: TinyServer, open_session: Open) -> None:
        items = open_session(tiny.url, token="t").items("x")
        items.read(1, fields="a")
        items.read(2)
        assert tiny.paths == ["/items/x/1?fields=a", "/items/x/2"]

    def test_rows_are_deleted_by_their_key_whatever_it_is_called(self, world: DirectusServer) -> None:
        class Stamp(Model, collection="peer_stamps"):
            code: str = field(primary_key=True)

        make_collection(world, "peer_stamps", key("string", "code"))
        try:
            with Session(world.url, token=world.token):
                Stamp.objects.bulk_create(Stamp(code=f"c{n}") for n in range(150))
                assert Stamp.objects.all().delete() == 150
        finally:
            drop_collection(world, "peer_stamps")

    def test_an_empty_list_of_errors_in_a_good_response_is_none(
        self, tiny: TinyServer, open_session: Open
    ) -> None:
        tiny.answers(Scripted(body={"data": [1], "errors": []}))
        assert open_session(tiny.url, token="t").get("/items/x") == [1]


class TestPydirectusSdk:
    def test_in_means_in(self, flights: Session) -> None:
        """It did nothing."""
        assert {flight.id for flight in Flight.objects.filter(id__in=[3, 5])} == {3, 5}

    def test_the_second_page_is_not_the_first(self, flights: Session) -> None:
        first, second = (Flight.objects.page(n, 5).rows for n in (1, 2))
        assert {flight.id for flight in first}.isdisjoint(flight.id for flight in second)

    def test_two_sessions_share_no_header(self, tiny: TinyServer, open_session: Open) -> None:
        """One sent the token of the other."""
        one, two = open_session(tiny.url, token="one"), open_session(tiny.url, token="two")
        for session in (one, two, one):
            session.get("/items/x")
        assert tiny.bearers == ["Bearer one", "Bearer two", "Bearer one"]

    def test_many_rows_are_changed_by_one_request(self, world: DirectusServer) -> None:
        class Sheet(Model, collection="peer_sheets"):
            id: int = field(default=generated, primary_key=True)
            n: int | None = None

        make_collection(world, "peer_sheets", column("n", "integer"))
        try:
            with Session(world.url, token=world.token) as session:
                sheets = Sheet.objects.bulk_create(Sheet(n=n) for n in range(20))
                for sheet in sheets:
                    sheet.n = (sheet.n or 0) + 100
                with session.capture() as sent:
                    assert Sheet.objects.bulk_update(sheets, ["n"]) == 20
                assert len(sent) == 1
        finally:
            drop_collection(world, "peer_sheets")

    def test_nothing_is_asked_by_making_a_session(self, tiny: TinyServer, open_session: Open) -> None:
        open_session(tiny.url, token="t").items("x")
        assert tiny.seen == []

    def test_no_error_shows_a_part_of_the_token(self, world: DirectusServer, open_session: Open) -> None:
        with pytest.raises(errors.AuthenticationError) as caught:
            me(open_session(world.url, token="abcdefgh-secret"))
        assert "abcd" not in f"{caught.value!r} {caught.value}"


class TestTheSdkOfVersion8:
    def test_the_values_of_a_filter_are_sent(self, tiny: TinyServer, open_session: Open) -> None:
        open_session(tiny.url, token="t").items("x").read(filter={"a": {"_eq": "value"}})
        assert "value" in tiny.paths[0]

    def test_an_empty_error_is_an_error(self, tiny: TinyServer, open_session: Open) -> None:
        """It became an empty result."""
        for status in (400, 404, 500):
            tiny.answers(Scripted(status, {}))
            with pytest.raises(errors.DirectusError):
                open_session(tiny.url, token="t").get("/items/x")

    def test_many_pages_are_a_loop_and_no_recursion(self, flights: Session) -> None:
        depth = sys.getrecursionlimit()
        sys.setrecursionlimit(400)
        try:
            assert sum(1 for _ in Flight.objects.iterator(page_size=1)) == 260
        finally:
            sys.setrecursionlimit(depth)


class TestPyairtable:
    def test_a_query_is_lazy(self, flights: Session) -> None:
        with flights.capture() as sent:
            rows = Flight.objects.filter(id__lte=5)
        assert not sent
        assert len(list(rows)) == 5

    def test_links_of_many_rows_load_by_one_request(self, flights: Session) -> None:
        with flights.capture() as sent:
            assert len([flight.carrier.name for flight in Flight.objects.all()[:50]]) == 50
        assert len(sent) == 2

    def test_inherited_fields_are_fields(self) -> None:
        class Base(Model, abstract=True):
            id: int
            name: str

        class Child(Base, collection="children"):
            age: int

        assert list(Child.directus.fields) == ["id", "name", "age"]

    def test_one_model_serves_several_servers(self, tiny: TinyServer, flights: Session) -> None:
        """The connection was part of the class."""
        tiny.answers(Scripted(body={"data": []}))
        with Session(tiny.url, token="t") as other:
            assert list(Airline.objects.using(other)) == []
            assert len(list(Airline.objects.using(flights))) == 4

    def test_a_second_change_is_sent_too(self, flights: Session) -> None:
        """What was written stayed marked as changed, or a change back to the first value was passed over."""
        note = Note.objects.create(title="a", body="one")
        try:
            for body in ("two", "one", "two"):
                note.body = body
                with flights.capture() as sent:
                    note.save()
                    note.save()
                assert [entry.request.json for entry in sent] == [{"body": body}]
        finally:
            note.delete()

    def test_a_create_is_not_replayed_after_a_lost_response(self, tiny: TinyServer, open_session: Open) -> None:
        """Every verb was repeated after a read error."""
        for lost in (Scripted(0), Scripted(504, ""), Scripted(200, '{"data": {', cut=True)):
            tiny.answers(lost)
            before = len(tiny.seen)
            with pytest.raises(OutcomeUnknown):
                open_session(tiny.url, token="t").items("x").create({})
            assert len(tiny.seen) == before + 1

    def test_a_long_query_ends_with_its_last_page(self, flights: Session) -> None:
        """A GET that became another verb went on asking for the first page."""
        rows = Flight.objects.filter(id__in=range(1, 3000))
        with flights.capture() as sent:
            assert len(list(rows)) == 260
        assert len(sent) < 6
        assert {entry.request.method for entry in sent} == {"SEARCH"}
