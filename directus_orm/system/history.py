"""What happened: activity, revisions, comments, and content versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, Self
from uuid import UUID

from ..core.async_twins import async_twin, run_in_thread
from ..core.errors import Forbidden, UnsupportedQuery
from ..core.json_codec import dumps
from ..core.masking import MASK
from ..core.tracebacks import hides_locals
from ..fields.declarations.generated import generated
from ..fields.field import field
from ..fields.to_many_declaration import one_to_many
from ..instances.state import does_not_exist, info_of, key_to_send, session_of, state_of, stored_key
from ..models.model import Model
from ..query.query import Query
from ..querysets.queryset import QuerySet
from ..querysets.related import Related
from ..querysets.result_shapes import Shape
from ..session.current import current_session
from ..session.session import Session
from . import restore as restoring
from .restore import Change, Restoration
from .users_and_files import User

# Nearly always, the revision before holds all that a revision changed.
_REVISIONS_PER_PAGE = 10


class Unknown(Enum):
    """The type of `unknown`."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return self.value


unknown = Unknown.UNKNOWN
"""The value before a change, if no earlier revision holds it."""


class Activity(Model, collection="directus_activity"):
    """One thing that was done: a login, or a row that was created, updated or deleted. The server writes it."""

    id: int = field(default=generated, primary_key=True)
    action: str = field(default=generated)
    user: User | None = field(default=generated)
    timestamp: datetime = field(default=generated)
    ip: str | None = field(default=generated)
    user_agent: str | None = field(default=generated)
    collection: str = field(default=generated)
    item: str = field(default=generated)
    origin: str | None = field(default=generated)
    comment: str | None = field(default=generated)
    revisions: Related[Revision] = one_to_many("activity")

    @classmethod
    @hides_locals
    def comment_on(cls, instance: Model, text: str) -> Self:
        """Comment on a row of a Directus 10, by one POST, and return the activity that holds the comment.

        Directus 11 and later keep comments as rows: ``article.comments.create(comment="…")``.

        Raises:
            DoesNotExist: the instance was never saved, or was deleted.
            UnsupportedQuery: the server is a Directus 11 or later.

        Example:
            >>> Activity.comment_on(article, "Nice")  # doctest: +SKIP
        """
        collection, item = _row_of(instance)
        session = session_of(instance)
        if session.info().major > _LAST_WITH_COMMENTS_AS_ACTIVITY:
            msg = "Activity.comment_on() is for Directus 10. Here, use article.comments.create(comment=…)."
            raise UnsupportedQuery(msg)
        body = {"collection": collection, "item": item, "comment": text}
        activity = session.post("/activity/comment", json=body)
        return cls.objects.using(session).ref(activity["id"])

    @classmethod
    @hides_locals
    def horizon(cls) -> timedelta | None:
        """Return how far back the server shows activity; None if it shows all. See `Revision.horizon`."""
        return _horizon("activity_historical_timeframe")

    @classmethod
    async def acomment_on(cls, instance: Model, text: str) -> Self:
        """Do as `comment_on` does, in a worker thread: await it, and cancelling does not interrupt it."""
        return await run_in_thread(partial(cls.comment_on, instance, text), to_the_end=True)

    @classmethod
    async def ahorizon(cls) -> timedelta | None:
        """Do as `horizon` does, in a worker thread: await it."""
        return await run_in_thread(cls.horizon)


class Revision(Model, collection="directus_revisions"):
    """The values of a row after a write (``data``), and what was sent (``delta``). The server writes it."""

    id: int = field(default=generated, primary_key=True)
    activity: Activity = field(default=generated)
    collection: str = field(default=generated)
    item: str = field(default=generated)
    data: dict[str, Any] | None = field(default=generated)
    delta: dict[str, Any] | None = field(default=generated)
    parent: Revision | None = field(default=generated)
    version: ContentVersion | None = field(default=generated)

    @property
    def changes(self) -> Mapping[str, Change]:
        """What this revision changed: for each field, its value before and after.

        Fields have the server's names, and values are its JSON. The values before come from the revisions before,
        by one request in most cases. `unknown` stands for a value that none of them holds. A field that the
        server masks is there if it was written, and the mask is its value.

        Example:
            >>> article.revisions.first().changes  # doctest: +SKIP
            mappingproxy({'title': ('Draft', 'Final')})
        """
        return self._read_changes()

    async def achanges(self) -> Mapping[str, Change]:
        """Do as `changes` does, in a worker thread: await it."""
        return await run_in_thread(self._read_changes)

    @hides_locals
    def _read_changes(self) -> Mapping[str, Change]:
        data, delta = self.data or {}, self.delta or {}
        before = {} if self._created_row() else self._values_before(delta)
        missing = None if self._created_row() else unknown
        changes = {name: (before.get(name, missing), data.get(name, sent)) for name, sent in delta.items()}
        return MappingProxyType({name: change for name, change in changes.items() if _is_change(*change)})

    @hides_locals
    def restore(self) -> Restoration:
        """Write back what the row was after this revision, and return what was restored, and what was not.

        The row is read, and one PATCH sends the fields that differ. A row that was deleted is created again, with
        its key. Then the row is read again, and compared. Lists of related rows, secrets and what the server sets
        are never written; the result names them. Called again, it sends nothing.

        Raises:
            UnsupportedQuery: the revision belongs to a content version, or a row of such a collection cannot be
                restored, or this user may not know the fields of the collection.
            Forbidden: this user may not write one of the fields. Then nothing was written.
            InvalidRequest: the server refused a value, such as a missing one. Then nothing was written.

        Example:
            >>> article.revisions[1].restore().restored  # doctest: +SKIP
            mappingproxy({'title': ('Final', 'Draft')})
        """
        if self.version is not None:
            msg = "This revision belongs to a content version, which the row never was. Promote the version."
            raise UnsupportedQuery(msg)
        return restoring.restore(
            session_of(self), self.collection, self.item, self.data or {}, self._values_up_to_now
        )

    arestore = async_twin(restore, changes=True)

    @classmethod
    @hides_locals
    def horizon(cls) -> timedelta | None:
        """Return how far back the server shows revisions; None if it shows all.

        Directus 12 shows older ones to those with a licence. It says so to administrators alone, by
        ``GET /license``. `Session.info` does not have it.

        Raises:
            Forbidden: this user is not an administrator.

        Example:
            >>> Revision.horizon()  # doctest: +SKIP
            datetime.timedelta(days=30)
        """
        return _horizon("revision_historical_timeframe")

    @classmethod
    async def ahorizon(cls) -> timedelta | None:
        """Do as `horizon` does, in a worker thread: await it."""
        return await run_in_thread(cls.horizon)

    def _created_row(self) -> bool:
        """Return whether this is the first revision of a row."""
        if not self._may_begin_row():
            return False
        try:
            return self.activity.action == "create"
        except Forbidden:
            return True

    def _may_begin_row(self) -> bool:
        # Of a new row, both are what was sent. An update of every field looks the same, and holds them all.
        return self.data == self.delta

    def _values_up_to_now(self, names: Iterable[str]) -> Mapping[str, Any]:
        """Return the values of these fields after this revision, as far as revisions hold them (S24)."""
        names = list(names)
        held = {**(self.delta or {}), **(self.data or {})}
        if not self._may_begin_row():
            held = {**self._values_before([name for name in names if name not in held]), **held}
        return {name: held[name] for name in names if name in held}

    def _values_before(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the newest values of these fields in the revisions before this one.

        Directus 11 and later leave relations out of ``data``. ``delta`` has them where they were sent.
        """
        missing, found = set(names), dict[str, Any]()
        earlier = _with_session(self, type(self).objects).filter(
            collection=self.collection, item=self.item, version=None, id__lt=self.id
        )
        pages = earlier.only("data", "delta").order_by("-id").iterator(_REVISIONS_PER_PAGE, read_ahead=0)
        for revision in pages if missing else ():
            held = {**(revision.delta or {}), **(revision.data or {})}
            found.update((name, held[name]) for name in missing & held.keys())
            missing -= held.keys()
            # Revisions before that are of a former row with the same key.
            if not missing or revision._may_begin_row():  # noqa: SLF001 - of this class
                break
        return found


class Comment(Model, collection="directus_comments"):
    """A comment on a row. Directus 11 and later have these; on Directus 10, comments are activities."""

    id: UUID = field(default=generated, primary_key=True)
    collection: str
    item: str
    comment: str
    date_created: datetime | None = field(default=generated, readonly=True)
    date_updated: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    user_updated: User | None = field(default=generated, readonly=True)

    @classmethod
    def on(cls, instance: Model) -> QuerySet[Self]:
        """Return the comments on a saved row; ``create(comment="…")`` adds one. ``article.comments`` is the same.

        Nothing is sent. On a Directus 10, reading and writing them is refused.

        Raises:
            DoesNotExist: the instance was never saved, or was deleted.

        Example:
            >>> Comment.on(article).create(comment="Nice")  # doctest: +SKIP
        """
        collection, item = _row_of(instance)
        rows = _with_session(instance, cls.objects).filter(collection=collection, item=item)
        return RowComments(rows.query, rows._shape, rows._using, (collection, item))  # noqa: SLF001


class ContentVersion(Model, collection="directus_versions"):
    """A version of a row beside the published one, under a name of its own (``key``)."""

    id: UUID = field(default=generated, primary_key=True, readonly=True)
    key: str
    name: str | None = None
    collection: str
    item: str | None = None
    hash: str | None = field(default=generated, readonly=True)
    date_created: datetime | None = field(default=generated, readonly=True)
    date_updated: datetime | None = field(default=generated, readonly=True)
    user_created: User | None = field(default=generated, readonly=True)
    user_updated: User | None = field(default=generated, readonly=True)
    delta: dict[str, Any] | None = field(default=generated, readonly=True)


_LAST_WITH_COMMENTS_AS_ACTIVITY = 10
_FIRST_WITH_LICENCE = 12


class RowComments(QuerySet[Any]):
    """The comments on one row: `create` needs the text alone."""

    __slots__ = ("_row",)

    def __init__(
        self, query: Query, shape: Shape[Any], using: Session | None = None, row: tuple[str, str] | None = None
    ) -> None:
        super().__init__(query, shape, using)
        self._row = row

    @hides_locals
    def create(self, /, **values: Any) -> Any:
        """Comment on the row, and return the comment; errors as in `Model.save`."""
        self._session()
        collection, item = self._row or ("", "")
        return super().create(**{"collection": collection, "item": item, **values})

    def using(self, session: Session) -> Self:
        """Return the same comments, to be read and written by this session."""
        return self._keeping_row(super().using(session))

    def _with(self, query: Query) -> Self:
        return self._keeping_row(super()._with(query))

    def _keeping_row(self, rows: Self) -> Self:
        rows._row = self._row
        return rows

    def _session(self) -> Session:
        session = super()._session()
        _require_comments(session)
        return session

    def _read_pages(self, *args: Any, **options: Any) -> Any:
        self._session()
        return super()._read_pages(*args, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._query, self._shape, self._using, self._row)


def _require_comments(session: Session) -> None:
    if session.info().major <= _LAST_WITH_COMMENTS_AS_ACTIVITY:
        msg = (
            "Directus 11 and later have comments as rows. On this Directus 10 they are activities: "
            'read Activity.objects.filter(action="comment", collection=…, item=…), '
            "and write Activity.comment_on(article, text)."
        )
        raise UnsupportedQuery(msg)


def revisions_of(model: type[Model], key: Any) -> QuerySet[Revision]:
    """Return the revisions of a row, the newest first; see `Model.revisions_of`."""
    pk = model.directus.pk
    return _revisions(Revision.objects, model.directus.collection, str(pk.dump(key)))


def revisions_of_instance(instance: Model) -> QuerySet[Revision]:
    """Return the revisions of the row of an instance, the newest first; see `Model.revisions`."""
    if not state_of(instance).stored and not state_of(instance).deleted:
        raise does_not_exist(instance, "it was never saved")
    rows = _with_session(instance, Revision.objects)
    return _revisions(rows, info_of(instance).collection, str(stored_key(instance)))


def _revisions(rows: QuerySet[Revision], collection: str, item: str) -> QuerySet[Revision]:
    # Those of content versions tell what the row would become.
    return rows.filter(collection=collection, item=item, version=None).order_by("-id")


def _row_of(instance: Model) -> tuple[str, str]:
    """Return the collection and the key of a saved row, as history writes them.

    The server takes comments on rows that do not exist as well (S50).
    """
    if not state_of(instance).stored:
        why = "it was deleted" if state_of(instance).deleted else "it was never saved"
        raise does_not_exist(instance, why)
    return info_of(instance).collection, str(key_to_send(instance))


def _with_session(instance: Model, rows: QuerySet[Any]) -> QuerySet[Any]:
    batch = state_of(instance).batch
    return rows if batch is None else rows.using(batch.session)


def _is_change(before: Any, after: Any) -> bool:
    return before is unknown or after == MASK or dumps(before) != dumps(after)


def _horizon(entitlement: str) -> timedelta | None:
    session = current_session()
    if session.info().major < _FIRST_WITH_LICENCE:
        return None
    limits = session.get("/license").get("entitlements") or {}
    seconds = (limits.get(entitlement) or {}).get("limit")
    return timedelta(seconds=seconds) if type(seconds) is int and seconds > 0 else None
