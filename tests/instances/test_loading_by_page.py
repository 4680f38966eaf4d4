"""A relation that is read is loaded for its whole page; later pages load the relations read before at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from directus_orm import FieldError, Model, Related, Session, field, generated, one_to_many
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Airline, Plane
from tests.worlds.library import Article, Category, Tag
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, key, make_collection, make_relation, user

COUNT = 1000


class Airport(Model):
    code: str = field(primary_key=True)
    name: str | None = None


class Trip(Model):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    origin: Airport
    plane: Plane | None = None
    note: str | None = None
    stops: Related[Stop] = one_to_many("trip")


class Stop(Model):
    id: int = field(default=generated, primary_key=True)
    trip: Trip | None = None
    airport: Airport | None = None


@pytest.fixture(scope="module")
def with_trips(world: DirectusServer) -> Iterator[DirectusServer]:
    make_collection(world, "airports", key("string", "code"), column("name", "string"))
    make_collection(world, "trips", AUTO_KEY, column("note", "string"))
    make_collection(world, "stops", AUTO_KEY)
    for name, other in (("carrier", "airlines"), ("origin", "airports"), ("plane", "planes")):
        make_relation(world, "trips", name, other, "string")
    make_relation(world, "stops", "trip", "trips", reverse="stops")
    make_relation(world, "stops", "airport", "airports", "string")
    with Session(world.url, token=world.token) as session:
        session.items("airports").create([{"code": f"A{n}", "name": f"Airport {n}"} for n in range(40)])
        carriers = ("AA", "B6", "LH", "a/b")
        session.items("trips").create(
            [
                {
                    # Each page leads to others than the pages before.
                    "carrier": carriers[n * 4 // COUNT],
                    "origin": f"A{n * 40 // COUNT}",
                    "plane": (None, "N1", "N2", "N3")[n * 4 // COUNT],
                    "note": str(n),
                }
                for n in range(COUNT)
            ]
        )
        session.items("stops").create([{"trip": n, "airport": f"A{n % 40}"} for n in range(1, COUNT, 3)])
    yield world
    for name in ("stops", "trips", "airports"):
        drop_collection(world, name)


@pytest.fixture
def trips(with_trips: DirectusServer) -> Iterator[Session]:
    with Session(with_trips.url, token=with_trips.token) as session:
        yield session


def printed(trips: Iterable[Trip]) -> list[tuple[str, str | None, str | None]]:
    return [(trip.carrier.name, trip.origin.name, trip.plane.maker if trip.plane else None) for trip in trips]


MAKERS = (None, "BOEING", None, "Airbus")
NAMES = ("American Airlines", "JetBlue", "Lufthansa", "Odd Key")
PRINTED = [(NAMES[n * 4 // COUNT], f"Airport {n * 40 // COUNT}", MAKERS[n * 4 // COUNT]) for n in range(COUNT)]

WAYS: dict[str, tuple[Callable[[], Iterable[Trip]], int, int]] = {
    # How, its pages, and the most requests beside them.
    "streamed": (Trip.objects.all, 2, 4),
    "list": (lambda: list(Trip.objects.all()), 2, 3),
    "iterator": (lambda: Trip.objects.iterator(), 2, 4),
    "iterator of 300": (lambda: Trip.objects.iterator(page_size=300), 4, 6),
    "one page": (lambda: Trip.objects.iterator(page_size=2000), 1, 3),
}


class TestNumbersOfRequests:
    @pytest.mark.parametrize("way", WAYS)
    def test_a_thousand_rows_and_three_relations_of_each(self, trips: Session, way: str) -> None:
        rows, pages, most = WAYS[way]
        with trips.capture() as sent:
            assert printed(rows()) == PRINTED
        of_pages = [entry for entry in sent if entry.request.method == "GET"]
        assert len(of_pages) == pages
        assert len(sent) - pages <= most

    def test_with_select_related_only_the_pages_are_requested(self, trips: Session) -> None:
        with trips.capture() as sent:
            assert printed(Trip.objects.select_related("carrier", "origin", "plane")) == PRINTED
        assert len(sent) == 2

    def test_a_request_for_related_rows_names_the_keys_of_one_page(self, trips: Session) -> None:
        with trips.capture() as sent:
            printed(Trip.objects.all())
        (last,) = [entry.request for entry in sent if entry.request.path == "/items/trips" and entry.request.json]
        assert last.path == "/items/trips"
        assert len(last.json["keys"]) == 900
        assert {"carrier.name", "origin.name"} <= set(last.json["query"]["fields"])
        assert "note" not in last.json["query"]["fields"]

    def test_lists_rows_behind_rows_and_deferred_fields_load_by_page(self, trips: Session) -> None:
        """Lists, and rows behind their rows, and fields that were left out."""
        with trips.capture() as sent:
            found = [
                (trip.note, trip.plane and trip.plane.owner and trip.plane.owner.name, places(trip))
                for trip in Trip.objects.only("carrier", "plane")
            ]
        assert len(sent) <= 2 + 6 + 1
        owners = (None, "American Airlines", "JetBlue", None)
        assert found == [
            (str(n), owners[n * 4 // COUNT], [f"Airport {(n + 1) % 40}"] if n % 3 == 0 and n + 1 < COUNT else [])
            for n in range(COUNT)
        ]

    def test_five_hundred_articles_with_tags_and_comments(self, session: Session, article: Article) -> None:
        made = Article.objects.bulk_create([Article(title=str(n)) for n in range(500 - Article.objects.count())])
        session.items("comments").create([{"article": one.pk, "text": "x"} for one in made[::2]])
        session.items("articles_tags").create([{"articles_id": one.pk, "tags_id": 2} for one in made[::3]])
        wanted = {
            one.pk: (len(one.tags), len(one.comments))
            for one in Article.objects.prefetch_related("tags", "comments")
        }
        assert len(wanted) == 500
        with session.capture() as sent:
            found = {one.pk: (len(one.tags), len(one.comments)) for one in Article.objects.all()}
        assert found == wanted
        assert len(sent) <= 2 + 4
        with session.capture() as sent:
            list(Article.objects.prefetch_related("tags", "comments"))
        assert len(sent) == 2

    def test_three_hundred_comments_on_one_article(self, session: Session, article: Article) -> None:
        """G24: the server cuts lists at 100."""
        session.items("comments").create([{"article": article.pk, "text": str(n)} for n in range(300)])
        texts = [str(n) for n in range(300)]
        for rows in (Article.objects.all(), Article.objects.prefetch_related("comments")):
            with session.capture() as sent:
                (found,) = rows.filter(pk=article.pk)
                assert [comment.text for comment in found.comments] == texts
            assert len(sent) <= 2
            assert all(comment.article is found for comment in found.comments)


def places(trip: Trip) -> list[str | None]:
    return [stop.airport.name if stop.airport else None for stop in trip.stops]


class TestSameRowsAsLoadedOneByOne:
    """Loading by page gives the same rows as loading each by itself."""

    def small(self, session: Session) -> Iterator[Trip]:
        return Trip.objects.filter(pk__lte=60).iterator(page_size=20)

    def test_more_than_a_batch_holds(self, trips: Session) -> None:
        made = trips.items("trips").create(
            [{"carrier": "LH", "origin": f"A{n % 40}", "note": "more"} for n in range(1500)]
        )
        try:
            with trips.capture() as sent:
                found = printed(Trip.objects.all())
            assert found[:COUNT] == PRINTED
            assert found[COUNT:] == [("Lufthansa", f"Airport {n % 40}", None) for n in range(1500)]
            assert len(sent) <= 4 + 4 + 3 + 1
        finally:
            trips.delete("/items/trips", [row["id"] for row in made])

    def test_rows_that_are_deleted_meanwhile(self, trips: Session) -> None:
        more = [Trip.objects.create(carrier="AA", origin="A1", note="x") for _ in range(25)]
        own = Airline.objects.create(pk="ZZ", name="Only theirs")
        for trip in more[-3:]:
            trip.carrier = own
            trip.save()
        try:
            rows = Trip.objects.filter(note="x").iterator(page_size=15)
            found = []
            for trip in rows:
                if trip.pk == more[15].pk:
                    Trip.objects.filter(pk__in=[more[16].pk, more[-1].pk]).delete()
                found.append((trip.carrier.name, trip.origin.name))
            assert found == [("American Airlines", "Airport 1")] * 22 + [("Only theirs", "Airport 1")] * 3
        finally:
            Trip.objects.filter(note="x").delete()
            own.delete()

    def test_what_was_assigned_meanwhile_stays(self, trips: Session) -> None:
        """Keys, instances and None, on a page that loads the relations read before."""
        rows = Trip.objects.filter(pk__gt=240).iterator(page_size=30)
        page = [next(rows) for _ in range(30)]
        assert all(trip.carrier.name and trip.origin.name and (not trip.plane or trip.plane.pk) for trip in page)
        assert {trip.plane.maker for trip in page if trip.plane} == {"BOEING"}
        page = [next(rows) for _ in range(30)]
        first, second, third = page[:3]
        first.plane, first.origin = None, "A39"  # type: ignore[assignment]
        second.carrier = Airline.objects.ref("LH")
        other = page[-1]
        assert other.origin.name
        assert (first.plane, first.origin.name, second.carrier.name) == (None, "Airport 39", "Lufthansa")
        assert (third.plane and third.plane.maker, third.carrier.name) == ("BOEING", "JetBlue")
        with trips.capture() as sent:
            third.save()
            other.save()
        assert not sent

    def test_one_row_is_one_instance_still(self, trips: Session) -> None:
        known: dict[Any, Any] = {}
        for trip in list(Trip.objects.filter(pk__lte=500)):
            assert trip.carrier.name
            assert trip.origin.name
            for one in (trip.carrier, trip.origin):
                assert known.setdefault((type(one), one.pk), one) is one

    def test_relations_that_were_never_read_are_not_requested(self, trips: Session) -> None:
        with trips.capture() as sent:
            assert all(trip.carrier.name for trip in Trip.objects.filter(pk__lte=500))
        asked = [entry.request for entry in sent if entry.request.method == "SEARCH"]
        assert all(request.path == "/items/airlines" for request in asked)
        assert len(asked) == 2

    def test_a_relation_that_may_not_be_read(self, with_trips: DirectusServer) -> None:
        may: Any = {"trips": ["read"], "airlines": ["read"]}
        with user(with_trips, "passenger", **may) as token, Session(with_trips.url, token=token) as session:
            names = []
            for trip in Trip.objects.using(session).filter(pk__lte=60).iterator(page_size=20):
                names.append(trip.carrier.name)
                with pytest.raises(Exception, match=r"permission|FORBIDDEN"):
                    assert trip.origin.name
                assert trip.origin.pk.startswith("A")
            assert names == [name for name, *_ in PRINTED[:60]]

    @pytest.mark.row_rules
    def test_a_row_that_may_not_be_read_raises_on_every_page(self, with_trips: DirectusServer) -> None:
        """Where permissions hide some rows (G42), loading by page gives what loading one by one gives."""
        if with_trips.version.startswith("12."):
            pytest.skip("without a licence it has no permissions for single rows")
        may: Any = {"trips": ["read"], "airlines": ["read"], "airports": ["read"]}
        rules = {"airports": {"code": {"_nin": ["A1", "A2"]}}}
        with user(with_trips, "guest", rules, **may) as token, Session(with_trips.url, token=token) as session:
            found: list[str | None] = []
            for trip in Trip.objects.using(session).filter(pk__lte=90).iterator(page_size=20):
                assert trip.carrier.name == "American Airlines"
                try:
                    found.append(trip.origin.name)
                except Airport.DoesNotExist:
                    found.append(None)
            hidden = {"Airport 1", "Airport 2"}
            assert found == [None if name in hidden else name for _, name, _ in PRINTED[:90]]

    def test_refresh_forgets_lists(self, session: Session, article: Article) -> None:
        """They are loaded again when they are read."""
        seen = Article.objects.prefetch_related("tags", "comments").get(pk=article.pk)
        for fields, requests in ((None, 1), (["tags"], 0), (["title", "comments", "tags"], 1)):
            assert [len(seen.tags), len(seen.comments)] == [0, 0]
            article.tags.add(1)
            article.comments.create(text="x")
            with session.capture() as sent:
                seen.refresh(fields=fields)
            assert len(sent) == requests
            assert [len(seen.tags), len(seen.comments)] == [1, 1 if fields != ["tags"] else 0]
            article.tags.clear()
            article.comments.all().delete()
            seen.refresh()
        with pytest.raises(FieldError, match="no field 'tagz'"):
            seen.refresh(fields=["tags", "tagz"])

    def test_a_model_that_refers_to_itself(self, session: Session, article: Article) -> None:
        categories = list(Category.objects.all())
        names = {c.pk: c.parent and c.parent.name for c in categories}
        assert names == {c.pk: c.parent and c.parent.name for c in Category.objects.select_related("parent")}

    def test_explain_says_what_is_sent(self, session: Session, article: Article) -> None:
        rows = Article.objects.iterator(page_size=20, read_ahead=0)
        page = [next(rows) for _ in range(20)]
        assert [len(page[0].tags), len(page[0].comments)]
        more = next(rows)
        told = more.comments.explain()
        with session.capture() as sent:
            assert [comment.article for comment in more.comments] == [more] * len(more.comments)
        assert [entry.request for entry in sent] == [told.request]
        with session.capture() as sent:
            assert len(more.tags) == Tag.objects.filter(articles=more).count()
        assert [entry.purpose for entry in sent].count("data") == 1
