"""Fields that only some versions of Directus have load where they are, and are refused elsewhere."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from directus_orm import Prefetch, QueryError, Related, Session, UnsupportedQuery, one_to_many
from directus_orm.system import File, Folder, Role, User
from directus_orm.testing import DirectusServer


@pytest.fixture
def session(directus_server: DirectusServer) -> Iterator[Session]:
    """The current session, as the administrator; it knows nothing of the server yet."""
    with Session(directus_server.url, token=directus_server.token) as session:
        yield session


@pytest.fixture
def has_directions(directus_server: DirectusServer) -> bool:
    """Whether this version has the field ``text_direction`` of users."""
    return not directus_server.version.startswith("10.")


def paths(sent: Any) -> list[str]:
    return [each.request.path for each in sent]


def test_the_version_is_asked_once_and_only_where_it_decides(session: Session, has_directions: bool) -> None:
    with session.capture() as sent:
        users = list(User.objects.order_by("id"))
        assert users[0].email
        assert User.objects.filter(email=users[0].email).count() == 1
        assert list(User.objects.values("email"))
        assert list(Folder.objects.order_by("name")) is not None
    assert "/server/info" not in paths(sent)
    with session.capture() as sent:
        for _ in range(2):
            if has_directions:
                assert User.objects.filter(text_direction="auto").exists()
            else:
                with pytest.raises(UnsupportedQuery, match=r"User\.text_direction: this server runs Directus 10"):
                    User.objects.filter(text_direction="auto").exists()
    assert paths(sent).count("/server/info") == 1


def test_once_the_version_is_known_all_its_fields_come_along(session: Session, has_directions: bool) -> None:
    session.info()
    with session.capture() as sent:
        users = [
            User.objects.order_by("id")[0],
            next(User.objects.order_by("id").iterator()),
            User.objects.page(1, 1).rows[0],
            *User.objects.in_bulk([User.objects.order_by("id")[0].pk]).values(),
        ]
        for user in users:
            assert user.__dict__.get("text_direction") == ("auto" if has_directions else None)
    assert len(sent) == 5
    assert pickle.loads(pickle.dumps(users[0])).__dict__.get("text_direction") == users[0].__dict__.get(
        "text_direction"
    )


def test_fields_of_related_rows_are_left_out_as_well(session: Session, has_directions: bool) -> None:
    for _ in range(2):
        user = User.objects.exclude(role=None).select_related("role").order_by("id")[0]
        related = user.role
        assert related
        assert related.name
        role = Role.objects.prefetch_related("users").get(pk=related.pk)
        assert user in role.users
        inner = Role.objects.prefetch_related(Prefetch("users", User.objects.only("email"))).get(pk=role.pk)
        assert user in inner.users
        session.info()
    assert related
    if has_directions:
        assert related.parent is None
        with pytest.raises(UnsupportedQuery, match="only Directus 10 and older have it"):
            print(related.admin_access)
    else:
        assert related.admin_access is True
        with pytest.raises(UnsupportedQuery, match="Directus 11 and later have it"):
            print(related.parent)


def test_what_is_named_is_loaded_or_refused(session: Session, has_directions: bool) -> None:
    user = User.objects.order_by("id")[0]
    if has_directions:
        user.refresh(["text_direction"])
        assert user.text_direction == "auto"
        assert list(User.objects.values_list("text_direction", flat=True).filter(pk=user.pk)) == ["auto"]
        return
    for attempt in (
        lambda: user.refresh(["text_direction"]),
        lambda: list(User.objects.values("text_direction")),
        lambda: User.objects.page(1, 1).rows[0].text_direction,
        lambda: list(user.policies),
        lambda: User.objects.values("text_direction").page(1, 1),
    ):
        with pytest.raises(UnsupportedQuery, match="Directus 11 and later have it"):
            attempt()
    user.text_direction = "ltr"
    with pytest.raises(UnsupportedQuery, match="Directus 11 and later have it"):
        user.save()


def test_forbidden_lazy_loading_is_told_before_the_row_is_read(session: Session, has_directions: bool) -> None:
    user = User.objects.order_by("id")[0]
    with session.forbid_lazy_loading(), pytest.raises((QueryError, UnsupportedQuery), match="text_direction"):
        print(user.text_direction)


class Editor(User, collection="directus_users"):
    """An application's own user: the same collection, and a list of its own."""

    uploads: Related[File] = one_to_many("uploaded_by", listed=False)


def test_models_of_the_application_know_the_versions_as_well(session: Session, has_directions: bool) -> None:
    editor = Editor.objects.order_by("id")[0]
    assert "text_direction" not in editor.__dict__
    assert list(editor.uploads) == list(File.objects.filter(uploaded_by=editor.pk))
    if has_directions:
        assert editor.text_direction == "auto"
    else:
        with pytest.raises(UnsupportedQuery, match=r"text_direction: this server runs Directus 10"):
            print(editor.text_direction)
