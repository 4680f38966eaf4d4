"""The async twins: the same methods in worker threads; the event loop goes on, and cancelling breaks nothing."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import requests
from requests.adapters import HTTPAdapter

from directus_orm import (
    ConfigurationError,
    Count,
    FieldError,
    Forbidden,
    Model,
    QuerySet,
    RecordNotUnique,
    Related,
    Rows,
    Session,
    current_session,
    field,
)
from directus_orm.querysets.related import RelatedAny
from directus_orm.querysets.results import Results
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Flight, Note, Setting
from tests.worlds.library import Article, Author, Page, Tag
from tests.worlds.sessions import CountingExecutor

# --- what there is ------------------------------------------------------------------------------------------

# What only makes another queryset, or asks nothing.
LAZY = set(
    """
    alias all annotate as_manager dates datetimes defer difference distinct exclude filter initial intersection
    limit none of of_model offset only order_by prefetch_related readable ref reverse search select_related union
    using values values_list columns ordered query through
    """.split()
)


def verbs(kind: type[Any]) -> set[str]:
    return {name for name in dir(kind) if name[0] != "_"} - LAZY


def twins(kind: type[Any]) -> set[str]:
    return {name for name in verbs(kind) if name[0] == "a" and name[1:] in verbs(kind)}


@pytest.mark.parametrize("kind", [Rows, QuerySet, Related, RelatedAny])
def test_every_method_that_sends_requests_has_an_async_twin(kind: type[Any]) -> None:
    assert {name[1:] for name in twins(kind)} == verbs(kind) - twins(kind)


def test_the_twins_of_instances_are_those_of_the_verbs_that_ask() -> None:
    assert twins(Model) == {"asave", "adelete", "arefresh"}


@pytest.mark.parametrize("kind", [Results, Rows, QuerySet, Related, Model])
def test_a_twin_takes_what_its_verb_takes(kind: type[Any]) -> None:
    for name in twins(kind):
        twin, verb = getattr(kind, name), getattr(kind, name[1:])
        assert _parameters(twin) == _parameters(verb), name
        assert inspect.iscoroutinefunction(twin) is (name != "aiterator")
        assert (twin.__name__, twin.__doc__.partition(",")[0]) == (name, f"Do as `{name[1:]}` does")


def _parameters(function: Any) -> list[tuple[Any, ...]]:
    """What callers see; a keyword that is taken by ``**`` cannot be ``self``, wherever that stands."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [(it.name, it.kind, it.default) for it in parameters]


@pytest.mark.parametrize("name", ["asave", "adelete", "arefresh"])
def test_no_field_may_have_the_name_of_a_twin(name: str) -> None:
    with pytest.raises(ConfigurationError, match="reserved"):
        type("Odd", (Model,), {"__annotations__": {"id": int, name: int}, "__module__": __name__})


# --- they do what the verbs do ------------------------------------------------------------------------------

READS: dict[str, Callable[[QuerySet[Flight]], tuple[Any, Coroutine[Any, Any, Any]]]] = {
    "get": lambda rows: (rows.get(pk=7), rows.aget(pk=7)),
    "first": lambda rows: (rows.first(), rows.afirst()),
    "last": lambda rows: (rows.last(), rows.alast()),
    "latest": lambda rows: (rows.latest("distance", "id"), rows.alatest("distance", "id")),
    "earliest": lambda rows: (rows.earliest("id"), rows.aearliest("id")),
    "count": lambda rows: (rows.count(), rows.acount()),
    "exists": lambda rows: (rows.exists(), rows.aexists()),
    "contains": lambda rows: (rows.contains(Flight.objects.ref(7)), rows.acontains(Flight.objects.ref(7))),
    "in_bulk": lambda rows: (rows.in_bulk([1, 2]), rows.ain_bulk([1, 2])),
    "aggregate": lambda rows: (rows.aggregate(n=Count("*")), rows.aaggregate(n=Count("*"))),
    "page": lambda rows: (rows.page(2, 10), rows.apage(2, 10)),
    "values": lambda rows: (rows.values("id").first(), rows.values("id").afirst()),
}


@pytest.mark.parametrize("verb", READS)
def test_a_twin_returns_what_its_verb_returns(session: Session, verb: str) -> None:
    returned, awaited = READS[verb](Flight.objects.filter(dep_delay__gt=-100))
    assert asyncio.run(_awaited(awaited)) == returned


async def _awaited(work: Coroutine[Any, Any, Any]) -> Any:
    return await work


def test_async_for_gives_all_rows_of_every_shape(session: Session) -> None:
    async def read(rows: Results[Any]) -> list[Any]:
        found = [row async for row in rows]
        assert [row async for row in rows.aiterator()] == found
        return found

    groups = Flight.objects.values("carrier").annotate(n=Count("*"))
    shapes: list[Callable[[], Results[Any]]] = [
        Flight.objects.all,
        lambda: Flight.objects.values("id"),
        lambda: Flight.objects.values_list("note", flat=True),
        groups.all,
        lambda: Flight.objects.all()[90:130],
        Flight.objects.none,
    ]
    for shape in shapes:
        assert asyncio.run(read(shape())) == list(shape())


def test_rows_are_kept_and_a_second_loop_asks_nothing(session: Session) -> None:
    async def twice() -> int:
        rows = Flight.objects.all()
        first = [row async for row in rows]
        with session.capture() as sent:
            assert [row async for row in rows] == first == list(rows)
        return len(sent)

    assert asyncio.run(twice()) == 0


def test_related_rows_come_for_the_whole_page(library_session: Session) -> None:
    async def tags() -> dict[Any, set[Any]]:
        return {article.pk: {tag.pk async for tag in article.tags} async for article in Article.objects.all()}

    with library_session.capture() as sent:
        found = asyncio.run(tags())
    assert len(sent) == 2
    assert found == {article.pk: {tag.pk for tag in article.tags} for article in Article.objects.all()}
    assert any(found.values())


def test_related_rows_of_every_kind_are_looped_over(library_session: Session) -> None:
    async def read(rows: Related[Any]) -> list[Any]:
        kept = [row async for row in rows]
        assert [row async for row in rows.aiterator()] == kept == list(rows.iterator())
        return kept

    article, page, author = Article.objects.get(pk=2), Page.objects.get(pk=1), Author.objects.get(pk=1)
    for name, one in (("comments", article), ("tags", article), ("blocks", page), ("articles", author)):
        rows = getattr(type(one).objects.get(pk=one.pk), name)
        assert asyncio.run(read(rows)) == list(getattr(one, name)) != []
    unsaved = Article(title="new")
    unsaved.tags.add(Tag(name="waits"))
    assert [tag.name for tag in asyncio.run(read(unsaved.tags))] == ["waits"]


@pytest.fixture
def article(library_session: Session) -> Iterator[Article]:
    """An article of its own; its junction rows to tags are deleted with it."""
    known = {row["id"] for row in library_session.items("articles_tags").read(fields="id", limit=-1)}
    tags = set(Tag.objects.values_list("pk", flat=True))
    made = Article.objects.create(title="async")
    yield made
    ties = [row["id"] for row in library_session.items("articles_tags").read(fields="id", limit=-1)]
    library_session.delete("/items/articles_tags", [key for key in ties if key not in known])
    made.delete()
    Tag.objects.exclude(pk__in=tags).delete()


def test_related_rows_are_written(article: Article) -> None:
    async def keys() -> list[int]:
        return [tag.pk async for tag in article.tags.all()]

    async def write() -> None:
        await article.tags.aadd(1, 2)
        assert await keys() == [1, 2]
        await article.tags.aremove(1)
        assert await keys() == [2]
        await article.tags.aset([2, 3])
        assert await keys() == [2, 3]
        await article.tags.aclear()
        assert await keys() == []
        made = await article.tags.acreate(name="async")
        assert await keys() == [made.pk]

    asyncio.run(write())


def test_rows_are_written(notes: Session) -> None:
    async def write() -> None:
        note = Note(title="a")
        await note.asave()
        note.stars = 7
        await note.asave()
        again = await Note.objects.aget(pk=note.pk)
        assert again.stars == 7
        again.stars = 8
        await again.asave()
        await note.arefresh()
        assert note.stars == 8
        made, is_new = await Note.objects.aget_or_create({"stars": 2}, title="b")
        assert (made.stars, is_new) == (2, True)
        made, is_new = await Note.objects.aupdate_or_create({"stars": 3}, title="b")
        assert (made.stars, is_new) == (3, False)
        both = await Note.objects.abulk_create([Note(title="c"), Note(title="d")])
        for one in both:
            one.stars = 9
        assert await Note.objects.abulk_update(both, ["stars"]) == 2
        await Note.objects.aupsert([Note(title="e", stars=4)])
        assert await Note.objects.filter(stars=9).aupdate(body="x") == 2
        await made.adelete()
        assert await Note.objects.all().adelete() == 4

    asyncio.run(write())
    assert Note.objects.count() == 0


def test_a_singleton_is_read_and_written(session: Session) -> None:
    async def write() -> int | None:
        setting = await Setting.objects.aget()
        before, setting.size = setting.size, 12
        await setting.asave()
        size = (await Setting.objects.aget()).size
        setting.size = before
        await setting.asave()
        return size

    assert asyncio.run(write()) == 12


def test_a_verb_of_ones_own_is_the_one_that_is_called(notes: Session) -> None:
    class Shouting(QuerySet["Loud"]):
        def first(self) -> Any:
            return "FIRST"

    class Loud(Note, collection="notes"):
        objects = Shouting.as_manager()
        saved: ClassVar[list[str]] = []

        def save(self, **options: Any) -> None:
            self.saved.append(self.title)
            super().save(**options)

    async def use() -> None:
        assert await Loud.objects.afirst() == "FIRST"
        await Loud(title="loud").asave()

    asyncio.run(use())
    assert Loud.saved == ["loud"]


def test_errors_are_those_of_the_verbs(notes: Session) -> None:
    async def fail() -> None:
        with pytest.raises(Note.DoesNotExist):
            await Note.objects.aget(title="nobody")
        with pytest.raises(FieldError, match="Did you mean 'title'"):
            await Note.objects.aget(titel="x")
        with pytest.raises(TypeError, match=r"Note\.objects\.all\(\)\.delete\(\)"):
            await Note.objects.adelete()
        with pytest.raises(Forbidden):
            _ = [row async for row in Nowhere.objects.all()]
        await Note.objects.acreate(title="one")
        with pytest.raises(RecordNotUnique):
            await Note(title="one").asave()

    asyncio.run(fail())


class Nowhere(Model, collection="not_there"):
    id: int = field(primary_key=True)


def test_without_a_session_the_error_says_so() -> None:
    async def ask() -> None:
        await Flight.objects.acount()

    with pytest.raises(ConfigurationError, match="There is no session"):
        asyncio.run(ask())


# --- sessions -----------------------------------------------------------------------------------------------


def test_each_task_asks_its_own_session(world: DirectusServer) -> None:
    async def ask(name: str) -> tuple[str, int]:
        async with Session(world.url, token=world.token) as session:
            with session.capture() as sent:
                flight = await Flight.objects.filter(note=name).afirst()
                assert current_session() is session
            assert flight is None or flight.note == name
            return name, len(sent)

    async def both() -> list[tuple[str, int]]:
        return list(await asyncio.gather(ask("late"), ask("on time")))

    assert asyncio.run(both()) == [("late", 1), ("on time", 1)]


def test_leaving_a_session_logs_out_in_a_thread(world: DirectusServer) -> None:
    async def use() -> tuple[list[str], int, int]:
        session = Session(world.url, email=world.email, password=world.password, http=slowly)
        with session.capture() as sent:
            async with session:
                assert await Flight.objects.acount() == 260
                async with session:
                    pass
                before = [entry.request.path for entry in sent]
                assert "/auth/logout" not in before
                ticks.clear()
        return [entry.request.path for entry in sent], len(ticks), len(before)

    with slow(0.1) as slowly:
        paths, ticked, before = asyncio.run(_ticking(use))
    assert paths[before:] == ["/auth/logout"]
    assert ticked >= 3


# --- the loop goes on ---------------------------------------------------------------------------------------

ticks: list[float] = []


async def _ticking(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run something while a task counts a beat every 10 ms."""

    async def beat() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    heart = asyncio.create_task(beat())
    try:
        return await work()
    finally:
        heart.cancel()


class Slow(HTTPAdapter):
    """Sends for real, and late."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        time.sleep(self._seconds)
        return super().send(*args, **kwargs)


@contextmanager
def slow(seconds: float) -> Iterator[requests.Session]:
    with requests.Session() as http:
        http.mount("http://", Slow(seconds))
        yield http


@pytest.mark.parametrize("verb", ["aget", "async for", "aiterator", "asave"])
def test_a_slow_server_does_not_stop_the_loop(notes: Session, verb: str) -> None:
    async def ask() -> float:
        rows = Flight.objects.using(Session(notes.url, token=TOKEN_OF[notes], http=slowly))
        ticks.clear()
        match verb:
            case "aget":
                await rows.aget(pk=1)
            case "asave":
                with Session(notes.url, token=TOKEN_OF[notes], http=slowly):
                    await Note(title="slow").asave()
            case "async for":
                assert len([row async for row in rows]) == 260
            case _:
                assert len([row async for row in rows.aiterator()]) == 260
        return max(later - earlier for earlier, later in pairwise(ticks))

    TOKEN_OF = {notes: notes._state.auth.token(notes._state.login_sender)}
    with slow(0.6) as slowly:
        longest = asyncio.run(_ticking(ask))
    assert len(ticks) >= 10
    assert longest < 0.5


@pytest.mark.parametrize("verb", ["async for", "aiterator"])
def test_a_page_costs_one_thread_and_a_row_none(session: Session, verb: str) -> None:
    async def read() -> int:
        asyncio.get_running_loop().set_default_executor(threads)
        rows = Flight.objects.all()
        assert len([row async for row in (rows if verb == "async for" else rows.aiterator())]) == 260
        return threads.calls

    threads = CountingExecutor()
    with session.capture() as sent:
        calls = asyncio.run(read())
    assert calls <= len(sent) + 2  # one finds the end, one closes
    assert len(sent) == 2
