"""What type checkers know of the options of fields and lists. Checked by mypy and pyright, never run.

Lines that must be errors carry an ignore; both checkers report an ignore that is not needed.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, assert_type
from uuid import UUID

from directus_orm import Model, Related, field, generated, many_to_many, one_to_many


class Shelf(Model, meta={"icon": "shelves"}):
    id: UUID = field(default=generated.uuid, primary_key=True)
    volumes: Related[Volume] = one_to_many("shelf", sort="position", deselect="delete")
    wrong: Related[Volume] = one_to_many("shelf", deselect="drop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Volume(Model):
    id: int = field(default=generated, primary_key=True)
    title: str = field(max_length=80, unique=True, index=True, note="The title", meta={"interface": "input"})
    price: Decimal | None = field(default=None, precision=(10, 2))
    topic: Literal["art", "war"] | str | None = None
    shelf: Shelf | None = field(default=None, on_delete="CASCADE")
    former: Shelf | None = field(default=None, foreign_key=False)
    position: int | None = None
    code: str | None = field(default=None, secret="conceal")
    raw: Any = field(default=generated, type="unknown")
    seen: datetime = field(default=generated.sql("now()"), server_default=None)
    created: datetime | None = field(default=generated.date_created)
    labels: Related[Shelf] = many_to_many("VolumeLabel", deselect="nullify")
    misspelt: datetime | None = field(default=generated.date_creatd)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def options(volume: Volume) -> None:
    assert_type(Volume(title="a"), Volume)
    Volume()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(volume.seen, datetime)
    volume.topic = "gardening"
    volume.topic = 5  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    field(max_length="80")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    field(on_delete="cascade")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
