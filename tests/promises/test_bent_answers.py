"""Whatever a server answers, a call returns, or it raises an error of this package that says what came.

True answers are recorded from a real server for every verb; then one of them is bent, and the verb runs again.
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import os
import random
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from directus_orm import Avg, Count, DirectusError, Max, Prefetch, TransportError, current_session
from directus_orm.testing import start
from tests.worlds import library
from tests.worlds.library import Article, Author, Comment, Hero, Page, Tag, Text
from tests.worlds.replay import Answer, Recording, recording, replaying

EXAMPLES = int(os.environ.get("BENT_ANSWERS", "6"))
"""How many answers of each verb are bent."""


# --- the verbs --------------------------------------------------------------------------------------------------


def _seen(rows: Any) -> list[Any]:
    """Read every field of instances, and return the instances."""
    instances = list(rows)
    for instance in instances:
        for name in type(instance).directus.fields:
            try:
                getattr(instance, name)
            except DirectusError:
                continue
    return instances


def _checked_keys(rows: Any, keys: set[Any]) -> None:
    found = [row.pk for row in _seen(rows)]
    assert len(found) == len(set(found)), f"a row came twice: {found}"
    assert set(found) <= keys, f"rows came that were not asked for: {set(found) - keys}"


def loop_by_key() -> None:
    _seen(Article.objects.filter(id__lt=30))


def loop_by_pages() -> None:
    found = [row.pk for row in Article.objects.filter(id__lt=12).iterator(page_size=4, read_ahead=0)]
    assert len(found) == len(set(found)), f"a row came twice: {found}"


def loop_by_other_order() -> None:
    found = [
        row.pk for row in Article.objects.filter(id__lt=20).order_by("-views").iterator(page_size=5, read_ahead=0)
    ]
    assert len(found) == len(set(found)), f"a row came twice: {found}"


def values() -> None:
    list(Article.objects.filter(id__lt=9).values("id", "title", "author__name", "price", "published", "day"))
    list(Article.objects.filter(id__lt=9).values_list("views", flat=True))


def annotated() -> None:
    list(Author.objects.annotate(n=Count("articles")).order_by("pk"))
    list(Article.objects.filter(id__lt=9).annotate(n=Count("tags")).values("id", "n"))


def in_bulk() -> None:
    _checked_keys(Article.objects.in_bulk([2, 5, 9, 1000]).values(), {2, 5, 9})


def get() -> None:
    assert Article.objects.get(pk=7).pk == 7
    article = Article.objects.filter(pk__in=[7, 9]).first()
    assert article is None or article.pk in {7, 9}
    Article.objects.filter(pk=7).exists()
    article = Article.objects.filter(id__gt=3).first()
    if article is not None:
        key = article.pk
        article.refresh()
        assert article.pk == key


def page() -> None:
    _checked_keys(Article.objects.filter(id__lt=30).page(2, 5).rows, set(range(1000)))
    _checked_keys(Article.objects.filter(pk__in=[3, 8, 12]).page(1, 5).rows, {3, 8, 12})


def count() -> None:
    assert type(Article.objects.filter(id__lt=30).count()) is int
    Article.objects.filter(tags__name="new").count()
    Article.objects.filter(title="Red").exists()


def aggregate() -> None:
    Article.objects.aggregate(n=Count("*"), mean=Avg("views"), last=Max("published"), price=Max("price"))


def groups() -> None:
    list(Article.objects.values("author").annotate(n=Count("*"), mean=Avg("views")).order_by("-n"))
    list(Article.objects.values("category__name").annotate(n=Count("*"), days=Count("day", distinct=True)))
    list(Article.objects.values("published__year").annotate(high=Max("price")).filter(high__gt=5))


def dates() -> None:
    list(Article.objects.dates("day", "month"))


def lazy_relation() -> None:
    for article in Article.objects.filter(id__lt=9):
        _ = article.author.name if article.author else None
    _ = Author.objects.ref(4).name


def lazy_field() -> None:
    for article in Article.objects.filter(id__lt=9).only("title"):
        _ = article.views, article.price


def lazy_list() -> None:
    for article in Article.objects.filter(id__lt=9):
        _ = list(article.tags), list(article.comments)


def prefetched() -> None:
    rows = Article.objects.filter(id__lt=30).select_related("author", "category__parent")
    for article in _seen(rows.prefetch_related("tags", Prefetch("comments", Comment.objects.order_by("-id")[:2]))):
        _ = article.author and article.author.name, list(article.tags), list(article.comments)


def prefetched_any() -> None:
    for each in Page.objects.prefetch_related("blocks"):
        _ = list(each.blocks)


def text_recheck() -> None:
    list(Article.objects.filter(title__contains="%"))
    list(Article.objects.filter(author__name__contains="_"))


def create() -> None:
    Article.objects.create(title="new", price=Decimal("1.50")).delete()


def create_nested() -> None:
    made = Article(title="nested", author=Author(name="of it"))
    made.tags.add(Tag(name="one"), Tag(name="two"))
    made.save()
    made.refresh()


def get_or_create() -> None:
    tag, _ = Tag.objects.get_or_create(name="brand new")
    Tag.objects.update_or_create(name="brand new", defaults={"name": "newer"})
    tag.delete()


def save() -> None:
    article = Article.objects.get(pk=4)
    article.title, article.views = "changed", 77
    article.save()
    article.views = 78
    article.save(if_unmodified=True)
    article.refresh()


def bulk_create() -> None:
    made = Tag.objects.bulk_create([Tag(name=f"made {n}") for n in range(4)])
    keys = [tag.pk for tag in made if tag.pk is not None]
    assert len(keys) == len(set(keys)), f"a key came twice: {keys}"


def bulk_update() -> None:
    tags = list(Tag.objects.filter(id__lt=4))
    for tag in tags:
        tag.name = f"better {tag.pk}"
    assert 0 <= Tag.objects.bulk_update(tags, ["name"]) <= 3


def update() -> None:
    assert type(Article.objects.filter(id__lt=6).update(views=5)) is int


def delete() -> None:
    made = Comment.objects.create(text="short")
    made.delete()
    Comment.objects.filter(text="none such", likes=17).delete()
    Comment.objects.filter(id=3).delete()


def upsert() -> None:
    tags = list(Tag.objects.filter(id__lt=3))
    tags[0].name = "upserted"
    Tag.objects.upsert([*tags, Tag(id=901, name="with key")])


def related() -> None:
    article = Article.objects.get(pk=11)
    article.tags.add(Tag.objects.ref(1), Tag.objects.ref(2))
    article.tags.set([Tag.objects.ref(2), Tag.objects.ref(3)])
    article.tags.remove(Tag.objects.ref(3))
    article.comments.create(text="from the list")
    article.comments.add(Comment.objects.ref(5))
    article.tags.clear()


def related_any() -> None:
    first = Page.objects.get(pk=1)
    first.blocks.add(Hero.objects.ref(3), Text.objects.ref(4))
    first.blocks.set([Text.objects.ref(2)])


def plain_items() -> None:
    items = current_session().items("tags")
    items.read(fields="*", limit=3)
    items.read(1)
    key = items.create({"name": "plain"})
    items.update(key["id"] if isinstance(key, dict) and isinstance(key.get("id"), int) else 8, {"name": "plainer"})
    items.create([{"name": "a"}, {"name": "b"}])
    items.delete(8)


def raw() -> None:
    session = current_session()
    session.get("/items/tags", {"limit": 1})
    session.search("/items/tags", {"limit": 1})
    session.post("/items/tags", {"name": "x"})
    session.patch("/items/tags/1", {"name": "y"})
    session.delete("/items/comments/7")
    session.graphql("{ tags { id } }")


def status() -> None:
    session = current_session()
    info = session.info(fresh=True)
    _ = info.major, info.version, info.capabilities, info.max_rows, info.rate_limit, repr(info), hash(info)
    health = session.health()
    _ = health.problems, repr(health)
    session.ping()


def tables() -> None:
    Article.objects.filter(id__lt=9).values("id", "price", "published", "title").to_arrow()


async def _asynchronous() -> None:
    async for _ in Article.objects.filter(id__lt=9):
        pass
    await Article.objects.acount()
    made = await Tag.objects.acreate(name="async")
    await made.adelete()
    await current_session().ainfo(fresh=True)


def asynchronous() -> None:
    asyncio.run(_asynchronous())


def login() -> None:
    current_session().items("tags").read(1)
    auth: Any = current_session()._state.auth
    auth._tokens = attrs.evolve(auth._tokens, due=0)
    current_session().items("tags").read(2)


VERBS: dict[str, Callable[[], None]] = {
    verb.__name__: verb
    for verb in (
        *(
            loop_by_key,
            loop_by_pages,
            loop_by_other_order,
            values,
            annotated,
            in_bulk,
            get,
            page,
            count,
            aggregate,
        ),
        *(groups, dates, lazy_relation, lazy_field, lazy_list, prefetched, prefetched_any, text_recheck, create),
        *(create_nested, get_or_create, save, bulk_create, bulk_update, update, delete, upsert, related),
        *(related_any, plain_items, raw, status, tables, asynchronous, login),
    )
}
LOGINS = {"login": "json", "login_by_cookie": "session"}


# --- bending ----------------------------------------------------------------------------------------------------

# fmt: off
_ODD: list[Any] = [
    None, True, False, 0, -1, 7, 1.5, float("nan"), float("inf"), 2**53, 2**70, 10**400,
    "", "x", "7", "null", "\ud800", "2020-13-45", "9" * 5000,
    [], {}, [None], [[]], {"id": 1}, {"id": None}, [{}], [{"id": 3}], [{"id": {}}], [1, 2], {"a": []},
    {"errors": []}, {"data": None}, [{"message": 5}], {"message": {}, "extensions": []},
]
# fmt: on


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a JSON value: its container, and the key or index in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


def _bend_json(value: Any, draw: random.Random) -> Any:
    root = {"": value}
    container, key = draw.choice(list(_places(root)))
    odd = copy.deepcopy(draw.choice(_ODD))
    match draw.choice(["replace", "drop", "repeat", "add", "wrap", "keys", "foreign"]):
        case "replace":
            container[key] = odd
        case "drop":
            del container[key]
        case "repeat" if isinstance(container, list):
            container.append(container[key])
        case "add" if isinstance(container, list):
            container.insert(key, odd)
        case "add":
            container[f"{key}x"] = odd
        case "wrap":
            container[key] = draw.choice([[container[key]], {"data": container[key]}, str(container[key])])
        case "keys" if isinstance(container[key], dict):
            container[key] = list(container[key])
        case "foreign" if isinstance(container[key], int):
            container[key] += draw.choice([1, 500, 2**53])
        case _:
            container[key] = odd
    return root.get("")


_BODIES: list[bytes] = [
    *(b"", b" ", b"null", b"[]", b"{}", b"7", b"nonsense", b"<html><body>Welcome</body></html>", b"\xff\xfe\x00"),
    *(b'{"data":' + b"[" * 10_000, b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}", b"[" * 200_000),
    *(b'{"data": NaN}', b'{"data": [{"id": 1, "id": 2}]}', b'{"data": [{"id": Infinity}]}', b"9" * 10_000),
    *(b'{"data": "\\ud800"}', b'{"data": [{"id": 1' + b"0" * 5000 + b"}]}", b'{"errors": 5}', b'{"errors": [5]}'),
    *(b'{"errors": [{"message": {"a": 1}, "extensions": {"code": ["X"]}}]}', b'{"errors": {"message": "x"}}'),
    *(b'{"errors": [{"message": "x", "extensions": {"code": "FORBIDDEN"}}]}', b'{"error": "x", "data": null}'),
    b'{"errors": [{"message": null, "extensions": {"code": "RECORD_NOT_UNIQUE", "field": {"a": []}}}]}',
    b'{"errors": [{"message": "limit must be less than or equal to 0", "extensions": {"code": "INVALID_QUERY"}}]}',
    b'{"errors": [{"message": "limit must be less than or equal to ' + b"9" * 5000 + b'"}]}',
]
_HEADERS: list[dict[str, str]] = [
    *({"Content-Type": "text/html"}, {"Content-Type": "\xe9"}, {"Content-Encoding": "gzip"}, {"Retry-After": "x"}),
    *({"Content-Encoding": "deflate"}, {"Content-Encoding": "zstd"}, {"Content-Encoding": "gzip, gzip"}),
    *({"Content-Type": "application/health+json"}, {"Retry-After": "9" * 400}, {"Retry-After": "Mon, 99 Foo"}),
    *(
        {"Age": "x"},
        {"Cache-Control": "max-age=9"},
        {"Location": "\x00"},
        {"Content-Type": "application/json; charset=x"},
    ),
]
_STATUSES = [
    200,
    201,
    204,
    206,
    299,
    300,
    302,
    304,
    400,
    401,
    403,
    404,
    409,
    413,
    418,
    429,
    431,
    500,
    502,
    503,
    504,
    521,
    599,
    999,
]


@attrs.frozen
class _Bent:
    """Bends a response as chance decides."""

    draw: random.Random

    def __call__(self, answer: Answer) -> Answer:
        for _ in range(self.draw.choice([1, 1, 1, 2])):
            answer = self._bent(answer)
        return answer

    def _bent(self, answer: Answer) -> Answer:
        draw = self.draw
        match draw.choice(["json"] * 8 + ["body", "status", "status", "headers", "cut", "bom", "gzip"]):
            case "json":
                try:
                    value = answer.json()
                except (ValueError, RecursionError):
                    value = None
                return attrs.evolve(answer, body=json.dumps(_bend_json(value, draw)).encode())
            case "body":
                return attrs.evolve(answer, body=draw.choice(_BODIES))
            case "status":
                return attrs.evolve(answer, status=draw.choice(_STATUSES))
            case "headers":
                return attrs.evolve(answer, headers={**answer.headers, **draw.choice(_HEADERS)})
            case "cut":
                return attrs.evolve(answer, body=answer.body[: draw.randint(0, len(answer.body))])
            case "bom":
                return attrs.evolve(answer, body=b"\xef\xbb\xbf" + answer.body)
            case _:
                body = gzip.compress(answer.body)[: draw.randint(0, 40)]
                return attrs.evolve(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})


# --- the promise ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings() -> dict[str, Recording]:
    """The true responses to each verb, of a server whose rows the verbs may change."""
    made = {}
    with start() as server:
        library.build(server)
        for name, verb in VERBS.items():
            if name in LOGINS:
                continue
            with recording(server.url, token=server.token) as made[name]:
                verb()
        for name, mode in LOGINS.items():
            with recording(server.url, email=server.email, password=server.password, mode=mode) as made[name]:
                login()
    return made


def options_of(name: str) -> dict[str, Any]:
    """Return the options of the session that runs a verb."""
    return {"email": "a@example.com", "password": "x", "mode": LOGINS[name]} if name in LOGINS else {"token": "t"}


@pytest.mark.parametrize("name", [*VERBS, "login_by_cookie"])
def test_true_answers_are_taken(name: str, recordings: dict[str, Recording]) -> None:
    """So that what fails below fails by what was bent."""
    with replaying(recordings[name], {}, **options_of(name)):
        VERBS.get(name, login)()


# `save` is left out: what it reads later proves that its writes were applied.
_WRITING = (create, create_nested, get_or_create, bulk_create, bulk_update, upsert, related, related_any)


@pytest.mark.parametrize("body", [b"<html>", b'{"data": [', b"nonsense", b"{}", b'{"data": 7}'])
@pytest.mark.parametrize("verb", _WRITING)
def test_an_unreadable_answer_to_a_write_is_no_success(
    verb: Callable[[], None], body: bytes, recordings: dict[str, Recording]
) -> None:
    """Nothing is made up: the write is looked up, and where that proves nothing, an error says so."""
    true = recordings[verb.__name__]
    writes = [place for place, exchange in enumerate(true) if exchange.writes and exchange.answer.body]
    assert writes
    for place in writes:
        bend = {place: lambda answer: attrs.evolve(answer, body=body)}
        with replaying(true, bend, **options_of(verb.__name__)), pytest.raises(DirectusError):
            verb()


@pytest.mark.parametrize("name", [*VERBS, "login_by_cookie"])
def test_any_answer_is_taken_or_ends_in_a_typed_error(name: str, recordings: dict[str, Recording]) -> None:
    """It never ends in a KeyError, nor in rows that were not asked for."""
    true = recordings[name]
    for number in range(EXAMPLES):
        draw = random.Random(f"{name} {number}")
        place = draw.randrange(len(true))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with replaying(true, {place: _Bent(draw)}, **options_of(name)):
                    VERBS.get(name, login)()
            except DirectusError as error:
                str(error), repr(error)
            except BaseException as error:
                error.add_note(f"the response to {true[place]} was bent, number {number}")
                raise


@pytest.mark.parametrize(
    ("place", "bend"),
    [(0, lambda rows: [rows[0], *rows]), (1, lambda rows: [*rows[:-1], {**rows[-1], "id": 13}])],
    ids=["a row twice", "another row"],
)
def test_a_page_of_other_rows_is_an_error(
    place: int, bend: Callable[[list[Any]], list[Any]], recordings: dict[str, Recording]
) -> None:
    def bent(answer: Answer) -> Answer:
        body = answer.json()
        return attrs.evolve(answer, body=json.dumps({**body, "data": bend(body["data"][:3])}).encode())

    with (
        replaying(recordings["page"], {place: bent}, token="t"),
        pytest.raises(TransportError, match="not asked for"),
    ):
        page()
