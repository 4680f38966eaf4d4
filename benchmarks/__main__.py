"""Run the benchmarks: ``python -m benchmarks --only all-flights --database sqlite --rounds 5``."""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import reading, report, starting, writing
from .measuring import Result, Scenario, measured
from .world import world

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for module in (reading, writing, starting) for scenario in module.SCENARIOS
}
POSTGRES = "postgres://postgres@127.0.0.1:5432"
OUT = Path(__file__).parent.parent / "docs" / "performance"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen scenarios, print the table, and write the files; return 1 if a goal is missed."""
    options = _options(arguments)
    begun = time.perf_counter()
    results: list[Result] = []
    directus = ""
    for vendor, address in options.databases.items():
        chosen = [SCENARIOS[name] for name in options.only if vendor in SCENARIOS[name].databases]
        if not chosen:
            continue
        _tell(f"{vendor}: starting a Directus, and writing the flights into its database")
        with world(address) as place:
            directus = place.server.version
            results += [measured(scenario, place, options.rounds, _tell) for scenario in chosen]
    _tell(f"done after {time.perf_counter() - begun:.0f} s")
    sys.stdout.write(report.as_text(results) + "\n")
    if options.out is not None:
        report.write(options.out, results, directus)
    return int(any(each.met is False for result in results for each in result.comparisons))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="these scenarios")
    parser.add_argument("--database", choices=("sqlite", "postgres", "all"), default="all")
    parser.add_argument(
        "--postgres", default=POSTGRES, metavar="URL", help=f"by default {POSTGRES}, where it answers"
    )
    parser.add_argument("--rounds", type=int, default=2, help="more for what is short or close (default 2)")
    parser.add_argument(
        "--out",
        type=Path,
        help="where the files go (default docs/performance, where a part of the results is not put)",
    )
    options = parser.parse_args(arguments)
    is_whole = set(options.only) == SCENARIOS.keys() and options.database == "all"
    options.out = OUT if options.out is None and is_whole else options.out
    known = {"sqlite": "sqlite", "postgres": options.postgres}
    wanted = known if options.database == "all" else {options.database: known[options.database]}
    if options.database == "all" and options.postgres == POSTGRES and not _answers(5432):
        wanted = {"sqlite": "sqlite"}
    options.databases = wanted
    return options


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
