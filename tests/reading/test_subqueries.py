"""Conditions on lists of related rows: those that the server drops or mixes up are sent in another form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from directus_orm import FieldError, Q, QueryError, Session, UnsupportedQuery
from directus_orm.testing import DirectusServer
from tests.worlds.library import ROWS, Article, Author, Page, Tag

COMMENTS = ROWS["comments"]
KEYS = {row["id"] for row in ROWS["articles"]}


def with_comment(rule: Any) -> set[int]:
    """Return the keys of the articles that have a comment of which a rule holds."""
    return {row["article"] for row in COMMENTS if row["article"] and rule(row)}


def keys(rows: Any) -> set[int]:
    found = [row.pk for row in rows]
    assert len(set(found)) == len(found), "an instance came twice"
    assert rows.all().count() == len(found)
    return set(found)


def liked(row: dict[str, Any]) -> bool:
    return bool(row["likes"] is not None and row["likes"] > 1)


def test_some_and_none_carry_one_condition_to_the_server(library_server: DirectusServer, session: Session) -> None:
    """G2: of several conditions in ``_some`` the server drops all, and every row matches."""
    both = {"comments": {"_some": {"author": {"_nnull": True}, "likes": {"_gt": 1}}}}
    sent_as_it_is = session.items("articles").read(fields="id", filter=both, limit=-1)
    if not library_server.version.startswith("10."):  # which does it right
        assert {row["id"] for row in sent_as_it_is} == KEYS
    meant = with_comment(lambda row: liked(row) and row["author"])
    assert 0 < len(meant) < len(KEYS)
    asked = Q(author__isnull=False, likes__gt=1)
    with session.capture() as sent:
        assert keys(Article.objects.filter(comments__some=asked)) == meant
        assert keys(Article.objects.filter(comments__none=asked)) == KEYS - meant
        assert keys(Article.objects.exclude(comments__some=asked)) == KEYS - meant
        few = with_comment(lambda row: liked(row) and row["author"] and row["likes"] != 2)
        assert keys(Article.objects.filter(comments__some=asked & ~Q(likes=2))) == few
    for entry in sent:
        assert _most_in_a_quantifier(dict(entry.request.params).get("filter", "{}")) <= 1


def _most_in_a_quantifier(text: str) -> int:
    def width(rule: Any) -> int:
        if not isinstance(rule, dict):
            return 1
        if "_and" in rule or "_or" in rule:
            return 99
        return max([len(rule), *map(width, rule.values())], default=0)

    def most(rule: Any) -> int:
        if isinstance(rule, list):
            return max(map(most, rule), default=0)
        if not isinstance(rule, dict):
            return 0
        inside = [width(part) for name, part in rule.items() if name in ("_some", "_none")]
        return max([*inside, *map(most, rule.values())], default=0)

    return most(json.loads(text))


def test_one_call_speaks_of_one_row_and_two_calls_of_two(library_server: DirectusServer, session: Session) -> None:
    one = Article.objects.filter(comments__author__isnull=False, comments__likes__gt=1)
    two = Article.objects.filter(comments__author__isnull=False).filter(comments__likes__gt=1)
    assert keys(one) == with_comment(lambda row: liked(row) and row["author"])
    assert keys(two) == with_comment(lambda row: row["author"]) & with_comment(liked)
    assert keys(one) < keys(two)


def test_two_conditions_on_one_relation_need_a_sub_query(library_server: DirectusServer, session: Session) -> None:
    """The server joins a list once for the whole filter: a second group would speak of the same row."""
    first = Article.objects.filter(comments__likes__gt=0, comments__author__isnull=False)
    both = first.filter(comments__likes=0, comments__text__isnull=False)
    wanted = with_comment(lambda row: (row["likes"] or 0) > 0 and row["author"]) & with_comment(
        lambda row: row["likes"] == 0 and row["text"] is not None
    )
    with session.capture() as sent:
        assert {article.pk for article in both} == wanted
    assert [entry.purpose for entry in sent].count("data") == 2


def test_a_list_without_rows_differs_from_a_row_of_nulls(library_server: DirectusServer, session: Session) -> None:
    assert keys(Article.objects.filter(comments__isnull=True)) == KEYS - with_comment(lambda row: True)
    assert keys(Article.objects.filter(comments__isnull=False)) == with_comment(lambda row: True)
    nulls = with_comment(lambda row: row["text"] is None)
    assert keys(Article.objects.filter(comments__some=Q(text=None))) == nulls
    assert keys(Article.objects.filter(comments__none=Q(text=None))) == KEYS - nulls
    assert keys(Article.objects.filter(comments__some=Q(text=None, likes=None))) == with_comment(
        lambda row: row["text"] is None and row["likes"] is None
    )


def test_a_junction_row_without_a_related_row_is_no_related_row(
    library_server: DirectusServer, session: Session
) -> None:
    """What a server keeps when the tag is deleted."""
    lonely = next(
        key for key in sorted(KEYS) if not any(row["articles_id"] == key for row in ROWS["articles_tags"])
    )
    orphan = session.items("articles_tags").create({"articles_id": lonely, "tags_id": None})["id"]
    try:
        for found in (
            Article.objects.filter(tags__isnull=False),
            Article.objects.filter(tags__some=Q(name=None)),
            Article.objects.filter(tags__pk__isnull=False, tags__name=None),
        ):
            assert lonely not in keys(found)
        assert lonely in keys(Article.objects.filter(tags__isnull=True))
        assert list(Article.objects.get(pk=lonely).tags) == []
    finally:
        session.delete(f"/items/articles_tags/{orphan}")


def test_counts_of_related_rows_are_compared(library_server: DirectusServer, session: Session) -> None:
    numbers = {key: sum(row["article"] == key for row in COMMENTS) for key in KEYS}
    for lookup, rule in (
        ("", lambda n: n == 2),
        ("__gt", lambda n: n > 2),
        ("__lte", lambda n: n <= 2),
        ("__in", lambda n: n in (0, 2)),
        ("__range", lambda n: 1 <= n <= 2),
    ):
        value: Any = {"__in": [0, 2], "__range": (1, 2)}.get(lookup, 2)
        meant = {key for key, number in numbers.items() if rule(number)}
        assert keys(Article.objects.filter(**{f"comments__count{lookup}": value})) == meant
        assert keys(Article.objects.exclude(**{f"comments__count{lookup}": value})) == KEYS - meant


def test_a_condition_on_a_many_to_any_is_on_one_model(library_server: DirectusServer, session: Session) -> None:
    blocks, heroes = ROWS["pages_blocks"], {row["id"]: row["title"] for row in ROWS["heroes"]}
    title = heroes[1]
    meant = {
        row["pages_id"]
        for row in blocks
        if row["pages_id"] and row["collection"] == "heroes" and heroes[int(row["item"])] == title
    }
    assert keys(Page.objects.filter(blocks__hero__title=title)) == meant
    assert keys(Page.objects.exclude(blocks__hero__title=title)) == {row["id"] for row in ROWS["pages"]} - meant
    empty = {row["id"] for row in ROWS["pages"]} - {row["pages_id"] for row in blocks}
    assert keys(Page.objects.filter(blocks__isnull=True)) == empty == keys(Page.objects.filter(blocks__count=0))
    with pytest.raises(FieldError, match="blocks__hero__…, blocks__text__…"):
        Page.objects.filter(blocks__title=title)
    with pytest.raises(UnsupportedQuery, match="of all models together"):
        Page.objects.filter(blocks__hero__count=1)


def test_related_rows_below_a_many_to_one(library_server: DirectusServer, session: Session) -> None:
    authors = {row["author"] for row in COMMENTS if row["likes"] == 4}
    meant = {row["id"] for row in ROWS["articles"] if row["author"] and row["author"] in authors}
    assert keys(Article.objects.filter(author__comments__likes=4)) == meant
    assert keys(Article.objects.exclude(author__comments__likes=4)) == KEYS - meant
    assert keys(Author.objects.filter(articles__tags__name="new", articles__open=True)) == {
        row["author"]
        for row in ROWS["articles"]
        if row["author"]
        and row["open"]
        and any(tie["articles_id"] == row["id"] and tie["tags_id"] == 1 for tie in ROWS["articles_tags"])
    }
    assert keys(Tag.objects.filter(articles__comments__likes=4, articles__author=None)) <= {1, 2, 3, 4, 5, 6, 7}


@pytest.mark.parametrize(
    ("lookups", "error", "text"),
    [
        ({"comments__some": 3}, QueryError, r"takes a Q on Comment"),
        ({"comments__count": "3"}, QueryError, "takes a whole number"),
        ({"comments__count__range": (1,)}, QueryError, "takes whole numbers"),
        ({"comments__count__contains": 1}, FieldError, "is no lookup of a count"),
        ({"comments__nope": 1}, FieldError, "no lookup of id"),
    ],
)
def test_conditions_without_a_meaning_raise_at_the_call(lookups: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Article.objects.filter(**lookups)


def test_conditions_whose_normal_form_is_too_large_are_refused() -> None:
    with pytest.raises(UnsupportedQuery, match="comments__some"):
        Article.objects.filter(*[Q(comments__likes=n) | Q(tags__id=n) for n in range(8)])


@pytest.mark.parametrize("name", ["comments", "comments__text", "tags"])
def test_a_list_has_no_single_value_to_order_by_or_to_give(name: str) -> None:
    for verb in ("order_by", "values", "values_list", "dates"):
        with pytest.raises((UnsupportedQuery, FieldError), match="leads to many rows"):
            getattr(Article.objects, verb)(name, *(["year"] if verb == "dates" else []))
