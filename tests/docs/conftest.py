"""What the examples of pages need besides a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from directus_orm.session import session as session_module


@pytest.fixture
def default_session() -> Iterator[None]:
    """Forget, after the test, the session that `connect` made the default of this process."""
    before = session_module.session_stack.default
    yield
    made, session_module.session_stack.default = session_module.session_stack.default, before
    if made is not None:
        made.close()
