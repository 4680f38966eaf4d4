"""Conditions on lists select what Python selects from all rows, on every database and version."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directus_orm import (
    ConversionError,
    Count,
    Model,
    Prefetch,
    Q,
    QueryError,
    Related,
    Session,
    UnsupportedQuery,
    col,
    field,
    generated,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import column, drop_collection, make_collection, make_relation

WORDS = (
    *("a", "A", "ab", " a", "a ", "", "50%", "50x", "a_b", "axb", "a\\b", 'say "x"', "it's", "é", "É", "ß", "€"),
    *("null", "true", "$NOW", "$CURRENT_USER", "[1]", "0", "z" * 300),
)
NUMBERS = (0, 1, -1, 2.5, 1e20, 2**40)


class Shelf(Model, collection="list_shelves"):
    id: int = field(default=generated, primary_key=True)
    tags: list[str] | None = field(default=None, type="csv")
    boxes: Related[Box] = one_to_many("shelf")


class Box(Model, collection="list_boxes"):
    id: int = field(default=generated, primary_key=True)
    n: int
    tags: list[str] | None = field(default=None, type="csv")
    words: list[str] | None = None
    numbers: list[float] | None = None
    items: list[Any] | None = None
    document: dict[str, Any] | None = None
    shelf: Shelf | None = None


def _rows() -> Iterator[dict[str, Any]]:
    """Yield rows whose lists hold each word and number: alone, beside others, twice; and lists without any."""
    for n, word in enumerate(WORDS):
        other = WORDS[(n * 7 + 3) % len(WORDS)]
        yield {"tags": [word, other], "words": [word]}
        yield {"tags": [other, "x", word, word], "words": [other, word], "document": {"words": [word]}}
    for number in NUMBERS:
        yield {"numbers": [number, 1], "items": [number, True, None]}
        yield {"numbers": [number], "items": [[number], {"k": number}, str(number)]}
    yield from ({name: [] for name in ("tags", "words", "numbers", "items")}, {}, {"items": [False, 0.5]})
    yield {"document": {"words": "a"}}


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mariadb"])
def boxes(request: pytest.FixtureRequest) -> Iterator[tuple[DirectusServer, list[Box]]]:
    """A server with boxes on two shelves, and all of them."""
    names = {"sqlite": "directus_server", "postgres": "directus_postgres", "mariadb": "directus_mariadb"}
    server: DirectusServer = request.getfixturevalue(names[request.param])
    for name in ("list_boxes", "list_shelves"):
        drop_collection(server, name)
    make_collection(server, "list_shelves", column("tags", "csv"))
    lists = [column(name, "json") for name in ("words", "numbers", "items", "document")]
    make_collection(server, "list_boxes", column("n", "integer"), column("tags", "csv"), *lists)
    make_relation(server, "list_boxes", "shelf", "list_shelves", reverse="boxes")
    with Session(server.url, token=server.token):
        shelves = Shelf.objects.bulk_create([Shelf(tags=["a", "50%"]), Shelf(tags=["b"])])
        Box.objects.bulk_create(Box(n=n, shelf=shelves[n % 2], **row) for n, row in enumerate(_rows()))
        yield server, list(Box.objects.select_related("shelf"))
    for name in ("list_boxes", "list_shelves"):
        drop_collection(server, name)


@pytest.fixture(autouse=True)
def _session(request: pytest.FixtureRequest) -> Iterator[None]:
    if "boxes" not in request.fixturenames:
        yield
        return
    server, _ = request.getfixturevalue("boxes")
    with Session(server.url, token=server.token):
        yield


def typed(value: Any) -> Any:
    """Return a JSON value that equals only its like, in another way than the library does: as text."""
    match value:
        case bool() | None | str():
            return repr(value)
        case int() | float():
            return f"number {float(value)!r}"
        case list():
            return f"[{', '.join(map(typed, value))}]"
    return f"{{{', '.join(f'{key!r}: {typed(value[key])}' for key in sorted(value))}}}"


def holds(stored: list[Any] | None, lookup: str, wanted: list[Any]) -> bool:
    if stored is None:
        return False
    have, want = {typed(item) for item in stored}, {typed(item) for item in wanted}
    return {"contains": want <= have, "overlap": bool(want & have), "contained_by": have <= want}[lookup]


ITEMS: dict[str, tuple[Any, ...]] = {
    "tags": (*WORDS, "x", "missing"),
    "words": (*WORDS, "missing"),
    "numbers": (*NUMBERS, 1.0, 7),
    "items": (*NUMBERS, True, False, None, "1", [1], [True], {"k": 1}, {"k": True}, {"k": 2.5}, 0.5),
}
CONDITIONS = st.sampled_from(sorted(ITEMS)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.sampled_from(["contains", "overlap", "contained_by"]),
        st.lists(st.sampled_from(ITEMS[name]), max_size=4),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS, other=CONDITIONS, low=st.integers(0, 30), size=st.integers(1, 20))
def test_any_condition_on_lists_selects_the_rows_it_is_true_for(
    boxes: tuple[DirectusServer, list[Box]], condition: Any, other: Any, low: int, size: int
) -> None:
    _, rows = boxes
    (name, lookup, wanted), (second, second_lookup, second_wanted) = condition, other
    q, r = Q(**{f"{name}__{lookup}": wanted}), Q(**{f"{second}__{second_lookup}": second_wanted})

    def keys(rule: Callable[[bool, bool], bool]) -> list[int]:
        return [
            row.id
            for row in rows
            if rule(
                holds(getattr(row, name), lookup, wanted),
                holds(getattr(row, second), second_lookup, second_wanted),
            )
        ]

    found = Box.objects.filter(q)
    meant = keys(lambda p, _: p)
    assert list(found.values_list("pk", flat=True)) == meant
    assert (found.count(), found.exists()) == (len(meant), bool(meant))
    assert [row.id for row in found[low : low + size]] == meant[low : low + size]
    assert [row.id for row in Box.objects.exclude(q)] == keys(lambda p, _: not p)
    assert [row.id for row in Box.objects.filter(q | r)] == keys(lambda p, o: p or o)
    assert [row.id for row in Box.objects.filter(q, ~r)] == keys(lambda p, o: p and not o)


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word[:20] or "empty")
@pytest.mark.parametrize("name", ["tags", "words"])
def test_contains_finds_each_word_letter_by_letter(
    boxes: tuple[DirectusServer, list[Box]], name: str, word: str
) -> None:
    meant = [row.id for row in boxes[1] if word in (getattr(row, name) or ())]
    assert meant
    assert list(Box.objects.filter(**{f"{name}__contains": word}).values_list("pk", flat=True)) == meant


def test_groups_and_aggregates_take_the_rows_that_pass(boxes: tuple[DirectusServer, list[Box]]) -> None:
    """``50%`` also brings ``50x``, which must not be counted."""
    meant = [row for row in boxes[1] if "50%" in (row.tags or ())]
    found = Box.objects.filter(tags__contains="50%")
    by_shelf = {group["shelf"]: group["c"] for group in found.values("shelf").annotate(c=Count("*"))}
    assert by_shelf == {
        key: sum(row.shelf is not None and row.shelf.pk == key for row in meant) for key in by_shelf
    }
    assert sum(by_shelf.values()) == len(meant)
    assert found.aggregate(c=Count("*")) == {"c": len(meant)}
    either = Box.objects.aggregate(c=Count("*", filter=Q(words__overlap=["a", "A"])))
    assert either == {"c": sum(holds(row.words, "overlap", ["a", "A"]) for row in boxes[1])}


def test_lists_of_related_rows_are_conditions_too(boxes: tuple[DirectusServer, list[Box]]) -> None:
    meant = [row.id for row in boxes[1] if row.shelf and "50%" in (row.shelf.tags or ())]
    assert [row.id for row in Box.objects.filter(shelf__tags__contains="50%")] == meant
    assert [row.id for row in Box.objects.exclude(shelf__tags__contains="50%")] == [
        row.id for row in boxes[1] if row.id not in meant
    ]
    with_word = {row.shelf.pk for row in boxes[1] if row.shelf and "a_b" in (row.words or ())}
    assert {shelf.pk for shelf in Shelf.objects.filter(boxes__words__contains="a_b")} == with_word
    chosen = Prefetch("boxes", Box.objects.filter(tags__contains="50%"), to_attr="chosen")
    shelves: list[Any] = list(Shelf.objects.prefetch_related(chosen))
    assert sorted(box.id for shelf in shelves for box in shelf.chosen) == [
        row.id for row in boxes[1] if "50%" in (row.tags or ())
    ]


def test_update_and_delete_write_the_rows_that_pass_and_no_others(
    boxes: tuple[DirectusServer, list[Box]],
) -> None:
    before = Box.objects.count()
    for name in ("tags", "words"):
        values: list[dict[str, Any]] = [{name: [word, "own"]} for word in ("5x", "5%")]
        kept, mine = Box.objects.bulk_create([Box(n=-1, **value) for value in values])
        assert Box.objects.filter(**{f"{name}__contains": ["own", "5%"]}).update(n=-2) == 1
        assert (Box.objects.get(pk=kept.pk).n, Box.objects.get(pk=mine.pk).n) == (-1, -2)
        assert Box.objects.filter(**{f"{name}__contains": ["own", "5%"]}).delete() == 1
        assert Box.objects.filter(**{f"{name}__contained_by": ["own", "5x"]}, n=-1).delete() == 1
    assert Box.objects.count() == before


def test_what_is_no_list_holds_nothing(boxes: tuple[DirectusServer, list[Box]]) -> None:
    """Another application may store any JSON in the column."""
    server, _ = boxes
    with Session(server.url, token=server.token) as session:
        rows = session.items("list_boxes").create([{"n": -3, "words": {"a": 1}}, {"n": -3, "words": 5}])
        try:
            found = Box.objects.filter(n=-3).only("n")
            assert found.filter(words__contains="a").count() == 0
            assert found.filter(words__contained_by=["a"]).count() == 0
            assert found.exclude(words__overlap=["a"]).count() == 2
        finally:
            session.delete("/items/list_boxes", [row["id"] for row in rows])


def test_lists_inside_documents_have_these_lookups(boxes: tuple[DirectusServer, list[Box]]) -> None:
    server, rows = boxes
    if server.version.startswith(("10.", "11.")):
        pytest.skip("conditions inside JSON need Directus 12")
    within = {row.id: (row.document or {}).get("words") for row in rows}
    for wanted in (["a"], ["a", "A"], []):
        for lookup in ("contains", "overlap", "contained_by"):
            meant = [
                key for key, words in within.items() if isinstance(words, list) and holds(words, lookup, wanted)
            ]
            found = Box.objects.filter(**{f"document__words__{lookup}": wanted})
            assert [row.id for row in found] == meant
    assert [row.id for row in Box.objects.filter(document__words__contains="a")] == [
        key for key, words in within.items() if words == "a"
    ]


def test_explain_says_what_is_tested() -> None:
    words = str(Box.objects.filter(tags__contains=["a", "b"]).exclude(words__overlap=["x"]).explain())
    assert "tags contains all of 'a', 'b'" in words
    assert "it is not so that words contains any of 'x'" in words


def test_such_queries_can_be_pickled_and_are_equal() -> None:
    rows = Box.objects.filter(items__contains=[1])
    assert pickle.loads(pickle.dumps(rows)).query == rows.query
    assert rows.query != Box.objects.filter(items__contains=[True]).query


def test_columns_have_these_lookups() -> None:
    same = [
        (col(Box.tags).contains("a"), Q(tags__contains="a")),
        (col(Box.numbers).contains([1, 2]), Q(numbers__contains=[1, 2])),
        (col(Box.words).overlap(["a"]), Q(words__overlap=["a"])),
        (col(Box.words).contained_by(["a"]), Q(words__contained_by=["a"])),
    ]
    for typed_condition, named in same:
        assert Box.objects.filter(typed_condition).query == Box.objects.filter(named).query


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("tags__contains", "a,b", "an item with a comma would come back as several"),
        ("tags__contains", 5, "a string is expected, not 5"),
        ("tags__contains", None, "isnull=True"),
        ("tags__overlap", "a", "takes a list of values"),
        ("words__contained_by", "a", "takes a list of values"),
        ("words__contains", 5, "holds no such values"),
        ("numbers__contains", "1", "holds no such values"),
        ("numbers__overlap", [float("nan")], "NaN"),
        ("items__contains", object(), "holds no such values"),
        ("document__words__overlap", "a", "takes a list of JSON values"),
        ("document__words__contains", 5, "takes a text, or a list of JSON values"),
        ("document__words__contains", [object()], "takes a text, or a list of JSON values"),
    ],
)
def test_values_that_no_list_can_hold_are_refused(path: str, value: Any, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        Box.objects.filter(**{path: value})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "tags__icontains",
            "lists have no 'icontains'. They have: contained_by, contains, empty, isnull, overlap",
        ),
        ("words__exact", "lists have no 'exact'. They have: contained_by, contains, isnull, overlap"),
        ("document__contains", "annotated as a list"),
    ],
)
def test_lookups_that_lists_lack_are_refused_with_what_they_have(path: str, reason: str) -> None:
    with pytest.raises(UnsupportedQuery, match=reason):
        Box.objects.filter(**{path: "a"})


def test_an_empty_overlap_sends_nothing(boxes: tuple[DirectusServer, list[Box]]) -> None:
    server, _ = boxes
    with Session(server.url, token=server.token) as session, session.capture() as sent:
        assert list(Box.objects.filter(tags__overlap=[])) == []
    assert not sent


class Untagged(Model, collection="list_texts"):
    id: int = field(default=generated, primary_key=True)
    tags: list[str] | None = field(default=None, type="csv")


def test_a_text_in_place_of_a_list_is_an_error(directus_server: DirectusServer) -> None:
    """The column is a csv field in the model, and a text on the server."""
    drop_collection(directus_server, "list_texts")
    make_collection(directus_server, "list_texts", column("tags", "text"))
    try:
        with Session(directus_server.url, token=directus_server.token) as session:
            session.items("list_texts").create({"tags": "a,b"})
            with pytest.raises(ConversionError, match="no list"):
                list(Untagged.objects.filter(tags__contains="a"))
    finally:
        drop_collection(directus_server, "list_texts")
