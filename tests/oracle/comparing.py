"""Following a recipe in both ORMs, comparing what comes out, and keeping count of it."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import attrs
from django.db import models as django
from django.db.models.query import QuerySet as DjangoQuerySet

import directus_orm
from directus_orm import Model, Rows, UnsupportedQuery
from tests.oracle import django_models as oracle
from tests.oracle.recipes import Recipe
from tests.worlds import flights as world
from tests.worlds import library

_NAMES = ("Q", "F", "Count", "Sum", "Avg", "Min", "Max")
_VALUES = {"UTC": UTC, "date": date, "datetime": datetime, "time": time, "Decimal": Decimal}

OURS: dict[str, Any] = {
    **{name: getattr(directus_orm, name) for name in _NAMES},
    **{name: getattr(library, name, None) or getattr(world, name) for name in oracle.MODELS},
    **_VALUES,
}
THEIRS: dict[str, Any] = {**{name: getattr(django, name) for name in _NAMES}, **oracle.MODELS, **_VALUES}

REFUSALS: tuple[type[Exception], ...] = (UnsupportedQuery,)


@attrs.define
class Tally:
    """How many querysets were compared, how many of them said something, and what was refused."""

    telling: int = 0
    refused: int = 0
    families: Counter[str] = attrs.field(factory=Counter)
    done: set[Recipe] = attrs.field(factory=set)
    reasons: Counter[str] = attrs.field(factory=Counter)

    @property
    def querysets(self) -> int:
        return len(self.done)

    def __str__(self) -> str:
        def share(part: int) -> str:
            return f"{part} ({100 * part / max(self.querysets, 1):.1f} %)"

        lines = [
            f"{self.querysets} querysets ({', '.join(f'{n} {family}' for family, n in self.families.items())})",
            f"some but not all rows: {share(self.telling)}; refused: {share(self.refused)}",
            *(f"  {number:5} {reason}" for reason, number in self.reasons.most_common()),
        ]
        return "\n".join(lines)


def compare(recipe: Recipe, tally: Tally, family: str = "") -> None:
    """Follow a recipe, and raise AssertionError where the two differ."""
    refused = False
    for ending in recipe.endings:
        wanted = plain(eval(ending.format(recipe.django), THEIRS))
        try:
            found = plain(eval(ending.format(recipe.ours), OURS))
        except REFUSALS as refusal:
            if not refused:
                tally.reasons[reason(refusal)] += 1
            refused = True
        else:
            assert same(found, wanted), difference(recipe, ending, found, wanted)
    tally.done.add(recipe)
    tally.families[family] += 1
    tally.refused += refused
    tally.telling += 0 < eval(recipe.rows, THEIRS) < oracle.MODELS[recipe.model].objects.count()


def plain(result: Any) -> Any:
    """Return results as values: of an instance, its key."""
    if isinstance(result, Model | django.Model):
        return result.pk
    if isinstance(result, list | DjangoQuerySet | Rows):
        return [plain(it) for it in result]
    return result


def same(found: Any, wanted: Any) -> bool:
    """Return whether two results are the same, down to the types; of sums and means, but for the last digits."""
    if isinstance(found, list | tuple) and isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[name], wanted[name]) for name in found)
    if type(found) is not type(wanted):
        return False
    if isinstance(found, float | Decimal):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return bool(found == wanted)


def difference(recipe: Recipe, ending: str, found: Any, wanted: Any) -> str:
    lines = [
        "the two differ",
        f"  ours:   {ending.format(recipe.ours)}",
        f"  Django: {ending.format(recipe.django)}",
        f"  found:  {found}",
        f"  wanted: {wanted}",
    ]
    if _keys_only(found) and _keys_only(wanted):
        lines.append(f"  only ours: {sorted({*found} - {*wanted})}; only Django's: {sorted({*wanted} - {*found})}")
    return "\n".join(lines)


def _keys_only(result: Any) -> bool:
    return isinstance(result, list) and len({type(it) for it in result} | {int}) == 1


def reason(refusal: Exception) -> str:
    """Return why, without what it was about: names of fields and values are left out."""
    text = re.sub(r"(?<!\w)('[^']*'|\"[^\"]*\")", "…", str(refusal))
    text = re.sub(r"\b\w+__\w+|\b[A-Z]\w*\.\w+", "…", text)
    return f"{type(refusal).__name__}: {text[:110]}"
