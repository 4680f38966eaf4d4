"""Values as tables: the types are the model's, the values those of `values()`, and memory stays small."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from directus_orm import (
    Avg,
    ConfigurationError,
    ConversionError,
    Count,
    F,
    Max,
    Min,
    QueryError,
    Rows,
    Session,
    Sum,
    col,
)
from directus_orm.querysets import tables
from directus_orm.testing import DirectusServer
from tests.worlds.every_type import KEPT, SERVERS, Value, prepare
from tests.worlds.flights import Airline, Flight, Note
from tests.worlds.library import Article

MOMENT, NAIVE = pa.timestamp("ms", tz="UTC"), pa.timestamp("ms")
TYPES = {
    "id": pa.int64(),
    **dict.fromkeys(("name", "body", "ref", "color", "money"), pa.string()),
    **dict.fromkeys(("numbers", "document", "anything", "place", "movie"), pa.string()),
    **dict.fromkeys(("number", "big", "level"), pa.int64()),
    "ratio": pa.float64(),
    "done": pa.bool_(),
    "tags": pa.list_(pa.string()),
    "seen": MOMENT,
    "local": NAIVE,
    "day": pa.date32(),
    "at": pa.time64("us"),
}


@pytest.fixture(params=SERVERS, scope="module")
def values_server(request: pytest.FixtureRequest) -> DirectusServer:
    return prepare(request.getfixturevalue(request.param))


@pytest.fixture
def values(values_server: DirectusServer) -> Iterator[Session]:
    with Session(values_server.url, token=values_server.token) as session:
        yield session
        Value.objects.all().delete()


def types_of(table: pa.Table) -> dict[str, Any]:
    return {field.name: field.type for field in table.schema}


class TestTypes:
    def test_every_type_has_its_own_and_every_value_survives(self, values: Session) -> None:
        Value(**KEPT).save()
        Value().save()
        table = Value.objects.values().to_arrow()
        assert types_of(table) == {**TYPES, "price": pa.decimal128(38, 5)}
        full, empty = table.to_pylist()
        assert {name for name, value in empty.items() if value is not None} == {"id"}
        document = {name: json.loads(full.pop(name)) for name in ("numbers", "document", "anything", "movie")}
        assert document == {name: KEPT[name] for name in document}
        assert json.loads(full.pop("place")) == {"x": 1.0, "y": -2.5, "names": ["here"]}
        kept = {**KEPT, "ref": str(KEPT["ref"]), "color": "blue", "money": "5 EUR"}
        assert {name: value for name, value in full.items() if name != "id"} == {
            name: kept[name] for name in full if name != "id"
        }

    def test_types_are_the_same_without_rows(self, values: Session) -> None:
        for rows in (Value.objects.values(), Value.objects.none().values()):
            table = rows.to_arrow()
            assert len(table) == 0
            assert types_of(table) == {**TYPES, "price": pa.decimal128(38, 0)}
        assert str(Value.objects.values("number").to_pandas().dtypes["number"]) == "int64[pyarrow]"
        assert Value.objects.values("number").to_polars().schema == {"number": pl.Int64()}

    def test_decimals_have_as_many_places_as_the_values(
        self, values: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where each chunk has others."""
        monkeypatch.setattr(tables, "ROWS_AT_ONCE", 1)
        prices = [Decimal("1.5"), None, Decimal(7), Decimal("-0.001")]
        Value.objects.bulk_create(Value(price=price) for price in prices)
        column = Value.objects.order_by("id").values("price").to_arrow().column("price")
        assert column.to_pylist() == prices
        assert column.type.scale in (3, 5)  # a database with decimals of its own pads them

    def test_integers_with_nulls_stay_integers(self, values: Session) -> None:
        Value.objects.bulk_create([Value(big=2**53 - 1), Value(big=None)])
        rows = Value.objects.order_by("id").values("big")
        frame = rows.to_pandas()
        assert frame["big"].tolist()[0] == 2**53 - 1
        assert frame["big"].isna().tolist() == [False, True]
        assert rows.to_polars()["big"].to_list() == [2**53 - 1, None]


class TestShapes:
    def test_columns_of_paths_parts_of_dates_and_annotations(self, session: Session) -> None:
        rows = Flight.objects.annotate(maker=F("plane__maker")).values(
            "id", "carrier__name", "maker", "time_hour__year", "time_hour__date", delay=F("dep_delay")
        )
        table = rows.to_arrow()
        assert table.to_pylist() == list(rows)
        assert types_of(table) == {
            "id": pa.int64(),
            "carrier__name": pa.string(),
            "maker": pa.string(),
            "time_hour__year": pa.int64(),
            "time_hour__date": pa.date32(),
            "delay": pa.int64(),
        }

    def test_a_relation_is_its_key_and_related_rows_are_counted(self, library_session: Session) -> None:
        rows = Article.objects.annotate(n=Count("comments")).values("author", "n", "price", "edited")
        table = rows.to_arrow()
        assert table.to_pylist() == list(rows)
        assert (table.schema.field("author").type, table.schema.field("n").type) == (pa.int64(), pa.int64())

    def test_groups(self, library_session: Session) -> None:
        rows = Article.objects.values("open").annotate(
            n=Count("*"),
            sum=Sum("views"),
            mean=Avg("views"),
            top=Max("price"),
            dear=Avg("price"),
            first=Min("published"),
        )
        table = rows.to_arrow()
        found = {name: kind for name, kind in types_of(table).items() if name not in ("top", "dear")}
        assert found == {
            "open": pa.bool_(),
            "n": pa.int64(),
            "sum": pa.int64(),
            "mean": pa.float64(),
            "first": MOMENT,
        }
        assert all(pa.types.is_decimal(table.schema.field(name).type) for name in ("top", "dear"))
        assert table.to_pylist() == list(rows)

    def test_lists_of_values_and_dates_are_tables_as_well(self, session: Session) -> None:
        for rows in (
            Flight.objects.values_list("id", "note"),
            Flight.objects.values_list("id", flat=True),
            Flight.objects.values_list("id", named=True),
        ):
            assert rows.to_arrow().column("id").to_pylist() == list(Flight.objects.values_list("id", flat=True))
        assert types_of(Flight.objects.dates("time_hour", "month").to_arrow()) == {"dates": pa.date32()}
        moments = Flight.objects.datetimes("time_hour", "month")
        assert moments.to_arrow().column("datetimes").to_pylist() == list(moments)
        assert types_of(Flight.objects.values("note").distinct().to_arrow()) == {"note": pa.string()}

    def test_slices_orders_and_filters_hold(self, session: Session) -> None:
        rows = Flight.objects.filter(col(Flight.dep_delay) > 5).order_by("-dep_delay", "id")[5:25].values("id")
        assert rows.to_arrow().to_pylist() == list(rows)

    def test_frames_hold_the_same(self, session: Session) -> None:
        rows = Flight.objects.values("id", "time_hour", "distance", "diverted", "note")
        table = rows.to_arrow()
        pandas, polars = rows.to_pandas(), rows.to_polars()
        assert isinstance(pandas, pd.DataFrame)
        assert polars.to_arrow().to_pylist() == table.to_pylist()
        assert (
            pa.Table.from_pandas(pandas, preserve_index=False).cast(table.schema).to_pylist() == table.to_pylist()
        )
        assert str(pandas.dtypes["time_hour"]) == "timestamp[ms, tz=UTC][pyarrow]"


class TestReading:
    def test_it_is_read_page_by_page_with_progress(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tables, "ROWS_AT_ONCE", 100)
        told: list[tuple[int, int]] = []
        with session.capture() as sent:
            table = Flight.objects.values("id").to_arrow(page_size=50, progress=lambda *n: told.append(n))
        assert told == [(100, 260), (200, 260), (260, 260)]
        assert len(sent) == 1 + 6
        assert table.num_rows == 260
        assert table.column("id").num_chunks == 3

    def test_no_list_of_all_rows_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tables, "ROWS_AT_ONCE", 1000)
        columns = [tables.TableColumn("id", "int"), tables.TableColumn("text", "text")]
        tables.import_library("pyarrow")
        tracemalloc.start()
        try:
            table = tables.arrow_table(columns, ((n, f"text {n}") for n in range(100_000)), lambda _: None)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert table.num_rows == 100_000
        assert peak < 2_000_000  # of Python's own memory; a list would take twelve

    def test_a_value_that_does_not_fit_raises(self, notes: Session) -> None:
        class Strict(Note):
            body: str

        Note.objects.create(title="a")
        with pytest.raises(ConversionError, match="body"):
            Strict.objects.values("body").to_arrow()
        columns = [tables.TableColumn("n", "int")]
        with pytest.raises(ConversionError, match="n: a value does not fit Arrow's int64") as caught:
            tables.arrow_table(columns, [(2**70,)], lambda _: None)
        assert caught.value.field == "n"


class TestRefusals:
    def test_instances_say_how_to_make_a_table(self, session: Session) -> None:
        with session.capture() as sent:
            for verb in ("to_arrow", "to_pandas", "to_polars"):
                with pytest.raises(QueryError, match=rf"Airline\.objects\.values\(…\)\.{verb}\(\)"):
                    getattr(Airline.objects.filter(pk="AA"), verb)()
        assert not sent

    def test_one_name_twice_is_refused(self, session: Session) -> None:
        with pytest.raises(QueryError, match="'id' is named twice"):
            Flight.objects.values_list("id", "id").to_arrow()

    @pytest.mark.parametrize(
        ("missing", "verb", "extra"),
        [
            ("pyarrow", "to_arrow", "arrow"),
            ("pyarrow", "to_pandas", "pandas"),
            ("pandas", "to_pandas", "pandas"),
            ("polars", "to_polars", "polars"),
        ],
    )
    def test_a_missing_library_is_named_with_its_extra(
        self, session: Session, monkeypatch: pytest.MonkeyPatch, missing: str, verb: str, extra: str
    ) -> None:
        monkeypatch.setitem(sys.modules, missing, None)
        rows: Rows[Any] = Flight.objects.values("id")
        with session.capture() as sent, pytest.raises(ConfigurationError, match=rf"directus_orm\[{extra}\]"):
            getattr(rows, verb)()
        assert not sent
