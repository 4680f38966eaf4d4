"""An application adds fields to users by a subclass; in a process of its own, since it changes relations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from directus_orm import Session
from directus_orm.system import File
from directus_orm.testing import DirectusServer
from tests.worlds.server_setup import (
    column,
    delete,
    drop_collection,
    make_collection,
    make_field,
    make_relation,
    upload,
)

_PROGRAM = """
import pickle, sys
from directus_orm import Model, Session, field, generated
from directus_orm.system import File, Role, User

class Author(User):
    twitter: str | None = None

class Chronicle(Model, collection="stories"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    author: Author | None = None

url, token = sys.argv[1:]
with Session(url, token=token):
    ada = Author.objects.create(first_name="Ada", last_name="authors", twitter="@ada")
    assert list(Author.objects.filter(twitter="@ada")) == [ada]
    ada.twitter = "@lovelace"
    ada.save()
    assert Author.objects.get(pk=ada.pk).twitter == "@lovelace"

    plain = User.objects.get(pk=ada.pk)
    assert type(plain) is User and not hasattr(plain, "twitter")
    assert plain == ada and ada == plain and hash(plain) == hash(ada) and len({plain, ada}) == 1

    story = Chronicle.objects.create(title="one", author=ada)
    assert type(Chronicle.objects.get(pk=story.pk).author) is Author
    assert Chronicle.objects.select_related("author").get(pk=story.pk).author.twitter == "@lovelace"
    assert Chronicle.objects.filter(author__twitter="@lovelace").count() == 1
    story.author = plain
    story.save()
    assert Chronicle.objects.get(pk=story.pk).author == ada
    nested = Chronicle.objects.create(title="two", author=Author(last_name="authors", twitter="@grace"))
    assert nested.author.pk and Chronicle.objects.get(author__twitter="@grace") == nested
    Chronicle.objects.filter(pk=nested.pk).update(author=plain)
    assert Chronicle.objects.filter(author=plain).count() == 2

    files = File.objects.filter(filename_download="authors.png")
    assert type(files[0].uploaded_by) is Author and files[0].uploaded_by.twitter is None
    role = Role.objects.create(name="authors")
    role.users.add(plain)
    role.users.add(ada)
    assert list(role.users) == [ada] and type(role.users[0]) is Author
    assert list(Role.objects.filter(users__twitter="@lovelace")) == [role]
    assert list(Author.objects.filter(role=role)) == [ada]

    copy = pickle.loads(pickle.dumps(Author.objects.get(pk=ada.pk)))
    assert type(copy) is Author and copy == ada and copy.twitter == "@lovelace"
    assert list(pickle.loads(pickle.dumps(Author.objects.filter(twitter="@lovelace")))) == [ada]

    Chronicle.objects.all().delete()
    role.delete(suspend_users=True)
    assert Author.objects.filter(last_name="authors").delete(transfer_to=None) == 2

    class Editor(User):
        desk: str | None = None

    # Of two subclasses, nobody can say which one is meant.
    assert type(files.all()[0].uploaded_by) is User
print("well")
"""


@pytest.fixture
def server(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    make_field(directus_server, "directus_users", column("twitter", "string"))
    make_collection(directus_server, "stories", column("title", "string"))
    make_relation(directus_server, "stories", "author", "directus_users", "uuid", on_delete="SET NULL")
    upload(directus_server, file="authors.png")
    yield directus_server
    with Session(directus_server.url, token=directus_server.token):
        File.objects.filter(filename_download="authors.png").delete()
    drop_collection(directus_server, "stories")
    delete(directus_server, "/fields/directus_users/twitter")


def test_a_subclass_of_a_ready_made_model_adds_fields(server: DirectusServer, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    command = [sys.executable, "-W", "error", str(program), server.url, server.token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "well\n", done.stderr
