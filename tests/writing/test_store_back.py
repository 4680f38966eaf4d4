"""Values of which a database keeps less are refused, warned of, or raise when read: nothing is silent.

Also values that the server makes or hides.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import requests

from directus_orm import (
    ConversionError,
    Model,
    RoundedWarning,
    ServerError,
    Session,
    ValueOutOfRange,
    ValueTooLong,
    field,
    generated,
)
from directus_orm.testing import DirectusServer
from tests.worlds.every_type import SERVERS, Place, Value, prepare, reloaded, takes_any_character
from tests.worlds.server_setup import column, drop_collection, key, make_collection


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> DirectusServer:
    return prepare(request.getfixturevalue(request.param))


@pytest.fixture
def vendor(server: DirectusServer) -> str:
    return server.database.vendor


@pytest.fixture
def session(server: DirectusServer) -> Iterator[Session]:
    with Session(server.url, token=server.token) as session:
        yield session


# --- where a database keeps less ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "a\x00b"}, "NUL"),
        ({"name": "\udc00"}, "surrogate"),
        ({"document": {"a": ["\x00"]}}, "NUL"),
        ({"document": {"__proto__": 1}}, "__proto__"),
        ({"document": {"n": 2**53 + 1}}, "rounded"),
        ({"anything": "123"}, "parse the string"),
        ({"tags": ["a,b"]}, "comma"),
        ({"big": 2**63}, "64 bits"),
        ({"ratio": float("nan")}, "NaN"),
        ({"day": date(99, 12, 31)}, "years before 100"),
        ({"local": datetime(99, 12, 31)}, "years before 100"),
        ({"seen": datetime(99, 12, 31, tzinfo=UTC)}, "years before 100"),
        ({"seen": datetime(2024, 1, 1)}, "no tzinfo"),
        ({"local": datetime(2024, 1, 1, tzinfo=UTC)}, "has a tzinfo"),
        ({"at": time(1, 2, 3, 500000)}, "whole seconds"),
        ({"name": "*" * 10}, "instead of a secret"),
    ],
)
def test_values_that_not_every_database_keeps_are_refused_before_they_are_sent(
    session: Session, values: dict[str, Any], message: str
) -> None:
    with session.capture() as sent:
        with pytest.raises(ConversionError, match=message):
            Value(**values).save()
        with pytest.raises(ConversionError, match=message):
            Value.objects.bulk_create([Value(name="before"), Value(**values)])
    assert not sent


# What is stored instead, by database; where none is named, the value itself.
ROUNDED: list[tuple[str, Any, dict[str, Any]]] = [
    ("ratio", 1 / 3, {"postgres": 0.33333334, "mysql": 0.33333}),
    ("ratio", 12345.678, {"mysql": 12345.67773}),
    ("ratio", 16777217.0, {"postgres": 16777216.0, "mysql": ValueOutOfRange}),
    ("ratio", 1e39, {"postgres": ValueOutOfRange, "mysql": ValueOutOfRange}),
    ("price", Decimal("0.123456"), {"postgres": Decimal("0.12346"), "mysql": Decimal("0.12346")}),
    ("price", Decimal(12345678901), {"postgres": ValueOutOfRange, "mysql": ValueOutOfRange}),
    (
        "price",
        Decimal("1234567890.123456789"),
        {
            "sqlite": ConversionError,
            "postgres": Decimal("1234567890.12346"),
            "mysql": Decimal("1234567890.12346"),
        },
    ),
    (
        "price",
        Decimal("0.10000000000000000001"),
        {
            "sqlite": Decimal("0.1"),
            "postgres": Decimal("0.1"),
            "mysql": Decimal("0.1"),
        },
    ),
    ("seen", datetime(2024, 1, 1, 0, 0, 0, 999000, UTC), {"mysql": datetime(2024, 1, 1, tzinfo=UTC)}),
    ("seen", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), {"mysql": ServerError}),
    ("seen", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), {"mysql": ServerError}),
    ("seen", datetime(1970, 1, 1, tzinfo=UTC), {"mysql": ServerError}),
    ("local", datetime(1970, 1, 1), {}),
    ("day", date(1970, 1, 1), {}),
    ("number", 2**31, {"postgres": ValueOutOfRange, "mysql": ValueOutOfRange}),
    ("name", "x" * 256, {"postgres": ValueTooLong, "mysql": ValueTooLong}),
    ("big", 2**53 + 1, {"sqlite": ConversionError, "mysql": ConversionError}),
    ("big", -(2**63), {"sqlite": ConversionError, "mysql": ConversionError}),
]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("name", "written", "outcomes"), ROUNDED, ids=lambda value: str(value)[:30])
def test_g30_g32_g46_what_a_database_keeps_of_a_value_is_told(
    vendor: str, name: str, written: Any, outcomes: dict[str, Any]
) -> None:
    """G30, G32, G46: kept, rounded with a warning, refused by the server, or refused when read."""
    outcome = outcomes.get(vendor, written)
    value = Value(**{name: written})
    if isinstance(outcome, type) and issubclass(outcome, ServerError):
        with pytest.raises(outcome):
            value.save()
        return
    if outcome is ConversionError:
        value.save()
        for row in (value, reloaded(value)):
            with pytest.raises(ConversionError, match=r"rounds integers|floating point"):
                getattr(row, name)
        with pytest.raises(ConversionError, match=r"rounds integers|floating point"):
            list(Value.objects.filter(pk=value.pk).values(name))
        return
    if outcome == written:
        value.save()
    else:
        with pytest.warns(RoundedWarning, match=f"Value.{name}.*was sent and the server stored") as told:
            value.save()
        assert told[0].filename == __file__
    assert getattr(value, name) == outcome
    assert getattr(reloaded(value), name) == outcome


@pytest.mark.usefixtures("session")
def test_a_character_beyond_16_bits_is_kept_or_refused(server: DirectusServer) -> None:
    value = Value(name="😀", tags=["😀"], document={"😀": "😀"})
    if takes_any_character(server):
        value.save()
        again = reloaded(value)
        assert (again.name, again.tags, again.document) == ("😀", ["😀"], {"😀": "😀"})
    else:
        with pytest.raises(ServerError, match="Incorrect string value"):
            value.save()


def test_g32_large_integers_are_stored_and_found_to_the_last_digit(session: Session, vendor: str) -> None:
    """Also where the server hands them out rounded; and saving the row does not write what was rounded."""
    value = Value(big=2**53 + 1)
    value.save()
    mine = Value.objects.filter(pk=value.pk)
    assert mine.filter(big=2**53 + 1).exists()
    assert mine.filter(big__in=[2**53 + 1, 5]).exists()
    assert mine.filter(big__gt=2**53).exists()
    assert not mine.filter(big=2**53).exists()
    row = mine.defer("big").get() if vendor == "postgres" else reloaded(value)
    row.name = "changed"
    with session.capture() as sent:
        row.save()
    assert [entry.request.json for entry in sent] == [{"name": "changed"}]
    assert mine.filter(big=2**53 + 1).exists()


def patch(
    server: DirectusServer, key: Any, body: dict[str, Any], collection: str = "orm_values"
) -> requests.Response:
    """Write past the library, as another application would."""
    headers = {"Authorization": f"Bearer {server.token}"}
    return requests.patch(f"{server.url}/items/{collection}/{key}", json=body, headers=headers, timeout=60)


def test_g48_what_another_application_wrote_into_a_column_is_never_bent(
    session: Session, server: DirectusServer, vendor: str
) -> None:
    """G48: SQLite enforces no types: such a field raises when it is read, the row and the loop go on."""
    value, other = Value(name="a"), Value(name="b", number=5)
    value.save()
    other.save()
    answer = patch(server, value.pk, {"number": "many"})
    if vendor != "sqlite":
        assert not answer.ok
        return
    rows = list(Value.objects.filter(pk__in=[value.pk, other.pk]))
    assert [row.name for row in rows] == ["a", "b"]
    with pytest.raises(ConversionError, match=r"Value.number \(key .*'many'"):
        rows[0].number
    assert rows[1].number == 5
    rows[0].name = "c"
    with session.capture() as sent:
        rows[0].save()
    assert [entry.request.json for entry in sent] == [{"name": "c"}]
    with pytest.raises(ConversionError, match="'many'"):
        list(Value.objects.filter(pk=value.pk).values("number"))
    rows[0].number = 7
    rows[0].save()
    assert reloaded(value).number == 7


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        ({"day": "0099-12-31"}, {"day": date(2024, 1, 1)}),
        ({"at": "10:11:12.5"}, {"at": time(1, 2, 3)}),
        ({"document": {"a": ["*" * 10]}}, {"document": {"b": 1}}),
        ({"place": {"x": 1, "y": 2, "names": [], "more": 3}}, {"place": Place(1, 2)}),
        ({"anything": [1e300, 12345678901234567890]}, {"anything": [1]}),
        ({"document": {"a": "\x00"}}, {"document": {"b": 1}}),
    ],
)
def test_a_value_that_could_not_be_written_is_read_left_alone_and_replaced(
    session: Session, server: DirectusServer, raw: dict[str, Any], changes: dict[str, Any]
) -> None:
    value = Value(name="a")
    value.save()
    if not patch(server, value.pk, raw).ok:
        pytest.skip("this database refuses it, whoever sends it")
    row = reloaded(value)
    with session.capture() as sent:
        row.save()
        row.name = "b"
        row.save()
    assert [entry.request.json for entry in sent] == [{"name": "b"}]
    ((name, new),) = changes.items()
    setattr(row, name, new)
    row.save()
    assert getattr(reloaded(value), name) == new


class Strict(Model, collection="orm_values"):
    id: int = field(default=generated, primary_key=True)
    name: str
    number: int | None = None


def test_g27_a_null_that_the_annotation_forbids_raises_when_read_and_is_never_written(session: Session) -> None:
    value = Value(number=1)
    value.save()
    row = Strict.objects.get(pk=value.pk)
    with pytest.raises(ConversionError, match="may also mean that this user may not see it"):
        row.name
    row.number = 2
    with session.capture() as sent:
        row.save()
    assert [entry.request.json for entry in sent] == [{"number": 2}]
    with pytest.raises(ConversionError, match="null"):
        list(Strict.objects.filter(pk=value.pk).values())


# --- specials -----------------------------------------------------------------------------------------------


class Secret(Model, collection="orm_secrets"):
    id: UUID = field(default=generated, primary_key=True)
    password: str | None = field(default=None, type="hash")
    pin: str | None = None
    made: datetime | None = None
    note: str | None = None
    flag: bool | None = None


@pytest.fixture
def secrets(server: DirectusServer) -> Iterator[None]:
    drop_collection(server, "orm_secrets")
    make_collection(
        server,
        "orm_secrets",
        key("uuid"),
        column("password", "hash", special=["hash", "conceal"]),
        column("pin", "string", special=["conceal"]),
        column("made", "timestamp", special=["date-created", "cast-timestamp"]),
        column("note", "string"),
        column("flag", "boolean", special=[]),
    )
    yield
    drop_collection(server, "orm_secrets")


@pytest.mark.usefixtures("secrets")
def test_g6_masked_values_are_never_written_back(session: Session) -> None:
    """G6: what is shown instead of a secret would replace it."""
    secret = Secret(password="hunter2", pin="1234", note="a")
    secret.save()
    assert (secret.password, secret.pin) == ("*" * 10, "*" * 10)
    row = Secret.objects.get(pk=secret.pk)
    with session.capture() as sent:
        row.save()
        row.note = "b"
        row.save()
        row.save(update_fields=["password", "note"])
        row.pin = "*" * 10
        row.save()
    assert [entry.request.json for entry in sent] == [{"note": "b"}]
    with pytest.raises(ConversionError, match="would replace the secret"):
        Secret(password="*" * 10).save()
    row.password, row.pin = "swordfish", None
    with session.capture() as sent:
        row.save()
    assert [entry.request.json for entry in sent] == [{"password": "*" * 10, "pin": None}]
    assert "swordfish" not in repr(sent)
    assert (row.password, row.pin) == ("*" * 10, None)


@pytest.mark.usefixtures("session", "secrets")
def test_g47_what_the_server_makes_itself_is_what_the_instance_shows() -> None:
    """G47: a key that it fills in, a creation time that overrides what was sent; neither counts as rounded."""
    secret = Secret(made=datetime(2001, 1, 1, tzinfo=UTC), note="a")
    secret.save()
    assert isinstance(secret.id, UUID)
    assert secret.made is not None
    assert secret.made > datetime(2020, 1, 1, tzinfo=UTC)
    again = Secret.objects.get(pk=secret.id)
    assert (again.id, again.made) == (secret.id, secret.made)
    again.made = datetime(2001, 1, 1, tzinfo=UTC)
    again.save()
    assert Secret.objects.get(pk=secret.id).made == datetime(2001, 1, 1, tzinfo=UTC)


@pytest.mark.usefixtures("secrets")
def test_g46_a_boolean_without_its_special_reads_as_a_bool(session: Session) -> None:
    secret = Secret(flag=True)
    secret.save()
    again = Secret.objects.get(flag=True)
    assert again.flag is True
    assert list(Secret.objects.values_list("flag", flat=True)) == [True]
    with session.capture() as sent:
        again.save()
    assert not sent


@pytest.mark.usefixtures("session")
def test_update_by_query_warns_of_values_that_were_rounded(vendor: str) -> None:
    value = Value.objects.create(ratio=0.5)
    one = Value.objects.filter(pk=value.pk)
    if vendor == "sqlite":  # whose floats are doubles
        assert one.update(ratio=1 / 3) == 1
        assert one.get().ratio == 1 / 3
        return
    with pytest.warns(
        RoundedWarning, match=r"Value\.ratio: 0\.3333333333333333 was sent and the server stored"
    ) as told:
        assert one.update(ratio=1 / 3) == 1
    assert told[0].filename == __file__
