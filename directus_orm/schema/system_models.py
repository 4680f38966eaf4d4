"""The models of Directus's own collections, by the server's name of each."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from .. import system
from ..fields.registry import is_model
from ..models.model import Model


@functools.cache
def system_models() -> Mapping[str, type[Model]]:
    """Return the models of `directus_orm.system` by their collections."""
    exported: list[Any] = [vars(system)[name] for name in system.__all__]
    return {each.directus.collection: each for each in exported if is_model(each)}
