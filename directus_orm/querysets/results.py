"""`Results`, the base of querysets, which reads rows: iterator, slices, first, page, count, exists, partition."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import attrs

from ..core.async_twins import async_twin, cached_rows, paged_twin
from ..core.checks import check_whole
from ..core.deferred_import import DeferredModule
from ..core.errors import IterationLost, QueryError, UnsupportedQuery
from ..core.forks import call_after_fork
from ..core.progress import Progress, checked, reporting
from ..core.tracebacks import flatten, hides_locals
from ..fields.paths import FieldPath
from ..instances.state import stored_key
from ..query.query import DescribesRows, Query
from ..reading.pagination.keyset_pagination import after_key, has_keyset_order
from ..reading.parallel_parts import partition as partition_query
from ..reading.row_recheck import needs_recheck
from ..reading.run_query import read_count, read_page_and_total, read_pages, resolve_subqueries, select_keys
from ..session.current import current_session
from ..session.session import Session
from .result_shapes import Instances, Page, Shape, part_to_read, read_shaped_pages

if TYPE_CHECKING:
    from ..reading.aggregation import group_explain, read_groups
    from ..reading.explain import Explanation
else:
    group_explain = DeferredModule("..reading.aggregation.group_explain", __package__)
    read_groups = DeferredModule("..reading.aggregation.read_groups", __package__)


T = TypeVar("T")


@attrs.define
class _Place:
    """Where a loop is among the cached rows; ``drops`` is how often these had been dropped when it began."""

    position: int = 0
    drops: int = 0


_DROPPED = (
    "Another loop over these rows failed, or its process was forked while it read them: they are read anew. "
    "Start this loop again."
)

# The methods that a singleton has.
_OF_SINGLETONS = frozenset({"get", "only", "defer", "readable", "using"})


class Results(DescribesRows, Generic[T]):
    """The lazy result of a query: its rows are read when they are needed, page by page.

    A loop keeps them, so that a second one sends nothing; `iterator` keeps nothing.
    """

    __slots__ = ("_cache", "_complete", "_drops", "_from_manager", "_lock", "_pages", "_query", "_shape")

    _using: Session | None

    def __init__(self, query: Query, shape: Shape[T], using: Session | None = None) -> None:
        self._query = query
        self._shape = shape
        self._using = using
        self._cache: list[T] = []
        self._pages: Iterator[list[T]] | None = None
        self._drops = 0  # how often rows were dropped, because a page could not be read
        self._complete = query.is_empty  # whether the cache has all rows
        self._from_manager = False  # set by `Manager` on ``Model.objects`` itself
        # Held while a page is read: threads, and the threads of cancelled tasks, share one cache.
        self._lock = threading.RLock()

    @property
    def query(self) -> Query:
        """The frozen description of the rows."""
        return self._query

    @property
    def columns(self) -> tuple[FieldPath, ...] | None:
        """The paths of the values in each result of `values` or `values_list`; None if results are instances.

        Raises:
            UnsupportedQuery: a value is not that of a field, but a part of a date, a count or an aggregate.
        """
        grouping = self._query.grouping
        if grouping is not None and (grouping.aggregates or self._query.is_sliced):
            msg = "Groups cannot be a sub-query: read them first, as a list, and use that."
            raise UnsupportedQuery(msg)
        return self._shape.paths

    @property
    def _has_instances(self) -> bool:
        return isinstance(self._shape, Instances)

    @property
    def ordered(self) -> bool:
        """Whether the rows have an ordering, from `order_by` or from the model."""
        return bool(self._query.order)

    def _with(self, query: Query) -> Self:
        return type(self)(query, self._shape, self._using)

    def using(self, session: Session) -> Self:
        """Return the same rows, to be read and written by this session instead of the current one.

        Raises:
            TypeError: the argument is not a `Session`.

        Example:
            >>> late = Flight.objects.using(current_session()).filter(dep_delay__gt=60)
        """
        self._check_verb("using")
        if not isinstance(session, Session):
            msg = f"using() takes a Session, not {session!r}."
            raise TypeError(msg)
        rows = type(self)(self._query, self._shape, session)
        rows._from_manager = self._from_manager  # noqa: SLF001 - of the same class
        return rows

    def _refuse_sliced(self, verb: str) -> None:
        """Refuse a method after a slice, or one that these rows do not have."""
        if self._query.is_sliced:
            msg = f"{verb}() after a slice would change which rows the slice means: call {verb}() first."
            raise QueryError(msg)
        self._check_verb(verb)

    def _check_verb(self, verb: str) -> None:
        """Refuse a method that these rows do not have: a singleton has few, and subclasses refuse more."""
        model = self._query.model
        if model.directus.options.singleton and verb not in _OF_SINGLETONS:
            msg = (
                f"{model.__name__} is a singleton and has no {verb}(): {model.__name__}.objects.get() reads it, "
                "save() writes it."
            )
            raise UnsupportedQuery(msg)

    # --- iterating --------------------------------------------------------------------------------------------

    def iterator(
        self,
        page_size: int | None = None,
        read_ahead: int = 1,
        progress: Progress = None,
        after: Any = None,
    ) -> Iterator[T]:
        """Iterate over the rows without keeping them: memory stays constant over any number of rows.

        Each row is returned exactly once, even if other programs insert, delete and change rows meanwhile; only a
        row whose ordering field they change may be missed or repeated.

        Args:
            page_size: the number of rows per request. By default the first page is small, and later ones grow.
            read_ahead: how many pages are fetched while one is consumed, from the second page on; 0 for none.
            progress: True shows a bar (extra ``progress``); a function is called with the number of rows so far
                and the number of all rows. Only with ``progress`` are the rows counted first, by one request.
            after: an instance; iteration continues with the row after it. The number of all rows for ``progress``
                is then that of the rows left, if they are ordered by an integer key.

        Raises:
            IterationLost: so many rows were deleted or moved that the place in the list cannot be found again.

        Example:
            >>> for flight in Flight.objects.iterator(page_size=200):
            ...     last = flight
            >>> list(Flight.objects.iterator(after=last))
            []
        """
        return flatten(self._iterator_pages(page_size, read_ahead, progress, after))

    def _iterator_pages(
        self, page_size: int | None = None, read_ahead: int = 1, progress: Progress = None, after: Any = None
    ) -> Iterator[list[T]]:
        """Check the arguments of `iterator`, and return its rows page by page."""
        self._check_verb("iterator")
        if page_size is not None:
            check_whole("page_size", page_size, least=1)
        check_whole("read_ahead", read_ahead)
        checked(progress)
        key = None if after is None else self._key_to_resume_after(after)
        return self._with_progress(self._read_pages(page_size, read_ahead, key), progress, key)

    def _key_to_resume_after(self, instance: Any) -> Any:
        """Return the key of an instance after which iteration continues."""
        self._refuse_sliced("iterator(after=…)")
        model = self._query.model
        if not isinstance(instance, model):
            msg = f"iterator(after=…) takes a {model.__name__}, not {instance!r}."
            raise TypeError(msg)
        if self._query.grouping is not None:
            msg = "iterator(after=…) continues after a row, and these are groups of rows."
            raise UnsupportedQuery(msg)
        return stored_key(instance)

    def _with_progress(self, pages: Iterator[list[T]], progress: Progress, after: Any = None) -> Iterator[list[T]]:
        """Yield the pages, and report the number of rows after each."""
        # The rows after a key can only be counted in an order that the server can compare.
        counts_rest = after is not None and has_keyset_order(self._query)
        rows = self._with(after_key(self._query, after)) if counts_rest else self
        with reporting(progress, rows.count, label=self._query.model.directus.collection) as advance:
            for page in pages:
                row_count = len(page)
                yield page
                del page  # frees the memory before the next page is read
                advance(row_count)

    def __iter__(self) -> Iterator[T]:
        self._check_verb("iteration")
        return self._iterate_rows()

    def _iterate_rows(self) -> Iterator[T]:
        place = _Place()
        while rows := self._next_rows(place):
            yield from rows

    def __aiter__(self) -> AsyncIterator[T]:
        """Iterate as `__iter__` does, each page read in a worker thread."""
        self._check_verb("iteration")
        place = _Place()
        return cached_rows(partial(self._next_cached_rows, place), partial(self._next_rows, place))

    def _next_rows(self, place: _Place) -> list[T]:
        """Return the cached rows after a loop's place; if there are none, read a page first."""
        if self._complete:
            return self._next_cached_rows(place)
        with self._reading():
            while not (rows := self._next_cached_rows(place)) and self._read_next_page():
                pass
            return rows

    def _next_cached_rows(self, place: _Place) -> list[T]:
        """Return the cached rows after a loop's place, and move the place behind them.

        Raises:
            IterationLost: the rows before the place were dropped, and those read since may be others.
        """
        if place.drops != self._drops:
            if place.position:
                raise IterationLost(_DROPPED)
            place.drops = self._drops
        rows = self._cache[place.position :]
        place.position += len(rows)
        return rows

    def _reading(self) -> threading.RLock:
        """Return the lock that is held while a page is read."""
        call_after_fork(self, Results._begin_anew_if_interrupted)  # here, since most are never read
        return self._lock

    def _begin_anew_if_interrupted(self) -> None:
        """In a forked child, drop the rows if another thread was reading a page: nobody goes on with that."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()
            self._drop_rows()

    def _drop_rows(self) -> None:
        """Drop what was read, so that the rows are read anew."""
        self._pages, self._cache = None, []
        self._drops += 1

    @hides_locals
    def _read_next_page(self) -> bool:
        """Read a page into the cache; return whether there was one."""
        while not self._complete:
            if self._pages is None:
                self._pages = self._read_pages()
            try:
                page = next(self._pages)
            except StopIteration:
                self._complete = True
            except BaseException:
                # A generator that raised has ended: if it were kept, the rows would silently end here.
                self._drop_rows()
                raise
            else:
                self._cache.extend(page)
                if page:
                    return True
        return False

    def _read_pages(
        self, page_size: int | None = None, read_ahead: int = 1, after: Any = None
    ) -> Iterator[list[T]]:
        return read_shaped_pages(
            self._query, self._shape, self._using, page_size=page_size, read_ahead=read_ahead, after=after
        )

    def _session(self) -> Session:
        return self._using or current_session()

    def _read_all(self) -> list[T]:
        self._check_verb("iteration")
        if not self._complete:
            with self._reading():
                while self._read_next_page():
                    pass
        return self._cache

    def __len__(self) -> int:
        """Read all rows and return their number; `count` requests only the number."""
        return len(self._read_all())

    def __bool__(self) -> bool:
        """Read one page and return whether it has rows; `exists` requests one key only."""
        self._check_verb("truth")
        return bool(self._cache or self._next_rows(_Place()))

    def __contains__(self, item: object) -> bool:
        return any(item == row for row in self)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> T | Self | list[T]:
        """Return the row at a position, or the queryset of a range of rows; negative positions are refused."""
        self._check_verb("slices")
        if isinstance(index, slice):
            return self._slice(index)
        check_whole("index", index)
        if index < len(self._cache):
            return self._cache[index]
        rows = [] if self._complete else list(self._with(self._query.sliced(index, index + 1)))
        if not rows:
            msg = f"There is no row {index} in {self!r}."
            raise IndexError(msg)
        return rows[0]

    def _slice(self, index: slice) -> Self:
        for name, bound in (("start", index.start), ("stop", index.stop)):
            if bound is not None:
                check_whole(name, bound)
        if index.step not in (None, 1):
            msg = (
                f"A slice of a query has no step: list(rows[{index.start or 0}:{index.stop}])[::{index.step}] has."
            )
            raise QueryError(msg)
        part = self._with(self._query.sliced(index.start or 0, index.stop))
        if self._complete:
            part._cache, part._complete = self._cache[index.start : index.stop], True  # noqa: SLF001
        return part

    @hides_locals
    def first(self) -> T | None:
        """Return the first row or None, by one request for one row; without an ordering, rows are ordered by key.

        Example:
            >>> Flight.objects.filter(dep_delay__lt=79).order_by("-dep_delay").first().dep_delay
            78
        """
        self._check_verb("first")
        if self._cache or self._complete:
            return self._cache[0] if self._cache else None
        return next(iter(self._with(self._query.sliced(0, 1))), None)

    @hides_locals
    def page(self, number: int, size: int) -> Page[T]:
        """Return one page of rows and the number of all rows, by one request.

        Groups take two requests; a condition that is checked again in Python takes further ones, for all keys.

        Args:
            number: the number of the page, from 1.
            size: the number of rows on a page, from 1.

        Example:
            >>> page = Flight.objects.order_by("-dep_delay").page(1, size=20)
            >>> len(page.rows), page.total
            (20, 260)
        """
        self._refuse_sliced("page")
        for name, value in (("number", number), ("size", size)):
            check_whole(f"page(): {name}", value, least=1)
        start = (number - 1) * size
        if self._query.grouping is not None or needs_recheck(self._query):
            return Page(list(self._with(self._query.sliced(start, start + size))), self.count())
        if self._query.is_empty:
            return Page([], 0)
        session = self._session()
        query = resolve_subqueries(session, part_to_read(session, self._query, self._shape))
        query = query.sliced(start, start + size)
        if query.is_empty:
            return Page([], 0)
        rows, total = read_page_and_total(session, query)
        return Page(self._shape.decoder(query)(session, rows), total)

    @hides_locals
    def count(self) -> int:
        """Return the number of rows, by one request that reads no rows.

        A condition that is checked again in Python takes requests for all keys. Of loaded rows, nothing is sent.

        Example:
            >>> Flight.objects.filter(dep_delay__gt=60).count()
            37
        """
        self._check_verb("count")
        if self._complete:
            return len(self._cache)
        if self._query.is_empty:
            return 0
        session = self._session()
        if self._query.grouping is not None:
            return read_groups.count(session, self._query)
        if needs_recheck(self._query):
            return len(select_keys(session, self._query))
        query = resolve_subqueries(session, self._query)
        if query.is_empty:
            return 0
        after_offset = max(read_count(session, query) - self._query.offset, 0)
        return after_offset if self._query.limit is None else min(after_offset, self._query.limit)

    @hides_locals
    def exists(self) -> bool:
        """Return whether there is any row, by one request for at most one key.

        Example:
            >>> Flight.objects.filter(dep_delay__gt=600).exists()
            False
        """
        self._check_verb("exists")
        if self._cache or self._complete:
            return bool(self._cache)
        if self._query.grouping is not None:
            return any(read_groups.read(self._session(), self._query.sliced(0, 1)))
        pk = self._query.model.directus.pk
        first_key = self._query.sliced(0, 1).with_paths((pk,))
        return any(read_pages(self._session(), first_key))

    @hides_locals
    def partition(self, parts: int) -> list[Self]:
        """Divide the rows into querysets of about the same size, to be read in parallel by several readers.

        Each row is in exactly one part. Each part has the order of this query, and can be pickled.

        Where the key is a number, the parts are ranges of keys, so that rows inserted later are in one of them:
        one request counts the rows, and one for each part but the first finds its lower bound. Otherwise, and for
        slices and conditions that are checked again in Python, all keys are read once, and each part is a list of
        keys.

        Args:
            parts: the number of querysets, from 1.

        Raises:
            UnsupportedQuery: the rows are groups.

        Example:
            >>> [part.count() for part in Flight.objects.partition(4)]
            [65, 65, 65, 65]
        """
        self._check_verb("partition")
        check_whole("partition(): parts", parts, least=1)
        if self._query.grouping is not None:
            msg = "Groups cannot be divided: partition() the rows, or read the groups, as a list."
            raise UnsupportedQuery(msg)
        if self._query.is_empty:
            return [self._with(self._query) for _ in range(parts)]
        return [self._with(query) for query in partition_query(self._session(), self._query, parts)]

    @hides_locals
    def explain(self) -> Explanation:
        """Return the requests that reading the rows would send, as data and in words; nothing is sent.

        Example:
            >>> print(Flight.objects.only("dep_delay").filter(dep_delay__gt=60)[:5].explain())
            Flight where dep_delay is more than 60, by id, at most 5
            1. the rows:
               GET /items/flights fields=id,dep_delay filter={"dep_delay":{"_gt":60}} sort=id limit=5
            ...
        """
        return group_explain.explain_query(self._query, self._using)

    # --- in asyncio -------------------------------------------------------------------------------------------

    aiterator = paged_twin(iterator, "_iterator_pages")
    apartition = async_twin(partition)
    afirst = async_twin(first)
    apage = async_twin(page)
    acount = async_twin(count)
    aexists = async_twin(exists)
    aexplain = async_twin(explain)

    def __repr__(self) -> str:
        # A debugger shows it: it must not send requests.
        read = f", {len(self._cache)} rows read" if self._cache else ""
        return f"<{type(self).__name__} of {self._query.model.__name__}: {self.explain()!r}{read}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._query, self._shape, self._using)
