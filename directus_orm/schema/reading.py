"""Reading a schema: three requests to a server, or a snapshot, become the normal form."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..core.errors import ConfigurationError, QueryError
from ..session.services.schema_values import (
    CollectionInfo,
    collection_info,
    field_info,
    relation_info,
)
from ..session.session import Session
from .collection_schemas import Include, RawSchema, database_schema
from .normal_form import DatabaseSchema


def read_schema(session: Session, *, untracked: bool = True, include: Include | None = None) -> DatabaseSchema:
    """Return the schema of a server, as far as the user of the session sees it: three requests.

    Without access to Directus's app, a user sees no schema.

    Args:
        session: whose schema it is.
        untracked: whether to include tables, columns and relations that Directus does not manage.
        include: takes the name of a collection, and returns whether to include it; Directus's own collections are
            included where they are needed.

    Raises:
        Forbidden: the user may not see the schema.

    Example:
        >>> schema = read_schema(session, include=lambda name: name.startswith("air"))
        >>> [collection.name for collection in schema.collections]
        ['airlines', 'airports']
    """
    service = session.schema
    raw = RawSchema(service.collections(), service.fields(), service.relations())
    version = None if session.known_major is None else session.info().version
    schema = database_schema(raw, untracked=untracked, include=include)
    return attrs.evolve(schema, version=version, vendor=_vendor(raw.collections))


def load_snapshot(
    snapshot: str | os.PathLike[str] | Mapping[str, Any],
    *,
    untracked: bool = True,
    include: Include | None = None,
) -> DatabaseSchema:
    """Return the schema that a snapshot of Directus holds: a file in JSON or YAML, or what was read from one.

    A snapshot lacks what Directus does not manage: tables and columns without metadata. YAML needs the extra
    ``yaml``.

    Args:
        snapshot: the file, or its contents.
        untracked: as of `read_schema`; only snapshots of Directus 10 have such tables.
        include: as of `read_schema`.

    Raises:
        QueryError: it is not a snapshot.
        ConfigurationError: PyYAML is missing.
    """
    content = _unwrapped(snapshot if isinstance(snapshot, Mapping) else _parsed(Path(snapshot)))
    try:
        raw = RawSchema(
            [collection_info(row) for row in content["collections"]],
            [field_info(row) for row in content.get("fields") or ()],
            [relation_info(row) for row in content.get("relations") or ()],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise _no_snapshot() from error
    schema = database_schema(raw, untracked=untracked, include=include)
    return attrs.evolve(schema, source="snapshot", version=content.get("directus"), vendor=content.get("vendor"))


def _unwrapped(content: Any) -> Mapping[str, Any]:
    """Return a snapshot without the envelope that the server's response has."""
    inside = content.get("data", content) if isinstance(content, Mapping) else content
    if not isinstance(inside, Mapping) or not isinstance(inside.get("collections"), list):
        raise _no_snapshot()
    return inside


def _no_snapshot() -> QueryError:
    return QueryError(
        "This is no snapshot of a schema: give what session.schema.snapshot() returned, or its file."
    )


def _parsed(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() not in (".yaml", ".yml"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise _no_snapshot() from error
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "A snapshot in YAML needs PyYAML, which is missing: pip install 'directus_orm[yaml]'."
        raise ConfigurationError(msg) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _no_snapshot() from error


def _vendor(collections: Iterable[CollectionInfo]) -> str | None:
    """Return the database of a server, by what it says of a table; None for one that is not known."""
    table = next((each.schema for each in collections if each.schema), {})
    marks = {"sql": "sqlite", "engine": "mysql", "comment": "postgres"}
    return next((vendor for mark, vendor in marks.items() if mark in table), None)
