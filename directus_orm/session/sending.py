"""Sending a request with retries, and the sender that is handed to an `Auth` for its own requests."""

from __future__ import annotations

import attrs

from ..core import cancellation
from ..core.errors import ServerError, TransportError
from ..core.masking import Secret, as_secret
from ..core.request_response import Request, Response
from .http.api import Api
from .http.retry import Retry, RetryState
from .http.transport import Transport


def send_with_retries(
    transport: Transport, request: Request, credential: Secret | None, attempts: RetryState
) -> Response:
    """Send a request, and again after each error that allows it; raise the last error."""
    while True:
        try:
            return transport.send(request, credential)
        except (ServerError, TransportError) as error:
            pause = attempts.pause(error)
            if pause is None:
                raise
        cancellation.pause(pause)


@attrs.frozen
class LoginSender:
    """Sends the requests of an `Auth`: logins, refreshes, logouts."""

    transport: Transport
    retry: Retry

    @property
    def api(self) -> Api:
        """The server's `Api`, which builds login requests."""
        return self.transport.api

    def __call__(self, request: Request, credential: str | Secret | None = None, /) -> Response:
        """Send a request without credentials, or with the one given."""
        credential = as_secret(credential)
        attempts = RetryState(self.retry, request, self.api)
        return send_with_retries(self.transport, request, credential, attempts)
