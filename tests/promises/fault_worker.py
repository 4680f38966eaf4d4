"""One thread of an application that works under faults, and its ledger: what it was told of each of its rows."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import attrs

from directus_orm import (
    DirectusError,
    Model,
    OutcomeUnknown,
    RateLimited,
    Session,
    TransportError,
    Unavailable,
    field,
    generated,
)

T = TypeVar("T")

HIDDEN_FROM = 800_000
"""Rows whose ``n`` is as large are hidden from some users, or parts of them."""
HIDDEN_LABEL = "7"
"""Slips whose label ends so are hidden from some users."""


class Box(Model, collection="fault_boxes"):
    """Its keys are made by the client, so that a lost create can be looked up."""

    id: UUID = field(factory=uuid4, primary_key=True)
    owner: int
    n: int = 0
    note: str | None = None


class Slip(Model, collection="fault_slips"):
    """Its keys are made by the server, so that the outcome of a lost create stays unknown."""

    id: int = field(default=generated, primary_key=True)
    owner: int
    label: str


@attrs.frozen
class Content:
    """What a box holds; None stands for a box that is not there."""

    n: int
    note: str | None

    @classmethod
    def of(cls, box: Box) -> Content:
        return cls(box.n, box.note)


Sight = Callable[[Content | None], Content | None]
"""Says what a user sees of a box."""


def sees_all(content: Content | None) -> Content | None:
    return content


def sees_some_rows(content: Content | None) -> Content | None:
    return content if content is None or content.n < HIDDEN_FROM else None


def sees_some_notes(content: Content | None) -> Content | None:
    return content if content is None or content.n < HIDDEN_FROM else Content(content.n, None)


class Worker:
    """One thread of the application: what it did, what it was told, and so what may be in its rows."""

    def __init__(self, session: Session, owner: int, seed: int, sight: Sight = sees_all) -> None:
        self.dice = random.Random(seed)
        self.session = session
        self.owner = owner
        self.sight = sight
        # The contents that each row may have; more than one only where an outcome is unknown.
        self.boxes: dict[UUID, set[Content | None]] = {}
        self.slips: dict[str, set[bool]] = {}
        self.told: Counter[str] = Counter()
        # How many operations found no row.
        self.idle = 0
        self.longest = 0.0

    def run(self, operations: int) -> None:
        verbs: list[tuple[Callable[[], None], int]] = [
            (self.create, 18),
            (self.create_slip, 5),
            (self.read, 20),
            (self.update, 22),
            (self.update_unread, 5),
            (self.delete, 8),
            (self.iterate, 5),
            (self.bulk_create, 3),
            (self.update_many, 4),
            (self.bulk_update, 3),
            (self.upsert, 4),
            (self.delete_many, 3),
        ]
        for _ in range(4):  # so that the operations find rows
            self.bulk_create()
        for verb in self.dice.choices([v for v, _ in verbs], [w for _, w in verbs], k=operations):
            started, told = time.monotonic(), self.told.total()
            verb()
            self.longest = max(self.longest, time.monotonic() - started)
            self.idle += self.told.total() == told

    # --- the ledger -----------------------------------------------------------------------------------------

    def write(
        self, states: dict[Any, set[Any]], changes: dict[Any, Any], absent: Any, act: Callable[[], T]
    ) -> T | None:
        """Do something that changes rows to these states, and keep what was told; return None unless done."""
        before = {key: states.get(key, {absent}) for key in changes}
        try:
            result = act()
        except OutcomeUnknown:
            states |= {key: before[key] | {state} for key, state in changes.items()}
            self.told["unknown"] += 1
        except DirectusError as error:
            self.refused(error)
            states |= before
        else:
            states |= {key: {state} for key, state in changes.items()}
            self.told["done"] += 1
            return result
        return None

    def write_boxes(self, changes: dict[UUID, Any], act: Callable[[], T]) -> T | None:
        return self.write(self.boxes, changes, None, act)

    def refused(self, error: DirectusError) -> None:
        """Count an error that says that nothing was written."""
        before = isinstance(error, TransportError) and error.request is not None and error.request.reads
        unsent = isinstance(error, TransportError) and not error.sent
        assert before or unsent or isinstance(error, RateLimited | Unavailable), repr(error)
        self.told[f"refused: {type(error).__name__}"] += 1

    def look(self, act: Callable[[], T]) -> T | None:
        """Read something; None where that failed."""
        try:
            found = act()
        except (TransportError, RateLimited, Unavailable) as error:
            self.told[f"not read: {type(error).__name__}"] += 1
            return None
        self.told["read"] += 1
        return found

    def check(self, found: dict[UUID, Content], sight: Sight) -> None:
        """Compare boxes with what the application was told: none is missing, doubled, or of another content."""
        assert found.keys() <= self.boxes.keys()
        for pk, states in self.boxes.items():
            self.check_one(pk, found.get(pk), states, sight)

    def check_one(self, pk: UUID, found: Content | None, states: Iterable[Content | None], sight: Sight) -> None:
        assert found in map(sight, states), f"{pk} of {self.owner}: found {found}, told {states}"

    # --- choosing -------------------------------------------------------------------------------------------

    def number(self) -> int:
        return self.dice.randrange(1_000_000)

    def new_box(self) -> Box:
        return Box(owner=self.owner, n=self.number(), note=f"note {self.number()}")

    def some(self, most: int) -> dict[UUID, Content]:
        """Choose boxes of which it is known that they are there, and what they hold."""
        return self.sample(self.known(), most)

    def known(self) -> dict[UUID, Content]:
        known = [(pk, state) for pk, states in self.boxes.items() if len(states) == 1 for state in states]
        return {pk: content for pk, content in known if content is not None}

    def sample(self, boxes: dict[UUID, Content], most: int) -> dict[UUID, Content]:
        return dict(self.dice.sample(list(boxes.items()), min(most, len(boxes))))

    def seen(self, boxes: dict[UUID, Content]) -> dict[UUID, Content]:
        """Return those of the boxes which the user sees."""
        return {pk: content for pk, content in boxes.items() if self.sight(content) is not None}

    def read_some(self, most: int) -> tuple[dict[UUID, Content], list[Box]]:
        """Choose boxes and read those that the user sees; return what they hold, and the boxes."""
        chosen = self.sample(self.seen(self.known()), most)
        boxes = self.look(lambda: list(Box.objects.filter(pk__in=chosen))) if chosen else []
        if boxes is None:
            return {}, []
        assert {box.id for box in boxes} == chosen.keys()
        for box in boxes:
            self.check_one(box.id, Content.of(box), [chosen[box.id]], self.sight)
        return chosen, boxes

    # --- reading --------------------------------------------------------------------------------------------

    def read(self) -> None:
        for pk in self.dice.sample(list(self.boxes), min(1, len(self.boxes))):
            found = self.look(partial(contents, Box.objects.filter(pk=pk)))
            if found is not None:
                self.check_one(pk, found.get(pk), self.boxes[pk], self.sight)

    def iterate(self) -> None:
        rows = Box.objects.filter(owner=self.owner).iterator(page_size=20)
        found = self.look(partial(contents, rows))
        if found is not None:
            self.check(found, self.sight)

    # --- writing --------------------------------------------------------------------------------------------

    def create(self) -> None:
        box = self.new_box()
        self.write_boxes({box.id: Content.of(box)}, box.save)

    def create_slip(self) -> None:
        label = f"{self.owner}-{len(self.slips)}"
        create = partial(Slip.objects.create, owner=self.owner, label=label)
        self.write(self.slips, {label: True}, False, create)

    def bulk_create(self) -> None:
        boxes = [self.new_box() for _ in range(5)]
        self.write_boxes({box.id: Content.of(box) for box in boxes}, lambda: Box.objects.bulk_create(boxes))

    def update(self) -> None:
        chosen, boxes = self.read_some(1)
        for box in boxes:
            content = attrs.evolve(chosen[box.id], n=self.number())
            box.n = content.n
            if self.dice.random() < 0.5:
                box.note = f"note {self.number()}"
                content = attrs.evolve(content, note=box.note)
            self.write_boxes({box.id: content}, box.save)

    def update_unread(self) -> None:
        for pk, content in self.some(1).items():
            box = Box.objects.ref(pk)
            box.n = self.number()
            self.write_boxes({pk: attrs.evolve(content, n=box.n)}, box.save)

    def update_many(self) -> None:
        """The boxes that the user does not see are left alone, and not counted."""
        chosen, n = self.some(4), self.number()
        changes = {pk: attrs.evolve(content, n=n) for pk, content in self.seen(chosen).items()}
        count = self.write_boxes(changes, lambda: Box.objects.filter(pk__in=chosen).update(n=n))
        assert count in {None, len(changes)}

    def bulk_update(self) -> None:
        chosen, boxes = self.read_some(4)
        for box in boxes:
            box.n = self.number()
        changes = {box.id: attrs.evolve(chosen[box.id], n=box.n) for box in boxes}
        count = self.write_boxes(changes, lambda: Box.objects.bulk_update(boxes, ["n"]))
        assert count in {None, len(changes)}

    def upsert(self) -> None:
        """Notes that are hidden, and so were read as null, stay."""
        chosen, boxes = self.read_some(3)
        for box in boxes:
            box.n = self.number()
        changes = {box.id: attrs.evolve(chosen[box.id], n=box.n) for box in boxes}
        self.write_boxes(changes, lambda: Box.objects.upsert(boxes))

    def delete(self) -> None:
        for pk in self.some(1):
            self.write_boxes({pk: None}, Box.objects.ref(pk).delete)

    def delete_many(self) -> None:
        chosen = self.some(3)
        changes = dict.fromkeys(self.seen(chosen))
        count = self.write_boxes(changes, lambda: Box.objects.filter(pk__in=chosen).delete())
        assert count in {None, len(changes)}


def contents(rows: Iterable[Box]) -> dict[UUID, Content]:
    """Read boxes, and return what each holds; each comes once."""
    boxes = list(rows)
    assert len({box.id for box in boxes}) == len(boxes)
    return {box.id: Content.of(box) for box in boxes}
