"""Progress of a long read or write (``progress=``): a bar, or a function that is called with the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import ConfigurationError

Progress = bool | Callable[[int, int], object] | None
"""The values of ``progress=``: True for a bar, or a function that takes (done, total)."""

Advance = Callable[[int], None]
"""Called with the number of rows that were done since the last call."""


def checked(progress: Progress) -> Progress:
    """Return the value of ``progress=`` after checking it.

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
    """Yield the function to call as work advances; a bar is closed when the block ends, also by an error.

    A ``total`` that is a function is called only if progress is reported.

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
        yield _ignore
        return
    number = total if isinstance(total, int) else total()
    if callable(progress):
        yield _cumulative(progress, number)
        return
    with _tqdm()(total=number, unit=f" {unit}", desc=label) as bar:
        yield bar.update


def _ignore(_: int) -> None:
    pass


def _cumulative(report: Callable[[int, int], object], total: int) -> Advance:
    """Return the function that adds up the counts and reports (done, total)."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(done, total)

    return advance


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "progress=True draws its bar with tqdm, which is missing: pip install 'directus_orm[progress]'."
        raise ConfigurationError(msg) from error
    return tqdm
