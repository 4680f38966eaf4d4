"""`Rows`: a lazy, immutable query whose results come page by page, whatever shape they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Self, TypeVar, overload

import attrs

from ..errors import DoesNotExist, Forbidden, MultipleObjectsReturned, QueryError, UnsupportedQuery
from ..session import Session, current_session
from ..wire import masked
from .conditions import NEVER
from .explain import Explanation, explain
from .fetch import fetch
from .paging import pages
from .q import Q
from .query import Path, Query, ordering
from .resolve import resolve
from .shapes import Shape
from .steps import settle

T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """One page of rows, and the number of rows on all pages."""

    rows: list[T]
    total: int


class Rows(Generic[T]):
    """The rows that a query describes; nothing is asked before they are needed.

    Every chained method returns a new one and leaves this as it was. Iterating fetches page by page and
    keeps what was read, so that a second loop asks nothing; `iterator` keeps nothing.
    """

    __slots__ = ("_cache", "_complete", "_fresh", "_pages", "_query", "_shape", "_using")

    def __init__(self, query: Query, shape: Shape[T], using: Session | None = None) -> None:
        self._query = query
        self._shape = shape
        self._using = using
        self._cache: list[T] = []
        self._pages: Iterator[list[T]] | None = None
        self._complete = query.is_empty
        self._fresh = False

    # --- chaining -------------------------------------------------------------------------------------------

    @property
    def query(self) -> Query:
        """The frozen description of what is asked."""
        return self._query

    @property
    def columns(self) -> tuple[Path, ...] | None:
        """The paths of the values that `values` and its kin give; None of instances."""
        return self._shape.paths

    @property
    def ordered(self) -> bool:
        """Whether an ordering was given, here or by the model."""
        return bool(self._query.order)

    def _with(self, query: Query) -> Self:
        return type(self)(query, self._shape, self._using)

    def filter(self, *conditions: Q, **lookups: Any) -> Self:
        """Keep the rows that meet all conditions, as in Django: ``name__lookup=value``, or Q objects.

        Raises:
            FieldError: a field or lookup that does not exist.
            QueryError: a value of the wrong type, or a filter after a slice.
            UnsupportedQuery: the server cannot be asked that without bending it.

        Example:
            >>> late = Flight.objects.filter(dep_delay__gt=60, carrier__name__startswith="Jet")
        """
        self._unsliced("filter")
        return self._with(self._query.filtered(resolve(Q(*conditions, **lookups), self._query.model)))

    def exclude(self, *conditions: Q, **lookups: Any) -> Self:
        """Leave out the rows that meet all conditions; rows where a field is null stay, as in Django."""
        self._unsliced("exclude")
        condition = Q(*conditions, **lookups)
        if not condition.children:
            return self.all()
        return self._with(self._query.filtered(resolve(~condition, self._query.model)))

    def all(self) -> Self:
        """Return the same query, without what was read."""
        return self._with(self._query)

    def none(self) -> Self:
        """Return a query without rows, which never asks the server."""
        self._plural("none")
        return self._with(attrs.evolve(self._query, where=NEVER))

    def order_by(self, *names: str) -> Self:
        """Order by fields, each turned round by a ``-``; without names, by key.

        Rows that tie are ordered by key. Where null comes depends on the server's database.
        """
        self._unsliced("order_by")
        return self._with(attrs.evolve(self._query, order=ordering(self._query.model, names)))

    def reverse(self) -> Self:
        """Turn the order round."""
        self._unsliced("reverse")
        return self._with(self._query.reversed())

    def limit(self, count: int | None) -> Self:
        """Take at most so many rows; None takes all."""
        self._plural("limit")
        if count is not None:
            _whole("limit", count)
        return self._with(attrs.evolve(self._query, limit=count))

    def offset(self, count: int) -> Self:
        """Pass over so many rows first."""
        self._plural("offset")
        _whole("offset", count)
        return self._with(attrs.evolve(self._query, offset=count))

    def search(self, text: str) -> Self:
        """Keep the rows in which the server finds a text, in any of the fields it searches.

        ``%`` and ``_`` are the server's wildcards here, and it decides about case.
        """
        self._unsliced("search")
        if not isinstance(text, str) or not text.strip():
            msg = f"search() takes a text that is not blank, not {text!r}."
            raise QueryError(msg)
        return self._with(attrs.evolve(self._query, search=text))

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

    def iterator(self, page_size: int | None = None) -> Iterator[T]:
        """Iterate without keeping the rows; memory stays the same over any number of them.

        ``page_size`` is the number of rows per request; by default the first page is small and later ones large.
        """
        if page_size is not None and (not isinstance(page_size, int) or page_size < 1):
            msg = f"page_size is a whole number from 1, not {page_size!r}."
            raise QueryError(msg)
        self._plural("iterator")
        return (row for page in self._read(page_size) for row in page)

    def __iter__(self) -> Iterator[T]:
        self._plural("iteration")
        return self._iterate()

    def _iterate(self) -> Iterator[T]:
        position = 0
        while position < len(self._cache) or self._more():
            yield self._cache[position]
            position += 1

    def _more(self) -> bool:
        """Read a page into the cache; say whether there was one."""
        while not self._complete:
            if self._pages is None:
                self._pages = self._read(None)
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

    def _read(self, page_size: int | None) -> Iterator[list[T]]:
        if self._query.is_empty:
            return
        session = self._session()
        query = settle(session, self._query)
        if query.is_empty:
            return
        decode = self._shape.decoder(query)
        steps = pages(query, session.dialect, page_size or session.page_size, session.max_rows)
        try:
            for rows in fetch(session, steps):
                yield decode(session, rows)
        except Forbidden as error:
            if session.dialect.names_field(error):
                error.add_note(
                    f"{self._query.model.__name__} declares it: leave it out if the server has no such field, or "
                    "give the server's name with field(name=…)."
                )
            raise

    def _session(self) -> Session:
        return self._using or current_session()

    def _all(self) -> list[T]:
        self._plural("iteration")
        while self._more():
            pass
        return self._cache

    def __len__(self) -> int:
        """Read all rows and count them; `count` asks for the number alone."""
        return len(self._all())

    def __bool__(self) -> bool:
        """Read one page; `exists` asks for less."""
        self._plural("truth")
        return bool(self._cache) or self._more()

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
        _whole("index", index)
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
                _whole(name, bound)
        if index.step not in (None, 1):
            msg = (
                f"A slice of a query has no step: list(rows[{index.start or 0}:{index.stop}])[::{index.step}] has."
            )
            raise QueryError(msg)
        part = self._with(self._query.sliced(index.start or 0, index.stop))
        if self._complete:
            part._cache, part._complete = self._cache[index.start : index.stop], True  # noqa: SLF001
        return part

    def get(self, *conditions: Q, **lookups: Any) -> T:
        """Return the only row that meets the conditions.

        Raises:
            DoesNotExist: none does (or this user may not read it).
            MultipleObjectsReturned: more than one does.
        """
        model = self._query.model
        if model.directus.options.singleton:
            return self._singleton(bool(conditions or lookups))
        rows = self.filter(*conditions, **lookups) if conditions or lookups else self
        found = list(rows[:2])
        if len(found) == 1:
            return found[0]
        what = f"matches {Q(*conditions, **masked(lookups))!r}" if conditions or lookups else "matches the query"
        if found:
            message = f"More than one {model.__name__} {what}; first() takes the first one."
            several: MultipleObjectsReturned = model.MultipleObjectsReturned(message)
            raise several
        nothing: DoesNotExist = model.DoesNotExist(f"No {model.__name__} {what}.")
        raise nothing

    def _singleton(self, filtered: bool) -> T:
        if filtered:
            self._plural("filter")
        session = self._session()
        answer = session.send(session.dialect.read_singleton(self._query))
        row = session.dialect.singleton_row(answer, self._query.model.directus)
        return self._shape.decoder(self._query)(session, [row])[0]

    def first(self) -> T | None:
        """Return the first row, by key where there is no ordering, or None."""
        self._plural("first")
        if self._cache:
            return self._cache[0]
        return next(iter(self._with(self._query.sliced(0, 1))), None)

    def last(self) -> T | None:
        """Return the last row, by key where there is no ordering, or None."""
        if self._complete:
            return self._cache[-1] if self._cache else None
        self._unsliced("last")
        return self.reverse().first()

    def latest(self, *names: str) -> T:
        """Return the last row in the order of these fields.

        Raises:
            DoesNotExist: there is no row.
        """
        return self._extreme("latest", names, last=True)

    def earliest(self, *names: str) -> T:
        """Return the first row in the order of these fields.

        Raises:
            DoesNotExist: there is no row.
        """
        return self._extreme("earliest", names, last=False)

    def _extreme(self, verb: str, names: tuple[str, ...], *, last: bool) -> T:
        self._unsliced(verb)
        if not names:
            msg = f"{verb}() takes the names of the fields to order by."
            raise QueryError(msg)
        rows = self.order_by(*names)
        found = list((rows.reverse() if last else rows)[:1])
        if not found:
            model = self._query.model
            nothing: DoesNotExist = model.DoesNotExist(f"There is no {model.__name__} to be the {verb}.")
            raise nothing
        return found[0]

    def page(self, number: int, size: int) -> Page[T]:
        """Return one page of rows, numbered from 1, and the number of all rows, by one request.

        Example:
            >>> page = Flight.objects.order_by("-dep_delay").page(1, size=20)
            >>> len(page.rows), page.total
            (20, 260)
        """
        self._unsliced("page")
        for name, value in (("number", number), ("size", size)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                msg = f"page(): {name} is a whole number from 1, not {value!r}."
                raise QueryError(msg)
        if self._query.is_empty:
            return Page([], 0)
        session = self._session()
        query = settle(session, self._query).sliced((number - 1) * size, number * size)
        if query.is_empty:
            return Page([], 0)
        answer = session.send(session.dialect.read(query, total=True))
        rows = self._shape.decoder(query)(session, session.dialect.rows(answer))
        return Page(rows, session.dialect.total(answer))

    def count(self) -> int:
        """Return the number of rows, by one request that reads none."""
        self._plural("count")
        if self._complete:
            return len(self._cache)
        session = self._session()
        query = settle(session, self._query)
        if query.is_empty:
            return 0
        total = session.dialect.counted(session.send(session.dialect.count(query)))
        behind = max(total - self._query.offset, 0)
        return behind if self._query.limit is None else min(behind, self._query.limit)

    def exists(self) -> bool:
        """Return whether there is any row, by asking for one key at most."""
        self._plural("exists")
        if self._cache or self._complete:
            return bool(self._cache)
        pk = self._query.model.directus.pk
        session = self._session()
        one = settle(session, attrs.evolve(self._query.sliced(0, 1), paths=((pk,),), related=()))
        return not one.is_empty and bool(session.dialect.rows(session.send(session.dialect.read(one))))

    def explain(self) -> Explanation:
        """Return what reading the rows sends, as data and in words; nothing is sent."""
        return explain(self._query, self._using)

    def __repr__(self) -> str:
        # A debugger over HTTP must not send requests.
        read = f", {len(self._cache)} rows read" if self._cache else ""
        return f"<{type(self).__name__} of {self._query.model.__name__}: {self.explain()}{read}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._query, self._shape, self._using)


def _whole(name: str, number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        msg = f"{name} is a whole number from 0, not {number!r}; reverse() counts from the end."
        raise QueryError(msg)
