"""The registry of extensions: what can be installed from the marketplace of Directus."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.request_response import Request, Row, Send, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api
from .people_values import checked_key


@public_in("directus_orm.session")
class Registry:
    """The registry that a server is connected to; for administrators. Data is as Directus sends it.

    Extensions and accounts are named by their UUIDs in the registry. The methods raise `Unavailable` or
    `ServerError` if the server cannot reach the registry. `Extension` of `directus_orm.system` lists what is
    installed, and enables it.
    """

    def __init__(self, api: Api, send: Send) -> None:
        self._api = api
        self._send = send

    @hides_locals
    def search(self, text: str | None = None, /, **query: Any) -> list[Row]:
        """Return the extensions that a text finds; ``query`` takes ``type``, ``limit``, ``offset`` and others."""
        params = self._api.query_params({"search": text, **query})
        rows: list[Row] = self._send(Request("GET", "/extensions/registry", params)).data
        return rows

    @hides_locals
    def extension(self, extension: UUID | str, /) -> Row:
        """Return what the registry knows of an extension, with its versions."""
        return self._read("extension", extension)

    @hides_locals
    def account(self, account: UUID | str, /) -> Row:
        """Return what the registry knows of an author."""
        return self._read("account", account)

    @hides_locals
    def install(self, extension: UUID | str, version: UUID | str, /) -> None:
        """Install a version of an extension on the server, where its code then runs."""
        keys = {"extension": checked_key("extension", extension), "version": checked_key("version", version)}
        self._send(Request("POST", "/extensions/registry/install", json=keys))

    @hides_locals
    def reinstall(self, extension: UUID | str, /) -> None:
        """Install the version of an extension again that was installed before."""
        key = checked_key("extension", extension)
        self._send(Request("POST", "/extensions/registry/reinstall", json={"extension": key}))

    @hides_locals
    def uninstall(self, extension: UUID | str, /) -> None:
        """Remove an extension that was installed from the registry."""
        key = checked_key("extension", extension)
        self._send(Request("DELETE", url_path("extensions", "registry", "uninstall", key)))

    def _read(self, kind: str, key: UUID | str) -> Row:
        path = url_path("extensions", "registry", kind, checked_key(kind, key))
        row: Row = self._send(Request("GET", path)).data
        return row

    asearch = async_twin(search)
    aextension = async_twin(extension)
    aaccount = async_twin(account)
    ainstall = async_twin(install, changes=True)
    areinstall = async_twin(reinstall, changes=True)
    auninstall = async_twin(uninstall, changes=True)
