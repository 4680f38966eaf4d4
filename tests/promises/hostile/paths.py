"""Texts that could lead to another path, and whether a path is the one that was meant."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ODD = [
    *(
        "../users/me",
        "..",
        ".",
        "a/b",
        "?x=1",
        "#",
        "%2F",
        "%2e%2e",
        "..%2f..",
        "",
        " ",
        "0",
        "me",
        "\\..\\",
        "a;b",
    ),
    *(
        "//evil.example",
        "http://evil.example",
        "@evil.example",
        "\r\nX-Header: 1",
        "\x00",
        "é☃",
        "\ud800",
        "a" * 300,
    ),
]
texts = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["..", ".", "/", "\\", "%2e", "%2f", "?", "#", "users", "me", ";", "\n"]), max_size=6
    ).map("".join),
)
quickly = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def meant(path: str, *segments: str) -> bool:
    """Whether a path has these segments, and stays the same path when a proxy tidies it up."""
    parts = path.split("/")
    return (
        tuple(map(unquote, parts)) == ("", "cms", *segments)
        and posixpath.normpath(path) == path
        and not set(path) & set("\\?#\r\n ;")
        and path.isascii()
    )
