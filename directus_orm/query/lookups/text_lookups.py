"""Looking for text: what the server is asked, and what is looked at again on the rows.

A needle is what a user gave: it means itself, letter by letter. The server takes ``%``, ``_`` and on some
databases a backslash for wildcards (G20), and some texts for something else (G16, G17, G38). A wildcard in the
place of what it would misread makes it find too much, never too little; the rows are then looked at in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...fields.field import Field
from ...fields.paths import path_name
from ...fields.scalars import storable
from ..conditions import Comparison, InSubquery, Node, Test, all_of, any_of
from ..query import Query

Path = tuple[Field, ...]

# What the server evaluates, or takes for a constant, wherever it stands alone (G16) or first (G17).
VARIABLES = ("$NOW", "$CURRENT_USER", "$CURRENT_ROLE", "$CURRENT_POLICIES")
CONSTANTS = frozenset({"true", "false", "null", "NULL"})
# SQLite takes patterns of 50,000 bytes, their own wildcards included.
_LONGEST = 49_000
_WILDCARDS = re.compile(r"[%_\\]")


def is_evaluated_by_server(text: str) -> bool:
    """Return whether the server would take a text for something else."""
    return text in CONSTANTS or text.startswith(VARIABLES)


def by_key(path: Path, where: Node) -> InSubquery:
    """Return the condition that the row which holds the path's last field meets another, by its key."""
    field = path[-1]
    pk: Field = field.model.directus.pk
    query = Query(field.model, where=where, paths=((pk,), (field,)))
    return InSubquery(path[:-1] or (pk,), query, (pk,))


def with_recheck(path: Path, superset: Node, test: Test) -> InSubquery:
    """Return the condition that a row meets if the server finds it by one, and the value at its end passes a test.

    ``superset`` is a condition on the model of the path's last field.
    """
    return attrs.evolve(by_key(path, superset), test=test, tested_path=path[-1:])


@attrs.frozen
class TextTest:
    """Whether a text holds a needle: ``where`` is exact, contains, starts_with or ends_with.

    Without regard to case if ``any_case``. Otherwise the database decides about the case of ASCII letters:
    `is_open` tells where that matters.

    It looks at what the server sends, before that becomes the field's type.
    """

    where: str
    needle: str
    any_case: bool = False

    def __call__(self, text: str) -> bool:
        """Return whether the text holds the needle, its case included unless that is of no account."""
        if self.any_case:
            return _HOLDS[self.where](text.lower(), self.needle.lower())
        return _HOLDS[self.where](text, self.needle)

    def is_open(self, text: str) -> bool:
        """Return whether the text holds the needle but for the case of ASCII letters."""
        if self.any_case or self.where == "exact" or self(text):
            return False
        return _HOLDS[self.where](_folded(text), _folded(self.needle))


_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda text, needle: text == needle,
    "contains": lambda text, needle: needle in text,
    "starts_with": lambda text, needle: text.startswith(needle),
    "ends_with": lambda text, needle: text.endswith(needle),
}
_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _folded(text: str) -> str:
    return text.translate(_FOLD)


def case_pattern(text: str) -> str | None:
    """Return a pattern with which a text begins only where the database disregards case; None without letters."""
    letter = next((n for n, char in enumerate(text) if char.isascii() and char.isalpha()), None)
    return None if letter is None else "_" * letter + text[letter].swapcase()


def exact(path: Path, text: str) -> Node:
    """Return the condition that a value is this text, which the server would misread."""
    operators = ("starts_with", "ends_with") if path[-1].primary_key else ("starts_with",)
    needle = "_" + _tame(text[1:])
    superset = all_of(Comparison(path[-1:], operator, needle) for operator in operators)
    return with_recheck(path, superset, TextTest("exact", text))


def _tame(text: str) -> str:
    """Put a wildcard for what some databases take for an escape."""
    return text.replace("\\", "_")


def pattern(path: Path, operator: str, value: Any) -> Node:
    """Return the condition of ``contains`` and its kin."""
    needle = _needle(path, value)
    if not needle:  # every text contains "", and the server refuses it (G37)
        return Comparison(path, "nnull")
    any_case = operator[1:] in _HOLDS
    where = operator[1:] if any_case else operator
    sent = "_" + _tame(needle[1:]) if is_evaluated_by_server(needle) else _tame(needle)
    # The server changes the case of other letters than the database does (G29): it is asked for both.
    forms = (operator, where) if any_case and not needle.isascii() else (operator,)
    if not any_case and not _WILDCARDS.search(sent):
        return Comparison(path, operator, sent)
    if not _WILDCARDS.search(sent):
        return any_of(Comparison(path, form, sent) for form in forms)
    superset = any_of(Comparison(path[-1:], form, sent) for form in forms)
    return with_recheck(path, superset, TextTest(where, needle, any_case))


def iexact(path: Path, _: str, value: Any) -> Node:
    """Return the condition of ``iexact``: the server has both ends of it, and the rows are looked at."""
    if value is None:
        return Comparison(path, "null")
    needle = _needle(path, value)
    if not needle:
        return all_of([Comparison(path, "empty"), Comparison(path, "nnull")])
    starts, ends = (pattern(path[-1:], operator, needle) for operator in ("istarts_with", "iends_with"))
    parts = [part.query.where if isinstance(part, InSubquery) else part for part in (starts, ends)]
    return with_recheck(path, all_of(parts), TextTest("exact", needle, any_case=True))


def _needle(path: Path, value: Any) -> str:
    if not isinstance(value, str):
        msg = f"{path_name(path)}: a text is looked for with a str, not with {value!r}."
        raise QueryError(msg)
    if len(value.encode(errors="replace")) > _LONGEST:
        msg = (
            f"{path_name(path)}: not every database looks for more than {_LONGEST:,} bytes inside a text. "
            "Look for a part of it, or compare the whole text."
        )
        raise UnsupportedQuery(msg)
    try:
        return storable(value)
    except ValueError as error:
        msg = f"{path_name(path)}: {error}, so that none holds it."
        raise QueryError(msg) from None
