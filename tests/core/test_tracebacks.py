"""Which errors wrap which."""

from __future__ import annotations

from typing import Any

from directus_orm.core.tracebacks import causes


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_an_error_is_found_wherever_another_one_keeps_it() -> None:
    inner = ValueError("inner")
    context = LookupError()
    context.__context__ = inner
    reason: Any = OSError("outer")
    reason.reason = inner
    for outer in (LookupError("text", inner), caused(LookupError(), inner), context, reason):
        assert causes(outer) == [outer, inner]
    assert causes(None) == []


def test_errors_that_wrap_each_other_are_told_once() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert [error is first for error in causes(first)] == [True, False]
