"""The address of a file's content, with what the server is to make of an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from ...core.checks import is_whole_number
from ...core.errors import QueryError
from ...core.json_codec import compact_json
from ...core.request_response import url_path

Fit = Literal["cover", "contain", "inside", "outside"]
Format = Literal["auto", "jpg", "png", "webp", "tiff", "avif"]

# Of files of other types, the server returns the original, whatever is asked for (S41).
_TRANSFORMED_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/tiff", "image/avif"})
_CHOICES = {
    "fit": ("cover", "contain", "inside", "outside"),
    "format": ("auto", "jpg", "png", "webp", "tiff", "avif"),
}
_NUMBERS: Mapping[str, tuple[int, int | None]] = {
    "width": (1, None),
    "height": (1, None),
    "quality": (1, 100),
    "focal_point_x": (0, None),
    "focal_point_y": (0, None),
}
_MOST_TRANSFORMS = 5


def asset_url(base: str, key: Any, changes: Mapping[str, Any], *, name: str | None = None, **others: Any) -> str:
    """Return the address of the content of a file.

    Args:
        base: the address of the server.
        key: the key of the file.
        changes: what the server is to make of an image, checked by `checked_changes`.
        name: the name under which browsers save it; at the end of the path.
        others: further parameters.
    """
    path = url_path("assets", key) if name is None else url_path("assets", key, name)
    params = {
        n: _text(value) for n, value in {**changes, **others}.items() if value is not None and value is not False
    }
    return f"{base}{path}?{urlencode(params)}" if params else f"{base}{path}"


def checked_changes(kind: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the server is to make of an image; refuse what it would ignore.

    Args:
        kind: the MIME type of the file; None if it is not known.
        changes: the arguments by the server's names; those that are None are left out.

    Raises:
        QueryError: a value is none that the server takes, or the file is no image that it can change.
    """
    given = {name: value for name, value in changes.items() if value is not None and value is not False}
    for name, choices in _CHOICES.items():
        if name in given and given[name] not in choices:
            raise QueryError(f"url({name}={given[name]!r}): the server has {', '.join(choices)}.")
    for name, (least, most) in _NUMBERS.items():
        if name in given and not (is_whole_number(given[name], least) and (most is None or given[name] <= most)):
            limits = f"from {least}" if most is None else f"from {least} to {most}"
            raise QueryError(f"url({name}={given[name]!r}): a whole number {limits} is expected.")
    if "transforms" in given:
        given["transforms"] = _checked_transforms(given["transforms"])
    if "key" in given and len(given) > 1:
        others = ", ".join(sorted(given.keys() - {"key"}))
        raise QueryError(f"url(key={given['key']!r}): beside {others}, the server drops parts of the preset.")
    if given and kind is not None and kind not in _TRANSFORMED_TYPES:
        types = ", ".join(sorted(_TRANSFORMED_TYPES))
        raise QueryError(
            f"url({', '.join(sorted(given))}): this file is of type {kind!r}, and the server would return the "
            f"original: it changes only {types}."
        )
    return given


def _checked_transforms(transforms: Any) -> list[list[Any]]:
    is_list = isinstance(transforms, Iterable) and not isinstance(transforms, str | bytes)
    steps = [step for step in transforms if isinstance(step, list | tuple)] if is_list else []
    if not steps or not all(step and isinstance(step[0], str) for step in steps):
        raise QueryError(f"url(transforms={transforms!r}): it is a list of lists, such as [['blur', 5]].")
    if len(steps) > _MOST_TRANSFORMS:
        raise QueryError(f"url(transforms=…): the server takes {_MOST_TRANSFORMS} at most, not {len(steps)}.")
    return [list(step) for step in steps]


def _text(value: Any) -> str:
    if value is True:
        return "true"
    return value if isinstance(value, str) else compact_json(value)
