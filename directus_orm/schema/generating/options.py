"""What a user may choose about generated models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

Choices = Literal["none", "literal", "strenum"]
"""How the choices of Directus's app are written: not at all, as a `Literal`, or as a `StrEnum`.

The last two also take other texts, as the server does.
"""


@attrs.frozen
class GeneratorOptions:
    """What is written, and how.

    Args:
        names: names of classes by collection, and of attributes by ``collection.field``, instead of those that are
            made.
        choices: whether fields with choices say so. Directus's app offers them, and the server takes any value.
        sort: the order of the fields: that of Directus's app, or by name.
    """

    names: Mapping[str, str] = attrs.field(factory=dict)
    choices: Choices = "none"
    sort: Literal["studio", "name"] = "studio"
