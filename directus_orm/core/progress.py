"""Telling how far a long read or write has come: by a bar, or to a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import ConfigurationError

Progress = bool | Callable[[int, int], object] | None
"""What ``progress=`` takes: True for a bar, a function of what is done and of the whole, or nothing."""

Advance = Callable[[int], None]
"""Tells that so many more are done."""


def checked(progress: Progress) -> Progress:
    """Return what ``progress=`` was given, if it can be told to.

    Raises:
        TypeError: it is neither a bool nor a function.
        ConfigurationError: a bar is wanted, and tqdm is not installed.
    """
    if progress is True:
        _tqdm()
    elif progress is not None and progress is not False and not callable(progress):
        msg = f"progress is True, or a function that takes (done, total), not {progress!r}."
        raise TypeError(msg)
    return progress


@contextmanager
def reporting(
    progress: Progress, total: int | Callable[[], int], *, unit: str = "rows", label: str | None = None
) -> Iterator[Advance]:
    """Give the function that tells of progress; a bar is closed in the end, however the work ends.

    A ``total`` that has to be asked for is asked only if somebody wants to know.

    Raises:
        TypeError, ConfigurationError: as `checked`.

    Example:
        >>> with reporting(print, 250) as advance:
        ...     for size in (100, 100, 50):
        ...         advance(size)
        100 250
        200 250
        250 250
    """
    if not checked(progress):
        yield _silent
        return
    whole = total if isinstance(total, int) else total()
    if callable(progress):
        yield _counting(progress, whole)
        return
    with _tqdm()(total=whole, unit=f" {unit}", desc=label) as bar:
        yield bar.update


def _silent(_: int) -> None:
    pass


def _counting(tell: Callable[[int, int], object], total: int) -> Advance:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        tell(done, total)

    return advance


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "progress=True draws its bar with tqdm, which is missing: pip install 'directus_orm[progress]'."
        raise ConfigurationError(msg) from error
    return tqdm
