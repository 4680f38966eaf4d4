"""The oracle itself: Django reads what is there, and a difference is noticed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from django.db.models import Q

from directus_orm import Session
from tests.oracle import django_models as oracle
from tests.oracle.comparing import OURS, THEIRS, Tally, compare, same
from tests.oracle.conditions import Leaf, is_tied
from tests.oracle.recipes import Recipe
from tests.oracle.vocabulary import ROWS, TIMES, TRANSFORMS, TRANSFORMS_OF, Path, paths

pytestmark = pytest.mark.usefixtures("django")

OWN = [(model, path) for model in oracle.MODELS for path in paths(model) if not path.hops and path.name != "pk"]
OF_TIMES = [(model, path) for model, path in OWN if path.kind in TIMES]


@pytest.mark.parametrize(("model", "path"), [(m, p) for m, p in OWN if p.kind != "key"], ids=str)
def test_django_reads_the_values_that_were_sent(model: str, path: Path) -> None:
    rows = oracle.MODELS[model].objects.values_list("pk", path.name)
    key, (table, column) = oracle.MODELS[model]._meta.pk.name, path.column
    assert dict(rows) == {row[key]: row[column] for row in ROWS[table]}


@pytest.mark.parametrize("model", oracle.MODELS)
def test_directus_serves_the_rows_that_django_reads(model: str, session: Session) -> None:
    names = [path.name for path in paths(model) if not path.hops]
    ours, theirs = (of[model].objects.order_by("pk").values_list(*names) for of in (OURS, THEIRS))
    assert same(list(ours), list(theirs))


@pytest.mark.parametrize(("model", "path"), OF_TIMES, ids=str)
def test_django_takes_times_apart_as_python_does(model: str, path: Path) -> None:
    for name in TRANSFORMS_OF[path.kind]:
        rows = (
            oracle.MODELS[model]
            .objects.exclude(**{path.name: None})
            .values_list(path.name, f"{path.name}__{name}")
        )
        assert rows
        assert [part for _, part in rows] == [TRANSFORMS[name](value) for value, _ in rows]


@pytest.mark.parametrize(("model", "path"), OF_TIMES, ids=str)
def test_django_compares_times_as_python_does(model: str, path: Path) -> None:
    rows = oracle.MODELS[model].objects.all()
    held = [value for (value,) in rows.values_list(path.name) if value is not None]
    for bound in path.values:
        assert rows.filter(**{f"{path.name}__lt": bound}).count() == sum(value < bound for value in held)
        assert rows.filter(**{path.name: bound}).count() == held.count(bound)


def test_links_that_were_removed_are_no_tags() -> None:
    assert not oracle.Article.objects.get(pk=90).tags.exists()
    assert oracle.Article.objects.filter(pk=90, tags__isnull=True).exists()


def test_a_path_over_blocks_speaks_of_one_collection() -> None:
    red = oracle.Page.objects.filter(blocks__hero__title="RED").values_list("pk", flat=True)
    pages = {
        row["pages_id"] for row in ROWS["pages_blocks"] if (row["collection"], row["item"]) == ("heroes", "1")
    }
    assert set(red) == pages - {None}


def test_django_ties_a_negation_to_the_row_of_the_condition_before_it() -> None:
    """Such a mix in one call is not asked for: of two calls the meaning is the plain one."""
    liked, unloved = Q(comments__likes__gte=3), Q(comments__likes__lt=3)
    articles = oracle.Article.objects
    plain = set(articles.filter(liked).filter(~unloved).values_list("pk", flat=True))
    assert set(articles.filter(liked & ~unloved).values_list("pk", flat=True)) > plain
    one, other = leaf("comments__likes"), leaf("comments__text")
    assert is_tied(("&", one, ("~", other)))
    assert not is_tied(("&", one, other))
    assert not is_tied(("&", one, other), negated=True)


def test_django_confuses_tables_that_have_the_same_number() -> None:
    """Below, it takes the third table for the same on both ways; that is not asked for, either."""
    parent, others = Q(category__parent__name="nobody"), Q(author__articles__views__gte=0)
    articles = oracle.Article.objects
    assert set(articles.exclude(parent | others)) != set(articles.exclude(parent).exclude(others))
    assert is_tied(("|", leaf("category__parent__name"), leaf("author__articles__views")), negated=True)
    assert not is_tied(leaf("author__articles__views"), negated=True)


def leaf(name: str) -> Leaf:
    return next(Leaf(path, "", "3") for path in paths("Article") if path.name == name)


ARTICLES = "Article.objects.order_by('-views', 'pk')"


@pytest.mark.parametrize(
    ("ours", "ending"),
    [
        ("Article.objects.order_by('views', 'pk')", "list({})"),
        ("Article.objects.exclude(views=1).order_by('-views', 'pk')", "list({})"),
        ("Article.objects.filter(pk__gt=1).order_by('-views', 'pk')", "{}.count()"),
        (f"{ARTICLES}[1:]", "{}.first()"),
        (ARTICLES.replace("-", ""), "list({}.values('views'))"),
    ],
)
def test_the_comparison_notices_a_difference(session: Session, ours: str, ending: str) -> None:
    recipe = Recipe("Article", ARTICLES, ARTICLES, (ending,), f"{ARTICLES}.count()")
    compare(recipe, Tally())
    with pytest.raises(AssertionError, match="the two differ"):
        compare(attrs.evolve(recipe, ours=ours), Tally())


@pytest.mark.parametrize(
    ("found", "wanted"),
    [(1, True), (1.0, 1), ([1], [1, 1]), ({"a": 1}, {"a": 2}), ("1", 1), (None, 0), ((1, 2), (2, 1))],
)
def test_values_of_another_type_or_order_are_a_difference(found: Any, wanted: Any) -> None:
    assert not same(found, wanted)


def test_the_last_digit_of_a_mean_is_none() -> None:
    assert same([{"mean": 0.1 + 0.2}], [{"mean": 0.3}])


def test_a_recipe_shows_what_can_be_pasted() -> None:
    recipe = Recipe("Article", ARTICLES, ARTICLES, ("{}.count()",), "0")
    assert f"ours:   {ARTICLES}\n" in repr(recipe)


@pytest.mark.parametrize(
    ("model", "hops"),
    [
        ("Flight", "plane__owner"),  # many-to-one, twice
        ("Author", "comments__article"),  # one-to-many, and back
        ("Article", "tags__articles"),  # many-to-many, from one side and from the other
        ("Tag", "articles__author"),
        ("Page", "blocks__hero"),  # many-to-any, of each of its models
        ("Page", "blocks__text"),
        ("Category", "parent__children__parent"),  # a tree, up and down
        ("Category", "children__articles__author"),
        ("Article", "category__parent__parent"),
        ("Author", "articles__category__children"),
    ],
)
def test_relations_of_every_kind_are_asked_about(model: str, hops: str) -> None:
    """What is compared is drawn from these paths: each kind of relation is on some, and so are kinds together."""
    ends = {path.name.rpartition("__")[2] for path in paths(model) if "__".join(path.hops) == hops}
    assert len(ends) > 1
