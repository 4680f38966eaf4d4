"""Loops over rows while another process inserts, deletes and changes others: each row that stays comes once."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
import requests

from directus_orm import Model, Session, field
from directus_orm.reading.pagination import key_window_pagination
from directus_orm.testing import DirectusServer, start
from directus_orm.testing.databases import Database
from tests.worlds.server_setup import column, drop_collection, key, make_collection, post

# `large_reading` has more; the process that writes gets the number by its environment.
ROWS = int(os.environ.get("READING_ROWS", "1500"))
NAMES = UUID("5b8a2a6e-3c0f-4a57-9d55-0c2f0a1f6f00")


class Counted(Model, collection="counted"):
    id: int = field(primary_key=True)
    grade: int | None = None
    name: str | None = None
    at: datetime | None = None
    note: str | None = None


class Unique(Model, collection="uniques"):
    id: UUID = field(primary_key=True)
    grade: int | None = None
    name: str | None = None
    at: datetime | None = None
    note: str | None = None


class Named(Model, collection="named"):
    id: str = field(primary_key=True)
    grade: int | None = None
    name: str | None = None
    at: datetime | None = None
    note: str | None = None


KEYS: dict[str, Callable[[int], Any]] = {
    "counted": lambda n: n * 3,
    "uniques": lambda n: str(uuid5(NAMES, str(n))),
    "named": lambda n: f"{'%_aAéZ/,'[n % 8]}{n * 7919 % 5000:04}",
}
STARTED = datetime(2024, 2, 29, 12, tzinfo=UTC)


def values(table: str, n: int) -> tuple[Any, ...]:
    """Return a row: with grades that repeat or are null, names that differ by case, moments of hidden digits."""
    moment = STARTED + timedelta(microseconds=n * 317 % 2000)
    at = None if n % 11 == 0 else moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return (KEYS[table](n), None if n % 5 == 0 else n % 7, "abABéÉ_%"[n % 8] * (n % 3), at, "first")


def placeholder(database: Database) -> str:
    return "?" if database.vendor == "sqlite" else "%s"


def insert(cursor: Any, mark: str, table: str, n: int) -> None:
    marks = ", ".join([mark] * 5)
    cursor.execute(f"INSERT INTO {table} (id, grade, name, at, note) VALUES ({marks})", values(table, n))


def write(server: tuple[str, str], database: Database, table: str, seed: int, stop: Any, moves: bool) -> None:
    """Insert, delete and change rows, one at a time: those whose number is no multiple of four, and new ones.

    Periods with more inserts alternate with periods with more deletes; some deleted rows are inserted again. With
    ``moves``, an ordering field changes as well. After a few rows, the writer waits for a page of the server,
    given by its URL and a token, so that it outruns no reader where the machine is slow.
    """
    url, token = server
    page: dict[str, str | int] = {"limit": 100, "sort": "grade", "fields": "id", "access_token": token}
    choice, mark = random.Random(seed), placeholder(database)
    here = {n for n in range(ROWS) if n % 4}
    gone: list[int] = []
    new = ROWS
    with closing(database.connect()) as connection:
        cursor = connection.cursor()
        if database.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA busy_timeout = 20000")
        for written in itertools.count():
            if stop.is_set():
                break
            growing = written // 100 % 2
            if choice.random() < (0.75 if growing else 0.25):
                n, new = (gone.pop(), new) if gone and choice.random() < 0.3 else (new, new + 1)
                insert(cursor, mark, table, n)
                here.add(n)
            else:
                n = choice.choice(tuple(here))
                here.discard(n)
                gone.append(n)
                cursor.execute(f"DELETE FROM {table} WHERE id = {mark}", (KEYS[table](n),))
            stays = KEYS[table](choice.randrange(0, ROWS, 4))
            cursor.execute(f"UPDATE {table} SET note = {mark} WHERE id = {mark}", ("changed", stays))
            if moves:
                moved = KEYS[table](choice.choice(tuple(here)))
                cursor.execute(
                    f"UPDATE {table} SET grade = {mark} WHERE id = {mark}", (choice.randrange(7), moved)
                )
            time.sleep(0.002)
            if written % 5 == 0:
                requests.get(f"{url}/items/{table}", page, timeout=60).raise_for_status()


def fill(server: DirectusServer, table: str) -> None:
    """Let a table hold its first rows, and no others."""
    with closing(server.database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        cursor.execute(f"DELETE FROM {table}")
        for n in range(ROWS):
            insert(cursor, placeholder(server.database), table, n)
        cursor.execute("COMMIT")


@contextmanager
def writing(server: DirectusServer, table: str, *, moves: bool = False) -> Iterator[None]:
    """A process that writes while the block runs, to a table that holds its first rows."""
    fill(server, table)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(
        target=write, args=((server.url, server.token), server.database, table, 7, stop, moves)
    )
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(30)
    assert process.exitcode == 0


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mariadb", "limited"])
def busy(request: pytest.FixtureRequest) -> Iterator[tuple[DirectusServer, str]]:
    """A server whose tables a process of its own may write to, and the token of a reader.

    On the one that is called limited, the reader is no administrator, and the server gives 130 rows at a time.
    """
    if request.param == "limited":
        with start(env={"QUERY_LIMIT_MAX": "130"}) as server, tables(server):
            yield server, reader(server)
    else:
        server = request.getfixturevalue(SERVERS[request.param])
        with tables(server):
            yield server, server.token


SERVERS = {"sqlite": "directus_server", "postgres": "directus_postgres", "mariadb": "directus_mariadb"}


@contextmanager
def tables(server: DirectusServer) -> Iterator[None]:
    columns = [column("grade", "integer"), column("name", "string"), column("note", "string")]
    # The server gives back milliseconds; the tables hold microseconds (G30).
    columns.append(column("at", "timestamp", special=["cast-timestamp"]))
    for name, kind_of_key in (("counted", "integer"), ("uniques", "uuid"), ("named", "string")):
        make_collection(server, name, key(kind_of_key), *columns)
    yield
    for name in KEYS:
        drop_collection(server, name)


def reader(server: DirectusServer) -> str:
    """Return the token of a user who may read the tables, and nothing else."""
    policy = post(server, "/policies", {"name": "readers", "admin_access": False, "app_access": False})["id"]
    for name in KEYS:
        post(server, "/permissions", {"policy": policy, "collection": name, "action": "read", "fields": ["*"]})
    user = {"email": "reader@example.com", "token": "t-reader", "policies": {"create": [{"policy": policy}]}}
    post(server, "/users", user)
    return "t-reader"


ORDERS = ("pk", "-pk", "grade", "-grade", "name", "-at", "grade,-name,at")


def in_sql(server: DirectusServer, table: str, order: str) -> list[Any]:
    """Return the numbers of the rows that stay, in the database's own order."""
    terms = [
        f"{term.strip('-').replace('pk', 'id')}{' DESC' if term[0] == '-' else ''}" for term in order.split(",")
    ]
    with closing(server.database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT id FROM {table} ORDER BY {', '.join(dict.fromkeys([*terms, 'id']))}")
        stay = {str(KEYS[table](n)) for n in range(0, ROWS, 4)}
        return [str(row[0]) for row in cursor.fetchall() if str(row[0]) in stay]


@pytest.mark.parametrize("model", [Counted, Unique, Named])
def test_each_row_that_stays_comes_once_and_in_order(busy: tuple[DirectusServer, str], model: type[Model]) -> None:
    """In every order: of keys that can be sought and that cannot, of nulls, of equal values, of hidden digits."""
    (server, token), table = busy, model.directus.collection
    with writing(server, table), Session(server.url, token=token):
        for order in ORDERS:
            expected = in_sql(server, table, order)
            found = [str(row.pk) for row in model.objects.order_by(*order.split(",")).iterator(page_size=100)]
            stay = set(expected)
            assert [key for key in found if key in stay] == expected, order


def test_rows_that_stay_come_once_while_others_move(
    busy: tuple[DirectusServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With windows so small that not all keys are remembered."""
    for name in ("_FIRST_WINDOW", "_LARGEST_WINDOW", "FULL_PAGE"):
        monkeypatch.setattr(key_window_pagination, name, 200)
    (server, token), stay = busy, {KEYS["uniques"](n) for n in range(0, ROWS, 4)}
    with writing(server, "uniques", moves=True), Session(server.url, token=token) as session:
        for order in ("grade", "-grade", "grade,-name,at"):
            expected = in_sql(server, "uniques", order)
            with session.capture() as sent:
                found = [str(row.pk) for row in Unique.objects.order_by(*order.split(",")).iterator(page_size=100)]
            assert [key for key in found if key in stay] == expected, order
            assert sum(1 for _ in sent) < 200


@pytest.mark.parametrize("table", KEYS)
def test_each_row_that_stays_comes_once_without_a_model(busy: tuple[DirectusServer, str], table: str) -> None:
    """`session.items(…).read_all()` promises the same in the same orders."""
    server, token = busy
    stay = {str(KEYS[table](n)) for n in range(0, ROWS, 4)}
    with writing(server, table), Session(server.url, token=token, page_size=100) as session:
        for order in ORDERS:
            rows = session.items(table).read_all(sort=order.replace("pk", "id"), fields="id,note")
            found = [str(row["id"]) for row in rows]
            assert [key for key in found if key in stay] == in_sql(server, table, order), order


def test_rows_that_stay_come_once_without_a_model_while_others_move(
    busy: tuple[DirectusServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIRST_WINDOW", "_LARGEST_WINDOW", "FULL_PAGE"):
        monkeypatch.setattr(key_window_pagination, name, 200)
    (server, token), stay = busy, {KEYS["uniques"](n) for n in range(0, ROWS, 4)}
    with writing(server, "uniques", moves=True), Session(server.url, token=token, page_size=100) as session:
        for order in ("grade", "grade,-name,at"):
            expected = in_sql(server, "uniques", order)
            found = [row["id"] for row in session.items("uniques").read_all(sort=order, fields="note,id")]
            assert [key for key in found if key in stay] == expected, order


def test_a_loop_by_offset_misses_and_repeats_rows(busy: tuple[DirectusServer, str]) -> None:
    """So the test above can fail.

    Rows of the first page are deleted after it, and inserted again after the second one. No row that stays is
    changed, but the positions of all rows behind are.
    """
    server, token = busy
    fill(server, "uniques")
    numbers = {KEYS["uniques"](n): n for n in range(ROWS)}
    stay = {key for key, n in numbers.items() if n % 4 == 0}
    mark = placeholder(server.database)
    pages: list[list[str]] = []
    with Session(server.url, token=token) as session, closing(server.database.connect()) as connection:
        cursor = connection.cursor()
        while len(pages) == 0 or pages[-1]:
            offset = sum(map(len, pages))
            rows = session.items("uniques").read(fields="id", sort="id", limit=100, offset=offset)
            pages.append([row["id"] for row in rows])
            for key in pages[0]:
                if key not in stay and len(pages) == 1:
                    cursor.execute(f"DELETE FROM uniques WHERE id = {mark}", (key,))
                if key not in stay and len(pages) == 2:
                    insert(cursor, mark, "uniques", numbers[key])
    seen = Counter(key for page in pages for key in page if key in stay)
    assert stay - seen.keys()
    assert max(seen.values()) == 2
