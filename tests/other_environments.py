"""Run the tests that need no server, and the README's example, with other Pythons or the oldest dependencies.

``python -m tests.other_environments pythons`` takes each Python that setup.cfg names and this machine has.
``python -m tests.other_environments lowest`` takes the oldest versions that setup.cfg allows.
"""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
PYENV = Path.home() / ".pyenv" / "versions"

WITHOUT_SERVER = ("--no-server", "-p", "no:cacheprovider", "-q", "-r", "fE")
README = ("tests/docs/test_examples.py", "-k", "README and sqlite", "-p", "no:cacheprovider", "-q")


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def supported_versions() -> list[str]:
    """Return the versions of Python that the classifiers name, such as ``3.11``."""
    return re.findall(r"Python :: (3\.\d+)$", setup_cfg()["metadata"]["classifiers"], re.MULTILINE)


def lowest_requirements() -> list[str]:
    """Return the dependencies, each at the oldest version that is allowed."""
    return [line.replace(">=", "==") for line in setup_cfg()["options"]["install_requires"].split()]


def find_python(version: str) -> str | None:
    """Return an interpreter of this version: by its name on PATH, else one of pyenv."""
    return next((path for path in _candidates(version) if _runs(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    yield from (str(path) for path in sorted(PYENV.glob(f"{version}.*/bin/python"), reverse=True))


def _runs(path: str, version: str) -> bool:
    """Say whether it is that Python: a shim of pyenv has the name of each version, and runs only those chosen."""
    print_version = "import sys; print('{}.{}'.format(*sys.version_info))"
    done = subprocess.run([path, "-c", print_version], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def make_environment(python: str, name: str, *requirements: str) -> str:
    """Make a fresh virtual environment with the package, what its tests need, and these requirements."""
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own_python = str(folder / "bin" / "python")
    install = [own_python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--editable", f"{ROOT}[test]", *requirements], check=True)
    return own_python


def passes(python: str) -> bool:
    return all(
        subprocess.run([python, "-m", "pytest", *selection], cwd=ROOT, check=False).returncode == 0
        for selection in (WITHOUT_SERVER, README)
    )


def test_pythons() -> list[str]:
    """Return what is wrong: versions that fail, or that fewer than two were found."""
    found = {version: find_python(version) for version in supported_versions()}
    for version, python in found.items():
        print(f"Python {version}: {python or 'not found on this machine, so not tested'}", flush=True)
    pythons = {version: python for version, python in found.items() if python}
    failed = [
        f"Python {version} failed"
        for version, python in pythons.items()
        if not passes(make_environment(python, f"python-{version}"))
    ]
    return failed if len(pythons) > 1 else [*failed, "fewer than two versions of Python were found"]


def test_lowest() -> list[str]:
    """Return what is wrong with the oldest dependencies."""
    requirements = lowest_requirements()
    print("With", ", ".join(requirements), flush=True)
    python = make_environment(sys.executable, "lowest", *requirements)
    return [] if passes(python) else ["the oldest dependencies failed"]


def main(name: str) -> None:
    """Test with ``pythons`` or ``lowest``, and exit with status 1 and what is wrong, if anything is."""
    problems = {"pythons": test_pythons, "lowest": test_lowest}[name]()
    sys.exit("; ".join(problems) or None)  # an empty text would be status 1


if __name__ == "__main__":
    main(sys.argv[1])
