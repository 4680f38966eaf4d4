"""Decoding: by orjson where it is installed, and the same without it."""

from __future__ import annotations

import json

import orjson
import pytest

from directus_orm import Session
from directus_orm.core import json_codec

TEXTS = [b'{"data":[{"a":1.5,"b":null,"c":"\xc3\xa9"}]}', b"[]", b"12345678901234567890"]


def test_orjson_decodes_where_it_is_installed() -> None:
    assert json_codec._FAST is orjson.loads


@pytest.mark.parametrize("body", TEXTS)
def test_what_comes_out_is_the_same_without_it(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = json_codec.loads(body)
    monkeypatch.setattr(json_codec, "_FAST", None)
    assert json_codec.loads(body) == fast == json.loads(body)


def test_half_a_surrogate_pair_is_read_all_the_same() -> None:
    """JavaScript writes it, and orjson refuses it."""
    assert json_codec.loads(b'"\\ud83d"') == "\ud83d"


def test_rows_of_a_server_are_the_same_without_it(admin: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    found = admin.get("/users", {"fields": "*"})
    monkeypatch.setattr(json_codec, "_FAST", None)
    assert admin.get("/users", {"fields": "*"}) == found != []
