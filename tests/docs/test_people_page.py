"""The page on people: its examples run as readers run them, with the mails that the server sends."""

from __future__ import annotations

import sys

import pytest

from directus_orm import AuthenticationError, Session
from directus_orm.testing import start
from tests.docs import pages
from tests.worlds.mail_sink import mail_sink
from tests.worlds.sessions import one_time_password

PAGE, APP = "docs/people.md", "https://app.example.com"
ALLOWED = {
    "USER_INVITE_URL_ALLOW_LIST": f"{APP}/join",
    "USER_REGISTER_URL_ALLOW_LIST": f"{APP}/verify",
    "PASSWORD_RESET_URL_ALLOW_LIST": f"{APP}/reset",
}


def test_the_examples_lead_from_an_invitation_to_two_factor_authentication(
    directus_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_sink() as sink, start(directus_version, env={**sink.environment, **ALLOWED}) as server:
        with Session(server.url, token=server.token) as admin:
            role = admin.post("/roles", {"name": "Members"})["id"]
            may_update = {"collection": "directus_users", "action": "update", "fields": ["*"]}
            holder = {"role": role}
            if not server.version.startswith("10."):
                holder = {"policy": admin.post("/policies", {"name": "Members"})["id"]}
                admin.post("/access", {"role": role, **holder})
            admin.post("/permissions", {**holder, **may_update})
            admin.patch("/settings", {"public_registration": True, "public_registration_verify_email": True})
        pages.run(PAGE, pages.address_of(server), monkeypatch)
        example = sys.modules["example_of_people"]

        example.join(sink.token("ada@example.com", f"{APP}/join"), "first password")
        example.forgot("ada@example.com")
        example.reset(sink.token("ada@example.com", f"{APP}/reset"), "second password")
        with example.open_for("ada@example.com", "second password") as ada:
            shown = []

            def ask_user(url: str) -> str:
                shown.append(url)
                return one_time_password(url.partition("secret=")[2].partition("&")[0])

            example.enable(ada, "second password", ask_user)
            assert len(shown) == 1
        assert example.open_for("ada@example.com", "second password") is None
        example.register("eve@example.com", "a password")
        assert example.verify(sink.token("eve@example.com", f"{APP}/verify"))
        with Session(server.url, email="eve@example.com", password="a password") as eve:
            eve.login()
        with pytest.raises(AuthenticationError):
            example.join("a-wrong-token", "a password")
