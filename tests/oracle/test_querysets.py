"""Any queryset returns what the Django ORM returns for it, in the same order, from the same database.

Both follow the same line of code. Where Django would repeat a row because several rows of a list match, it is
asked for the rows whose key is among those found, since our instances never repeat.

``ORACLE_QUERYSETS`` is the number for each database; see ``make test-oracle``.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings

from directus_orm import Session
from directus_orm.testing import DirectusServer
from tests.oracle.comparing import Tally, compare
from tests.oracle.recipes import FAMILIES, Recipe

QUERYSETS = int(os.environ.get("ORACLE_QUERYSETS", "150"))
# So few say little of a share: drawn anew each time, one run in eight would find 5 % of them refused, where long
# runs find 2 to 3 %. The short run draws the same ones each time; long ones search.
IS_SHORT = "ORACLE_QUERYSETS" not in os.environ


@pytest.fixture(scope="module")
def tally(library_server: DirectusServer) -> Tally:
    return Tally()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_queryset_means_what_it_means_in_django(
    library_server: DirectusServer, django: None, session: Session, tally: Tally, family: str
) -> None:
    recipes, share = FAMILIES[family]

    @settings(
        max_examples=max(QUERYSETS * share // 100, 5),
        deadline=None,
        derandomize=IS_SHORT,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(recipe=recipes(library_server.database.vendor))
    def every_recipe(recipe: Recipe) -> None:
        if recipe not in tally.done:  # variations of an example are often the same one again
            compare(recipe, tally, family)

    every_recipe()


def test_what_is_compared_is_telling_and_little_is_refused(
    library_server: DirectusServer, tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\nDirectus {library_server.version}, {library_server.database.vendor}: {tally}")
    if tally.querysets < QUERYSETS // 2:
        pytest.skip("too few querysets were compared to say")
    assert tally.telling >= tally.querysets / 2
    if library_server.version.startswith("12."):
        assert tally.refused < tally.querysets * 0.05
