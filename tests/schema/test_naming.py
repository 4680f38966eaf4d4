"""Names of classes and attributes are Python's, each of its own, and as near to the server's as can be."""

from __future__ import annotations

import keyword
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directus_orm import ConfigurationError
from directus_orm.fields.field import RESERVED
from directus_orm.schema.naming import class_names, field_names

NAMES = st.lists(
    st.text(min_size=1)
    | st.sampled_from(["post", "posts", "Post", "POSTS", "data", "1", "_", "é", "ﬁ", "a-b", "a b"]),
    unique=True,
)


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("articles", "Article"),
        ("os_deals", "OsDeal"),
        ("block_hero", "BlockHero"),
        ("categories", "Category"),
        ("people", "Person"),
        ("status", "Status"),
        ("data", "Data"),
        ("canvas", "Canvas"),
        ("business", "Business"),
        ("news", "News"),
        ("flyingCARS", "FlyingCARS"),
        ("2nd_things", "C2ndThing"),
        ("with-dash", "WithDash"),
        ("exception", "Exception2"),
        ("model", "Model2"),
        ("naïve_größen", "NaïveGrößen"),
    ],
)
def test_a_class_has_the_name_of_a_row(collection: str, name: str) -> None:
    assert class_names([collection]) == {collection: name}


def test_of_two_collections_the_one_in_the_singular_has_the_name() -> None:
    assert class_names(["posts", "post", "Post"]) == {"Post": "Post", "post": "Post2", "posts": "Posts"}


def test_users_choose_names() -> None:
    names = class_names(["posts", "articles"], {"posts": "Article", "other": "Unused"})
    assert names == {"articles": "Articles", "posts": "Article"}


def test_a_name_that_users_choose_is_free_for_nothing_else() -> None:
    assert field_names(["title", "name"], {"name": "title"}) == {"name": "title", "title": "title2"}
    with pytest.raises(ConfigurationError, match="'a' and 'b' are both to be called 'x'"):
        field_names(["a", "b"], {"b": "x", "a": "x"})
    with pytest.raises(ConfigurationError, match="are both to be called"):
        class_names(["a", "b"], {"b": "X", "a": "X"})


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("title", "title"),
        ("class", "class_"),
        ("from", "from_"),
        ("save", "save_"),
        ("pk", "pk_"),
        ("self", "self_"),
        ("str", "str_"),
        ("generated", "generated_"),
        ("a__b", "a_b"),
        ("_private", "private"),
        ("with-dash", "with_dash"),
        ("1st", "n1st"),
        ("umläut", "umläut"),
        ("a⓫", "a_"),
        ("___", "n"),
        ("None", "None_"),
    ],
)
def test_an_attribute_has_the_name_of_the_field_where_python_takes_it(field: str, name: str) -> None:
    assert field_names([field]) == {field: name}


def test_the_exact_name_goes_first() -> None:
    assert field_names(["with-dash", "with_dash", "with dash"]) == {
        "with dash": "with_dash2",
        "with-dash": "with_dash3",
        "with_dash": "with_dash",
    }
    assert field_names(["Author"], taken={"Author"}) == {"Author": "Author_"}


@given(NAMES)
def test_names_are_pythons_and_each_of_its_own(names: list[str]) -> None:
    for made in (class_names(names), field_names(names)):
        assert made.keys() == set(names)
        assert len(set(made.values())) == len(names)
        assert all(each.isidentifier() and not keyword.iskeyword(each) for each in made.values())
    assert not any(
        each.startswith("_") or "__" in each or each in RESERVED for each in field_names(names).values()
    )


@given(NAMES, st.randoms())
def test_names_do_not_depend_on_the_order(names: list[str], choice: random.Random) -> None:
    shuffled = choice.sample(names, len(names))
    assert class_names(shuffled) == class_names(names)
    assert field_names(shuffled) == field_names(names)
