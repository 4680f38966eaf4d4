"""Lookups on text: ``contains``, ``startswith``, ``iexact`` and others, and rechecks of rows in Python.

The text that a user searches for is matched letter by letter. The server treats ``%``, ``_`` and on some
databases a backslash as wildcards (G20), and evaluates some texts (G16, G17, G38). In the place of what it would
misread it is sent a wildcard for one character, so it finds too many rows and never too few; the rows are then
rechecked in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import FieldPath, path_name
from ...fields.scalar_values import storable
from ..capabilities import DEFAULT_CAPABILITIES
from ..conditions import Comparison, InSubquery, Node, Test, all_of, any_of
from ..query import Query

# --- conditions that need a recheck -----------------------------------------------------------------------------


def by_key(path: FieldPath, where: Node) -> InSubquery:
    """Return the condition that the row which holds the path's last field meets ``where``, found by its key."""
    field = path[-1]
    pk: Field = field.model.directus.pk
    query = Query(field.model, where=where, paths=((pk,), (field,)))
    return InSubquery(path[:-1] or (pk,), query, (pk,))


def with_recheck(path: FieldPath, superset: Node, test: Test) -> InSubquery:
    """Return the condition that a value passes a test in Python, on rows that the server finds by ``superset``.

    ``superset`` is a condition on the model of the path's last field; it must hold for all rows that pass.
    """
    return attrs.evolve(by_key(path, superset), test=test, tested_path=path[-1:])


@attrs.frozen
class TextTest:
    """A test whether a text holds another, on the value as the server sends it.

    Args:
        where: "exact", "contains", "starts_with" or "ends_with".
        needle: the text that is searched for.
        any_case: whether case is disregarded. Otherwise the database decides about the case of ASCII letters;
            `depends_on_case` says for which texts that matters.
    """

    where: str
    needle: str
    any_case: bool = False

    def __call__(self, text: str) -> bool:
        """Return whether the text holds the needle."""
        if self.any_case:
            return _HOLDS[self.where](text.lower(), self.needle.lower())
        return _HOLDS[self.where](text, self.needle)

    def depends_on_case(self, text: str) -> bool:
        """Return whether the text would hold the needle only if the case of ASCII letters is disregarded."""
        if self.any_case or self.where == "exact" or self(text):
            return False
        return _HOLDS[self.where](_fold_ascii(text), _fold_ascii(self.needle))


_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda text, needle: text == needle,
    "contains": lambda text, needle: needle in text,
    "starts_with": lambda text, needle: text.startswith(needle),
    "ends_with": lambda text, needle: text.endswith(needle),
}
_ASCII_FOLDING = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _fold_ascii(text: str) -> str:
    return text.translate(_ASCII_FOLDING)


def case_pattern(text: str) -> str | None:
    """Return a pattern that the text begins with only if the database disregards case; None without letters."""
    letter = next((n for n, char in enumerate(text) if char.isascii() and char.isalpha()), None)
    if letter is None:
        return None
    return DEFAULT_CAPABILITIES.any_character * letter + text[letter].swapcase()


# --- the lookups ------------------------------------------------------------------------------------------------


def exact(path: FieldPath, text: str) -> Node:
    """Return the condition that a value is this text, which the server would evaluate."""
    operators = ("starts_with", "ends_with") if path[-1].primary_key else ("starts_with",)
    superset = all_of(Comparison(path[-1:], operator, _with_wildcard_first(text)) for operator in operators)
    return with_recheck(path, superset, TextTest("exact", text))


def pattern(path: FieldPath, operator: str, value: Any) -> Node:
    """Return the condition of ``contains``, ``startswith``, ``endswith`` and the same without regard to case."""
    needle = _needle(path, value)
    if not needle:  # every text contains "", and the server refuses it (G37)
        return Comparison(path, "nnull")
    any_case = operator[1:] in _HOLDS
    with_case = operator[1:] if any_case else operator
    sent = as_pattern(needle)
    # The server changes the case of letters beyond ASCII unlike the database (G29), so both operators are sent.
    operators = (operator, with_case) if any_case and not needle.isascii() else (operator,)
    if DEFAULT_CAPABILITIES.has_wildcard(sent):
        superset = any_of(Comparison(path[-1:], each, sent) for each in operators)
        return with_recheck(path, superset, TextTest(with_case, needle, any_case))
    return any_of(Comparison(path, each, sent) for each in operators)


def iexact(path: FieldPath, _: str, value: Any) -> Node:
    """Return the condition of ``iexact``: the server compares both ends of the text, and rows are rechecked."""
    if value is None:
        return Comparison(path, "null")
    needle = _needle(path, value)
    if not needle:
        return all_of([Comparison(path, "empty"), Comparison(path, "nnull")])
    ends = (pattern(path[-1:], operator, needle) for operator in ("istarts_with", "iends_with"))
    superset = all_of(end.query.where if isinstance(end, InSubquery) else end for end in ends)
    return with_recheck(path, superset, TextTest("exact", needle, any_case=True))


def as_pattern(text: str) -> str:
    """Return a text as it is sent: with a wildcard in place of each character that the server would misread."""
    return _with_wildcard_first(text) if DEFAULT_CAPABILITIES.evaluates(text) else _without_escapes(text)


def _without_escapes(text: str) -> str:
    """Replace backslashes, which some databases treat as an escape, by a wildcard for one character."""
    return text.replace("\\", DEFAULT_CAPABILITIES.any_character)


def _with_wildcard_first(text: str) -> str:
    """Return a text with a wildcard for its first character, so that the server does not evaluate it."""
    return DEFAULT_CAPABILITIES.any_character + _without_escapes(text[1:])


def _needle(path: FieldPath, value: Any) -> str:
    """Return the text to search for.

    Raises:
        QueryError: it is no text, or no database can store it.
        UnsupportedQuery: it is longer than every database takes.
    """
    if not isinstance(value, str):
        msg = f"{path_name(path)}: this lookup takes a str, not {value!r}."
        raise QueryError(msg)
    most = DEFAULT_CAPABILITIES.longest_text
    if len(value.encode(errors="replace")) > most:
        msg = (
            f"{path_name(path)}: not every database looks for more than {most:,} bytes inside a text. "
            "Look for a part of it, or compare the whole text."
        )
        raise UnsupportedQuery(msg)
    try:
        return storable(value)
    except ValueError as error:
        msg = f"{path_name(path)}: {error}, so no row holds it."
        raise QueryError(msg) from None
