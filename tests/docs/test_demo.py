"""The demo, run against a Directus of its own, with all its rows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path

import attrs
import pytest

import demo.models
from demo.__main__ import EXAMPLES, WIDTH, Result, run, show_models
from demo.data import FLIGHTS, load, make_collections, table
from demo.models import Airline, Airport, Flight, Plane
from directus_orm import Session
from directus_orm.cli.modules import imported
from directus_orm.schema import check, read_schema
from directus_orm.schema.generating import generate_module
from directus_orm.testing import start
from tests.docs import pages


@attrs.frozen
class Show:
    session: Session
    token: str
    loaded: dict[str, int]
    results: dict[str, Result]
    screen: str


@pytest.fixture(scope="module")
def show() -> Iterator[Show]:
    with start() as server, Session(server.url, token=server.token) as session:
        make_collections(session)
        loaded = load()
        with redirect_stdout(io.StringIO()) as screen:
            show_models()
            results = {example.__name__: run(example, session) for example in EXAMPLES}
        yield Show(session, server.token, loaded, results, screen.getvalue())


def test_every_flight_is_on_the_server_and_so_is_every_row_it_refers_to(show: Show) -> None:
    assert show.loaded == {"airlines": 16, "airports": 1462, "planes": 3719, "flights": FLIGHTS}
    assert Airline.objects.count() == 16
    assert Airport.objects.count() == 1462
    assert Plane.objects.count() == 3719
    names = ("carrier__name", "origin__name", "dest__name", "tailnum", "tailnum__tailnum")
    related = list(Flight.objects.values_list(*names))
    assert len(related) == FLIGHTS
    assert all(all(row[:3]) for row in related)
    assert all(key == there for *_, key, there in related)
    # All of them have a plane, save 14; the demo gave one to the first of these.
    assert sum(row[3] is None for row in related) == 13


def test_every_flight_comes_back_as_it_is_in_the_table_but_for_the_one_that_the_demo_changed(show: Show) -> None:
    expected = [Flight.from_dict(row, json=True).to_dict() for row in islice(table("flights"), FLIGHTS)]
    found = [flight.to_dict() for flight in Flight.objects.iterator()]
    assert [row.pop("id") for row in found] == list(range(1, FLIGHTS + 1))
    changed = [(was, now) for was, now in zip(expected, found, strict=True) if was != now]
    assert [now for _, now in changed] == [{**was, "tailnum": "N14228"} for was, _ in changed]
    assert len(changed) == 1


def test_iterating_10_000_flights_gives_10_000_distinct_rows_in_6_requests(show: Show) -> None:
    result = show.results["read_every_row"]
    assert result.printed.startswith("10000 rows, 10000 distinct")
    assert len(result.sent) == 6  # of 100, 1,000, 2,000 rows, and then of 900 kB


def test_a_loop_that_is_left_after_5_rows_made_1_request(show: Show) -> None:
    assert len(show.results["leave_a_loop"].sent) == 1


def test_relations_that_are_touched_load_in_one_request_each_for_the_whole_page(show: Show) -> None:
    flights, airlines, airports = show.results["load_lazily"].sent
    assert flights.startswith("GET /items/flights")
    assert airlines.startswith("SEARCH /items/airlines")
    assert airports.startswith("SEARCH /items/airports")


def test_relations_that_are_asked_for_come_in_the_same_request(show: Show) -> None:
    result = show.results["load_related_rows"]
    assert len(result.sent) == 1
    assert len(result.printed.splitlines()) == 5


def test_saving_twice_sends_one_patch_with_the_one_field_that_changed(show: Show) -> None:
    patches = [line for line in show.results["save_a_change"].sent if line.startswith("PATCH")]
    assert len(patches) == 1
    body, _ = json.JSONDecoder().raw_decode(patches[0][patches[0].index("{") :])
    assert body == {"tailnum": "N14228"}


def test_a_misspelt_field_is_explained_and_nothing_is_sent(show: Show) -> None:
    result = show.results["misspell_a_name"]
    assert "Did you mean 'dep_delay'?" in result.printed
    assert result.sent == ()


def test_a_filter_of_the_wrong_type_is_explained_and_only_the_missing_row_is_asked_for(show: Show) -> None:
    result = show.results["pass_a_wrong_value"]
    assert "'an hour'" in result.printed
    assert [line.split()[1] for line in result.sent] == ["/items/airports"]


def test_models_generated_from_the_demo_equal_those_of_the_demo_in_meaning(
    show: Show, modules_of_tmp_path: Path
) -> None:
    """Those of the demo have a list that the server has none of; that is no difference."""
    assert str(check(show.session, demo.models)) == "no drift"
    path = modules_of_tmp_path / "generated_demo_models.py"
    path.write_text(generate_module(read_schema(show.session)).body, encoding="utf-8")
    generated = imported(str(path))
    assert str(check(show.session, generated)) == "no drift"
    for model in (Airline, Airport, Plane, Flight):
        here, there = model.directus, getattr(generated, model.__name__).directus
        assert {each.column: (each.type, each.nullable) for each in there.fields.values()} == {
            each.column: (each.type, each.nullable) for each in here.fields.values()
        }


def test_the_demo_fits_a_plain_terminal_of_100_columns(show: Show) -> None:
    lines = show.screen.splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []
    assert "\x1b" not in show.screen
    assert len(lines) > 100


def test_the_example_of_the_readme_runs_on_the_demo(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """Last, since it changes a flight. It prints other rows than with the flights of the tests."""
    replaced = {"http://localhost:8055": show.session.url, 'token="…"': f"token={show.token!r}"}
    printed = pages.printed_by("README.md", replaced, monkeypatch)
    assert "American Airlines" in printed
    assert "{'carrier': 'UA'" in printed
