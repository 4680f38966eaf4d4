"""Deployments of Directus 11 and later: websites that a provider such as Vercel or Netlify builds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.masking import Secret
from ...core.request_response import Request, Row, Send, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api
from .supported_routes import send_where_supported


@public_in("directus_orm.session")
class Deployments:
    """The deployments of a server, each by one request; data as Directus sends it.

    A provider is ``"vercel"`` or ``"netlify"``. All methods raise `UnsupportedQuery` on Directus 10,
    and `InvalidRequest` for a provider that the server does not know.
    """

    def __init__(self, api: Api, send: Send) -> None:
        self._api = api
        self._send = send

    @hides_locals
    def read(self, provider: str | None = None, /, **query: Any) -> Any:
        """Return the configuration of a provider, or those of all providers in a list."""
        return self._ask("GET", *(() if provider is None else (provider,)), params=query)

    @hides_locals
    def create(
        self,
        provider: str,
        credentials: Mapping[str, Any],
        *,
        options: Mapping[str, Any] | None = None,
        projects: Iterable[Row] = (),
    ) -> Row:
        """Connect a provider, and return its configuration. ``projects`` are those that are shown.

        Raises `Unavailable` if the provider refuses the credentials.

        ```python
        session.deployments.create("vercel", {"access_token": "…"})
        ```
        """
        secret = _hidden(credentials)
        body = {
            "provider": provider,
            "credentials": secret,
            "options": dict(options or {}),
            "projects": [*projects],
        }
        row: Row = self._ask("POST", json=body)
        return row

    @hides_locals
    def update(self, provider: str, /, **changes: Any) -> Row:
        """Change the ``credentials`` or the ``options`` of a provider, and return its configuration."""
        if "credentials" in changes:
            changes["credentials"] = _hidden(changes["credentials"])
        row: Row = self._ask("PATCH", provider, json=changes)
        return row

    @hides_locals
    def delete(self, provider: str) -> None:
        """Disconnect a provider."""
        self._ask("DELETE", provider)

    @hides_locals
    def dashboard(self, provider: str, /, **query: Any) -> Row:
        """Return what the app shows of a provider: its projects with their last deployments."""
        row: Row = self._ask("GET", provider, "dashboard", params=query)
        return row

    @hides_locals
    def projects(self, provider: str, /) -> list[Row]:
        """Return the projects of a provider, also those that are not shown."""
        rows: list[Row] = self._ask("GET", provider, "projects")
        return rows

    @hides_locals
    def project(self, provider: str, project: str, /, **query: Any) -> Row:
        """Return a project."""
        row: Row = self._ask("GET", provider, "projects", project, params=query)
        return row

    @hides_locals
    def update_projects(self, provider: str, /, *, create: Iterable[Row] = (), delete: Iterable[str] = ()) -> Any:
        """Choose which projects are shown: those to add, and the keys of those to remove."""
        return self._ask("PATCH", provider, "projects", json={"create": [*create], "delete": [*delete]})

    @hides_locals
    def deploy(self, provider: str, project: str, /, *, preview: bool = False, clear_cache: bool = False) -> Row:
        """Start a deployment of a project, and return its run."""
        body = {"preview": preview, "clear_cache": clear_cache}
        row: Row = self._ask("POST", provider, "projects", project, "deploy", json=body)
        return row

    @hides_locals
    def runs(self, provider: str, project: str, /, **query: Any) -> list[Row]:
        """Return the runs of a project."""
        rows: list[Row] = self._ask("GET", provider, "projects", project, "runs", params=query)
        return rows

    @hides_locals
    def run_stats(self, provider: str, project: str, /, **query: Any) -> Row:
        """Return how many runs of a project succeeded and failed."""
        row: Row = self._ask("GET", provider, "projects", project, "runs", "stats", params=query)
        return row

    @hides_locals
    def run(self, provider: str, run: str, /, **query: Any) -> Row:
        """Return a run with its log."""
        row: Row = self._ask("GET", provider, "runs", run, params=query)
        return row

    @hides_locals
    def cancel(self, provider: str, run: str, /) -> Row:
        """Cancel a run, and return it."""
        row: Row = self._ask("POST", provider, "runs", run, "cancel")
        return row

    def _ask(self, method: str, *segments: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        request = Request(method, url_path("deployments", *segments), self._api.query_params(params or {}), json)
        return send_where_supported(self._send, request, "Directus 11 and later have deployments.").data

    aread = async_twin(read)
    acreate = async_twin(create, changes=True)
    aupdate = async_twin(update, changes=True)
    adelete = async_twin(delete, changes=True)
    adashboard = async_twin(dashboard)
    aprojects = async_twin(projects)
    aproject = async_twin(project)
    aupdate_projects = async_twin(update_projects, changes=True)
    adeploy = async_twin(deploy, changes=True)
    aruns = async_twin(runs)
    arun_stats = async_twin(run_stats)
    arun = async_twin(run)
    acancel = async_twin(cancel, changes=True)


def _hidden(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return credentials that no error and no capture shows."""
    return {name: Secret(value) if isinstance(value, str) else value for name, value in credentials.items()}
