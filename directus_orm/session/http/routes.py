"""Routes of Directus 10 to 12: the rows of a collection, the rows that a request is about, GET as SEARCH."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import attrs

from ...core.request_response import Request, parsed_param

_ITEMS = "items"
_PREFIX = "directus_"

Versions = tuple[int, int | None]
"""The first and the last major version that have something; None: all later versions have it, too."""

_ALL: Versions = (0, None)
_UNTIL_10: Versions = (0, 10)
_SINCE_11: Versions = (11, None)
_SINCE_12: Versions = (12, None)


def _columns(until_10: str = "", since_11: str = "", since_12: str = "") -> dict[str, Versions]:
    by_versions = {_UNTIL_10: until_10, _SINCE_11: since_11, _SINCE_12: since_12}
    return {name: versions for versions, names in by_versions.items() for name in names.split()}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALL_WRITES = _words("create update delete")


@attrs.frozen
class SystemCollection:
    """One of Directus's own collections: where its rows are, and what its route can do.

    Args:
        name: the name of the collection without ``directus_``, which is also its route.
        versions: the major versions that have it.
        writes: what can be written there: ``create``, ``update``, ``delete``.
        is_list: whether the route lists rows by query parameters. The settings are one row, and the list of
            extensions takes no parameters.
        finds_by_keys: whether a SEARCH with ``keys`` returns these rows. Elsewhere the first 100 come (S26).
        counts_rows: whether the route takes ``meta``, the number of all rows.
        adds_rows: whether the server adds rows that are not stored, and have no key (S27).
        columns: the major versions that have a column, for those that not all versions have.
    """

    name: str
    versions: Versions = _ALL
    writes: frozenset[str] = _ALL_WRITES
    is_list: bool = True
    finds_by_keys: bool = True
    counts_rows: bool = True
    adds_rows: bool = False
    columns: Mapping[str, Versions] = attrs.field(factory=dict, hash=False)


_ROWS = (
    SystemCollection("access", versions=_SINCE_11),
    SystemCollection("activity", writes=frozenset(), columns=_columns(until_10="comment")),
    SystemCollection("comments", versions=_SINCE_11),
    SystemCollection("dashboards", finds_by_keys=False),
    SystemCollection(
        "extensions", writes=_words("update delete"), is_list=False, finds_by_keys=False, counts_rows=False
    ),
    SystemCollection("files"),
    SystemCollection("flows", finds_by_keys=False, columns=_columns(since_12="folder")),
    SystemCollection("folders", columns=_columns(since_12="type")),
    SystemCollection("notifications"),
    SystemCollection("operations", finds_by_keys=False),
    SystemCollection("panels", finds_by_keys=False),
    SystemCollection(
        "permissions",
        finds_by_keys=False,
        adds_rows=True,
        columns=_columns(until_10="role", since_11="policy"),
    ),
    SystemCollection("policies", versions=_SINCE_11),
    SystemCollection("presets"),
    SystemCollection("revisions", writes=frozenset(), finds_by_keys=False),
    SystemCollection(
        "roles",
        finds_by_keys=False,
        columns=_columns(
            until_10="ip_access enforce_tfa admin_access app_access", since_11="parent children policies"
        ),
    ),
    SystemCollection(
        "settings",
        writes=_words("update"),
        is_list=False,
        finds_by_keys=False,
        counts_rows=False,
        columns=_columns(
            since_11="""
                visual_editor_urls project_id mcp_enabled mcp_allow_deletes mcp_prompts_collection
                mcp_system_prompt_enabled mcp_system_prompt project_owner project_usage org_name product_updates
                project_status ai_openai_api_key ai_anthropic_api_key ai_system_prompt ai_google_api_key
                ai_openai_compatible_api_key ai_openai_compatible_base_url ai_openai_compatible_name
                ai_openai_compatible_models ai_openai_compatible_headers ai_openai_allowed_models
                ai_anthropic_allowed_models ai_google_allowed_models collaborative_editing_enabled""",
            since_12="""
                ai_translation_default_model ai_translation_glossary ai_translation_style_guide
                license_key license_token default_save_action
                mcp_oauth_enabled mcp_oauth_dcr_enabled mcp_oauth_cimd_enabled""",
        ),
    ),
    SystemCollection("shares", finds_by_keys=False, counts_rows=False),
    SystemCollection("translations"),
    SystemCollection("users", finds_by_keys=False, columns=_columns(since_11="text_direction policies")),
    SystemCollection("versions", columns=_columns(since_11="delta")),
    SystemCollection("webhooks", versions=_UNTIL_10, writes=frozenset(), finds_by_keys=False, counts_rows=False),
)

SYSTEM_COLLECTIONS = {f"{_PREFIX}{each.name}": each for each in _ROWS}
"""Directus's own collections whose rows have a route, by the full name of the collection."""

LIMITED_COLLECTIONS = frozenset(name for name, each in SYSTEM_COLLECTIONS.items() if each.columns)
"""Those with columns that not all versions have."""

_LISTS = {each.name: each for each in _ROWS if each.is_list}

RESERVED_KEYS = frozenset({"auth", "import", "info", "invite", "me", "register"})
"""Keys that no row of these collections can have: below some of their routes, these are other routes."""


def versions_of(collection: str, column: str) -> Versions | None:
    """Return the versions that have a column of one of Directus's own collections; None if all of them have it."""
    system = SYSTEM_COLLECTIONS.get(collection)
    return None if system is None else system.columns.get(column)


def versions_of_route(path: str) -> str | None:
    """Return which versions have the route of a collection, as a sentence begins; None if all have it."""
    root = path.split("/")[1]
    system = SYSTEM_COLLECTIONS.get(f"{_PREFIX}{root}")
    return None if system is None or system.versions == _ALL else describe_versions(system.versions)


def describe_versions(versions: Versions) -> str:
    """Return which versions have something, as the beginning of a sentence."""
    first, last = versions
    return f"Directus {first} and later have" if last is None else f"only Directus {last} and older have"


def collection_segments(collection: str) -> tuple[str, ...]:
    """Return the segments of the path of a collection's rows: Directus's own have routes of their own."""
    system_name = collection.removeprefix(_PREFIX)
    return (_ITEMS, collection) if system_name == collection else (system_name,)


def wraps_data(root: str) -> bool:
    """Return whether responses of the routes below a first segment are ``{"data": …}``."""
    return root in _ENVELOPED


_ENVELOPED = {each.name for each in _ROWS} | {_ITEMS, "auth", "collections", "fields", "relations"}


def finds_by_keys(path: str) -> bool:
    """Return whether a list is read by the ``keys`` in the body of a SEARCH; elsewhere a filter does.

    No key of the others is a text that a filter would evaluate.
    """
    root = path.split("/")[1]
    return root == _ITEMS or (root in _LISTS and _LISTS[root].finds_by_keys)


VERIFY_EMAIL = "/users/register/verify-email"


def verifies_email(request: Request) -> bool:
    """Return whether a request verifies an e-mail address, which the server answers by a redirect to its app."""
    return request.path == VERIFY_EMAIL


def has_search(collection: str) -> bool:
    """Return whether the rows of a collection are read by SEARCH as well as by GET."""
    system = SYSTEM_COLLECTIONS.get(collection)
    return system is None or system.is_list


def counts_rows(collection: str) -> bool:
    """Return whether a list of rows comes with the number of all rows, if that is asked for by ``meta``."""
    system = SYSTEM_COLLECTIONS.get(collection)
    return system is None or system.counts_rows


def list_route(request: Request) -> str | None:
    """Return the route that lists the rows a request is about; None if there is none."""
    return _route_and_keys(request)[0]


def deleted_keys(request: Request) -> list[Any] | None:
    """Return the keys of the rows that a request deletes; None if it is no deletion by key.

    Deleting rows by key a second time does no harm.
    """
    route, keys = _route_and_keys(request)
    if request.method != "DELETE" or route is None:
        return None
    if keys:
        return keys
    keys_in_body = request.json.get("keys") if isinstance(request.json, Mapping) else request.json
    return list(keys_in_body) if isinstance(keys_in_body, list | tuple) else None


def _route_and_keys(request: Request) -> tuple[str | None, list[Any]]:
    """Return the route of a list of rows, and the key of one row if the path ends in one."""
    match request.path.strip("/").split("/"):
        case [root, collection, *key] if root == _ITEMS and len(key) <= 1:
            return f"/items/{collection}", [unquote(segment) for segment in key]
        case [root, *key] if root in _LISTS and len(key) <= 1:
            return f"/{root}", [unquote(segment) for segment in key]
        case _:
            return None, []


def as_search(request: Request) -> Request:
    """Return a GET of a list as the SEARCH that means the same, with its parameters in the body.

    Other requests are returned as they are, and so is a GET with parameters in bracket form
    (``filter[id][_eq]=1``), which cannot be written in a body.
    """
    names = [name for name, _ in request.params]
    if not _reads_list(request) or any("[" in name for name in names) or len({*names}) < len(names):
        return request
    query = {name: parsed_param(name, value) for name, value in request.params}
    return attrs.evolve(request, method="SEARCH", params=(), json={"query": query}, body=None)


def _reads_list(request: Request) -> bool:
    route, keys = _route_and_keys(request)
    return request.method == "GET" and route is not None and not keys
