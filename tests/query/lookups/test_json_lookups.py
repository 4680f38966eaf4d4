"""Values inside JSON fields are compared as Python compares them, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from directus_orm import FieldError, Model, Q, QueryError, Session, UnsupportedQuery, field, generated
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection

DOCUMENTS: list[Any] = [
    {"color": "red", "size": 3, "new": True, "n": {"deep": {"k": "x"}}},
    {"color": "Red", "size": 3.5, "new": False, "tags": ["a", "b"]},
    {"color": "dark red", "size": "3", "new": None},
    {"color": None, "size": None, "n": {"deep": None}},
    {"color": "null", "tags": [{"q": 1}, 2]},
    {"color": "50%", "size": -1, "new": 1},
    {"color": "50x", "size": 10, "été": "hot", "a-b": "odd"},
    {"color": "", "n": {"deep": {"k": 7}}},
    {"color": ["red"], "$NOW": 1},
    [1, "two", {"color": "red"}],
    {},
    None,
]


class Item(Model, collection="json_items"):
    id: int = field(default=generated, primary_key=True)
    n: int
    meta: dict[str, Any] | list[Any] | None = None


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mariadb"])
def items(request: pytest.FixtureRequest) -> Iterator[DirectusServer]:
    names = {"sqlite": "directus_server", "postgres": "directus_postgres", "mariadb": "directus_mariadb"}
    server: DirectusServer = request.getfixturevalue(names[request.param])
    make_collection(server, "json_items", column("n", "integer"), column("meta", "json"))
    with Session(server.url, token=server.token) as session:
        session.items("json_items").create([{"n": n, "meta": meta} for n, meta in enumerate(DOCUMENTS)])
        yield server
    drop_collection(server, "json_items")


def value(document: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return ...
    return document


def is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


CASES: list[tuple[str, Any, Any]] = [
    ("color", "red", lambda d: value(d, "color") == "red"),
    ("color", "null", lambda d: value(d, "color") == "null"),
    ("color", "", lambda d: value(d, "color") == ""),
    ("color", None, lambda d: value(d, "color") is None),
    ("color", ["red"], lambda d: value(d, "color") == ["red"]),
    ("color__in", ["red", "Red"], lambda d: value(d, "color") in ("red", "Red")),
    ("color__in", ["red", None, 5], lambda d: value(d, "color") in ("red", None)),
    ("color__in", [], lambda d: False),
    ("color__iexact", "RED", lambda d: value(d, "color") in ("red", "Red")),
    ("color__contains", "red", lambda d: value(d, "color") in ("red", "dark red")),
    ("color__icontains", "RED", lambda d: value(d, "color") in ("red", "dark red", "Red")),
    ("color__startswith", "50%", lambda d: value(d, "color") == "50%"),
    ("color__endswith", "ed", lambda d: str(value(d, "color")).endswith("ed")),
    ("color__isnull", True, lambda d: value(d, "color") is ...),
    ("color__isnull", False, lambda d: value(d, "color") is not ...),
    ("size", 3, lambda d: is_number(value(d, "size")) and value(d, "size") == 3),
    ("size", "3", lambda d: value(d, "size") == "3"),
    ("size__gt", 3, lambda d: is_number(value(d, "size")) and value(d, "size") > 3),
    ("size__lte", 3, lambda d: is_number(value(d, "size")) and value(d, "size") <= 3),
    ("size__range", (0, 5), lambda d: is_number(value(d, "size")) and 0 <= value(d, "size") <= 5),
    ("new", True, lambda d: value(d, "new") is True),
    ("new", False, lambda d: value(d, "new") is False),
    ("new", 1, lambda d: value(d, "new") == 1 and value(d, "new") is not True),
    ("n__deep__k", "x", lambda d: value(d, "n", "deep", "k") == "x"),
    ("n__deep__isnull", False, lambda d: value(d, "n", "deep") is not ...),
    ("tags__0", "a", lambda d: value(d, "tags", 0) == "a"),
    ("tags__0__q", 1, lambda d: value(d, "tags", 0, "q") == 1),
    ("1", "two", lambda d: value(d, 1) == "two"),
    ("été", "hot", lambda d: value(d, "été") == "hot"),
    ("a-b", "odd", lambda d: value(d, "a-b") == "odd"),
    ("has_key", "color", lambda d: isinstance(d, dict) and "color" in d),
    ("n__deep__has_key", "k", lambda d: value(d, "n", "deep", "k") is not ...),
    ("has_keys", ["color", "size"], lambda d: isinstance(d, dict) and {"color", "size"} <= d.keys()),
    ("has_keys", [], lambda d: d is not None),
    ("has_any_keys", ["été", "tags"], lambda d: isinstance(d, dict) and bool({"été", "tags"} & d.keys())),
    ("has_any_keys", [], lambda d: False),
    ("$NOW", 1, lambda d: value(d, "$NOW") == 1),
]


@pytest.mark.parametrize(("path", "wanted", "rule"), CASES, ids=[f"{c[0]}={c[1]}" for c in CASES])
def test_a_path_finds_what_python_finds(items: DirectusServer, path: str, wanted: Any, rule: Any) -> None:
    meant = [n for n, document in enumerate(DOCUMENTS) if rule(document)]
    lookups = {f"meta__{path}": wanted}
    if items.version.startswith(("10.", "11.")):
        pytest.skip("conditions inside JSON need Directus 12")
    found = Item.objects.filter(**lookups)
    assert list(found.values_list("n", flat=True)) == meant
    assert found.count() == len(meant)
    left = Item.objects.exclude(**lookups)
    assert list(left.values_list("n", flat=True)) == [n for n in range(len(DOCUMENTS)) if n not in meant]
    either = Item.objects.filter(Q(**lookups) | Q(n=3)).values_list("n", flat=True)
    assert list(either) == sorted({*meant, 3})


def test_an_older_server_is_named(items: DirectusServer) -> None:
    if items.version.startswith("12."):
        assert Item.objects.filter(meta__color="red").exists()
        return
    with pytest.raises(UnsupportedQuery, match="need Directus 12"):
        list(Item.objects.filter(meta__color="red"))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("color__contains", 5),
        ("color__in", "red"),
        ("color__isnull", "yes"),
        ("size__gt", None),
        ("size__range", [1]),
        ("color", object()),
        ("has_key", None),
        ("has_keys", "color"),
    ],
)
def test_a_value_that_means_nothing_there_raises_at_the_call(path: str, wanted: Any) -> None:
    with pytest.raises(QueryError, match=f"meta__{path} takes"):
        Item.objects.filter(**{f"meta__{path}": wanted})


def test_a_path_with_a_hole_raises() -> None:
    with pytest.raises(FieldError, match="made of keys"):
        Item.objects.filter(meta__a____b=1)
