"""`assert_no_drift`, for a test that fails when models and a server say different things."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..schema.checking.check import check
from ..schema.normal_form import DatabaseSchema
from ..session.session import Session


def assert_no_drift(
    source: Session | DatabaseSchema,
    models: ModuleType | type[Any] | Iterable[Any],
    *,
    strict: bool = False,
    ignore: Iterable[str] = (),
) -> None:
    """Fail if reads or writes of models would fail on a server; the message has the lines to write.

    Args:
        source: as of `directus_orm.schema.check`.
        models: the same.
        strict: whether warnings fail, too.
        ignore: kinds of differences to leave out, such as ``"collection-undeclared"``.

    Raises:
        AssertionError: there are differences.

    Example:
        >>> def test_models_fit_the_server(session):
        ...     assert_no_drift(session, myapp.models)
    """
    report = check(source, models).without(ignore)
    if report.is_failure(strict=strict):
        msg = f"models and server differ:\n{report}"
        raise AssertionError(msg)
