"""Requests to routes that not all versions of Directus have."""

from __future__ import annotations

from ...core.errors import InvalidRequest, UnsupportedQuery
from ...core.request_response import Request, Response, Send


def send_where_supported(send: Send, request: Request, message: str) -> Response:
    """Send a request, and return its response.

    Raises:
        UnsupportedQuery: the server does not have the route; with this message.
    """
    try:
        return send(request)
    except InvalidRequest as error:
        if error.code != "ROUTE_NOT_FOUND":
            raise
        raise UnsupportedQuery(message) from None
