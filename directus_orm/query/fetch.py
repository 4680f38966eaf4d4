"""Driving the paging generators: each request sent, each page of rows handed on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..errors import InvalidRequest
from ..session import Session
from ..wire import Request, Row


def fetch(session: Session, steps: Generator[Request, list[Row], None]) -> Iterator[list[Row]]:
    """Send what paging asks for and yield the rows of each answer; nothing is sent before it is needed."""
    try:
        request = next(steps)
        while True:
            try:
                rows = session.dialect.rows(session.send(request))
            except InvalidRequest as refusal:
                request = steps.throw(refusal)
                session.max_rows = session.dialect.row_limit(refusal)
                continue
            yield rows
            request = steps.send(rows)
    except StopIteration:
        return
