"""The connections of a session's own making."""

from __future__ import annotations

import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

_CONNECTIONS = 32
# Node closes a connection that was idle for 5 s. Of a write sent at that moment nobody would know
# whether it was applied, so a connection is given up before.
LONGEST_IDLE = 4.0


def own_http() -> requests.Session:
    """Return a `requests.Session` that reuses connections, but none that the server may be closing."""
    http = requests.Session()
    for scheme in ("http://", "https://"):
        http.mount(scheme, _Adapter(pool_maxsize=_CONNECTIONS))
    return http


class _Pool(urllib3.HTTPConnectionPool):
    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn: Any = super()._get_conn(timeout)
        if time.monotonic() - getattr(conn, "idle_since", float("inf")) > LONGEST_IDLE:
            conn.close()  # opens anew with its next request
        return conn


class _TlsPool(_Pool, urllib3.HTTPSConnectionPool):
    pass


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
