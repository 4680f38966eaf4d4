"""A condition over a relation that the server does not have raises; Directus 10 would match all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from directus_orm import (
    ConfigurationError,
    Count,
    DirectusError,
    Forbidden,
    Model,
    Prefetch,
    Q,
    QuerySet,
    Related,
    Session,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import FaultProxy, Message
from tests.worlds.library import Article, Category, Hero, Tag, Text
from tests.worlds.server_setup import delete, list_field, make_field, user


class Tale(Model, collection="articles"):
    """Lists that the server has under other names, or not at all."""

    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    writer: Novelist | None = field(default=None, name="author")
    prequel: Tale | None = field(default=None, name="views")
    comments: Related[Reply] = one_to_many("story")
    remarks: Related[Reply] = one_to_many("story")
    labels: Related[Tag] = many_to_many("articles_tags")
    tags: Related[Tag] = many_to_many("articles_tags", target="tag_id")
    divider: Related[Reply] = one_to_many("story")


class Reply(Model, collection="comments"):
    id: int = field(default=generated, primary_key=True)
    story: Tale | None = field(default=None, name="article")
    text: str | None = None
    likes: Novelist | None = None
    critics: Related[Novelist] = one_to_many("reply")


class Novelist(Model, collection="authors"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None
    reply: Reply | None = None
    stories: Related[Tale] = one_to_many("writer", name="articles")


class Sheet(Model, collection="pages"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    parts: Related[Hero | Text] = many_to_any("pages_blocks")
    blocks: Related[Hero | Text] = many_to_any("pages_blocks", target="itm")


CONDITIONS: dict[str, Callable[[], QuerySet[Any]]] = {
    "a list": lambda: Tale.objects.filter(remarks__text="zzz"),
    "a list, by key": lambda: Tale.objects.filter(remarks=-1),
    "a list, excluded": lambda: Tale.objects.exclude(remarks__text="zzz"),
    "a list, none": lambda: Tale.objects.filter(Q(remarks__none=Q(text="zzz"))),
    "a list, empty": lambda: Tale.objects.filter(remarks__isnull=False),
    "a list, twice": lambda: Tale.objects.filter(remarks__text="a").filter(remarks__text="b"),
    "a list, or another condition": lambda: Tale.objects.filter(Q(remarks__text="zzz") | Q(title="zzz")),
    "a junction": lambda: Tale.objects.filter(labels__name="zzz"),
    "a junction, by key": lambda: Tale.objects.filter(labels=-1),
    "a junction's target": lambda: Tale.objects.filter(tags__name="zzz"),
    "a many-to-any": lambda: Sheet.objects.filter(parts__hero__title="zzz"),
    "a many-to-any's target": lambda: Sheet.objects.filter(blocks__hero__title="zzz"),
    "a list that is no relation": lambda: Tale.objects.filter(divider__text="zzz"),
    "behind a many-to-one": lambda: Reply.objects.filter(story__remarks__text="zzz"),
    "inside a list": lambda: Tale.objects.filter(comments__critics__name="zzz"),
    "a many-to-one inside a list": lambda: Tale.objects.filter(comments__likes__name="zzz"),
    "beside a list": lambda: Reply.objects.filter(likes__name="zzz", story__comments__text="zzz"),
}

VERBS: dict[str, Callable[[QuerySet[Any]], Any]] = {
    "list": list,
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "get": lambda rows: rows.get(),
    "last": lambda rows: rows.last(),
    "page": lambda rows: rows.page(1, 2),
    "values": lambda rows: list(rows.values("id")),
    "iterator": lambda rows: list(rows.iterator()),
    "in_bulk": lambda rows: rows.in_bulk([1, 2]),
    "partition": lambda rows: [list(part) for part in rows.partition(2)],
    "aggregate": lambda rows: rows.aggregate(n=Count("*")),
    "groups": lambda rows: list(rows.values("title").annotate(n=Count("*"))),
    "update": lambda rows: rows.update(title="changed"),
    "delete": lambda rows: rows.delete(),
    "as the values of another query": lambda rows: Tag.objects.filter(pk__in=rows.values("id")).delete(),
}


@pytest.fixture(scope="module", autouse=True)
def divider(library_server: DirectusServer) -> Iterator[None]:
    """A field without a column that is no list, as Studio makes them to divide a form."""
    divider = list_field("divider", "alias")
    make_field(library_server, "articles", {**divider, "meta": {"special": ["alias", "no-data"]}})
    yield
    delete(library_server, "/fields/articles/divider")


@pytest.fixture(autouse=True)
def rows_stay(library_session: Session) -> Iterator[None]:
    before = [sorted(model.objects.values_list("id", "title")) for model in (Tale, Sheet)]
    yield
    assert [sorted(model.objects.values_list("id", "title")) for model in (Tale, Sheet)] == before


@pytest.fixture
def error(is_directus_10: bool) -> type[DirectusError]:
    """What is raised: later versions than 10 refuse the condition themselves."""
    return ConfigurationError if is_directus_10 else Forbidden


class TestRelationsThatAreNotThere:
    @pytest.mark.parametrize("condition", CONDITIONS)
    def test_each_kind_of_condition_raises(self, condition: str, error: type[DirectusError]) -> None:
        with pytest.raises(error):
            CONDITIONS[condition]().count()

    @pytest.mark.parametrize("verb", VERBS)
    def test_each_verb_raises(self, verb: str, error: type[DirectusError]) -> None:
        """No row is changed, either."""
        with pytest.raises(error) as caught:
            VERBS[verb](Tale.objects.filter(remarks__text="zzz"))
        said = [str(caught.value), *caught.value.__notes__]
        assert "'articles' has no list 'remarks'" in "".join(said)
        assert "name=" in "".join(said)

    @pytest.mark.parametrize(
        "read",
        [
            lambda: list(Novelist.objects.prefetch_related(Prefetch("stories", CONDITIONS["a list"]()))),
            lambda: Novelist.objects.prefetch_related("stories")[0].stories.filter(remarks__text="zzz").count(),
            lambda: Tale.objects.aggregate(n=Count("*", filter=Q(remarks__text="zzz"))),
            lambda: list(Tale.objects.annotate(n=Count("remarks"))),
            lambda: list(Tale.objects.annotate(n=Count("labels"))),
            lambda: list(Tale.objects.alias(n=Count("remarks")).order_by("n")),
            lambda: list(Tale.objects.alias(n=Count("remarks")).filter(n__gt=0)),
            lambda: Tale.objects.filter(remarks__count__gt=0).delete(),
            lambda: Tale.objects.values("remarks__text").annotate(n=Count("*")).count(),
        ],
    )
    def test_conditions_in_other_places_raise(self, article: Article, read: Callable[[], Any]) -> None:
        with pytest.raises(DirectusError):
            read()

    def test_a_user_with_few_rights_is_not_told_all_rows_either(
        self, library_server: DirectusServer, error: type[DirectusError]
    ) -> None:
        rights: Any = {"articles": ["read", "delete"], "authors": ["read"], "comments": ["read"]}
        with user(library_server, "few", **rights) as token, Session(library_server.url, token=token) as session:
            rows = Tale.objects.using(session)
            with pytest.raises(error):
                rows.filter(Q(remarks__none=Q(text="zzz"))).delete()
            assert rows.filter(comments__text="zzz").count() == 0

    def test_a_list_that_a_user_may_not_read_is_left_to_the_server(self, library_server: DirectusServer) -> None:
        """Directus 10 answers rightly, and later versions refuse."""
        with (
            user(library_server, "fewer", articles=["read"]) as token,
            Session(library_server.url, token=token) as session,
            suppress(Forbidden),
        ):
            assert Tale.objects.using(session).filter(comments__text="zzz").count() == 0

    def test_the_version_stays_unknown_where_a_gateway_hides_it(
        self, library_server: DirectusServer, open_session: Callable[..., Session], error: type[DirectusError]
    ) -> None:
        """Then each relation is looked for."""
        with hidden(library_server.port) as gateway:
            rows = Tale.objects.using(open_session(gateway.url, token=library_server.token))
            assert rows.filter(comments__text="zzz").count() == 0
            with pytest.raises(error):
                rows.filter(remarks__text="zzz").count()


class TestFieldsThatAreNoRelations:
    """All versions leave out a condition that goes on with the name of a field of the rows themselves."""

    @pytest.mark.parametrize(
        "condition",
        [
            Q(prequel__title="zzz"),
            ~Q(prequel__title="zzz"),
            Q(prequel__comments__text="zzz"),
            Q(prequel__writer=-1),
        ],
    )
    @pytest.mark.parametrize("verb", ["list", "count", "update", "delete"])
    def test_a_condition_over_one_raises(self, condition: Q, verb: str) -> None:
        with pytest.raises(
            ConfigurationError, match=r"Tale\.prequel: the field 'views' of 'articles' is no relation"
        ):
            VERBS[verb](Tale.objects.filter(condition))

    def test_it_raises_inside_lists_too(self, library_session: Session) -> None:
        with pytest.raises(ConfigurationError, match="is no relation"):
            Novelist.objects.filter(stories__prequel__title="zzz").count()
        with pytest.raises(ConfigurationError, match="is no relation"):
            list(Novelist.objects.prefetch_related(Prefetch("stories", Tale.objects.filter(prequel__title="zzz"))))


class Gateway(FaultProxy):
    """Does not show what the server says of itself."""

    def _meet(self, fault: Any, message: Message, client: Any, upstream: Any) -> None:
        if message.target.startswith("/server/"):
            client.sendall(b"HTTP/1.1 403 no\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")
        else:
            super()._meet(fault, message, client, upstream)


@contextmanager
def hidden(port: int) -> Iterator[Gateway]:
    gateway = Gateway(port)
    yield gateway
    gateway.stop()


class TestWhatItCosts:
    def test_the_version_is_asked_once(
        self, library_session: Session, library_server: DirectusServer, is_directus_10: bool
    ) -> None:
        """On Directus 10 each relation is looked for once as well."""
        with library_session.capture() as sent:
            Article.objects.filter(comments__text="zzz").count()
        assert [entry.purpose for entry in sent] == ["info", *(["info"] if is_directus_10 else []), "data"]
        others = (
            library_session,
            library_session.with_options(timeout=9),
            library_session.with_options(token=library_server.token),
        )
        for session in others:
            with session.capture() as sent:
                Article.objects.using(session).filter(comments__text="zzz").count()
                Article.objects.using(session).filter(comments__likes__gt=7).exists()
            assert [entry.purpose for entry in sent] == ["data", "data"]

    def test_other_conditions_cost_nothing(self, library_session: Session) -> None:
        with library_session.capture() as sent:
            Article.objects.filter(author__name="Ann", title__contains="e").count()
            Article.objects.exclude(category=None).first()
            list(Article.objects.prefetch_related("tags", "comments")[:3])
        assert [entry.purpose for entry in sent] == ["data"] * 3

    def test_nothing_is_asked_of_a_server_whose_version_is_known(
        self, library_session: Session, is_directus_10: bool
    ) -> None:
        library_session.info()
        with library_session.capture() as sent:
            Article.objects.filter(tags__name="zzz").count()
        assert len(sent) == 1 + is_directus_10

    def test_a_relation_to_the_own_collection_is_looked_for_once(self, library_session: Session) -> None:
        """If it were an ordinary field, no version would refuse the condition."""
        for looks in (1, 0):
            with library_session.capture() as sent:
                assert Category.objects.filter(parent__name="zzz").count() == 0
            assert [entry.purpose for entry in sent] == ["info"] * looks + ["data"]
