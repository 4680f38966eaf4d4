"""Queries are values: what one works out and keeps changes nothing about it."""

from __future__ import annotations

import copy
import pickle

from tests.worlds.library import Article


def test_a_query_that_was_compiled_equals_one_that_was_not() -> None:
    query, same = (Article.objects.select_related("author").query for _ in range(2))
    aliases = query.key_aliases
    assert list(aliases.values()) == ["author__key"]
    assert query.key_aliases is aliases
    assert query == same
    assert hash(query) == hash(same)
    assert pickle.loads(pickle.dumps(query)) == copy.copy(query) == same
    assert query.with_paths((Article.directus.pk,)).key_aliases == {}
