"""Downloading several files, or a folder, as one zip."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from ...core.errors import QueryError, UnsupportedQuery
from ...core.progress import Progress
from ...core.request_response import Request, url_path
from ...session.session import Session
from .downloads import Download, save_to

_MAJOR_WITH_ZIPS = 11


@attrs.frozen
class DownloadedZip:
    """A zip that was downloaded.

    Attributes:
        path: where it is.
        names: the names in it, without those of folders.
        missing: the keys of files that are not in it, since they do not exist or this user may not read them.
    """

    path: Path
    names: tuple[str, ...]
    missing: tuple[Any, ...] = ()


def files_request(keys: Sequence[Any]) -> Request:
    """Return the request for a zip of files, by their keys as JSON."""
    return Request("POST", url_path("assets", "files"), json={"ids": list(keys)}, streamed=True)


def folder_request(key: Any) -> Request:
    """Return the request for a zip of the files in a folder, and in the folders in it."""
    return Request("POST", url_path("assets", "folder", key), streamed=True)


def save_zip(session: Session, request: Request, path: Path, progress: Progress) -> DownloadedZip:
    """Save the zip that a request asks for, and return its path and the names in it.

    Raises:
        UnsupportedQuery: the server is older than Directus 11.
        QueryError: the zip is broken: the server ended it early.
    """
    major = session.info().major
    if major < _MAJOR_WITH_ZIPS:
        msg = f"The server runs Directus {major}; Directus 11 and later make zips. Download the files one by one."
        raise UnsupportedQuery(msg)
    save_to(Download(session, request), path, progress)
    try:
        with zipfile.ZipFile(path) as content:
            names = tuple(each.filename for each in content.infolist() if not each.is_dir())
    except zipfile.BadZipFile:
        path.unlink()
        msg = f"The zip that the server sent for {request.path} is broken; nothing is left of it. Try again."
        raise QueryError(msg) from None
    return DownloadedZip(path, names)
