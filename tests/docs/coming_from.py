"""The table of other clients' commands: ``python -m tests.docs.coming_from`` writes docs/coming-from.md."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from tests.docs import pages

DATA = Path(__file__).with_name("coming_from.toml")
PAGE = pages.ROOT / "docs/coming-from.md"
VERSIONS = ("12", "11", "10")

# What nine commands of the SDK do with each kind of Directus's own rows.
FAMILY: Mapping[str, str] = {
    "create{one}": "{row} = {Model}.objects.create({first})",
    "create{many}": "{rows} = {Model}.objects.bulk_create([{Model}({second}), {Model}({third})])",
    "read{one}": "{Model}.objects.get(pk={row}.pk)",
    "read{many}": "list({Model}.objects.filter({where}))",
    "update{one}": "{row}.{field} = {value}; {row}.save()",
    "update{many}": "{Model}.objects.filter(pk__in=[each.pk for each in {rows}]).update({field}={value})",
    "update{many}Batch": '{Model}.objects.bulk_update({rows}, ["{field}"])',
    "delete{one}": "{row}.delete()",
    "delete{many}": "{Model}.objects.filter(pk__in=[each.pk for each in {rows}]).delete()",
}

HEAD = """\
# Coming from another client

What the commands of other Directus clients are here. Every call of these tables is run by the tests, on Directus
12, 11 and 10; where one cannot succeed there, the table says why. `session` is a [session](sessions.md), and
`Article` a [model](models.md). Directus's own collections come from [`directus_orm.system`](system.md). `right` is
`{"policy": policy}`, and `{"role": role}` on Directus 10. Everything that sends has an async form:
`await article.asave()`.
"""


@attrs.frozen
class Command:
    """A command of another client, and our call."""

    name: str
    call: str
    before: str = ""
    after: str = ""
    note: str = ""
    cannot: str = ""
    licensed: bool = False
    versions: tuple[str, ...] = VERSIONS

    @property
    def line(self) -> str:
        lacks = [version for version in VERSIONS if version not in self.versions]
        licence = "Directus 12 needs a licence for it" if self.licensed else ""
        notes = [self.note, licence, f"not on Directus {' and '.join(lacks)}" if lacks else "", self._untested]
        call = self.call.replace("|", "\\|").replace("\n", "\\n")
        return f"| `{self.name}` | `{call}` | {'; '.join(filter(None, notes))} |"

    @property
    def _untested(self) -> str:
        return f"not run to its end by the tests: {self.cannot}" if self.cannot else ""


@attrs.frozen
class Section:
    title: str
    commands: tuple[Command, ...]
    repeats: bool = False


@attrs.frozen
class Client:
    name: str
    about: str
    sections: tuple[Section, ...]


def clients() -> list[Client]:
    data = tomllib.loads(DATA.read_text())
    return [
        Client(each["name"], each["about"].strip(), tuple(_section(section) for section in each["sections"]))
        for each in data["clients"]
    ]


def _section(data: Mapping[str, Any]) -> Section:
    families = data.get("families", [data["family"]] if "family" in data else [])
    own = [command for family in families for command in _family(family)]
    rows = [_command(name, row) for name, row in data.get("rows", {}).items()]
    return Section(data["title"], tuple(own + rows), data.get("repeats", False))


def _command(name: str, row: Any) -> Command:
    values = {"call": row} if isinstance(row, str) else dict(row)
    if "versions" in values:
        values["versions"] = tuple(values["versions"].split())
    return Command(name, **values)


def _family(family: Mapping[str, str]) -> Iterator[Command]:
    one = family["one"]
    names = {**family, "row": one.lower(), "rows": family["many"].lower()}
    own_calls = {"create{many}": family["create_many"]} if "create_many" in family else {}
    names.setdefault("where", f"{family['field']}={family['value']}")
    versions = tuple(family.get("versions", " ".join(VERSIONS)).split())
    for number, (name, call) in enumerate({**FAMILY, **own_calls}.items()):
        before = family.get("before", "") if number == 0 else ""
        after = family.get("after", "") if number == len(FAMILY) - 1 else ""
        licensed = name.startswith(family.get("licensed", "nothing"))
        yield Command(
            name.format(**names), call.format(**names), before, after, licensed=licensed, versions=versions
        )


def page() -> str:
    return "\n".join([HEAD, *(_of_client(client) for client in clients())])


def _of_client(client: Client) -> str:
    tables = [
        "\n".join(
            [
                f"### {section.title}",
                "",
                "| there | here | |",
                "|---|---|---|",
                *(c.line for c in section.commands),
                "",
            ]
        )
        for section in client.sections
    ]
    return "\n".join([f"## {client.name}", "", client.about, "", *tables])


if __name__ == "__main__":
    PAGE.write_text(page())
