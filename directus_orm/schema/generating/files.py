"""Generated files: a header says where each comes from, and its hash tells whether somebody edited the rest."""

from __future__ import annotations

import hashlib
import re

from ..normal_form import DatabaseSchema

_HEADER = re.compile(r'\A(?:"""[^"]*?\n+|(?:# .*\n)+?# )body sha256: ([0-9a-f]{64})\n(?:"""\n+|\n)')
_VENDORS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mysql": "MySQL or MariaDB"}


def file_text(body: str, schema: DatabaseSchema) -> str:
    """Return a module with a header that names its source and the hash of its body.

    It has no date, so that the file changes only if the models do.
    """
    of = "a snapshot" if schema.source == "snapshot" else "a server"
    version = f" of Directus {schema.version}" if schema.version else ""
    vendor = f" on {_VENDORS.get(schema.vendor, schema.vendor)}" if schema.vendor else ""
    return (
        f'"""Models of {of}{version}{vendor}, written by directus-orm generate.\n\n'
        f"It writes this file anew, unless the part below was edited.\n\n"
        f'body sha256: {_digest(body)}\n"""\n\n{body}'
    )


def stub_text(body: str) -> str:
    """Return a stub file with such a header."""
    return (
        "# Written by directus-orm generate, which writes this file anew, unless the part below was edited.\n"
        f"# body sha256: {_digest(body)}\n\n{body}"
    )


def body_of(text: str) -> str | None:
    """Return the part of a file below its header; None if it has none, and so was not written by this program."""
    header = _HEADER.match(text)
    return None if header is None else text[header.end() :]


def is_edited(text: str) -> bool:
    """Return whether a file was edited since it was written, or was written by somebody else."""
    header = _HEADER.match(text)
    return header is None or _digest(text[header.end() :]) != header[1]


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
