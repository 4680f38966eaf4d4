"""Writes whose rows this user does not see afterwards: written once, told as written, and never written again."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from directus_orm import (
    Forbidden,
    Model,
    NotVisibleWarning,
    OutcomeUnknown,
    RecordNotUnique,
    Related,
    Retry,
    Session,
    field,
    generated,
    many_to_many,
    one_to_many,
)
from directus_orm.testing import DirectusServer
from tests.promises.fault_proxy import Fault, FaultProxy, faulty
from tests.worlds.server_setup import (
    column,
    drop_collection,
    key,
    make_collection,
    make_relation,
    user,
)


class Issue(Model, collection="hidden_issues"):
    id: int = field(default=generated, primary_key=True)
    title: str | None = None
    status: str | None = None
    replies: Related[Reply] = one_to_many("issue")
    labels: Related[Label] = many_to_many("hidden_issues_labels", source="issue", target="label")


class Reply(Model, collection="hidden_replies"):
    id: UUID = field(default=generated, primary_key=True)
    text: str | None = None
    status: str | None = None
    issue: Issue | None = None


class Label(Model, collection="hidden_labels"):
    id: str = field(primary_key=True)
    status: str | None = None


class Switch(Model, collection="hidden_switch", singleton=True):
    id: int = field(default=generated, primary_key=True)
    status: str | None = None


COLLECTIONS = ("hidden_issues_labels", "hidden_replies", "hidden_issues", "hidden_labels", "hidden_switch")
DRAFTS = {name: {"status": {"_eq": "draft"}} for name in COLLECTIONS[1:]}
WRITE = ["create", "update", "delete"]


@pytest.fixture(scope="module")
def tracker(directus_server: DirectusServer) -> Iterator[DirectusServer]:
    server = directus_server
    text = [column("status", "string")]
    make_collection(server, "hidden_issues", column("title", "string"), *text)
    make_collection(server, "hidden_replies", key("uuid"), column("text", "string"), *text)
    make_relation(server, "hidden_replies", "issue", "hidden_issues", reverse="replies", on_delete="SET NULL")
    make_collection(server, "hidden_labels", key(), *text)
    make_collection(server, "hidden_issues_labels")
    make_relation(server, "hidden_issues_labels", "issue", "hidden_issues", reverse="labels", on_delete="CASCADE")
    make_relation(server, "hidden_issues_labels", "label", "hidden_labels", "string", on_delete="CASCADE")
    make_collection(server, "hidden_switch", *text, singleton=True)
    yield server
    for name in COLLECTIONS:
        drop_collection(server, name)


@pytest.fixture
def editor_token(tracker: DirectusServer) -> Iterator[str]:
    """The token of a user who may write all rows, and sees drafts alone."""
    if not tracker.version.startswith("11."):
        pytest.skip("12 has no such permissions without a licence (G42)")
    may: Any = {name: ["read", *WRITE] for name in COLLECTIONS}
    with user(tracker, "editor", DRAFTS, **may) as token:
        yield token
    _empty(tracker)


@pytest.fixture
def editor(tracker: DirectusServer, editor_token: str) -> Iterator[Session]:
    """The current session, of that user."""
    with Session(tracker.url, token=editor_token) as session:
        yield session


@pytest.fixture
def writer(tracker: DirectusServer) -> Iterator[Session]:
    """The current session, of a user who may write all rows, and read none."""
    may: Any = dict.fromkeys(COLLECTIONS, WRITE)
    with user(tracker, "writer", **may) as token, Session(tracker.url, token=token) as session:
        yield session
    _empty(tracker)


def _empty(server: DirectusServer) -> None:
    with Session(server.url, token=server.token):
        for model in (Reply, Issue, Label):
            model.objects.all().delete()


def stored(server: DirectusServer, model: Any, *names: str) -> list[Any]:
    """Return what an administrator sees."""
    with Session(server.url, token=server.token):
        return list(model.objects.order_by("pk").values_list(*names, flat=len(names) == 1))


def hidden(*, match: str = "") -> Any:
    return pytest.warns(NotVisibleWarning, match=f"{match}.*written, but not visible to this user")


@contextmanager
def sends_nothing(session: Session) -> Iterator[None]:
    with session.capture() as sent, warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not sent


@pytest.mark.row_rules
class TestOfRowsThatAUserNoLongerSees:
    def test_a_saved_instance_is_saved(self, tracker: DirectusServer, editor: Session) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        issue.status = "live"
        with hidden(match=f"Issue with key {issue.id}: "):
            issue.save()
        with sends_nothing(editor):
            issue.save()
        issue.title = "b"
        with hidden():
            asyncio.run(issue.asave())
        issue.status = "draft"
        issue.save()
        assert stored(tracker, Issue, "title", "status") == [("b", "draft")]

    def test_a_row_that_was_not_modified_is_saved(self, tracker: DirectusServer, editor: Session) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        issue.status = "live"
        with hidden():
            issue.save(if_unmodified=True)
        issue.title = "b"
        with pytest.raises(Issue.DoesNotExist, match="may not read it"):
            issue.save(if_unmodified=True)
        assert stored(tracker, Issue, "title", "status") == [("a", "live")]

    def test_a_created_instance_is_saved(self, tracker: DirectusServer, editor: Session) -> None:
        with hidden(match="^Issue: "):
            issue = Issue.objects.create(title="a", status="live")
        with sends_nothing(editor):
            issue.save()
        issue.title = "b"
        with pytest.raises(Issue.DoesNotExist, match="did not return its key"):
            issue.save()
        with hidden(match="Label with key 'x'"):
            label = Label.objects.create(id="x", status="live")
        with hidden():
            made, created = Label.objects.get_or_create(id="y", defaults={"status": "live"})
        assert created
        with pytest.raises(RecordNotUnique):
            Label.objects.update_or_create(id="x", defaults={"status": "live"})
        label.status = made.status = "draft"
        label.save()
        made.save()
        assert stored(tracker, Issue, "title") == ["a"]
        assert stored(tracker, Label, "pk", "status") == [("x", "draft"), ("y", "draft")]

    def test_rows_created_together(self, tracker: DirectusServer, editor: Session) -> None:
        """Keys made here are kept; which rows the server's keys belong to is told only if all are visible."""
        labels = [Label(id="a", status="live"), Label(id="b", status="draft"), Label(id="c", status="live")]
        replies = [Reply(text=label.id, status=label.status) for label in labels]
        issues = [Issue(title=label.id, status=label.status) for label in labels]
        with hidden(match="2 rows of Label"):
            Label.objects.bulk_create(labels)
        with hidden(match="2 rows of Reply"):
            Reply.objects.bulk_create(replies)
        with hidden(match="3 rows of Issue"):
            asyncio.run(Issue.objects.abulk_create(issues))
        with sends_nothing(editor):
            for instance in (*labels, *replies, *issues):
                instance.save()
        assert {reply.id: reply.text for reply in replies} == dict(stored(tracker, Reply, "pk", "text"))
        assert stored(tracker, Issue, "title") == ["a", "b", "c"]
        assert [issue.pk for issue in issues] == [None] * 3

    def test_rows_updated_together(self, tracker: DirectusServer, editor: Session) -> None:
        issues = Issue.objects.bulk_create(Issue(title=f"t{n}", status="draft") for n in range(4))
        for issue in issues[:3]:
            issue.status = "live"
        with hidden(match="3 rows"):
            assert Issue.objects.bulk_update(issues, ["status"]) == 4
        with sends_nothing(editor):
            for issue in issues:
                issue.save()
        issues[3].status = "live"
        with hidden(match="Issue"):
            Issue.objects.upsert(issues[3:])
        with pytest.raises(RecordNotUnique):
            Issue.objects.upsert(issues)
        assert stored(tracker, Issue, "title", "status") == [(f"t{n}", "live") for n in range(4)]

    def test_an_update_by_query_counts_what_it_wrote(self, tracker: DirectusServer, editor: Session) -> None:
        Issue.objects.bulk_create(Issue(title=f"t{n}", status="draft") for n in range(4))
        assert Issue.objects.filter(title__in=["t1", "t2"]).update(status="live") == 2
        assert asyncio.run(Issue.objects.filter(status="draft").aupdate(status="live")) == 2
        assert Issue.objects.all().update(status="done") == 0
        assert Issue.objects.all().delete() == 0
        assert stored(tracker, Issue, "status") == ["live"] * 4

    def test_nested_rows(self, tracker: DirectusServer, editor: Session) -> None:
        issue = Issue(title="a", status="draft")
        issue.replies.add(*(Reply(text=status, status=status) for status in ("live", "draft")))
        with hidden(match="Reply"):
            issue.save()
        parent = Issue(title="b", status="live")
        reply = Reply(text="c", status="draft", issue=parent)
        with hidden(match="Issue"):
            reply.save()
        with sends_nothing(editor):
            issue.save()
            reply.save()
            parent.save()
        assert stored(tracker, Issue, "title") == ["a", "b"]
        parents = dict(stored(tracker, Reply, "text", "issue__title"))
        assert parents == {"c": "b", "draft": "a", "live": "a"}

    def test_rows_of_lists(self, tracker: DirectusServer, editor: Session) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        with hidden(match="Reply"):
            issue.replies.create(text="made", status="live")
        with Session(tracker.url, token=tracker.token):
            kept = Reply.objects.create(text="kept", status="live").pk
            Label.objects.create(id="kept", status="live")
        with hidden(match="Reply"):
            issue.replies.add(kept)
        with hidden(match="Label"):
            issue.labels.create(id="made", status="live")
        issue.labels.add("kept")
        assert len(issue.replies) == 0
        assert stored(tracker, Reply, "issue__title") == ["a", "a"]
        issue.status = "live"
        with hidden(match="Issue"):
            issue.save()
        issue.labels.remove("kept")
        with hidden(match="Label"):
            issue.labels.create(id="late", status="live")
        issue.replies.clear()
        assert stored(tracker, Label, "pk") == ["kept", "late", "made"]

    def test_a_singleton(self, tracker: DirectusServer, editor: Session) -> None:
        switch = Switch.objects.get()
        switch.status = "live"
        with hidden(match="Switch"):
            switch.save()
        assert switch.status == "live"
        with sends_nothing(editor):
            switch.save()
        assert stored_switch(tracker) == "live"

    def test_a_deletion_that_was_refused_is_not_told_as_done(
        self, tracker: DirectusServer, editor: Session
    ) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        with (
            user(tracker, "reader", DRAFTS, hidden_issues=["read", "update"]) as token,
            editor.with_options(token=token) as reader,
        ):
            issue = Issue.objects.using(reader).get(pk=issue.pk)
            issue.status = "live"
            with hidden():
                issue.save()
            with pytest.raises(Forbidden) as caught:
                issue.delete()
        assert "does not see it" in caught.value.__notes__[-1]
        assert stored(tracker, Issue, "title") == ["a"]


@pytest.mark.row_rules
def test_a_user_who_sees_rows_without_their_keys_learns_that_they_were_written(tracker: DirectusServer) -> None:
    if not tracker.version.startswith("11."):
        pytest.skip("12 has no such permissions without a licence (G42)")
    shown, may = {"hidden_labels": ["status"]}, ["create", "update"]
    with (
        user(tracker, "keyless", shown=shown, hidden_labels=may) as token,
        Session(tracker.url, token=token) as session,
    ):
        one, two = Label(id="one", status="old"), Label(id="two", status="old")
        _raises_after_writing(one.save)
        _raises_after_writing(lambda: Label.objects.bulk_create([two]))
        one.status = two.status = "new"
        _raises_after_writing(one.save)
        _raises_after_writing(lambda: Label.objects.bulk_update([two], ["status"]))
        with sends_nothing(session):
            one.save()
            two.save()
    assert stored(tracker, Label, "pk", "status") == [("one", "new"), ("two", "new")]
    _empty(tracker)


def _raises_after_writing(write: Callable[[], object]) -> None:
    with pytest.raises(Forbidden) as caught:
        write()
    assert any("was written" in note for note in caught.value.__notes__)


def stored_switch(server: DirectusServer) -> str | None:
    with Session(server.url, token=server.token):
        return Switch.objects.get().status


class TestOfUsersWhoReadNothing:
    def test_one_row(self, tracker: DirectusServer, writer: Session) -> None:
        with hidden(match="Issue"):
            issue = Issue.objects.create(title="a")
        with hidden(match="Label with key 'x'"):
            label = Label.objects.create(id="x", status="old")
        label.status = "new"
        with hidden():
            label.save()
        with sends_nothing(writer):
            issue.save()
            label.save()
        assert stored(tracker, Issue, "title") == ["a"]
        assert stored(tracker, Label, "status") == ["new"]

    def test_many_rows(self, tracker: DirectusServer, writer: Session) -> None:
        replies = [Reply(text="a", status="old"), Reply(text="b", status="old")]
        with hidden(match="2 rows of Reply"):
            Reply.objects.bulk_create(replies)
        replies[0].text = replies[1].status = "new"
        with hidden(match="2 rows of Reply"):
            assert Reply.objects.bulk_update(replies, ["text", "status"]) == 2
        assert {reply.id: reply.text for reply in replies} == dict(stored(tracker, Reply, "pk", "text"))

    def test_a_singleton_is_written_although_the_server_answers_403(
        self, tracker: DirectusServer, writer: Session, is_directus_10: bool
    ) -> None:
        if is_directus_10:
            pytest.skip("whose refusals do not say what they refuse")
        switch = Switch(status="by the writer")
        with hidden(match="Switch"):
            switch.save()
        with sends_nothing(writer):
            switch.save()
        assert stored_switch(tracker) == "by the writer"


def test_administrators_learn_that_a_row_is_gone(tracker: DirectusServer) -> None:
    """They see every row, and the server accepts what they write to rows that do not exist."""
    with Session(tracker.url, token=tracker.token):
        one, two = Label.objects.bulk_create([Label(id="one"), Label(id="two")])
        Label.objects.get(pk="one").delete()
        one.status = two.status = "new"
        assert Label.objects.bulk_update([one, two], ["status"]) == 1
        with pytest.raises(Label.DoesNotExist):
            one.save()
        Label.objects.upsert([one, two])
        assert stored(tracker, Label, "pk") == ["one", "two"]
    _empty(tracker)


@pytest.mark.row_rules
class TestOfLostAnswers:
    @pytest.fixture
    def proxy(self, tracker: DirectusServer, editor_token: str) -> Iterator[FaultProxy]:
        """The current session, of the editor, goes through the proxy."""
        retry = Retry(4, first_pause=0.05)
        with faulty(tracker.port) as proxy, Session(proxy.url, token=editor_token, retry=retry):
            yield proxy

    @pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.RESET_BEFORE], ids=str)
    def test_an_update_that_nobody_sees_is_of_unknown_outcome(self, fault: Fault, proxy: FaultProxy) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        issue.status = "live"
        with hidden():
            issue.save()
        proxy.script(fault, method="PATCH")
        issue.title = "b"
        with pytest.raises(OutcomeUnknown):
            issue.save()

    def test_one_row_that_is_seen_tells_of_all(self, tracker: DirectusServer, proxy: FaultProxy) -> None:
        issues = Issue.objects.bulk_create(Issue(title=f"t{n}", status="draft") for n in range(3))
        issues[0].status, issues[1].title, issues[2].title = "live", "new", "new"
        proxy.script(Fault.RESET_AFTER, method="PATCH")
        with hidden(match="Issue"):
            assert Issue.objects.bulk_update(issues, ["title", "status"]) == 3
        assert stored(tracker, Issue, "title", "status") == [("t0", "live"), ("new", "draft"), ("new", "draft")]

    def test_a_write_is_not_told_as_refused_if_only_reading_it_back_failed(
        self, tracker: DirectusServer, proxy: FaultProxy
    ) -> None:
        issue = Issue.objects.create(title="a", status="draft")
        issue.status = "live"
        with _later_reads_are_bent(proxy), pytest.raises(OutcomeUnknown, match="rows could not be read"):
            issue.save()
        with _later_reads_are_bent(proxy), pytest.raises(OutcomeUnknown, match="rows could not be read"):
            Label.objects.create(id="x", status="live")
        with _later_reads_are_bent(proxy), pytest.raises(OutcomeUnknown, match="rows could not be read"):
            issue.labels.add("x")
        with Session(tracker.url, token=tracker.token):
            assert Issue.objects.filter(status="live", labels="x").count() == 1

    def test_an_update_by_query_is_of_unknown_outcome(self, proxy: FaultProxy) -> None:
        Issue.objects.bulk_create(Issue(title=f"t{n}", status="draft") for n in range(3))
        proxy.script(Fault.RESET_AFTER, method="PATCH")
        with pytest.raises(OutcomeUnknown):
            Issue.objects.all().update(status="live")

    @pytest.mark.parametrize("statuses", [["live", "live"], ["live", "draft"]], ids=str)
    def test_keys_made_here_tell_that_rows_were_created(
        self, statuses: list[str], tracker: DirectusServer, proxy: FaultProxy
    ) -> None:
        replies = [Reply(text=str(n), status=status) for n, status in enumerate(statuses)]
        proxy.script(Fault.RESET_AFTER, method="POST")
        with hidden(match="Reply"):
            Reply.objects.bulk_create(replies)
        assert {reply.id: reply.text for reply in replies} == dict(stored(tracker, Reply, "pk", "text"))


@contextmanager
def _later_reads_are_bent(proxy: FaultProxy) -> Iterator[None]:
    """Let all reads after the first write be answered by something else."""
    proxy.script()
    proxy.choose = lambda message: (
        Fault.STRANGE_JSON
        if message.method in {"GET", "SEARCH"} and {"POST", "PATCH"} & {seen.method for seen in proxy.seen}
        else Fault.NONE
    )
    yield
    proxy.script()
