"""`Drift`, one difference between a model and a schema, and `DriftReport`, all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

import attrs

from ...core.errors import QueryError, suggestion

Level = Literal["error", "warning", "note"]
"""What a difference does:

- ``error``: reads or writes of the model fail, or give wrong rows.
- ``warning``: some rows cannot be read, or some writes fail.
- ``note``: nothing breaks.
"""

CODES: Mapping[str, Level] = {
    "collection-missing": "error",
    "field-missing": "error",
    "key-differs": "error",
    "list-differs": "error",
    "list-missing": "error",
    "relation-differs": "error",
    "singleton-differs": "error",
    "type-differs": "error",
    "value-needed": "error",
    "choices-narrower": "warning",
    "computed-there": "warning",
    "not-generated": "warning",
    "null-here": "warning",
    "null-there": "warning",
    "secret-there": "warning",
    "sort-differs": "warning",
    "choices-differ": "note",
    "collection-undeclared": "note",
    "default-differs": "note",
    "deselect-differs": "note",
    "field-undeclared": "note",
    "foreign-key-differs": "note",
    "index-differs": "note",
    "max-length-differs": "note",
    "note-differs": "note",
    "on-delete-differs": "note",
    "precision-differs": "note",
    "relation-undeclared": "note",
    "size-differs": "note",
    "sort-undeclared": "note",
    "target-undeclared": "note",
    "unique-differs": "note",
}
"""The kinds of differences, and the level of each."""

_LEVELS: tuple[Level, ...] = get_args(Level)


@attrs.frozen
class Drift:
    """A difference between a model and the schema of a server.

    Args:
        code: the kind of difference: a key of `CODES`.
        model: the name of the model; for a collection without a model, the name of the collection.
        field: the name of the field or list in Python, or the server's where the model has none; None if the
            difference is one of the whole model.
        here: what the model says.
        there: what the server says.
        message: a sentence that says what differs and what comes of it.
        line: the source to write instead, as far as it is known.
    """

    code: str
    model: str
    field: str | None
    here: str
    there: str
    message: str
    line: str = ""

    @property
    def level(self) -> Level:
        """What it does: ``error``, ``warning`` or ``note``."""
        return CODES[self.code]

    @property
    def place(self) -> str:
        """The model, or the model and the field: ``Article.slug``."""
        return self.model if self.field is None else f"{self.model}.{self.field}"

    def __str__(self) -> str:
        return f"{self.level}: {self.place}  {self.here} here, {self.there} there. {self.message} [{self.code}]"

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON, by the names of the arguments and ``level``."""
        names = ("level", "model", "field", "code", "here", "there", "message", "line")
        return {name: getattr(self, name) for name in names}


@attrs.frozen
class DriftReport:
    """The differences between models and a schema, by model, the worst first; false if there are none.

    ``str()`` gives them as text: a block for each model with the lines to write, then how many there are.
    """

    drifts: tuple[Drift, ...] = ()

    def __iter__(self) -> Iterator[Drift]:
        return iter(self.drifts)

    def __len__(self) -> int:
        return len(self.drifts)

    def of_level(self, level: Level) -> tuple[Drift, ...]:
        """Return the differences of one level."""
        return tuple(each for each in self.drifts if each.level == level)

    def without(self, codes: Iterable[str]) -> DriftReport:
        """Return the report without the differences of some kinds.

        Raises:
            QueryError: there is no such kind.
        """
        left_out = checked_codes(codes)
        return DriftReport(tuple(each for each in self.drifts if each.code not in left_out))

    def is_failure(self, *, strict: bool = False) -> bool:
        """Return whether there are errors; with ``strict``, whether there are errors or warnings."""
        failing = ("error", "warning") if strict else ("error",)
        return any(each.level in failing for each in self.drifts)

    def __str__(self) -> str:
        blocks = ["\n".join(_lines(self.drifts, model)) for model in dict.fromkeys(d.model for d in self.drifts)]
        return "\n\n".join([*blocks, self.summary])

    @property
    def summary(self) -> str:
        """How many differences there are of each level: ``1 error, 2 notes``."""
        counts = [(level, len(self.of_level(level))) for level in _LEVELS]
        return ", ".join(f"{count} {level}{'s' * (count > 1)}" for level, count in counts if count) or "no drift"


def checked_codes(codes: Iterable[str]) -> Collection[str]:
    """Return codes, of which each must be one of `CODES`.

    Raises:
        QueryError: there is no such kind of difference.
    """
    codes = [codes] if isinstance(codes, str) else list(codes)
    for code in codes:
        if code not in CODES:
            msg = (
                f"There is no kind of difference {code!r}.{suggestion(code, tuple(CODES))} "
                f"These are: {', '.join(sorted(CODES))}."
            )
            raise QueryError(msg)
    return frozenset(codes)


def in_order(drifts: Iterable[Drift]) -> DriftReport:
    """Return the report of differences: each model in the order in which it came, the worst first."""
    drifts = list(drifts)
    models = list(dict.fromkeys(each.model for each in drifts))
    drifts.sort(key=lambda each: (models.index(each.model), _LEVELS.index(each.level)))
    return DriftReport(tuple(drifts))


def _lines(drifts: Iterable[Drift], model: str) -> Iterator[str]:
    yield model
    for each in drifts:
        if each.model == model:
            yield f"  {each.level}: {each.place}  {each.here} here, {each.there} there [{each.code}]"
            yield f"      {each.message}"
            yield from (f"      {line}" for line in each.line.splitlines())
