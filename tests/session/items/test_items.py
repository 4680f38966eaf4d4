"""`session.items()`: the verbs of Directus for collections without a model, without its traps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from directus_orm import (
    ConfigurationError,
    DefaultLimitWarning,
    DirectusError,
    DoesNotExist,
    Forbidden,
    NotVisibleWarning,
    QueryError,
    RecordNotUnique,
    UnsupportedQuery,
)
from directus_orm.core.masking import MASK
from directus_orm.session import Session
from directus_orm.session.items.items import Items
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    AUTO_KEY,
    column,
    drop_collection,
    key,
    make_collection,
    make_relation,
    user,
)
from tests.worlds.sessions import data_requests

Open = Callable[..., Session]

THINGS, WORDS, HOME = "plain_things", "plain_words", "plain_home"
# More than the 100 rows where Directus stops.
MANY = 120
# In a filter the server evaluates these, and takes one for two.
ODD_KEYS = ["null", "$NOW", "true", "a,b", "$CURRENT_USER", "a/b", "..%2f"]


@pytest.fixture(scope="module")
def server(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(directus_server, THINGS, AUTO_KEY, column("n", "integer"), column("name", "string"))
    make_collection(directus_server, WORDS, key("string", "word"), column("n", "integer"))
    make_collection(directus_server, HOME, column("name", "string"), singleton=True)
    make_relation(directus_server, WORDS, "thing", THINGS, "integer", reverse="words")
    yield directus_server
    for name in (WORDS, THINGS, HOME):
        drop_collection(directus_server, name)


@pytest.fixture
def session(server: DirectusServer, open_session: Open) -> Iterator[Session]:
    session = open_session(server.url, token=server.token, timeout=300)
    yield session
    for name in (WORDS, THINGS):
        session.items(name).delete_by_query({"limit": -1})


@pytest.fixture
def things(session: Session) -> Items:
    return session.items(THINGS)


@pytest.fixture
def many(things: Items) -> Items:
    """The things, of which there are more than Directus returns without a limit."""
    things.create_many({"n": n, "name": f"n{n % 7}"} for n in range(MANY))
    return things


@pytest.fixture
def words(session: Session) -> Items:
    return session.items(WORDS)


def numbers(items: Items, **query: Any) -> list[Any]:
    return [row["n"] for row in items.read_all(fields="n", **query)]


class TestReading:
    def test_a_list_that_ends_where_directus_cuts_it_warns(self, many: Items) -> None:
        with pytest.warns(DefaultLimitWarning, match="read_all"):
            assert len(many.read()) == 100
        with pytest.warns(DefaultLimitWarning, match="limit=-1"):
            assert len(many.search(fields=["id"])) == 100

    def test_the_warning_names_the_line_of_the_caller(self, many: Items) -> None:
        with pytest.warns(DefaultLimitWarning) as caught:
            many.read()
        assert caught[0].filename == __file__

    def test_a_limit_says_that_the_end_is_meant(self, many: Items) -> None:
        assert len(many.read(limit=100)) == 100
        assert len(many.read(limit=-1)) == MANY

    @pytest.mark.parametrize("order", ["n", "-n", "name,-n", "id", "-id", ["-name"]])
    def test_read_all_reads_all_rows_in_order(self, many: Items, session: Session, order: Any) -> None:
        paged = session.with_options(page_size=25).items(THINGS)
        expected = many.read(
            sort=[*([order] if isinstance(order, str) else order), "id"], limit=-1, fields="id,n,name"
        )
        assert list(paged.read_all(sort=order, fields="id,n,name")) == expected
        assert numbers(paged, sort=order, limit=40, offset=30) == [row["n"] for row in expected[30:70]]

    def test_read_all_adds_nothing_to_the_rows(self, many: Items) -> None:
        assert next(iter(many.read_all(fields="n", sort="-name"))).keys() == {"n"}
        assert next(iter(many.read_all(sort="n"))).keys() == {"id", "n", "name", "words"}

    def test_read_all_takes_the_parameters_that_choose_rows(self, many: Items) -> None:
        assert numbers(many, filter={"n": {"_lt": 3}}) == [0, 1, 2]
        assert numbers(many, filter='{"n": {"_lt": 3}}', sort="-n") == [2, 1, 0]
        assert sorted(numbers(many, search="n6")) == list(range(6, MANY, 7))

    def test_lists_of_related_rows_are_complete(self, things: Items, words: Items) -> None:
        """Directus ends them after 100 rows, and says nothing."""
        thing = things.create({"n": 1})["id"]
        words.create_many({"word": f"w{n}", "thing": thing} for n in range(MANY))
        for fields in ("*", "words", "words.word", "n,words.*"):
            (row,) = things.read_all(fields=fields)
            assert len(row["words"]) == MANY, fields
        (row,) = things.read_all(fields="words", deep={"words": {"_limit": 5}})
        assert len(row["words"]) == 5
        assert len(things.read(thing)["words"]) == 100  # so the test can fail
        (row,) = words.read_all(fields="word,thing.words", filter={"word": {"_eq": "w1"}})
        assert len(row["thing"]["words"]) == MANY

    def test_rows_of_odd_keys_all_come(self, words: Items) -> None:
        words.create_many({"word": word, "n": 1} for word in ODD_KEYS)
        assert sorted(row["word"] for row in words.read_all()) == sorted(ODD_KEYS)
        assert sorted(row["word"] for row in words.search(keys=[*ODD_KEYS, "missing"])) == sorted(ODD_KEYS)

    def test_search_finds_any_number_of_keys(self, many: Items) -> None:
        keys = [row["id"] for row in many.read(fields="id", limit=-1)]
        assert sorted(row["id"] for row in many.search(keys=[*keys, keys[0]], fields="id")) == sorted(keys)
        assert [row["n"] for row in many.search(keys=keys, filter={"n": {"_eq": 5}})] == [5]

    def test_no_keys_are_no_request(self, things: Items, session: Session) -> None:
        """Directus would take an empty list for all rows."""
        with session.capture() as sent:
            assert things.search(keys=[]) == []
            assert things.update_many([], {"n": 1}) == []
            things.delete_many([])
            assert things.create_many([]) == []
            assert things.update_batch([]) == []
        assert not list(sent)

    def test_a_missing_row_is_told_from_one_that_may_not_be_read(
        self, things: Items, server: DirectusServer, open_session: Open
    ) -> None:
        made = things.create({"n": 1})["id"]
        assert things.read_one(made, fields="n") == {"n": 1}
        with pytest.raises(DoesNotExist, match="no row with the key 999999"):
            things.read_one(999_999)
        with user(server, "nobody") as token, pytest.raises(Forbidden):
            open_session(server.url, token=token).items(THINGS).read_one(made)

    def test_a_singleton_is_no_list(self, session: Session, things: Items) -> None:
        home = session.items(HOME)
        assert home.update_singleton({"name": "a"})["name"] == "a"
        assert home.singleton(fields="name") == {"name": "a"}
        with pytest.raises(ConfigurationError, match="no singleton"):
            things.singleton()
        with pytest.raises(ConfigurationError, match="use singleton"):
            list(home.read_all())

    def test_aggregates(self, many: Items) -> None:
        assert many.aggregate({"count": "*"}) == [{"count": MANY}]
        groups = many.aggregate({"count": "*", "max": ["n"]}, groupBy=["name"], filter={"n": {"_lt": 14}})
        assert groups == [{"name": f"n{n}", "count": 2, "max": {"n": n + 7}} for n in range(7)]

    def test_all_groups_come(self, many: Items) -> None:
        """Directus returns the first 100."""
        assert len(many.aggregate({"count": "*"}, groupBy="n")) == MANY
        assert len(many.aggregate({"count": "*"}, groupBy="n", limit=3)) == 3
        assert len(many.aggregate({"count": "*"}, groupBy="n", offset=MANY - 2)) == 2

    def test_the_key_is_asked_for_once(self, many: Items, session: Session) -> None:
        numbers(many)
        with session.capture() as sent:
            numbers(session.items(THINGS), limit=3)
        assert data_requests(sent) == 1
        assert len(list(sent)) == 1

    def test_the_key_is_found_by_users_who_may_not_read_the_fields(
        self, many: Items, words: Items, server: DirectusServer, open_session: Open
    ) -> None:
        words.create_many({"word": word, "n": 1} for word in ODD_KEYS)
        with user(server, "plain-reader", plain_things=["read"], plain_words=["read"]) as token:
            session = open_session(server.url, token=token)
            assert sorted(numbers(session.items(THINGS), sort="-name")) == list(range(MANY))
            if server.version.startswith("10."):  # shows the list of fields to everybody
                assert len(list(session.items(WORDS).read_all())) == len(ODD_KEYS)
                return
            with pytest.raises(DirectusError, match="key='…'"):
                list(session.items(WORDS).read_all())
            assert len(list(session.items(WORDS).read_all(key="word"))) == len(ODD_KEYS)
            with pytest.raises(ConfigurationError, match="is 'word', and not 'n'"):
                list(session.items(WORDS).read_all(key="n"))
            another = open_session(server.url, token=token)
            with pytest.raises(DirectusError, match="The key is not known"):
                list(another.items(WORDS).read_all(key="n"))


class TestWriting:
    def test_long_writes_go_in_several_requests(self, things: Items, session: Session) -> None:
        """By number of rows, and by the size of the body."""
        with session.capture() as sent:
            assert len(things.create_many({"n": n} for n in range(1500))) == 1500
        assert data_requests(sent) == 2
        with session.capture() as sent:
            assert len(things.create_many([{"name": "é" * 250}] * 3000)) == 3000
        assert data_requests(sent) == 5  # in JSON, each letter has six bytes
        keys = [row["id"] for row in things.read(fields="id", limit=-1)]
        assert len(things.update_many(keys, {"n": 5}, fields="id")) == len(keys)
        assert set(numbers(things)) == {5}
        things.delete_many(keys)
        assert things.aggregate({"count": "*"}) == [{"count": 0}]

    def test_a_failed_write_says_what_happened_to_each_row(self, words: Items) -> None:
        rows = [{"word": f"w{n}"} for n in range(2200)]
        rows[1500] = rows[0]
        with pytest.raises(RecordNotUnique) as caught:
            words.create_many(rows)
        failure: Any = caught.value.bulk
        assert [len(part) for part in (failure.done, failure.refused, failure.unsent)] == [1000, 1000, 200]
        assert "1000 were created" in caught.value.__notes__[0]
        assert words.aggregate({"count": "*"}) == [{"count": 1000}]

    def test_each_row_has_changes_of_its_own(self, many: Items) -> None:
        rows = [{"id": row["id"], "n": -row["n"]} for row in many.read_all(fields="id,n")]
        assert len(many.update_batch(rows, fields="id")) == MANY
        assert numbers(many) == [-n for n in range(MANY)]

    def test_a_batch_without_a_key_writes_nothing(self, many: Items) -> None:
        first = many.read(limit=1)[0]
        with pytest.raises(QueryError, match="row 1, counted from 0, has no key 'id'"):
            many.update_batch([{"id": first["id"], "n": 99}, {"n": 99}])
        assert 99 not in numbers(many, limit=1)

    def test_writes_by_query_touch_every_row(self, many: Items) -> None:
        """Directus touches the first 100."""
        assert len(many.update_by_query({"filter": {"n": {"_gte": 0}}}, {"name": "x"}, fields="id")) == MANY
        assert {row["name"] for row in many.read_all(fields="name")} == {"x"}
        assert many.delete_by_query({"filter": {"n": {"_gte": 10}}}) == MANY - 10
        assert many.delete_by_query({"limit": 3, "sort": "-n"}) == 3
        assert numbers(many) == list(range(7))
        assert many.delete_by_query({"limit": -1}) == 7

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({}, "which rows"),
            ({"filter": {}}, "which rows"),
            ({"filter": {"_or": []}}, "_or takes"),
            ({"filter": {"_or": [{}]}}, "empty"),
            ({"filter": {"_and": [{"n": {}}]}}, "empty"),
            ({"filter": {"n": {"_between": [1]}}}, "two values"),
            ({"filter": {"words": {"_some": {"n": {"_gt": 1}, "word": {"_eq": "a"}}}}}, "one condition"),
            ({"filter": {"words": {"_none": {"n": {"_gt": 1, "_lt": 3}}}}}, "one condition"),
            ({"filter": {"words": {"_some": {}}}}, "one condition"),
            ({"filter": "{"}, "JSON"),
            ({"n": {"_eq": 1}}, "no parameter 'n'"),
            ({"filters": {"n": {"_eq": 1}}}, "Did you mean 'filter'"),
            ({"page": 2, "limit": 5}, "no parameter 'page'"),
        ],
    )
    def test_a_query_that_would_touch_other_rows_is_refused(
        self, many: Items, session: Session, query: Any, problem: str
    ) -> None:
        with session.capture() as sent:
            with pytest.raises(QueryError, match=problem):
                many.delete_by_query(query)
            with pytest.raises(QueryError, match=problem):
                many.update_by_query(query, {"n": 1})
        assert not list(sent)

    def test_the_mask_of_a_secret_is_not_stored(self, things: Items) -> None:
        for write in (
            lambda: things.create({"name": MASK}),
            lambda: things.create_many([{"name": MASK}]),
            lambda: things.update(1, {"name": MASK}),
            lambda: things.update_batch([{"id": 1, "name": MASK}]),
        ):
            with pytest.raises(QueryError, match="in the place of a secret"):
                write()
        assert numbers(things) == []

    def test_rows_that_may_not_be_read_are_written(self, server: DirectusServer, open_session: Open) -> None:
        with user(server, "plain-writer", plain_things=["create"]) as token:
            items = open_session(server.url, token=token).items(THINGS)
            with pytest.warns(NotVisibleWarning, match="2 are not visible"):
                assert items.create_many([{"n": 1}, {"n": 2}]) == []
        with Session(server.url, token=server.token) as session:
            assert session.items(THINGS).delete_by_query({"filter": {"n": {"_in": [1, 2]}}}) == 2

    def test_a_maximum_of_rows_is_learnt(self, limited_server: DirectusServer) -> None:
        """With 40 rows at a time, nothing is cut off without an error."""
        make_collection(limited_server, THINGS, AUTO_KEY, column("n", "integer"))
        try:
            with Session(limited_server.url, token=limited_server.token) as session:
                items = session.items(THINGS)
                assert len(items.create_many({"n": n} for n in range(100))) == 100
                assert len(items.aggregate({"count": "*"}, groupBy="n")) == 100
                keys = [row["id"] for row in items.read_all(sort="-n", fields="id")]
                assert len(keys) == len(items.search(keys=keys)) == len(items.update_many(keys, {"n": 1})) == 100
                assert items.delete_by_query({"filter": {"n": {"_eq": 1}}}) == 100
        finally:
            drop_collection(limited_server, THINGS)

    def test_a_singleton_that_is_none_is_not_written(self, many: Items) -> None:
        """Directus would take this for an update by query."""
        with pytest.raises(ConfigurationError, match="no singleton"):
            many.update_singleton({"query": {}, "data": {"n": 1}})
        assert numbers(many, limit=5) == list(range(5))


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("act", "error", "problem"),
        [
            (lambda items: items.read(filters={}), QueryError, "Did you mean 'filter'"),
            (lambda items: items.read_all(page=2), QueryError, "no parameter 'page' here"),
            (lambda items: items.read_all(limit="5"), QueryError, "whole number"),
            (lambda items: items.read_all(fields=5), QueryError, "list of names"),
            (lambda items: items.read_one(1, filter={}), QueryError, "no parameter 'filter' here"),
            (lambda items: items.read_one(None), TypeError, "not a key"),
            (lambda items: items.read_one(True), TypeError, "not a key"),
            (lambda items: items.search(keys=[1], limit=5), QueryError, "no parameter 'limit' here"),
            (lambda items: items.delete_many("abc"), TypeError, "list of keys"),
            (lambda items: items.update_many([None], {}), TypeError, "not a key"),
            (lambda items: items.update(1, [{}]), TypeError, "are a dict"),
            (lambda items: items.create_many({"n": 1}), TypeError, "list of dicts"),
            (lambda items: items.create_many([{"n": 1}], limit=1), QueryError, "no parameter 'limit' here"),
            (lambda items: items.aggregate({}), QueryError, "takes functions"),
            (lambda items: items.aggregate({"total": "n"}), QueryError, "no function 'total'"),
            (lambda items: items.aggregate({"sum": "*"}), QueryError, "only count"),
            (lambda items: items.aggregate({"count": "*"}, limit=5), QueryError, "leave out limit"),
        ],
    )
    def test_they_send_nothing_and_say_what_is_wrong(
        self, things: Items, session: Session, act: Callable[[Items], Any], error: type[Exception], problem: str
    ) -> None:
        with session.capture() as sent, pytest.raises(error, match=problem):
            act(things)
        assert not list(sent)


class TestDirectusCollections:
    def test_their_rows_are_found_by_keys(self, session: Session) -> None:
        """The route of the users ignores the keys, and returns the first 100."""
        users = session.items("directus_users")
        me = session.get("/users/me", {"fields": "id"})["id"]
        assert [row["id"] for row in users.search(keys=[me, str(uuid4())], fields="id")] == [me]
        assert users.search(keys=[me], filter={"email": {"_eq": "x"}}) == []
        assert me in [row["id"] for row in users.read_all(fields="id", sort="email")]
        with pytest.raises(DoesNotExist):
            users.read_one(str(uuid4()))

    def test_they_are_written_at_their_routes(self, session: Session) -> None:
        """With keys, and not by the query that touches the first 100 panels (or all, without a body)."""
        boards = session.items("directus_dashboards")
        made = boards.create_many([{"name": "plain"}] * 3, fields="id")
        try:
            keys = [row["id"] for row in made]
            assert len(boards.update_many(keys, {"name": "plainer"})) == 3
        finally:
            assert boards.delete_by_query({"filter": {"name": {"_in": ["plain", "plainer"]}}}) == 3

    def test_another_route_is_no_key(self, session: Session) -> None:
        for act in (Items.read, Items.read_one, Items.delete):
            with pytest.raises(QueryError, match="/users/me is a route of its own"):
                act(session.items("directus_users"), "me")

    def test_rows_that_are_not_stored_are_left_out(self, session: Session) -> None:
        permissions = session.items("directus_permissions")
        assert all(row["id"] is not None for row in permissions.read_all(fields="id,collection"))
        with pytest.raises(UnsupportedQuery, match="does not store"):
            permissions.aggregate({"count": "*"})


def test_each_verb_has_an_async_form(things: Items) -> None:
    async def use() -> list[Any]:
        await things.acreate_many([{"n": 1}, {"n": 2}, {"n": 3}])
        await things.aupdate_by_query({"filter": {"n": {"_eq": 3}}}, {"n": 4})
        await things.adelete_by_query({"filter": {"n": {"_eq": 1}}})
        return [row["n"] async for row in things.aread_all(fields="n", sort="-n")]

    assert asyncio.run(use()) == [4, 2]
    verbs = [name for name in dir(things) if not name.startswith("_")]
    assert [name for name in verbs if f"a{name}" not in verbs and f"{name[1:]}" not in verbs] == []
