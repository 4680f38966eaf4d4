"""`Results`: what a query finds, read when it is needed, page by page, whatever shape it has."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, Self, TypeVar, overload

import attrs

from ..core.async_twins import async_twin
from ..core.checks import is_whole_number
from ..core.errors import Forbidden, QueryError, UnsupportedQuery
from ..core.progress import Progress, checked, reporting
from ..dialects.registry import dialect_of
from ..fields.paths import FieldPath
from ..instances.state import stored_key
from ..query.query import DescribesRows, Query
from ..reading.aggregation import groups
from ..reading.explain import Explanation, explain
from ..reading.pagination.keyset import after_key, has_keyset_order
from ..reading.partition import partition as divided
from ..reading.row_recheck import needs_recheck
from ..reading.run_query import read_pages, resolve_subqueries, select_keys
from ..reading.unknown_names import explain_guessed_names
from ..session.session import Session, current_session
from .async_iteration import kept_rows, paged_twin
from .result_shapes import Instances, Shape

T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of rows, and the number of rows on all pages."""

    rows: list[T]
    total: int


class Results(DescribesRows, Generic[T]):
    """The rows that a query describes; nothing is asked before they are needed.

    Iterating fetches page by page and keeps what was read, so that a second loop asks nothing; `iterator` keeps
    nothing.
    """

    __slots__ = ("_cache", "_complete", "_fresh", "_lock", "_pages", "_query", "_shape")

    _using: Session | None

    def __init__(self, query: Query, shape: Shape[T], using: Session | None = None) -> None:
        self._query = query
        self._shape = shape
        self._using = using
        self._cache: list[T] = []
        self._pages: Iterator[list[T]] | None = None
        self._complete = query.is_empty
        self._fresh = False
        # Held while rows are read: threads, and tasks that gave up waiting for theirs, share what was read.
        self._lock = threading.RLock()

    @property
    def query(self) -> Query:
        """The frozen description of what is asked."""
        return self._query

    @property
    def columns(self) -> tuple[FieldPath, ...] | None:
        """The paths of the values that `values` and its kin give; None of instances.

        Raises:
            UnsupportedQuery: the values are more than what is in fields.
        """
        grouping = self._query.grouping
        if grouping is not None and (grouping.aggregates or self._query.is_sliced):
            msg = "Groups cannot be asked for inside another query: read them first, as a list, and use that."
            raise UnsupportedQuery(msg)
        return self._shape.paths

    @property
    def _has_instances(self) -> bool:
        return isinstance(self._shape, Instances)

    @property
    def ordered(self) -> bool:
        """Whether an ordering was given, here or by the model."""
        return bool(self._query.order)

    def _with(self, query: Query) -> Self:
        return type(self)(query, self._shape, self._using)

    def using(self, session: Session) -> Self:
        """Ask this session, whatever the current one is."""
        if not isinstance(session, Session):
            msg = f"using() takes a Session, not {session!r}."
            raise TypeError(msg)
        rows = type(self)(self._query, self._shape, session)
        rows._fresh = self._fresh  # noqa: SLF001
        return rows

    def _unsliced(self, verb: str) -> None:
        if self._query.is_sliced:
            msg = f"{verb}() after a slice would change which rows the slice means: call {verb}() first."
            raise QueryError(msg)
        self._plural(verb)

    def _plural(self, verb: str) -> None:
        model = self._query.model
        if model.directus.options.singleton:
            msg = (
                f"{model.__name__} is a singleton and has no {verb}(): {model.__name__}.objects.get() reads it, "
                "save() writes it."
            )
            raise UnsupportedQuery(msg)

    # --- results --------------------------------------------------------------------------------------------

    def iterator(
        self,
        page_size: int | None = None,
        read_ahead: int = 1,
        progress: Progress = None,
        after: Any = None,
    ) -> Iterator[T]:
        """Iterate without keeping the rows; memory stays the same over any number of them.

        Each row comes once, whatever is inserted, deleted and changed meanwhile (but for fields of the ordering).

        Args:
            page_size: the number of rows per request; by default the first page is small, and later ones grow.
            read_ahead: how many pages are fetched while one is consumed, from the second page on; 0 for none.
            progress: True for a bar (by tqdm, an extra), or a function that is given the number of rows so far and
                the number of all; only then the rows are counted first, by a request.
            after: an instance, behind which to go on. In the order of an integer key, the rows behind it are
                counted; in others, all.

        Raises:
            PlaceLost: too many rows around its place were deleted at once for the loop to go on.

        Example:
            >>> for flight in Flight.objects.iterator(page_size=200):
            ...     last = flight
            >>> list(Flight.objects.iterator(after=last))
            []
        """
        return _flat(self._paged(page_size, read_ahead, progress, after))

    def _paged(
        self, page_size: int | None = None, read_ahead: int = 1, progress: Progress = None, after: Any = None
    ) -> Iterator[list[T]]:
        """Return the pages of `iterator`."""
        self._plural("iterator")
        if page_size is not None:
            whole("page_size", page_size, least=1)
        whole("read_ahead", read_ahead)
        checked(progress)
        key = None if after is None else self._place_of(after)
        return self._told(self._read(page_size, read_ahead, key), progress, key)

    def _place_of(self, instance: Any) -> Any:
        """Return the key of the instance behind which to go on."""
        self._unsliced("iterator(after=…)")
        model = self._query.model
        if not isinstance(instance, model):
            msg = f"iterator(after=…) takes a {model.__name__}, not {instance!r}."
            raise TypeError(msg)
        if self._query.grouping is not None:
            msg = "iterator(after=…) goes on behind a row, and these are groups of rows."
            raise UnsupportedQuery(msg)
        return stored_key(instance)

    def _told(self, pages: Iterator[list[T]], progress: Progress, after: Any = None) -> Iterator[list[T]]:
        # In an order that the server cannot compare, nothing counts the rows behind one.
        is_left = after is not None and has_keyset_order(self._query)
        rows = self._with(after_key(self._query, after)) if is_left else self
        with reporting(progress, rows.count, label=self._query.model.directus.collection) as advance:
            for page in pages:
                number = len(page)
                yield page
                del page
                advance(number)

    def __iter__(self) -> Iterator[T]:
        self._plural("iteration")
        return self._iterate()

    def _iterate(self) -> Iterator[T]:
        position = 0
        while rows := self._from(position):
            yield from rows
            position += len(rows)

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate as `__iter__` does, each page read in a worker thread."""
        self._plural("iteration")
        return kept_rows(self)

    def _from(self, position: int) -> list[T]:
        """Return the rows from a position on that are there; read a page where there are none yet."""
        with self._lock:
            while position >= len(self._cache) and self._more():
                pass
            return self._cache[position:]

    def _more(self) -> bool:
        """Read a page into the cache; say whether there was one."""
        while not self._complete:
            if self._pages is None:
                self._pages = self._read()
            try:
                page = next(self._pages)
            except StopIteration:
                self._complete = True
            except BaseException:
                # A generator that raised is spent: going on with it would end the rows without a word.
                self._pages, self._cache = None, []
                raise
            else:
                self._cache.extend(page)
                if page:
                    return True
        return False

    def _read(self, page_size: int | None = None, read_ahead: int = 1, after: Any = None) -> Iterator[list[T]]:
        if self._query.is_empty:
            return
        session = self._session()
        if self._query.grouping is not None:
            for made in groups.read(session, self._query, page_size):
                yield self._shape.packed(made)
            return
        decode = self._shape.decoder(self._query)
        try:
            found = read_pages(
                session, self._query, page_size or session.page_size, read_ahead=read_ahead, after=after
            )
            for page in found:
                yield decode(session, page)
                del page
        except Forbidden as error:
            if dialect_of(session).names_field(error) and not getattr(error, "__notes__", None):
                error.add_note(
                    f"{self._query.model.__name__} declares it: leave it out if the server has no such field, or "
                    "give the server's name with field(name=…)."
                )
            raise

    def _session(self) -> Session:
        return self._using or current_session()

    def _all(self) -> list[T]:
        self._plural("iteration")
        with self._lock:
            while self._more():
                pass
        return self._cache

    def __len__(self) -> int:
        """Read all rows and count them; `count` asks for the number alone."""
        return len(self._all())

    def __bool__(self) -> bool:
        """Read one page; `exists` asks for less."""
        self._plural("truth")
        return bool(self._cache or self._from(0))

    def __contains__(self, item: object) -> bool:
        return any(item == row for row in self)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> T | Self | list[T]:
        """Return a row by position, or a query for a range of rows; nothing counts from the end."""
        self._plural("slices")
        if isinstance(index, slice):
            return self._slice(index)
        whole("index", index)
        if index < len(self._cache):
            return self._cache[index]
        found = [] if self._complete else list(self._with(self._query.sliced(index, index + 1)))
        if not found:
            msg = f"There is no row {index} in {self!r}."
            raise IndexError(msg)
        return found[0]

    def _slice(self, index: slice) -> Self:
        for name, bound in (("start", index.start), ("stop", index.stop)):
            if bound is not None:
                whole(name, bound)
        if index.step not in (None, 1):
            msg = (
                f"A slice of a query has no step: list(rows[{index.start or 0}:{index.stop}])[::{index.step}] has."
            )
            raise QueryError(msg)
        part = self._with(self._query.sliced(index.start or 0, index.stop))
        if self._complete:
            part._cache, part._complete = self._cache[index.start : index.stop], True  # noqa: SLF001
        return part

    def first(self) -> T | None:
        """Return the first row, by key where there is no ordering, or None."""
        self._plural("first")
        if self._cache or self._complete:
            return self._cache[0] if self._cache else None
        return next(iter(self._with(self._query.sliced(0, 1))), None)

    def page(self, number: int, size: int) -> Page[T]:
        """Return one page of rows, numbered from 1, and the number of all rows, by one request.

        Where rows have to be looked at (a ``%`` in ``contains``), all their keys are read, too; groups take two.

        Example:
            >>> page = Flight.objects.order_by("-dep_delay").page(1, size=20)
            >>> len(page.rows), page.total
            (20, 260)
        """
        self._unsliced("page")
        for name, value in (("number", number), ("size", size)):
            whole(f"page(): {name}", value, least=1)
        start = (number - 1) * size
        if self._query.grouping is not None or needs_recheck(self._query):
            return Page(list(self._with(self._query.sliced(start, start + size))), self.count())
        if self._query.is_empty:
            return Page([], 0)
        session = self._session()
        query = resolve_subqueries(session, self._query).sliced(start, start + size)
        if query.is_empty:
            return Page([], 0)
        with explain_guessed_names(query):
            answer = session.send(dialect_of(session).read(query, total=True))
        rows = self._shape.decoder(query)(session, dialect_of(session).rows(answer))
        return Page(rows, dialect_of(session).total_count(answer))

    def count(self) -> int:
        """Return the number of rows, by one request that reads none, unless rows have to be looked at."""
        self._plural("count")
        if self._complete:
            return len(self._cache)
        if self._query.is_empty:
            return 0
        session = self._session()
        if self._query.grouping is not None:
            return groups.count(session, self._query)
        if needs_recheck(self._query):
            return len(select_keys(session, self._query))
        query = resolve_subqueries(session, self._query)
        if query.is_empty:
            return 0
        with explain_guessed_names(query):
            total = dialect_of(session).row_count(session.send(dialect_of(session).count(query)))
        behind = max(total - self._query.offset, 0)
        return behind if self._query.limit is None else min(behind, self._query.limit)

    def exists(self) -> bool:
        """Return whether there is any row, by asking for one key at most."""
        self._plural("exists")
        if self._cache or self._complete:
            return bool(self._cache)
        if self._query.grouping is not None:
            return any(groups.read(self._session(), self._query.sliced(0, 1)))
        pk = self._query.model.directus.pk
        one = self._query.sliced(0, 1).with_paths((pk,))
        return any(read_pages(self._session(), one))

    def partition(self, parts: int) -> list[Self]:
        """Divide the rows among so many querysets of about the same size, to be read at once by several readers.

        They are disjoint, and together they are all rows, in the order of this query within each. Where the key is
        a number, they are ranges of keys, which also take the rows that come later: one request counts the rows,
        and one for each part but the first looks for its bound. Other keys, those of a slice, and those of rows
        that have to be looked at, are all read, once, and each part has a list of them.

        Example:
            >>> [part.count() for part in Flight.objects.partition(4)]
            [65, 65, 65, 65]
        """
        self._plural("partition")
        whole("partition(): parts", parts, least=1)
        if self._query.grouping is not None:
            msg = "Groups cannot be divided: partition() the rows, or read the groups, as a list."
            raise UnsupportedQuery(msg)
        if self._query.is_empty:
            return [self._with(self._query) for _ in range(parts)]
        return [self._with(query) for query in divided(self._session(), self._query, parts)]

    def explain(self) -> Explanation:
        """Return what reading the rows sends, as data and in words; nothing is sent."""
        if self._query.grouping is not None:
            return groups.explain(self._query, self._using)
        return explain(self._query, self._using)

    # --- in asyncio -----------------------------------------------------------------------------------------

    aiterator = paged_twin(iterator)
    apartition = async_twin(partition)
    afirst = async_twin(first)
    apage = async_twin(page)
    acount = async_twin(count)
    aexists = async_twin(exists)
    aexplain = async_twin(explain)

    def __repr__(self) -> str:
        # A debugger over HTTP must not send requests.
        read = f", {len(self._cache)} rows read" if self._cache else ""
        return f"<{type(self).__name__} of {self._query.model.__name__}: {self.explain()!r}{read}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._query, self._shape, self._using)


def _flat(pages: Iterator[list[T]]) -> Iterator[T]:
    while (page := next(pages, None)) is not None:
        yield from page
        del page  # the next one comes while nobody holds it


def whole(name: str, number: object, least: int = 0) -> None:
    """Refuse what is no whole number from 0, or another least."""
    if not is_whole_number(number, least):
        back = "; reverse() counts from the end" if not least else ""
        msg = f"{name} is a whole number from {least}, not {number!r}{back}."
        raise QueryError(msg)
