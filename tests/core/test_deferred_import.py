"""Modules that write, group or explain are imported when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from directus_orm.core.deferred_import import DeferredModule
from directus_orm.core.masking import MASK

# What programs that only read instances never need.
DEFERRED = (
    "writing",
    "system",
    "testing",
    "session.services",
    "reading.aggregation.read_groups",
    "reading.explain",
    "models.plain_rows",
    "schema",
)


def loaded_after(code: str) -> set[str]:
    """Return the modules of the package that a new process has loaded after some code."""
    code = f"import sys; {code}; print(*[name for name in sys.modules if name.startswith('directus_orm.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.removeprefix("directus_orm.") for name in done.stdout.split()}


@pytest.mark.parametrize(
    "code", ["import directus_orm", "import directus_orm.session", "from directus_orm import *"]
)
def test_importing_the_package_brings_no_module_that_few_programs_need(code: str) -> None:
    loaded = loaded_after(code)
    assert "querysets.queryset" in loaded
    assert [name for name in sorted(loaded) if f"{name}.".startswith(tuple(f"{each}." for each in DEFERRED))] == []


def test_the_services_of_a_session_are_imported_when_one_is_used() -> None:
    loaded = loaded_after("from directus_orm.session import Utils")
    assert "session.services.utils" in loaded
    assert "session.services.people" not in loaded
    loaded = loaded_after("from directus_orm import Session; Session('http://localhost').people")
    assert "session.services.people" in loaded
    assert "session.services.utils" not in loaded


def test_deferred_names_are_those_of_the_package_that_users_import_them_from() -> None:
    """Also where a session made the value, and the package was never asked for the name."""
    code = (
        "import pickle; from directus_orm import Session; utils = type(Session('http://localhost').utils)\n"
        "assert utils.__module__ == 'directus_orm.session'\n"
        "assert pickle.loads(pickle.dumps(utils)) is utils\n"
        "import directus_orm.session as public\n"
        "assert set(public.__all__) <= set(dir(public))\n"
        "try: public.Missing\nexcept AttributeError as error: assert \"'Missing'\" in str(error)"
    )
    loaded_after(f"exec({code!r})")


def test_a_deferred_module_has_the_attributes_of_the_module() -> None:
    module = DeferredModule(".masking", "directus_orm.core")
    assert module.MASK == MASK
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing
