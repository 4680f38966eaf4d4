"""Modules that write, group or explain are imported when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from directus_orm.core.deferred_import import DeferredModule
from directus_orm.core.masking import MASK


def test_importing_the_package_brings_no_module_that_writes_groups_or_explains() -> None:
    code = "import sys, directus_orm; print([name for name in sys.modules if 'directus_orm' in name])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "directus_orm.querysets.queryset" in printed
    for deferred in ("writing.save", "writing.bulk", "reading.aggregation.read_groups", "reading.explain"):
        assert f"'directus_orm.{deferred}'" not in printed


def test_a_deferred_module_has_the_attributes_of_the_module() -> None:
    module = DeferredModule(".masking", "directus_orm.core")
    assert module.MASK == MASK
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing
