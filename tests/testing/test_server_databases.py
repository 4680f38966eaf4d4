"""Databases of test servers: PostgreSQL and MariaDB where there is one, nothing left behind, no secret shown."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from directus_orm.testing import DatabaseUnavailable, databases, start
from directus_orm.testing.databases import Database, create, drop, parse


def names(home: Database) -> set[str]:
    connection = home.connect()
    try:
        cursor = connection.cursor()
        cursor.execute({"postgres": "SELECT datname FROM pg_database", "mysql": "SHOW DATABASES"}[home.vendor])
        return {name for (name,) in cursor.fetchall()}
    finally:
        connection.close()


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Each database server that runs here."""
    return str(request.getfixturevalue(request.param))


def test_a_server_on_it_works_and_leaves_nothing_behind(url: str) -> None:
    home = parse(url)
    before = names(home)
    with start(database=url) as server:
        assert server.database.vendor == home.vendor
        assert server.database.name in names(home) - before
        headers = {"Authorization": f"Bearer {server.token}"}
        me = requests.get(server.url + "/users/me", headers=headers, timeout=30).json()
        assert me["data"]["email"] == server.email
        connection = server.database.connect()
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT email FROM directus_users")
            assert list(cursor.fetchall()) == [(server.email,)]
        finally:
            connection.close()
        name = server.database.name
    assert name not in names(home)


def test_what_a_killed_run_left_is_swept_up_and_what_a_living_one_uses_is_not(url: str) -> None:
    home = parse(url)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = create(home)
    prefix = living.name.partition("_" + living.name.split("_")[3])[0]
    left = f"{prefix}_{dead.pid}_00000000"
    connection = home.connect()
    connection.cursor().execute(f"CREATE DATABASE {left}")
    connection.close()
    next_one = create(home)
    try:
        assert left not in names(home)
        assert {living.name, next_one.name} <= names(home)
    finally:
        drop(home, living)
        drop(home, next_one)
        drop(home, next_one)
    assert not {living.name, next_one.name} & names(home)


@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
def test_an_unreachable_server_is_named_without_its_password(scheme: str) -> None:
    pytest.importorskip(databases._DRIVERS[parse(f"{scheme}://").vendor])
    with pytest.raises(DatabaseUnavailable, match=r"at 127\.0\.0\.1:1, user 'ann'") as caught:
        start(database=f"{scheme}://ann:hush-hush@127.0.0.1:1")
    assert "hush-hush" not in str(caught.value)


def test_a_missing_driver_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver, url in {"psycopg": "postgres://", "pymysql": "mysql://"}.items():
        monkeypatch.setitem(sys.modules, driver, None)
        with pytest.raises(DatabaseUnavailable, match=f"{driver}, which is not installed.*pip install"):
            start(database=url)


@pytest.mark.parametrize("wrong", ["oracle://user:hush-hush@host", "", "postgres://u:hush-hush@host:x/"])
def test_an_unknown_database_is_refused_without_repeating_the_password(wrong: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        start(database=wrong)
    assert "hush-hush" not in str(caught.value)


def test_options_in_a_url_are_refused_rather_than_ignored() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"Options after the \?"):
        parse("postgres://ann:hush@host/?sslmode=require")


def test_sqlite_takes_no_path() -> None:
    assert parse("sqlite") == parse("sqlite://") == Database("sqlite")
    with pytest.raises(DatabaseUnavailable, match="say 'sqlite', without a path"):
        parse("sqlite:///data.db")


def test_urls_are_read_with_their_percent_signs_and_written_back() -> None:
    read = parse("mariadb://us%40er:p%2Fw@db.example:3307/home")
    assert read == Database("mysql", None, "db.example", 3307, "us@er", "p/w", "home")
    assert read.url == "mysql://us%40er:p%2Fw@db.example:3307/home"
    assert "p/w" not in repr(read) + read.place
    assert parse(read.url) == read
    assert parse("postgres://").place == "postgres at 127.0.0.1:5432, user 'postgres', database 'postgres'"
