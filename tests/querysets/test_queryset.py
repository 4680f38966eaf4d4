"""Querysets are lazy, never change, and end at no limit that was not asked for."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    DefaultLimitWarning,
    FieldError,
    Page,
    QueryError,
    Session,
    UnsupportedQuery,
    connect,
)
from directus_orm.instances.state import state_of
from tests.worlds.flights import AIRLINES, Airline, Flight, Note, Plane, Setting


def test_nothing_is_sent_until_rows_are_needed(session: Session) -> None:
    with session.capture() as sent:
        late = Flight.objects.filter(dep_delay__gt=20).exclude(carrier="AA").order_by("-dep_delay")[5:50]
        repr(late)
        late.explain()
    assert not sent


def test_deriving_a_queryset_leaves_the_first_as_it_was(session: Session) -> None:
    base = Flight.objects.filter(dep_delay__gt=20)
    query = base.query
    for derived in (
        base.filter(id=1),
        base.order_by("id"),
        base[:1],
        base.none(),
        base.reverse(),
        base.only("id"),
    ):
        assert derived.query != query
    assert base.query == query
    assert base.all().query == query


def test_no_list_ends_after_a_hundred_rows(session: Session) -> None:
    """G1, G23: without a limit the server cuts every list at 100."""
    with session.capture() as sent:
        flights = list(Flight.objects.all())
    assert len({flight.pk for flight in flights}) == len(flights) == Flight.objects.count() == 260
    assert len(sent) == 2


def test_every_request_for_a_list_has_limit_sort_and_fields(notes: Session) -> None:
    """G1, G23, G24: what is left out, the server decides: 100 rows, of lists, of groups, and of nested lists."""
    Note.objects.bulk_create(Note(title=str(n), flight=Flight.objects.ref(1)) for n in range(120))
    assert len(notes.items("flights").read(1, fields="*")["notes"]) == 100
    with pytest.warns(DefaultLimitWarning):
        assert len(notes.items("notes").read(groupBy="title", aggregate={"count": "*"})) == 100
    with pytest.warns(DefaultLimitWarning):
        assert len(notes.items("notes").read()) == 100
    with notes.capture() as sent:
        flights = list(Flight.objects.select_related("carrier"))
        assert len(Note.objects.filter(flight=1)) == 120
    assert all("notes" not in state_of(flight).row for flight in flights)
    assert all({"fields", "sort", "limit"} <= dict(entry.request.params).keys() for entry in sent)


def test_a_loop_left_early_made_one_request(session: Session) -> None:
    with session.capture() as sent:
        for number, _ in enumerate(Flight.objects.all()):
            if number == 5:
                break
    assert len(sent) == 1


def test_a_second_loop_asks_nothing(session: Session) -> None:
    flights = Flight.objects.all()
    first = list(flights)
    with session.capture() as sent:
        assert list(flights) == first
        assert len(flights) == 260
        assert flights[3] is first[3]
        assert list(flights[10:20]) == first[10:20]
        assert flights.count() == 260
        assert flights.exists()
        assert flights.first() is first[0]
        assert flights.last() is first[-1]
        assert first[7] in flights
    assert not sent


def test_two_loops_at_once_see_the_same_instances(session: Session) -> None:
    flights = Flight.objects.all()
    assert all(a is b for a, b in zip(flights, flights, strict=True))


def test_iterator_keeps_nothing_and_reads_all(session: Session) -> None:
    flights = Flight.objects.all()
    with session.capture() as sent:
        assert len({flight.pk for flight in flights.iterator(page_size=50)}) == 260
    assert len(sent) == 6
    assert not flights._cache
    with pytest.raises(QueryError, match="page_size"):
        flights.iterator(page_size=0)


def test_the_session_can_fix_the_page_size(world: Any) -> None:
    with Session(world.url, token=world.token, page_size=200) as session, session.capture() as sent:
        assert len(list(Flight.objects.all())) == 260
    assert [entry.request.params[-1] for entry in sent] == [("limit", "200"), ("limit", "200")]


@pytest.mark.parametrize(
    "ordering", [["id"], ["-id"], ["carrier"], ["-dep_delay"], ["plane__owner__name", "-note"]]
)
def test_every_order_is_total_and_its_reverse_is_the_reverse(session: Session, ordering: list[str]) -> None:
    """G25: the server adds no key to an ordering, so rows that tie would change places between pages."""
    forward = [flight.pk for flight in Flight.objects.order_by(*ordering).iterator(page_size=37)]
    assert len(set(forward)) == 260
    assert [flight.pk for flight in Flight.objects.order_by(*ordering).reverse()] == forward[::-1]


def test_order_by_puts_values_in_order(session: Session) -> None:
    delays = [f.dep_delay for f in Flight.objects.exclude(dep_delay=None).order_by("-dep_delay", "id")]
    assert delays == sorted((d for d in delays if d is not None), reverse=True)
    assert [a.pk for a in Airline.objects.order_by("name")] == ["AA", "B6", "LH", "a/b"]
    assert [f.pk for f in Flight.objects.order_by("-pk")[:2]] == [260, 259]


def test_order_by_refuses_what_is_no_field() -> None:
    with pytest.raises(FieldError, match="Did you mean 'dep_delay'"):
        Flight.objects.order_by("-dep_dely")
    with pytest.raises(FieldError, match="has no field 'nme'"):
        Flight.objects.order_by("carrier__nme")
    with pytest.raises(FieldError, match="at random"):
        Flight.objects.order_by("?")
    with pytest.raises(UnsupportedQuery, match="of type json"):
        Note.objects.order_by("tags")
    with pytest.raises(QueryError, match="takes names"):
        Flight.objects.order_by(3)  # type: ignore[arg-type]


class TestSlicing:
    def test_a_slice_is_a_limit_and_an_offset(self, session: Session) -> None:
        with session.capture() as sent:
            assert [f.pk for f in Flight.objects.all()[10:13]] == [11, 12, 13]
        assert dict(sent[0].request.params) | {"fields": ""} == {
            "fields": "", "sort": "id", "limit": "3", "offset": "10",
        }  # fmt: skip

    def test_slices_of_slices_count_within(self, session: Session) -> None:
        rows = list(range(1, 261))
        for a, b, c, d in ((5, 50, 3, 10), (5, 50, 40, 99), (5, None, 3, None), (250, None, 5, 50), (3, 3, 0, 5)):
            assert [f.pk for f in Flight.objects.all()[a:b][c:d]] == rows[a:b][c:d]
            assert Flight.objects.all()[a:b][c:d].count() == len(rows[a:b][c:d])
            assert Flight.objects.all()[a:b][c:d].exists() is bool(rows[a:b][c:d])

    def test_limit_and_offset_say_the_same(self, session: Session) -> None:
        assert [f.pk for f in Flight.objects.limit(3).offset(10)] == [11, 12, 13]
        assert Flight.objects.limit(3).limit(None).count() == 260

    def test_a_large_slice_goes_by_pages(self, session: Session) -> None:
        assert [f.pk for f in Flight.objects.all()[20:250]] == list(range(21, 251))
        assert [f.pk for f in Flight.objects.order_by("carrier", "id")[20:250]] == [
            f.pk for f in list(Flight.objects.order_by("carrier", "id"))[20:250]
        ]

    def test_an_index_is_one_row(self, session: Session) -> None:
        assert Flight.objects.all()[7].pk == 8
        with pytest.raises(IndexError):
            Flight.objects.all()[260]

    def test_nothing_counts_from_the_end(self) -> None:
        for wrong in (-1, slice(-1, None), slice(0, -1), slice(0, 10, 2), "a", True):
            with pytest.raises(QueryError):
                Flight.objects.all()[wrong]  # type: ignore[index]
        with pytest.raises(QueryError, match="limit is a whole number"):
            Flight.objects.limit(-1)

    @pytest.mark.parametrize("verb", ["filter", "exclude", "order_by", "reverse", "last"])
    def test_what_would_change_the_meaning_of_a_slice_is_refused(self, verb: str) -> None:
        with pytest.raises(QueryError, match="after a slice"):
            getattr(Flight.objects.all()[5:10], verb)()


class TestGet:
    def test_get_returns_the_only_row(self, session: Session) -> None:
        assert Airline.objects.get(carrier="AA").name == "American Airlines"
        assert Airline.objects.filter(name="JetBlue").get().pk == "B6"

    def test_a_missing_row_is_the_models_own_error(self, session: Session) -> None:
        """G33: GET by key answers 403 for what is not there; a list by key tells."""
        with pytest.raises(Airline.DoesNotExist, match=r"No Airline matches Q\(pk='ZZ'\)"):
            Airline.objects.get(pk="ZZ")
        with pytest.raises(LookupError):
            Airline.objects.get(pk="ZZ")
        assert not issubclass(Airline.DoesNotExist, Flight.DoesNotExist)
        error = Airline.DoesNotExist("x")
        assert type(pickle.loads(pickle.dumps(error))) is Airline.DoesNotExist

    def test_more_than_one_row_is_an_error(self, session: Session) -> None:
        with pytest.raises(Flight.MultipleObjectsReturned):
            Flight.objects.get(carrier="AA")

    def test_keys_may_hold_any_character(self, session: Session) -> None:
        assert Airline.objects.get(pk="a/b").name == "Odd Key"
        assert Airline.objects.ref("a/b").name == "Odd Key"


def test_first_and_last_go_by_key_without_an_ordering(session: Session) -> None:
    first, last = Flight.objects.first(), Flight.objects.last()
    assert first is not None
    assert last is not None
    assert (first.pk, last.pk) == (1, 260)
    assert Flight.objects.filter(id=0).first() is None
    assert Flight.objects.none().last() is None


def test_count_and_exists_read_no_rows(session: Session) -> None:
    """G22: paging would apply to the aggregate, and an offset would leave nothing of it."""
    with session.capture() as sent:
        assert Flight.objects.filter(carrier__name="JetBlue")[5:].count() == 60
        assert Flight.objects.filter(carrier__name="JetBlue").exists()
    count, exists = (dict(entry.request.params) for entry in sent)
    assert "limit" not in count
    assert "offset" not in count
    assert exists["fields"] == "id"
    assert exists["limit"] == "1"


def test_contains_asks_for_the_key_alone(session: Session) -> None:
    jet = Airline.objects.get(pk="B6")
    with session.capture() as sent:
        assert Airline.objects.filter(name="JetBlue").contains(jet)
        assert not Airline.objects.filter(name="Lufthansa").contains(jet)
    assert len(sent) == 2
    assert jet in Airline.objects.all()
    with pytest.raises(TypeError, match="takes a Airline"):
        Airline.objects.contains(Plane(tailnum="N1"))  # type: ignore[arg-type]


def test_in_bulk_returns_instances_by_key(session: Session) -> None:
    with session.capture() as sent:
        found = Airline.objects.in_bulk(["AA", "a/b", "ZZ", "AA"])
        assert Airline.objects.in_bulk([]) == {}
    assert {key: airline.name for key, airline in found.items()} == {"AA": "American Airlines", "a/b": "Odd Key"}
    assert len(sent) == 1
    assert len(Flight.objects.in_bulk(range(1, 1500))) == 260
    assert set(Flight.objects.filter(carrier="AA").in_bulk([1, 2, 5])) == {1, 5}
    assert len(Airline.objects.in_bulk()) == 4
    assert set(Airline.objects.search("jetblue").in_bulk(["AA", "B6"])) == {"B6"}


class TestValues:
    def test_values_are_dictionaries_of_converted_values(self, session: Session) -> None:
        rows = list(Flight.objects.values("id", "carrier", "carrier__name", "plane__owner__name", "dep_delay")[:9])
        flights = Flight.objects.select_related("carrier", "plane__owner")[:9]
        assert rows == [
            {
                "id": f.id,
                "carrier": f.carrier.pk,
                "carrier__name": f.carrier.name,
                "plane__owner__name": f.plane and f.plane.owner and f.plane.owner.name,
                "dep_delay": f.dep_delay,
            }
            for f in flights
        ]

    def test_values_list_gives_tuples_named_tuples_and_single_values(self, session: Session) -> None:
        assert list(Airline.objects.values_list("carrier", "country"))[1] == ("B6", None)
        assert list(Airline.objects.values_list("name", flat=True)) == [a["name"] for a in AIRLINES]
        assert next(iter(Airline.objects.values_list("pk", "name", named=True))).name == "American Airlines"
        assert list(Flight.objects.values_list("pk", flat=True).iterator()) == list(range(1, 261))
        with pytest.raises(QueryError, match="each name once"):
            Airline.objects.values_list("name", "name", named=True)
        with pytest.raises(QueryError, match="takes one field"):
            Airline.objects.values_list("carrier", "name", flat=True)

    def test_without_names_they_are_all_fields(self, session: Session) -> None:
        assert next(iter(Airline.objects.values())) == AIRLINES[0]

    def test_values_chain_like_any_queryset(self, session: Session) -> None:
        names = Airline.objects.values_list("name", flat=True).filter(country__isnull=False).order_by("-name")
        assert list(names[:2]) == ["Odd Key", "Lufthansa"]
        assert names.count() == 3
        assert names.first() == "Odd Key"

    def test_only_what_is_asked_for_travels(self, session: Session) -> None:
        with session.capture() as sent:
            list(Airline.objects.values("name"))
        assert dict(sent[0].request.params)["fields"] == "carrier,name"

    def test_an_unknown_name_raises(self) -> None:
        with pytest.raises(FieldError, match="Did you mean 'name'"):
            Airline.objects.values("nme")
        with pytest.raises(FieldError, match="no field 'nme'"):
            Flight.objects.values("carrier__nme")


def test_latest_and_earliest_go_by_the_fields_they_are_given(session: Session) -> None:
    flown = Flight.objects.exclude(dep_delay=None)
    assert flown.latest("dep_delay", "id").dep_delay == 78
    assert flown.earliest("dep_delay", "-id").dep_delay == min(
        f.dep_delay for f in flown if f.dep_delay is not None
    )
    with pytest.raises(Flight.DoesNotExist, match="latest"):
        Flight.objects.none().latest("id")
    with pytest.raises(QueryError, match="takes the names"):
        Flight.objects.latest()


class TestPage:
    def test_rows_and_total_come_in_one_request(self, session: Session) -> None:
        rows = Flight.objects.filter(carrier__name="JetBlue").order_by("-id")
        with session.capture() as sent:
            page = rows.page(2, 25)
        assert len(sent) == 1
        assert page == Page(list(rows[25:50]), 65)
        assert len(rows.page(3, 25).rows) == 15
        assert rows.page(4, 25) == Page([], 65)
        assert Flight.objects.none().page(1, 10) == Page([], 0)
        assert Flight.objects.values_list("id", flat=True).page(1, 2) == Page([1, 2], 260)

    def test_pages_are_counted_from_one_and_not_taken_of_slices(self) -> None:
        for number, size in ((0, 10), (1, 0), (-1, 5), (True, 5), (1.0, 5)):
            with pytest.raises(QueryError, match="whole number from 1"):
                Flight.objects.page(number, size)  # type: ignore[arg-type]
        with pytest.raises(QueryError, match="after a slice"):
            Flight.objects.all()[:100].page(1, 10)


def test_search_is_done_by_the_server(session: Session) -> None:
    assert [a.pk for a in Airline.objects.search("jetblue")] == ["B6"]
    assert Airline.objects.search("american").count() == 1
    with pytest.raises(QueryError, match="blank"):
        Airline.objects.search("  ")


def test_a_long_list_of_keys_goes_in_the_body(session: Session) -> None:
    """G36: a URL beyond 16 KiB is answered 431, with an empty body."""
    wanted = list(range(100, 3000))
    with session.capture() as sent:
        found = [f.pk for f in Flight.objects.filter(id__in=wanted)]
    assert found == list(range(100, 261))
    assert sent[0].request.method == "SEARCH"


class TestExplain:
    def test_it_shows_what_would_be_sent(self, session: Session) -> None:
        late = Flight.objects.filter(dep_delay__gt=60).order_by("-dep_delay")
        with session.capture() as sent:
            explained = late.explain()
        assert not sent
        assert repr(explained).startswith("GET /items/flights fields=id,")
        assert 'filter={"dep_delay":{"_gt":60}} sort=-dep_delay,id limit=100' in str(explained)
        with session.capture() as sent:
            late.exists()
            list(late[:100])
        assert sent[1].request == late[:100].explain().request

    def test_it_needs_no_session(self) -> None:
        assert "GET /items/airlines" in repr(Airline.objects.explain())
        assert "nothing is sent" in repr(Airline.objects.none())
        assert "GET /items/settings_of_app" in repr(Setting.objects.explain())


def test_querysets_pickle_without_their_rows(session: Session) -> None:
    late = Flight.objects.filter(dep_delay__gt=40, carrier__name="JetBlue").order_by("-dep_delay").only("id")
    list(late)
    again = pickle.loads(pickle.dumps(late))
    assert again.query == late.query
    assert [f.pk for f in again] == [f.pk for f in late]
    assert copy.copy(late).query == late.query
    rows = Flight.objects.values_list("id", flat=True)[:3]
    assert list(pickle.loads(pickle.dumps(rows))) == [1, 2, 3]


def test_a_broken_read_is_not_taken_for_the_end(session: Session) -> None:
    """A page that failed raises, and the next loop starts anew instead of ending early."""
    flights = Flight.objects.all()
    loop = iter(flights)
    for _ in range(100):
        next(loop)
    send, session.send = session.send, _broken  # type: ignore[method-assign]
    with pytest.raises(OSError, match="cut"):
        next(loop)
    session.send = send  # type: ignore[method-assign]
    assert len(flights) == 260


def _broken(request: object) -> Any:
    raise OSError("cut")


class TestSessions:
    def test_using_wins_over_with_and_with_over_connect(self, world: Any, session: Session) -> None:
        other = Session(world.url, token=world.token)
        with session.capture() as ours, other.capture() as theirs:
            airline = Airline.objects.using(other).get(pk="AA")
            airline.refresh()
        assert (len(ours), len(theirs)) == (0, 2)
        other.close()

    def test_connect_is_the_default_of_the_process(self, world: Any) -> None:
        connect(world.url, token=world.token)
        assert Airline.objects.count() == 4

    def test_no_session_says_how_to_get_one(self) -> None:
        with pytest.raises(ConfigurationError, match=r"connect\(url"):
            Airline.objects.count()

    def test_using_takes_a_session(self) -> None:
        with pytest.raises(TypeError, match="takes a Session"):
            Airline.objects.using("http://localhost")  # type: ignore[arg-type]


def test_objects_belongs_to_the_class(session: Session) -> None:
    with pytest.raises(AttributeError, match=r"Airline\.objects"):
        Airline.objects.ref("AA").objects
