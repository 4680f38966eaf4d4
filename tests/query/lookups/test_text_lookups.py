"""A text is matched literally, letter by letter, even where the server would interpret it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from directus_orm import Model, Session, field, generated
from directus_orm.testing import DirectusServer
from tests.worlds.flights import Note
from tests.worlds.server_setup import AUTO_KEY, column, drop_collection, make_collection

ODD = (
    *("null", "NULL", "true", "false", "$NOW", "$NOWHERE", "$CURRENT_USER.id", "", "a,b", 'say "x"', "it's"),
    *("null ", "50%", "50x", "a_b", "axb", "a\\b", "\\", "%", "_", "É", "é", "ß", "🎉 party", "Late_", "late_"),
    *("LATEx", "LATE_ latex", "z" * 10_000),
)


@pytest.fixture(scope="module")
def odd(world: DirectusServer) -> Iterator[Session]:
    """The collection of notes, one with each odd text as its body, and one without."""
    with Session(world.url, token=world.token) as session:
        Note.objects.bulk_create(Note(title=str(n), body=text) for n, text in enumerate((*ODD, None)))
        yield session
        session.delete("/items/notes", [row["id"] for row in session.items("notes").read(fields="id", limit=-1)])


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:20])
@pytest.mark.parametrize("lookup", ["exact", "in"])
def test_a_text_means_itself_whatever_the_server_would_make_of_it(odd: Session, text: str, lookup: str) -> None:
    """G16, G17, G37: such strings become constants, dates, users and lists inside a filter."""
    wanted = [text, "LATEx"] if lookup == "in" else text
    meant = {text, "LATEx"} if lookup == "in" else {text}
    found = Note.objects.filter(**{f"body__{lookup}": wanted})
    assert {note.body for note in found} == meant
    assert found.count() == len(meant)
    left = Note.objects.exclude(**{f"body__{lookup}": wanted})
    assert {note.body for note in left} == {*ODD, None} - meant
    assert left.exists()


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:20])
@pytest.mark.parametrize("lookup", ["contains", "startswith", "endswith"])
def test_contains_takes_every_character_literally(odd: Session, text: str, lookup: str, folds: bool) -> None:
    """G16, G17, G20, G37: the server does not escape wildcards, and evaluates some needles."""
    says = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}[lookup]
    fold = ascii_lower if folds else str
    meant = {t for t in ODD if says(fold(t), fold(text))}
    assert {note.body for note in Note.objects.filter(**{f"body__{lookup}": text})} == meant
    assert {note.body for note in Note.objects.exclude(**{f"body__{lookup}": text})} == {*ODD, None} - meant


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:20])
@pytest.mark.parametrize("lookup", ["icontains", "istartswith", "iendswith", "iexact"])
def test_icontains_takes_every_character_literally(odd: Session, text: str, lookup: str, folds: bool) -> None:
    """G29: the server lower-cases the needle by other rules than the database the column; G38: 500."""
    says: Any = {"icontains": str.__contains__, "istartswith": str.startswith, "iendswith": str.endswith}
    compare = says.get(lookup, str.__eq__)
    meant = {t for t in ODD if compare(t.lower(), text.lower())}
    if folds and text == "é":
        meant -= {"É"}  # SQLite has no lower case of it; asked for "É", the server looks for both forms
    assert {note.body for note in Note.objects.filter(**{f"body__{lookup}": text})} == meant
    assert {note.body for note in Note.objects.exclude(**{f"body__{lookup}": text})} == {*ODD, None} - meant


@pytest.fixture
def folds(world: DirectusServer) -> bool:
    """Whether the database takes an ASCII letter for the same in the other case: SQLite does."""
    return world.database.vendor == "sqlite"


def ascii_lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def test_whether_the_database_ignores_case_is_asked_once_and_only_where_it_matters(
    odd: Session, folds: bool
) -> None:
    """G20: of a row that the wildcard brings, and that holds the needle but for its case, the database judges."""
    odd.facts.disregards_case.clear()
    assert Note.objects.filter(body__contains="50%").count() == 1
    assert odd.facts.disregards_case == {}
    with odd.capture() as sent:
        assert Note.objects.filter(body__contains="late_").count() == (3 if folds else 1)
        assert odd.facts.disregards_case == {("notes", "body"): folds}
        asked = len(sent)
        Note.objects.filter(body__contains="late_").count()
    assert (asked, len(sent)) == (2, 3)


def test_whether_the_database_ignores_case_is_learnt_for_each_column(odd: Session, folds: bool) -> None:
    odd.facts.disregards_case.clear()
    odd.facts.disregards_case["notes", "title"] = not folds
    assert Note.objects.filter(body__contains="late_").count() == (3 if folds else 1)
    assert odd.facts.disregards_case == {("notes", "title"): not folds, ("notes", "body"): folds}


class Label(Model, collection="labels_of_two_collations"):
    id: int = field(default=generated, primary_key=True)
    plain: str
    exact: str


@pytest.mark.parametrize("names", [("plain", "exact"), ("exact", "plain")])
def test_columns_of_two_collations(directus_mariadb: DirectusServer, names: tuple[str, str]) -> None:
    """One column disregards case, the other does not, whichever of them is asked first."""
    server, name = directus_mariadb, "labels_of_two_collations"
    drop_collection(server, name)
    make_collection(server, name, AUTO_KEY, column("plain", "string"), column("exact", "string"))
    try:
        with closing(server.database.connect()) as database, closing(database.cursor()) as cursor:
            cursor.execute(f"ALTER TABLE {name} MODIFY exact VARCHAR(255) COLLATE utf8mb4_bin")
        with Session(server.url, token=server.token):
            Label.objects.create(plain="LATE_x", exact="LATE_x")
            found = {name: Label.objects.filter(**{f"{name}__contains": "late_"}).count() for name in names}
        assert found == {"plain": 1, "exact": 0}
    finally:
        drop_collection(server, name)


def test_rows_are_rechecked_in_python_in_slices_counts_and_writes(odd: Session) -> None:
    """G20: where the server finds too much, everything goes by the rows that are meant."""
    found = Note.objects.filter(body__contains="_").order_by("title")
    meant = sorted(str(n) for n, text in enumerate(ODD) if "_" in text)
    with odd.capture() as sent:
        assert [note.title for note in found] == meant
    assert len(sent) == 1
    assert [note.title for note in found.all()[1:3]] == meant[1:3]
    assert found.all().count() == len(meant)
    assert found.all()[1:3].count() == 2
    first, last = found.first(), found.last()
    assert first
    assert last
    assert (first.title, last.title) == (meant[0], meant[-1])
    page = found.page(2, size=2)
    assert ([note.title for note in page.rows], page.total) == (meant[2:4], len(meant))
    assert found.filter(title=meant[0]).exists()
    assert not found.filter(title="0").exists()
    keys = [note.pk for note in Note.objects.filter(title__in=[meant[0], "0"])]
    assert [note.title for note in found.in_bulk(keys).values()] == meant[:1]
    assert found[:2].update(stars=7) == 2
    assert {note.title for note in Note.objects.filter(stars=7)} == set(meant[:2])
