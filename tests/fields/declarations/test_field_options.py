"""What describes a column is kept as it was declared, and a value that makes no sense is refused at once."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from directus_orm import ConfigurationError, Model, Related, field, generated, many_to_many, one_to_many
from directus_orm.fields.declarations.field_options import FieldOptions

ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.tuples(st.integers(), st.integers()),
    st.lists(st.integers()),
    st.dictionaries(st.one_of(st.text(), st.integers()), st.one_of(st.text(), st.floats(), st.binary())),
)


class OptionOwner(Model):
    id: int = field(default=generated, primary_key=True)


class OptionRow(Model, meta={"icon": "article", "note": "Rows of options"}):
    id: int = field(default=generated, primary_key=True)
    title: str = field(max_length=80, unique=True, index=True, note="The title", meta={"interface": "input"})
    price: Decimal | None = field(default=None, precision=(10, 2))
    state: str = field(default=generated, server_default="draft")
    secret: str | None = field(default=None, type="text", secret="conceal")
    owner: OptionOwner | None = field(default=None, on_delete="CASCADE")
    former: OptionOwner | None = field(default=None, foreign_key=False)
    raw: Any = field(default=generated, type="unknown")


class SortedRow(Model):
    id: int = field(default=generated, primary_key=True)
    holder: SortedRow | None = None
    position: int | None = None
    rows: Related[SortedRow] = one_to_many("holder", sort="position", deselect="delete")
    wrong: Related[SortedRow] = one_to_many("holder", sort="postion")


def options(name: str, model: type[Model] = OptionRow) -> FieldOptions:
    return model.directus.fields[name].options


def test_options_are_kept_as_they_were_declared() -> None:
    title = options("title")
    assert (title.max_length, title.unique, title.index, title.note) == (80, True, True, "The title")
    assert title.meta == {"interface": "input"}
    assert options("price").precision == (10, 2)
    assert options("state").server_default == "draft"
    assert options("owner").on_delete == "CASCADE"
    assert not options("former").foreign_key
    assert OptionRow.directus.options.meta == {"icon": "article", "note": "Rows of options"}


def test_a_field_without_options_says_nothing() -> None:
    assert options("id", OptionOwner) == FieldOptions(primary_key=True, made=generated)
    assert OptionOwner.directus.options.meta == {}


def test_a_column_of_unknown_type_is_left_to_the_server_even_without_a_default() -> None:
    declared = field(type="unknown").metadata["directus_orm"]
    assert declared.readonly
    assert declared.generated


def test_what_was_declared_cannot_be_changed() -> None:
    for meta in (options("title").meta, OptionRow.directus.options.meta):
        with pytest.raises(TypeError):
            meta["interface"] = "other"  # type: ignore[index]


def test_a_dict_that_changes_after_the_declaration_changes_nothing() -> None:
    meta: dict[str, Any] = {"options": {"choices": []}}
    declared = field(meta=meta).metadata["directus_orm"]
    meta["options"]["choices"].append("new")
    assert declared.meta == {"options": {"choices": []}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_length": 0}, "a number of characters from 1 on as max_length=, not 0"),
        ({"max_length": True}, "not True"),
        ({"precision": (2, 3)}, r"whose scale is not above its digits as precision="),
        ({"precision": [10, 2]}, r"not \[10, 2\]"),
        ({"unique": "yes"}, "True or False as unique="),
        ({"index": 1}, "True or False as index="),
        ({"note": 5}, "a text as note="),
        ({"meta": {"options": {1, 2}}}, "a dict of JSON values"),
        ({"meta": {1: "a"}}, "a dict of JSON values"),
        ({"meta": {"note": "a"}}, "note= says that"),
        ({"meta": {"field": "a"}}, "name= says that"),
        ({"default": generated.date_created, "meta": {"special": []}}, "default=generated.date_created says that"),
        ({"secret": "conceal", "meta": {"special": []}}, "secret='conceal' says that"),
        ({"server_default": object()}, "a JSON value as server_default="),
        ({"server_default": math.nan}, "a JSON value as server_default="),
        ({"default": generated.uuid, "server_default": "a"}, "not both"),
        ({"default": generated.sql("now()"), "server_default": "a"}, "not both"),
        ({"secret": "hidden"}, "one of 'conceal', 'encrypt' as secret="),
        ({"secret": "conceal", "type": "hash"}, "secret= for strings and texts"),
        ({"on_delete": "cascade"}, "one of 'CASCADE', 'SET NULL'"),
        ({"on_delete": "CASCADE", "foreign_key": False}, "not both"),
        ({"foreign_key": 0}, "True or False as foreign_key="),
        ({"type": "unknown", "primary_key": True}, "cannot be the key"),
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_where_it_is_declared(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        field(**wrong)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "max_length",
                "precision",
                "unique",
                "index",
                "note",
                "meta",
                "server_default",
                "secret",
                "on_delete",
                "foreign_key",
            ),
            ANYTHING,
        ),
    )
)
def test_any_value_is_either_kept_or_refused_with_its_name(wrong: dict[str, Any]) -> None:
    said = {name: value for name, value in wrong.items() if value is not None}
    message = ""
    try:
        declared = field(**wrong).metadata["directus_orm"]
    except ConfigurationError as error:
        message = str(error)
    else:
        assert {name: getattr(declared, name) for name in said} == said
    assert not message or any(f"{name}=" in message for name in said)


@pytest.mark.parametrize(
    ("annotation", "wrong", "said"),
    [
        (
            int,
            {"max_length": 5},
            "max_length= belongs to a field of type 'string' or 'hash'; .* of type 'integer'",
        ),
        (str, {"max_length": 5, "type": "text"}, "this field is of type 'text'"),
        (str, {"precision": (5, 2)}, "precision= belongs to a float or a Decimal"),
        (int, {"secret": "conceal"}, "secret= belongs to a str"),
        (str, {"on_delete": "CASCADE"}, "on_delete= belongs to a many-to-one relation"),
        (str, {"foreign_key": False}, "foreign_key= belongs to a many-to-one relation"),
        (OptionOwner, {"max_length": 5}, "this field is a relation"),
        (int, {"server_default": "a"}, "server_default='a' is no value of int"),
        (datetime, {"server_default": "now()"}, r"default=generated\.sql"),
        (Literal["a", "b"], {"server_default": "c"}, "is none of"),
        (str, {"type": "unknown"}, "annotated with Any, not with str"),
    ],
    ids=str,
)
def test_an_option_that_does_not_fit_the_type_is_refused_at_first_use(
    annotation: Any, wrong: Mapping[str, Any], said: str
) -> None:
    body = {
        "__annotations__": {"id": int, "it": annotation},
        "__module__": __name__,
        "id": field(default=generated, primary_key=True),
        "it": field(**wrong),
    }
    misplaced: Any = types.new_class("Misplaced", (Model,), {}, lambda names: names.update(body))
    with pytest.raises(ConfigurationError, match=rf"Misplaced\.it: .*{said}"):
        misplaced.directus


@pytest.mark.parametrize(
    "wrong", [{"collection": "a"}, {"singleton": True}, {"icon": {1}}, {1: "a"}, "icon", 5], ids=str
)
def test_a_class_statement_refuses_wrong_meta(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"WrongMeta.*meta="):

        class WrongMeta(Model, meta=wrong):
            id: int = field(default=generated, primary_key=True)


def test_meta_is_inherited_like_the_ordering() -> None:
    class Sub(OptionRow):
        pass

    class Own(OptionRow, meta={"icon": "other"}):
        pass

    assert Sub.directus.options.meta == OptionRow.directus.options.meta
    assert Own.directus.options.meta == {"icon": "other"}


@pytest.mark.parametrize("declare", [one_to_many, many_to_many])
def test_a_list_refuses_a_wrong_deselect(declare: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"takes one of 'nullify', 'delete' as deselect=, not 'drop'"):
        declare("owner", deselect="drop")


def test_a_list_is_sorted_by_a_field_of_the_other_model() -> None:
    relations = SortedRow.directus.relations
    sort = relations["rows"].sort_field
    assert sort is not None
    assert (sort.name, relations["rows"].options.deselect) == ("position", "delete")
    with pytest.raises(ConfigurationError, match=r"SortedRow has no such field\. Did you mean 'position'\?"):
        relations["wrong"].target_column


def test_the_description_of_a_model_tells_kinds_types_and_defaults() -> None:
    fields = OptionRow.directus.fields.values()
    assert [(each.name, each.kind, each.type, each.nullable) for each in fields] == [
        ("id", "column", "integer", False),
        ("title", "column", "string", False),
        ("price", "column", "decimal", True),
        ("state", "column", "string", False),
        ("secret", "column", "text", True),
        ("owner", "many-to-one", "integer", True),
        ("former", "many-to-one", "integer", True),
        ("raw", "column", "unknown", True),
    ]
    defaults = {each.name: each.default for each in fields}
    assert defaults["title"] is attrs.NOTHING
    assert (defaults["price"], defaults["state"]) == (None, generated)


def test_the_description_of_a_model_cannot_be_changed() -> None:
    info: Any = OptionRow.directus
    for change in (
        lambda: setattr(info, "collection", "other"),
        lambda: setattr(info.fields["title"], "column", "other"),
        lambda: setattr(info.fields["title"].options, "unique", False),
        lambda: setattr(SortedRow.directus.relations["rows"], "column", "other"),
        lambda: info.fields.update(title=None),
    ):
        with pytest.raises((AttributeError, attrs.exceptions.FrozenInstanceError)):
            change()
