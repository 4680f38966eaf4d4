"""Writing a list changes nothing that the user cannot see: to an administrator, hidden links are as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from directus_orm import (
    ConversionError,
    Forbidden,
    Model,
    Related,
    Session,
    field,
    generated,
    many_to_any,
    many_to_many,
    one_to_many,
)
from directus_orm.instances.state import session_of
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import user

pytestmark = pytest.mark.row_rules


class Paper(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    tags: Related[Label] = many_to_many("articles_tags")
    comments: Related[Remark] = one_to_many("article")


class Ordered(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    tags: Related[Label] = many_to_many("articles_tags", sort="sort")


class Label(Model, collection="tags"):
    id: int = field(default=generated, primary_key=True)
    name: str | None = None


class Remark(Model, collection="comments"):
    id: int = field(default=generated, primary_key=True)
    article: Paper | None = None
    text: str | None = None
    likes: int | None = None


class Front(Model, collection="pages"):
    id: int = field(default=generated, primary_key=True)
    blocks: Related[Banner | Passage] = many_to_any("pages_blocks")


class Banner(Model, collection="heroes"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None


class Passage(Model, collection="texts"):
    id: int = field(default=generated, primary_key=True)
    content: str | None = None


COLLECTIONS = ("articles", "tags", "articles_tags", "comments", "pages", "heroes", "texts", "pages_blocks")
MAY: dict[str, Any] = dict.fromkeys(COLLECTIONS, ("read", "create", "update", "delete"))


@pytest.fixture
def admin(library_server: DirectusServer, session: Session) -> Session:
    if not library_server.version.startswith("11."):
        pytest.skip("10 has no such permissions, and 12 none without a licence")
    return session


Limit = Callable[..., Session]


@pytest.fixture
def limited(library_server: DirectusServer) -> Iterator[Limit]:
    """Opens the session of a user who sees some rows only, or some fields of some rows."""
    opened: list[Any] = []

    def open_session(
        rules: Mapping[str, Any] | None = None, shown: Mapping[str, Any] | None = None, fields: Any = None
    ) -> Session:
        user_token = user(library_server, f"limited{len(opened)}", rules, shown, fields, **MAY)
        session = Session(library_server.url, token=user_token.__enter__())
        opened.extend((user_token, session))
        return session

    yield open_session
    for each in reversed(opened):
        each.close() if isinstance(each, Session) else each.__exit__(None, None, None)


@pytest.fixture
def made(admin: Session) -> Iterator[dict[str, Any]]:
    """An article with three tags and comments, and a page with three blocks; the second of each is hidden."""
    items, keys = admin.items, dict[str, list[Any]]()

    def create(collection: str, rows: list[dict[str, Any]]) -> list[Any]:
        made = [row["id"] for row in items(collection).create(rows)]
        keys.setdefault(collection, []).extend(made)
        return made

    (article,) = create("articles", [{"title": "hidden links"}])
    tags = create("tags", [{"name": name} for name in ("seen", "secret", "seen too", "other")])
    links = create(
        "articles_tags",
        [{"articles_id": article, "tags_id": tag, "sort": n, "note": str(n)} for n, tag in enumerate(tags[:3], 1)],
    )
    comments = create(
        "comments", [{"article": article, "text": text, "likes": n} for n, text in enumerate(("a", "secret", "c"))]
    )
    heroes = create("heroes", [{"title": title} for title in ("seen", "secret", "seen too")])
    (page,) = create("pages", [{"title": "hidden links"}])
    blocks = create(
        "pages_blocks",
        [{"pages_id": page, "collection": "heroes", "item": str(key), "sort": n} for n, key in enumerate(heroes)],
    )
    yield {
        "article": article,
        "tags": tags,
        "links": links,
        "comments": comments,
        "page": page,
        "heroes": heroes,
        "blocks": blocks,
    }
    written = {
        "pages_blocks": ("pages_id", page),
        "articles_tags": ("articles_id", article),
        "comments": ("article", article),
    }
    for collection, (column, key) in written.items():
        rows = items(collection).read(fields="id", limit=-1, filter={column: {"_eq": key}})
        keys[collection] += [row["id"] for row in rows if row["id"] not in keys[collection]]
    for collection in ("pages_blocks", "articles_tags", "comments", "pages", "heroes", "tags", "articles"):
        rows = items(collection).read(fields="id", limit=-1, filter={"id": {"_in": keys[collection]}})
        if rows:
            admin.delete(f"/items/{collection}", [row["id"] for row in rows])


HIDDEN: dict[str, Callable[[dict[str, Any]], tuple[Any, Any]]] = {
    "the related row": lambda made: (
        {
            "tags": {"name": {"_neq": "secret"}},
            "comments": {"text": {"_neq": "secret"}},
            "heroes": {"title": {"_neq": "secret"}},
        },
        None,
    ),
    "the junction row": lambda made: (
        {
            "articles_tags": {"id": {"_neq": made["links"][1]}},
            "pages_blocks": {"id": {"_neq": made["blocks"][1]}},
            "comments": {"id": {"_neq": made["comments"][1]}},
        },
        None,
    ),
    "the field that leads to it": lambda made: (
        {
            "articles_tags": {"id": {"_neq": made["links"][1]}},
            "pages_blocks": {"id": {"_neq": made["blocks"][1]}},
            "comments": {"id": {"_neq": made["comments"][1]}},
        },
        {
            "articles_tags": ["id", "articles_id", "sort", "note"],
            "pages_blocks": ["id", "pages_id", "collection", "sort"],
            "comments": ["id", "text", "likes"],
        },
    ),
    "the field that leads back": lambda made: (
        {
            "articles_tags": {"id": {"_neq": made["links"][1]}},
            "pages_blocks": {"id": {"_neq": made["blocks"][1]}},
            "comments": {"id": {"_neq": made["comments"][1]}},
        },
        {
            "articles_tags": ["id", "tags_id", "sort", "note"],
            "pages_blocks": ["id", "item", "collection", "sort"],
            "comments": ["id", "text", "likes"],
        },
    ),
}


def hidden_links(admin: Session, made: dict[str, Any]) -> list[Any]:
    """Return what the user cannot see, as an administrator sees it."""
    links = admin.items("articles_tags").read(filter={"tags_id": {"_eq": made["tags"][1]}}, limit=-1)
    comments = admin.items("comments").read(filter={"id": {"_eq": made["comments"][1]}})
    blocks = admin.items("pages_blocks").read(
        filter={"collection": {"_eq": "heroes"}, "item": {"_eq": str(made["heroes"][1])}}, limit=-1
    )
    return [links, comments, blocks]


def in_order(paper: Paper) -> Ordered:
    return Ordered.objects.using(session_of(paper)).get(pk=paper.pk)


WRITES: dict[str, Callable[[Paper, Front, dict[str, Any]], object]] = {
    "tags.clear": lambda paper, front, made: paper.tags.clear(),
    "tags.set": lambda paper, front, made: paper.tags.set([made["tags"][3]]),
    "tags.set in order": lambda paper, front, made: in_order(paper).tags.set([made["tags"][2], made["tags"][3]]),
    "tags.remove": lambda paper, front, made: paper.tags.remove(made["tags"][0]),
    "tags.add": lambda paper, front, made: paper.tags.add(made["tags"][3]),
    "comments.clear": lambda paper, front, made: paper.comments.clear(),
    "comments.set": lambda paper, front, made: paper.comments.set([made["comments"][0]]),
    "comments.set of a new one": lambda paper, front, made: paper.comments.set([Remark(text="new")]),
    "comments.remove": lambda paper, front, made: paper.comments.remove(made["comments"][0]),
    "blocks.clear": lambda paper, front, made: front.blocks.clear(),
    "blocks.set": lambda paper, front, made: front.blocks.set([Banner.objects.ref(made["heroes"][0])]),
    "blocks.remove": lambda paper, front, made: front.blocks.remove(Banner.objects.ref(made["heroes"][0])),
    "save": lambda paper, front, made: paper.save(update_fields=["title"]),
}


# What would unlink a row that the list shows, by a field that it does not show.
REFUSED = {
    ("the field that leads to it", "blocks.clear"),
    ("the field that leads to it", "blocks.set"),
    ("the field that leads back", "tags.clear"),
    ("the field that leads back", "tags.set"),
    ("the field that leads back", "tags.set in order"),
    ("the field that leads back", "blocks.clear"),
    ("the field that leads back", "blocks.set"),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_links_stay(admin: Session, limited: Limit, made: dict[str, Any], hidden: str, name: str) -> None:
    session, before = limited(*HIDDEN[hidden](made)), hidden_links(admin, made)
    paper = Paper.objects.using(session).get(pk=made["article"])
    front = Front.objects.using(session).get(pk=made["page"])
    if (hidden, name) in REFUSED:
        with session.capture() as sent, pytest.raises(ConversionError, match=r"_id is hidden|item is hidden"):
            WRITES[name](paper, front, made)
        assert all(entry.request.reads for entry in sent)
    else:
        WRITES[name](paper, front, made)
    assert hidden_links(admin, made) == before


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_list_that_was_cleared_is_empty(limited: Limit, made: dict[str, Any], hidden: str) -> None:
    """Where a hidden link would remain that the list shows, `clear` refuses."""
    session = limited(*HIDDEN[hidden](made))
    paper = Paper.objects.using(session).get(pk=made["article"])
    front = Front.objects.using(session).get(pk=made["page"])
    lists: dict[str, Any] = {"tags": paper.tags, "comments": paper.comments, "blocks": front.blocks}
    for name, rows in lists.items():
        if (hidden, f"{name}.clear") not in REFUSED:
            rows.clear()
            assert list(rows.all()) == []


@pytest.mark.parametrize("name", [name for name in WRITES if name.startswith("blocks")])
def test_blocks_stay_where_their_collection_is_hidden(
    admin: Session, limited: Limit, made: dict[str, Any], name: str
) -> None:
    rules, shown = (
        {"pages_blocks": {"id": {"_neq": made["blocks"][1]}}},
        {"pages_blocks": ["id", "pages_id", "item"]},
    )
    session, before = limited(rules, shown), hidden_links(admin, made)
    WRITES[name](Paper(), Front.objects.using(session).get(pk=made["page"]), made)
    assert hidden_links(admin, made) == before


# Fields that link rows, each of which the user may read on no row at all.
UNREADABLE: dict[str, dict[str, list[str]]] = {
    "tags_id": {"articles_tags": ["id", "articles_id", "sort"]},
    "articles_id": {"articles_tags": ["id", "tags_id", "sort"]},
    "item": {"pages_blocks": ["id", "pages_id", "collection"]},
    "pages_id": {"pages_blocks": ["id", "item", "collection"]},
    "collection": {"pages_blocks": ["id", "pages_id", "item"]},
    "article": {"comments": ["id", "text"]},
}


@pytest.mark.parametrize("column", UNREADABLE)
def test_nothing_is_sent_if_nobody_can_tell_what_is_linked(
    admin: Session, limited: Limit, made: dict[str, Any], column: str
) -> None:
    session, before = limited(fields=UNREADABLE[column]), hidden_links(admin, made)
    paper = Paper.objects.using(session).get(pk=made["article"])
    front = Front.objects.using(session).get(pk=made["page"])
    lists: dict[str, Any] = {"articles_tags": paper.tags, "pages_blocks": front.blocks, "comments": paper.comments}
    (junction,) = UNREADABLE[column]
    for write in (lists[junction].clear, lambda: lists[junction].set([])):
        with session.capture() as sent, pytest.raises(Forbidden, match=column):
            write()
        assert all(entry.request.reads for entry in sent)
    assert hidden_links(admin, made) == before
