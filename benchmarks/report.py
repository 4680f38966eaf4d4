"""The report: a table for people, JSON for programs, a chart for the docs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import attrs

from .measuring import OURS, Comparison, Result

HEADER = ("what", "on", "median", "against", "median", "compared", "goal", "")
MARK = {True: "met", False: "MISSED", None: ""}


def lines(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return the lines of the table, one for each comparison."""
    return [_line(result, each) for result in results for each in result.comparisons]


def _line(result: Result, each: Comparison) -> tuple[str, ...]:
    medians = result.medians
    other = f"{_number(medians[each.other])} {result.unit}" if each.other else ""
    unit = "" if result.compared == "ratio" else f" {result.unit}"
    return (
        result.title,
        result.database,
        f"{_number(medians[OURS])} {result.unit}",
        each.other,
        other,
        f"{_number(each.value)}{unit}",
        "" if each.goal is None else f"{_number(each.goal)}{unit}",
        MARK[each.met],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_text(results: Sequence[Result]) -> str:
    """Return the table for a terminal."""
    table = [HEADER, *lines(results)]
    widths = [max(len(line[n]) for line in table) for n in range(len(HEADER))]
    rows = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
    return "\n".join(row.rstrip() for row in rows)


def as_markdown(results: Sequence[Result]) -> str:
    """Return the table for the docs."""
    table = [HEADER, ("---",) * len(HEADER), *lines(results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in table) + "\n"


def as_json(results: Sequence[Result], directus: str) -> str:
    """Return all measurements, and a description of the machine."""
    about = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "directus": directus,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    return json.dumps({**about, "results": [attrs.asdict(result) for result in results]}, indent=1)


# --- the chart --------------------------------------------------------------------------------------------------

WIDTH, NAMES, BAR, GAP = 720, 190, 18, 6
COLORS = {True: "#4338ca", False: "#a1a1aa"}
_CHARTED = ("all-flights", "naive", "peers")


def as_svg(results: Sequence[Result]) -> str:
    """Return a chart of the flights per second of each contender, on each database."""
    charts: dict[str, dict[str, float]] = {}
    for result in results:
        if result.scenario in _CHARTED:
            rates = charts.setdefault(result.database, {})
            rates |= {name: rate for name, rate in result.medians.items() if name not in rates}
    most = max((rate for rates in charts.values() for rate in rates.values()), default=1)
    parts, y = [], 10
    for database, rates in charts.items():
        parts.append(_text(0, y + BAR - 5, f"Rows a second, Directus on {database}", weight="bold"))
        y += BAR + GAP
        for name, rate in sorted(rates.items(), key=lambda pair: -pair[1]):
            long = (WIDTH - NAMES - 70) * rate / most
            parts.append(_text(NAMES - 8, y + BAR - 5, name, anchor="end"))
            parts.append(
                f'<rect x="{NAMES}" y="{y}" width="{long:.1f}" height="{BAR}" fill="{COLORS[name == OURS]}"/>'
            )
            parts.append(_text(NAMES + long + 6, y + BAR - 5, f"{rate:,.0f}"))
            y += BAR + GAP
        y += 2 * GAP
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def write(folder: Path, results: Sequence[Result], directus: str) -> None:
    """Write table, JSON and chart."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(as_json(results, directus))
    (folder / "results.md").write_text(as_markdown(results))
    (folder / "chart.svg").write_text(as_svg(results))
