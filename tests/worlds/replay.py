"""Recording the responses of a real server, and replaying them, bent or as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import attrs
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from directus_orm import Session
from directus_orm.session import Retry

_QUICK = Retry(times=1, first_pause=0.001, longest_pause=0.001, jitter=0, total=0.05)


@attrs.frozen
class Answer:
    """One response: status, headers, and the body before it is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the JSON of the body."""
        return json.loads(self.body) if self.body else None


@attrs.frozen
class Exchange:
    """A request, as far as it tells which response belongs to it, and that response."""

    method: str
    path: str
    url: str
    body: bytes
    answer: Answer

    @property
    def writes(self) -> bool:
        """Whether the request writes rows."""
        return self.method not in {"GET", "SEARCH"} and not self.path.startswith("/auth")


Recording = list[Exchange]
Bends = Mapping[int, Callable[[Answer], Answer]]
"""How to bend responses, by their number in a recording."""

_NO_ROUTE = Answer(
    404,
    {"Content-Type": "application/json"},
    b'{"errors":[{"message":"Route doesn\'t exist.","extensions":{"code":"ROUTE_NOT_FOUND"}}]}',
)


def _exchange(request: requests.PreparedRequest, answer: Answer) -> Exchange:
    body = request.body or b""
    url = request.path_url
    return Exchange(
        str(request.method), url.partition("?")[0], url, body if isinstance(body, bytes) else body.encode(), answer
    )


def _response(adapter: HTTPAdapter, request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    raw = HTTPResponse(BytesIO(answer.body), headers=answer.headers, status=answer.status, preload_content=False)
    return adapter.build_response(request, raw)


class _Recorder(HTTPAdapter):
    """Sends for real, and keeps what came."""

    def __init__(self) -> None:
        super().__init__()
        self.recording: Recording = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        kept = ("content-type", "set-cookie")
        headers = {name: value for name, value in response.headers.items() if name.lower() in kept}
        answer = Answer(response.status_code, headers, response.content)
        self.recording.append(_exchange(request, answer))
        return _response(self, request, answer)  # the body can be read once, and the recorder did


class _Replayer(HTTPAdapter):
    """Gives the recorded response of each request; some are bent."""

    def __init__(self, recording: Recording, bends: Bends) -> None:
        super().__init__()
        self._left = list(enumerate(recording))
        self._recording = recording
        self._bends = bends

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        place, exchange = self._find(_exchange(request, _NO_ROUTE))
        bend = self._bends.get(place)
        return _response(self, request, bend(exchange.answer) if bend else exchange.answer)

    def _find(self, asked: Exchange) -> tuple[int, Exchange]:
        """Return the response of this request, of one like it, or that there is no such route."""
        likeness: tuple[Callable[[Exchange], Any], ...] = (
            lambda e: (e.method, e.url, e.body),
            lambda e: (e.method, e.path, bool(e.body)),
        )
        for like in likeness:
            for entries in (self._left, list(enumerate(self._recording))):
                for place, exchange in entries:
                    if like(exchange) == like(asked):
                        self._left = [entry for entry in self._left if entry[0] != place]
                        return place, exchange
        return -1, asked


@contextmanager
def recording(url: str, **options: Any) -> Iterator[Recording]:
    """Open a session on a real server, and record its responses."""
    adapter = _Recorder()
    with requests.Session() as http:
        http.mount("http://", adapter)
        with Session(url, http=http, **options):
            yield adapter.recording


@contextmanager
def replaying(recording: Recording, bends: Bends, **options: Any) -> Iterator[None]:
    """Open a session that gets recorded responses, some of them bent."""
    with requests.Session() as http:
        http.mount("http://", _Replayer(recording, bends))
        with Session("http://replayed", http=http, retry=_QUICK, **options):
            yield
