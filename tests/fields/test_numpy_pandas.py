"""Scalars of numpy and pandas are taken where Python has an equal value; NaN, NaT and NA are refused."""

from __future__ import annotations

import enum
import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from directus_orm import ConversionError, Count, Model, QueryError, Session, field, generated
from directus_orm.fields.annotation_types import field_type
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Flight
from tests.worlds.server_setup import column, drop_collection, make_collection

MOMENT = datetime(2024, 2, 29, 23, 59, 59, 250_000, UTC)


class Level(enum.IntEnum):
    LOW = 1


TAKEN: list[tuple[Any, str | None, Any, Any]] = [
    (int, None, np.int64(2**40), 2**40),
    (int, None, np.uint8(3), 3),
    (int, "bigInteger", np.int64(2**60), str(2**60)),
    (float, None, np.float32(0.5), 0.5),
    (float, None, np.float64(0.1), 0.1),
    (float, None, np.int16(2), 2.0),
    (float, None, np.longdouble(0.5), 0.5),
    (Decimal, None, np.int64(2), "2"),
    (bool, None, np.bool_(True), True),
    (str, None, np.str_("a"), "a"),
    (UUID, None, np.str_("ABCDEF00-0000-4000-8000-00000000000F"), "abcdef00-0000-4000-8000-00000000000f"),
    (Level, None, np.int64(1), 1),
    (Literal[1, 2], None, np.int64(2), 2),
    (datetime, None, pd.Timestamp(MOMENT), "2024-02-29T23:59:59.250Z"),
    (datetime, None, pd.Timestamp(MOMENT).tz_convert("Asia/Tokyo"), "2024-02-29T23:59:59.250Z"),
    (datetime, "dateTime", pd.Timestamp("2024-02-29T23:59:59"), "2024-02-29T23:59:59"),
    (datetime, "dateTime", np.datetime64("2024-02-29T23:59:59.000000000"), "2024-02-29T23:59:59"),
    (date, None, np.datetime64("2024-02-29"), "2024-02-29"),
    (list[int], None, [np.int64(1), 2], [1, 2]),
    (list[datetime], None, [pd.Timestamp("2024-02-29")], ["2024-02-29T00:00:00"]),
    (
        dict[str, Any],
        None,
        {"a": [np.float32(0.5), np.bool_(True)], "b": np.str_("x")},
        {"a": [0.5, True], "b": "x"},
    ),
    (list[str], "csv", [np.str_("a")], ["a"]),
]


@pytest.mark.parametrize(("annotation", "kind", "given", "sent"), TAKEN, ids=repr)
def test_a_scalar_is_sent_as_the_python_value_that_equals_it(
    annotation: Any, kind: str | None, given: Any, sent: Any
) -> None:
    dumped = field_type(annotation, kind).dump(given)
    assert dumped == sent
    assert type(dumped) is type(sent)


ALL_TYPES: list[tuple[Any, str | None]] = [
    *((annotation, None) for annotation in (int, float, Decimal, bool, str, datetime, date, time, UUID, Level)),
    *((Literal[1, 2], None), (datetime, "dateTime"), (str, "hash"), (str, "uuid"), (list[str], "csv")),
    *((annotation, None) for annotation in (list[int], list[datetime], dict[str, Any], object)),
]


@pytest.mark.parametrize(
    "missing",
    [float("nan"), np.float32("nan"), np.longdouble("nan"), pd.NaT, pd.NA, np.datetime64("NaT", "s")],
    ids=repr,
)
@pytest.mark.parametrize(("annotation", "kind"), ALL_TYPES, ids=str)
def test_what_stands_for_a_missing_value_is_refused_with_the_way_out(
    annotation: Any, kind: str | None, missing: Any
) -> None:
    for given in (missing, [missing], {"a": missing}):
        with pytest.raises((ValueError, TypeError)) as raised:
            field_type(annotation, kind).dump(given)
        if given is missing:
            assert "null is None" in str(raised.value)


@pytest.mark.parametrize(
    ("annotation", "kind", "given", "reason"),
    [
        (datetime, None, pd.Timestamp("2024-02-29T00:00:00.000000001", tz="UTC"), "nanoseconds"),
        (datetime, "dateTime", pd.Timestamp("2024-02-29T00:00:00.000000001"), "nanoseconds"),
        (datetime, "dateTime", np.datetime64("2024-02-29T00:00:00.000000001"), "nanoseconds"),
        (datetime, None, pd.Timestamp("2024-02-29"), "no tzinfo"),
        (datetime, "dateTime", pd.Timestamp("2024-02-29", tz="UTC"), "has a tzinfo"),
        (date, None, pd.Timestamp("2024-02-29"), "not a datetime"),
        (int, None, np.float64(5), "an int is expected"),
        (int, None, np.bool_(True), "an int is expected"),
        (bool, None, np.int64(1), "True or False"),
        (str, None, np.bytes_(b"a"), "a string is expected"),
        (float, None, np.longdouble(1) / 3, "more digits than a float"),
        (float, None, np.float64("inf"), "infinity"),
        (float, None, np.complex128(1), "a float is expected"),
        (int, None, np.array([1, 2]), "an int is expected"),
        (int, None, np.timedelta64(5, "s"), "an int is expected"),
    ],
)
def test_a_scalar_that_would_be_changed_is_refused(
    annotation: Any, kind: str | None, given: Any, reason: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        field_type(annotation, kind).dump(given)


def test_the_package_imports_neither_numpy_nor_pandas() -> None:
    code = (
        "import sys; from directus_orm import Model\n"
        "class M(Model):\n    id: int\n    x: float\n"
        "M.from_dict({'id': 1, 'x': 2.5}); M.objects.filter(x__in=[1.5])\n"
        "print([m for m in ('numpy', 'pandas') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


# --- on a server ------------------------------------------------------------------------------------------------


class Measure(Model, collection="numpy_measures"):
    id: int = field(default=generated, primary_key=True)
    number: int | None = None
    ratio: float | None = None
    name: str | None = None
    done: bool | None = None
    seen: datetime | None = None
    local: datetime | None = field(default=None, type="dateTime")
    counts: list[int] | None = None


@pytest.fixture(scope="module")
def measures(directus_server: DirectusServer) -> Any:
    kinds = {
        "number": "integer",
        "ratio": "float",
        "name": "string",
        "done": "boolean",
        "counts": "json",
        "seen": "timestamp",
        "local": "dateTime",
    }
    drop_collection(directus_server, "numpy_measures")
    make_collection(directus_server, "numpy_measures", *(column(name, kind) for name, kind in kinds.items()))
    yield directus_server
    drop_collection(directus_server, "numpy_measures")


FRAME = pd.DataFrame(
    {
        "number": [1, 2, 3],
        "ratio": [0.5, None, 1.5],
        "name": ["a", None, "c"],
        "done": [True, False, True],
        "seen": pd.to_datetime(["2024-02-29T12:00:00Z", None, "2024-03-01T00:00:00Z"]),
        "local": pd.to_datetime(["2024-02-29T12:00:00", None, None]),
    }
)


def test_a_frame_is_written_and_found_by_its_own_values(measures: DirectusServer) -> None:
    frame = FRAME.astype(object).where(FRAME.notna(), None)
    with Session(measures.url, token=measures.token):
        rows = Measure.objects.bulk_create(Measure(**record) for record in frame.to_dict("records"))
        assert [row.number for row in Measure.objects.all()] == [1, 2, 3]
        read = Measure.objects.values(*FRAME.columns).to_arrow().to_pandas()
        assert read["ratio"].tolist()[::2] == [0.5, 1.5]
        for name in ("number", "ratio", "name", "done", "seen", "local"):
            value = FRAME[name].iloc[0]
            meant = [row.pk for row in rows if getattr(row, name) == value]
            assert meant
            for lookup, wanted in {name: value, f"{name}__in": [value]}.items():
                found = Measure.objects.filter(**{name if lookup == name else lookup: wanted})
                assert [row.pk for row in found] == meant
        first, last = FRAME["seen"].iloc[0], FRAME["seen"].iloc[2]
        assert Measure.objects.filter(seen__range=(first, last), number__lte=np.int64(2)).count() == 1
        assert Measure.objects.filter(seen__gt=first, seen__year=np.int16(2024)).count() == 1
        for many in (FRAME["number"].to_numpy(), FRAME["number"], pd.Index([1, 3]), {np.int64(1), np.int64(3)}):
            assert Measure.objects.filter(number__in=many).count() == len(many)
        grouped = Measure.objects.values("done").annotate(n=Count("*"))
        assert [group["n"] for group in grouped.filter(n__gte=np.int64(2))] == [2]

        keys = np.array([row.pk for row in rows])
        assert Measure.objects.get(pk=keys[0]).number == 1
        assert sorted(Measure.objects.in_bulk(keys)) == keys.tolist()
        assert Measure.objects.ref(keys[1]).name is None
        assert Measure.objects.filter(pk=keys[0]).update(number=np.int64(7), seen=last, counts=[np.int64(5)]) == 1
        changed = Measure.objects.get(pk=keys[0])
        assert (changed.number, changed.seen, changed.counts) == (7, last.to_pydatetime(), [5])
        changed.number = np.int64(7)  # type: ignore[assignment]
        changed.seen = last
        with Session(measures.url, token=measures.token).capture() as sent:
            changed.save()
        assert not sent
        changed.ratio = np.float32(0.25)  # type: ignore[assignment]
        changed.save()
        assert type(changed.ratio) is float
        assert Measure.objects.create(number=np.int64(9)).number == 9


def test_a_frame_with_missing_values_is_refused_before_anything_is_sent(measures: DirectusServer) -> None:
    with Session(measures.url, token=measures.token) as session, session.capture() as sent:
        with pytest.raises(ConversionError, match=r"Measure\.ratio.*NaN is no value: null is None"):
            Measure.objects.bulk_create(Measure(**record) for record in FRAME.to_dict("records"))
        for name in ("number", "ratio", "name", "done", "seen", "local"):
            for missing in (np.nan, pd.NaT, pd.NA):
                values: dict[str, Any] = {name: missing}
                with pytest.raises(ConversionError, match="null is None"):
                    Measure(**values).save()
                with pytest.raises(ConversionError, match="null is None"):
                    Measure.objects.create(**values)
                with pytest.raises(ConversionError, match="null is None"):
                    Measure.objects.filter(pk=1).update(**values)
    assert not sent


@pytest.mark.parametrize("missing", [np.nan, float("nan"), Decimal("NaN"), pd.NaT, pd.NA], ids=repr)
@pytest.mark.parametrize("lookup", ["dep_delay", "note", "time_hour", "dep_delay__gt", "time_hour__lte", "pk"])
def test_filters_refuse_what_stands_for_a_missing_value(lookup: str, missing: Any) -> None:
    with pytest.raises(QueryError, match="null is None, and isnull=True finds it"):
        Flight.objects.filter(**{lookup: missing})
    name = lookup.partition("__")[0]
    with pytest.raises(QueryError, match="null is None, and isnull=True finds it"):
        Flight.objects.exclude(**{f"{name}__in": [missing]})
    groups = Flight.objects.values("note").annotate(n=Count("*"))
    with pytest.raises(QueryError, match="null is None"):
        list(groups.filter(n__gt=missing))


def test_a_frame_is_no_list_of_values() -> None:
    with pytest.raises(QueryError, match="take one column"):
        Flight.objects.filter(note__in=FRAME)


def test_keys_of_relations_are_taken(session: Session) -> None:
    flight = Flight(carrier=np.str_("AA"))  # type: ignore[arg-type]
    assert (flight.carrier.pk, type(flight.carrier.pk)) == ("AA", str)
    assert Flight.objects.filter(carrier=np.str_("AA")).count() == 65
    assert Airline.objects.get(pk=np.str_("AA")).carrier == "AA"
    with pytest.raises(TypeError, match="its key"):
        flight.carrier = np.nan  # type: ignore[assignment]
