"""docs/coming-from.md: every call of its tables runs on a real server of each version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import directus_orm
from directus_orm import DirectusError, Model, Session, UnsupportedQuery, field, generated, system
from directus_orm.core.request_response import Request
from directus_orm.testing import DirectusServer, start
from tests.docs import coming_from
from tests.docs.coming_from import Client, Command
from tests.worlds.mail_sink import MailSink, mail_sink, take_body
from tests.worlds.server_setup import column, make_collection, post
from tests.worlds.sessions import one_time_password

CLIENTS = coming_from.clients()
COMMANDS_OF_THE_SDK = 249


class ComingArticle(Model, collection="articles"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    sort: int | None = None


class ComingHome(Model, collection="home", singleton=True):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None


def test_the_page_is_made_from_the_data() -> None:
    """Else: python -m tests.docs.coming_from"""
    assert coming_from.PAGE.read_text() == coming_from.page()


def test_every_command_of_the_sdk_is_there() -> None:
    sdk = CLIENTS[0]
    assert len(commands_of(sdk)) == COMMANDS_OF_THE_SDK
    for section in sdk.sections:
        names = [command.name for command in section.commands]
        assert len(names) == len(set(names)), section.title


def commands_of(client: Client) -> dict[str, Command]:
    return {command.name: command for each in client.sections if not each.repeats for command in each.commands}


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def server(directus_version: str, sink: MailSink) -> Iterator[DirectusServer]:
    """A server of its own, since the calls change its settings, and send mails to the sink."""
    env = {**sink.environment, "RATE_LIMITER_REGISTRATION_ENABLED": "false"}
    with start(directus_version, env=env) as server:
        make_collection(
            server,
            "articles",
            column("title", "string"),
            column("sort", "integer"),
            sort_field="sort",
            versioning=True,
        )
        make_collection(server, "home", column("title", "string"), singleton=True)
        yield server


@attrs.define
class World:
    """The names that the calls use, and what came of them."""

    names: dict[str, Any]
    done: list[str] = attrs.field(factory=list)
    failed: dict[str, str] = attrs.field(factory=dict)

    def run(self, command: Command, version: str) -> None:
        """Run a call; one that this version lacks, or that cannot succeed here, has to raise an error."""
        try:
            self.execute(command.before)
            if version not in command.versions:
                with pytest.raises(
                    (UnsupportedQuery, DirectusError, NameError)
                ):  # names of rows that were not made
                    self.execute(command.call)
            elif command.cannot or (command.licensed and version == "12"):
                with pytest.raises((DirectusError, IndexError)):
                    self.execute(command.call)
                self.done.append(command.name)
            else:
                self.execute(command.call)
                self.done.append(command.name)
            self.execute(command.after)
        except Exception as error:  # noqa: BLE001 - each is reported at the end
            self.failed[command.name] = f"{command.call}: {type(error).__name__}: {error}"
        except pytest.fail.Exception as error:
            self.failed[command.name] = f"{command.call}: {error}"

    def execute(self, code: str) -> None:
        exec(code, self.names)


@pytest.fixture
def world(server: DirectusServer, sink: MailSink, tmp_path: Path, directus_version: str) -> Iterator[World]:
    def mailed(address: str) -> str:
        (token,) = re.findall(r"token=([\w.-]+)", take_body(sink.take(address)))[:1]
        return str(token)

    with Session(server.url, token=server.token) as session:
        session.patch("/settings", {"public_registration": True, "public_registration_verify_email": True})
        role = system.Role.objects.create(name="Members")
        right: dict[str, Any] = {"role": role}
        if not directus_version.startswith("10"):
            policy = session.post("/policies", {"name": "Members", "roles": [{"role": str(role.pk)}]})["id"]
            right = {"policy": system.Policy.objects.get(pk=policy)}
        holder = {name: str(each.pk) for name, each in right.items()}
        for action in ("read", "update"):
            post(
                server,
                "/permissions",
                {**holder, "collection": "directus_users", "action": action, "fields": ["*"]},
            )
        post(server, "/permissions", {**holder, "collection": "articles", "action": "read", "fields": ["*"]})
        system.User.objects.filter(email="m@example.com").delete()  # that of the client before
        member = system.User.objects.create(
            email="m@example.com", password="A-g00d-password", role=role, status="active"
        )
        yield World(
            {
                **{name: getattr(directus_orm, name) for name in directus_orm.__all__},
                **{name: getattr(system, name) for name in system.__all__},
                "Article": ComingArticle,
                "Home": ComingHome,
                "Request": Request,
                "session": session,
                "url": server.url,
                "email": server.email,
                "password": server.password,
                "members": role,
                "member": member,
                "right": right,
                "mailed": mailed,
                "otp": lambda secret: one_time_password(secret.reveal()),
                "folder_here": tmp_path,
                "key": "8cb3c8b5-2ca3-4e0c-9a5f-9a2f5fbf0c1e",
            }
        )


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_each_call_runs(
    client: Client, world: World, directus_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    version = directus_version.partition(".")[0]
    for section in client.sections:
        for command in section.commands:
            world.run(command, version)
    assert "\n".join(world.failed.values()) == ""
    all_commands = commands_of(client)
    covered = all_commands.keys() & set(world.done)
    lacking = sorted(all_commands.keys() - covered)
    with capsys.disabled():
        tail = f"; this version has not: {', '.join(lacking)}" if lacking else ""
        print(f"\n{client.name} on Directus {version}: {len(covered)} of {len(all_commands)}{tail}")
    assert {name for name in lacking if version in all_commands[name].versions} == set()
