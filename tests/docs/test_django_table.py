"""docs/django.md says of every name of Django's ORM what it is here, and quotes errors word by word."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
import django.db.models as dj
import pytest
from django.db.models import aggregates, expressions, functions

import directus_orm
from directus_orm import (
    Avg,
    Count,
    DirectusError,
    F,
    FieldError,
    Max,
    Model,
    Q,
    QueryError,
    QuerySet,
    Session,
    Sum,
    UnsupportedQuery,
    field,
    generated,
)
from directus_orm.query.expressions import Aggregate
from tests.docs import pages
from tests.oracle.django_models import MODELS
from tests.worlds.flights import Airline, Flight, Setting
from tests.worlds.library import Article, Author, Page

PAGE = pages.BLOCK.sub("", (pages.ROOT / "docs/django.md").read_text())  # its examples run in test_examples
SPAN = re.compile(r"`([^`]+)`")
ERROR = re.compile(r"\w+(Error|Query): ")


class Document(Model, collection="json_items"):
    id: int = field(default=generated, primary_key=True)
    meta: dict[str, Any] | None = None
    words: list[str] | None = field(default=None, type="csv")
    uid: UUID | None = None
    price: Decimal | None = None
    count: int | None = None


# --- the page -----------------------------------------------------------------------------------------------


@attrs.frozen
class Row:
    section: str
    names: tuple[str, ...]
    verdict: str


def _rows() -> Iterator[Row]:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        for line in section.splitlines():
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
            if len(cells) == 5 and cells[2] in VERDICTS:
                spans = [span.replace("\\|", "|") for span in SPAN.findall(cells[1])]
                yield Row(title, tuple(spans), cells[2])


VERDICTS = ("works", "differs", "refused", "not yet")
TABLE = tuple(_rows())
QUOTED = {span.replace("\\|", "|") for span in SPAN.findall(PAGE) if ERROR.match(span)}


def named(section: str, *verdicts: str) -> set[str]:
    """The names in the first column, without parentheses."""
    rows = [row for row in TABLE if row.section == section and row.verdict in (verdicts or VERDICTS)]
    return {span.removesuffix("()") for row in rows for span in row.names}


def public(owner: Any) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


# --- every name stands there --------------------------------------------------------------------------------

_FIELDS = (
    *(dj.CharField, dj.TextField, dj.IntegerField, dj.BigIntegerField, dj.FloatField, dj.DecimalField),
    *(dj.BooleanField, dj.DateField, dj.DateTimeField, dj.TimeField, dj.UUIDField, dj.JSONField),
    *(dj.ForeignKey, dj.ManyToManyField),
)
_CLASSES = {
    name
    for name, kind in vars(expressions).items()
    if isinstance(kind, type) and kind.__module__ == expressions.__name__
}
_NAMES: dict[str, set[str]] = {
    "Querysets": public(dj.QuerySet),
    "Managers": public(dj.Manager) - public(dj.QuerySet),
    "Q": public(dj.Q()),
    "Lookups": {name for kind in _FIELDS for name in kind.get_class_lookups()},
    "F and aggregates": {
        *aggregates.__all__,
        *("asc", "desc"),
        *(name for name in public(expressions.Combinable) if name.islower()),
    },
    "Expressions": {
        *(_CLASSES - {"F"}),
        *("Prefetch", "FilteredRelation", "Transform", "Lookup"),
        *("prefetch_related_objects", "aprefetch_related_objects"),
    },
    "Database functions": set(functions.__all__),
}


@pytest.mark.parametrize("section", _NAMES)
def test_every_name_that_django_has_stands_in_the_table(section: str) -> None:
    assert not _NAMES[section] - named(section)


def test_every_expression_that_django_exports_stands_in_the_table() -> None:
    modules = [f"django.db.models.{it}" for it in ("expressions", "aggregates", "query_utils", "query", "lookups")]
    exported = {name for name in dj.__all__ if getattr(getattr(dj, name), "__module__", None) in modules}
    assert not exported - named("Expressions") - named("F and aggregates") - {"Q", "QuerySet"}


def test_the_table_names_nothing_that_django_has_not() -> None:
    for section in ("Managers", "Expressions", "Database functions"):
        assert not named(section) - _NAMES[section]


def test_operators_of_querysets_stand_in_the_table() -> None:
    said = {
        "__and__": "&",
        "__or__": "|",
        "__xor__": "^",
        "__getitem__": "[n]",
        "__len__": "len",
        "__bool__": "bool",
    }
    own = {name for name in vars(dj.QuerySet) if name.startswith("__")}
    told = {"__repr__": "repr", "__aiter__": "async for", "__class_getitem__": "QuerySet[Flight]"}
    kept = {"__deepcopy__": "copy", "__getstate__": "pickle", "__setstate__": "pickle"}
    words = {**said, **told, **kept}
    # Each class has these, the last two from Python 3.13 on.
    of_classes = {"__doc__", "__init__", "__iter__", "__module__", "__firstlineno__", "__static_attributes__"}
    assert not own - words.keys() - of_classes
    assert {"__init__", "__iter__"} <= own
    assert set(words.values()) <= named("Querysets")


# --- what works is there, what does not is not --------------------------------------------------------------


@pytest.mark.parametrize(("section", "owner"), [("Querysets", QuerySet), ("Managers", QuerySet), ("Q", Q())])
def test_what_works_is_there_and_what_is_refused_is_not(section: str, owner: Any) -> None:
    for row in TABLE:
        for span in row.names if row.section == section else ():
            name = span.removesuffix("()")
            if name.isidentifier() and hasattr(dj.Q() if section == "Q" else dj.Manager, name):
                assert hasattr(owner, name) is (row.verdict in ("works", "differs")), name


def test_aggregates_that_work_are_there_and_expressions_that_are_refused_are_not() -> None:
    for name in named("F and aggregates", "works", "differs") & set(aggregates.__all__):
        assert hasattr(directus_orm, name), name
    for section in ("F and aggregates", "Expressions", "Database functions"):
        for name in named(section, "refused", "not yet") & (_NAMES[section] | {"Case"}):
            assert not hasattr(directus_orm, name), name


NOW, DAY = datetime(2014, 1, 1, tzinfo=UTC), date(2014, 1, 1)
TAKEN: dict[str, tuple[QuerySet[Any], str, Any]] = {
    **dict.fromkeys(("exact", "iexact"), (Flight.objects, "note", "late")),
    **{
        f"{i}{name}": (Flight.objects, "note", "late")
        for i in ("", "i")
        for name in ("contains", "startswith", "endswith")
    },
    "in": (Flight.objects, "carrier", Airline.objects.filter(country="US")),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), (Flight.objects, "time_hour", NOW)),
    "range": (Article.objects, "at", (time(1), time(2))),
    "isnull": (Article.objects, "comments", True),
    "date": (Flight.objects, "time_hour", DAY),
    **dict.fromkeys(("year", "iso_year"), (Article.objects, "day", 2014)),
    **dict.fromkeys(("quarter", "month", "week", "week_day", "iso_week_day", "day"), (Article.objects, "day", 4)),
    **dict.fromkeys(("hour", "minute", "second"), (Article.objects, "at", 4)),
    "has_key": (Document.objects, "meta", "color"),
    "contained_by": (Document.objects, "words", ["a"]),
    **dict.fromkeys(("has_keys", "has_any_keys"), (Document.objects, "meta", ["color", "size"])),
}


def test_lookups_that_work_are_taken() -> None:
    assert TAKEN.keys() == named("Lookups", "works", "differs") & _NAMES["Lookups"]
    for name, (rows, path, value) in TAKEN.items():
        assert rows.filter(**{f"{path}__{name}": value}) is not None
        assert rows.exclude(**{f"{path}__{name}": value}) is not None
    for path in ("meta__key", "meta__0__key", "meta__key__gte", "meta__key__icontains"):
        assert Document.objects.filter(**{path: "x"}) is not None


def test_what_works_of_expressions_is_taken() -> None:
    rows = Flight.objects.annotate(airline=F("carrier__name"), year=F("time_hour__year")).order_by("-year")
    assert rows.values(F("note"), "year", late=F("dep_delay")) is not None
    groups = Flight.objects.values("carrier").annotate(
        n=Count("*"), s=Sum("dep_delay", filter=Q(note="late"), default=0), a=Avg("distance", distinct=True)
    )
    assert groups.filter(n__gt=3).order_by("-s") is not None
    assert Article.objects.order_by("-comments__count") is not None


# --- expressions --------------------------------------------------------------------------------------------

_MADE: dict[str, Any] = {
    "Cast": lambda: functions.Cast("note", dj.IntegerField()),
    "Case": lambda: dj.Case(dj.When(pk=1, then=dj.Value(2))),
    "CombinedExpression": lambda: expressions.CombinedExpression(dj.F("a"), "+", dj.F("b")),
    "DurationExpression": lambda: expressions.DurationExpression(dj.F("a"), "+", dj.F("b")),
    "ExpressionWrapper": lambda: dj.ExpressionWrapper(dj.F("note"), output_field=dj.TextField()),
    "Exists": lambda: dj.Exists(MODELS["Flight"].objects.all()),
    "Func": lambda: dj.Func("note", function="ABS"),
    "NegatedExpression": lambda: expressions.NegatedExpression(dj.Q(pk=1)),
    "OrderBy": lambda: dj.OrderBy(dj.F("note")),
    "Subquery": lambda: dj.Subquery(MODELS["Flight"].objects.all()),
    "Window": lambda: dj.Window(dj.Sum("dep_delay")),
    "When": lambda: dj.When(pk=1, then=dj.Value(2)),
    "FilteredRelation": lambda: dj.FilteredRelation("carrier"),
    "JSONObject": lambda: functions.JSONObject(name="note"),
    "TemporalSubtraction": lambda: expressions.TemporalSubtraction(dj.F("a"), dj.F("b")),
    "Extract": lambda: functions.Extract("time_hour", "year"),
    "Trunc": lambda: functions.Trunc("time_hour", "year"),
}
_GUESSES: tuple[tuple[Any, ...], ...] = (
    ("note",),
    ("note", 1),
    ("note", "carrier"),
    (),
    ("note", 1, dj.Value("x")),
)
# Bases, and what stands inside others only.
_INSIDE = (
    "BaseExpression Expression ExpressionList Col ColPairs DatabaseDefault Ref Sliced SQLiteNumericMixin Star "
    "RawSQL OutputFieldIsNoneError Transform Lookup Combinable WindowFrame WindowFrameExclusion RowRange "
    "ValueRange prefetch_related_objects aprefetch_related_objects"
)
REFUSED = sorted(
    ((named("Expressions", "refused") | named("Database functions", "refused")) - set(_INSIDE.split()))
    | {"StdDev", "Variance"}
)


def made(name: str) -> Any:
    """Return some expression of Django's."""
    if name in _MADE:
        return _MADE[name]()
    kind = getattr(dj, name, None) or getattr(functions, name, None) or getattr(expressions, name)
    for arguments in _GUESSES:
        try:
            return kind(*arguments)
        except (TypeError, ValueError):
            pass
    raise AssertionError(name)


@pytest.mark.parametrize("name", REFUSED)
def test_expressions_of_django_are_refused(name: str) -> None:
    expression = made(name)
    for verb in ("annotate", "alias", "aggregate", "values"):
        with pytest.raises(UnsupportedQuery, match="not "):
            getattr(Flight.objects, verb)(x=expression)
    for verb in ("filter", "order_by"):
        with pytest.raises(QueryError):
            getattr(Flight.objects, verb)(expression)


# --- errors -------------------------------------------------------------------------------------------------

BY_CARRIER = 'Flight.objects.values("carrier").annotate(n=Count("*"))'

ANY_OF_MANY = functools.reduce(operator.or_, (Q(comments__likes=n) for n in range(64)), Q(title="x"))

SNIPPETS = (
    # Querysets.
    "Flight.objects.annotate(x=dj.Value(1))",
    'Flight.objects.order_by(F("note"))',
    'Flight.objects.order_by("?")',
    'Article.objects.order_by("comments__likes")',
    'Flight.objects.distinct("carrier")',
    'Article.objects.values("comments__text")',
    'Document.objects.values("meta__color")',
    'Flight.objects.datetimes("time_hour", "month", tzinfo=UTC)',
    "Flight.objects.union(Flight.objects.all(), all=True)",
    "Flight.objects.union(Airline.objects.all())",
    'Flight.objects.values("id").union(Flight.objects.values("id"))',
    'Flight.objects.prefetch_related("note")',
    'Flight.objects.prefetch_related(Prefetch("carrier", Airline.objects.filter(name="x")))',
    'Article.objects.only("comments__text")',
    'Flight.objects.extra(where=["1"])',
    'Flight.objects.raw("SELECT 1")',
    "Flight.objects.select_for_update()",
    'Flight.objects.complex_filter({"pk": 1})',
    'Flight.objects.using("default")',
    "Flight.objects.bulk_create([], ignore_conflicts=True)",
    f'{BY_CARRIER}.aggregate(Max("n"))',
    "Flight.objects.latest()",
    'Flight.objects.in_bulk(["late"], field_name="note")',
    "Flight.objects.iterator(chunk_size=9)",
    'Flight.objects.update(note="x")',
    'Flight.objects.all().update(dep_delay=F("distance"))',
    "Flight.objects.delete()",
    "Flight.objects.db",
    "Flight.objects[::2]",
    "Flight.objects[-1]",
    "Flight.objects[5:10].filter(pk=1)",
    # Managers.
    "Flight.objects.get_queryset()",
    "Flight.objects.from_queryset(QuerySet)",
    'Flight.objects.db_manager("default")',
    "Flight.objects.deconstruct()",
    # Q.
    'Q(("dep_delay", 5))',
    "Q(pk=1) and Q(pk=2)",
    "Q(pk=1).connector",
    "Q(pk=1, _connector=Q.OR)",
    'Q(pk=1).add(Q(pk=2), "OR")',
    'Q(pk=1).check({"pk": 1})',
    'Flight.objects.filter(functions.Lower("note"))',
    "Flight.objects.filter(Flight.dep_delay == 60)",
    # Lookups.
    'Flight.objects.filter(dep_delay="5")',
    'Flight.objects.filter(dep_delay__gt=F("distance"))',
    'Document.objects.filter(meta={"a": 1})',
    'Flight.objects.filter(dep_delay__contains="5")',
    "Flight.objects.filter(note__contains=5)",
    "Flight.objects.filter(id__in=range(30_001))",
    'Flight.objects.filter(carrier__in=Airline.objects.values("carrier", "name"))',
    f"Airline.objects.filter(pk__in={BY_CARRIER})",
    'Flight.objects.filter(note__gt="a")',
    "Document.objects.filter(uid__range=(UUID(int=1), UUID(int=2)))",
    "Flight.objects.filter(note__isnull=1)",
    'Flight.objects.filter(note__regex="a.*")',
    'Flight.objects.filter(note__search="a")',
    'Flight.objects.filter(time_hour__year__contains="2")',
    "Article.objects.filter(day__hour=1)",
    "Flight.objects.filter(time_hour__time=time(1))",
    'Flight.objects.filter(carrier_id="AA")',
    'Page.objects.filter(blocks__title="Red")',
    # F and aggregates.
    'F("dep_delay") + 1',
    'F("dep_delay") & F("distance")',
    '~F("diverted")',
    'F("dep_delay").bitand(1)',
    'F("note").desc(nulls_last=True)',
    'F("note")[1:2]',
    'Article.objects.filter(comments__likes=3).annotate(n=Count("comments"))',
    'Flight.objects.aggregate(x=Sum("note"))',
    'Document.objects.aggregate(x=Max("uid"))',
    'Flight.objects.aggregate(x=dj.StdDev("dep_delay"))',
    'Aggregate("dep_delay")',
    'Sum("dep_delay", output_field=dj.IntegerField())',
    "Count(dj.Case(dj.When(pk=1, then=1)))",
    'Article.objects.aggregate(x=Sum("comments__likes"))',
    'Article.objects.annotate(x=Sum("comments__likes"))',
    'Flight.objects.annotate(x=Sum("dep_delay"))',
    # Expressions.
    "Flight.objects.filter(carrier=Airline.objects.all())",
    'Flight.objects.order_by(dj.OrderBy(dj.F("note"), nulls_last=True))',
    # What is refused.
    'Document.objects.filter(price=Decimal("9.9900000000000000001"))',
    'Flight.objects.filter(note__contains="x" * 49_001)',
    'Document.objects.order_by("meta")',
    'Flight.objects.order_by("time_hour__week")',
    'Document.objects.values("meta").distinct()',
    f'{BY_CARRIER}.order_by("note")',
    'Flight.objects.order_by("note").values("carrier").annotate(n=Count("*"))',
    f'{BY_CARRIER}.filter(Q(n__gt=64) | Q(note="late"))',
    f'{BY_CARRIER}.annotate(x=F("note"))',
    'Article.objects.annotate(n=Count("comments")).values("n").annotate(m=Count("*"))',
    'Flight.objects.values("carrier", "note").distinct().values("carrier")',
    f'{BY_CARRIER}.values("n").distinct()',
    'Flight.objects.aggregate(x=Max("time_hour__year"))',
    'Flight.objects.values("carrier").annotate(n=Max("note")).filter(n__gt="a")',
    f'{BY_CARRIER}.filter(n__contains="a")',
    'Flight.objects.values("carrier").annotate(m=Sum("dep_delay", filter=Q(note="late"))).order_by("m")',
    'Flight.objects.filter(dep_delay__in=Flight.objects.values(x=F("time_hour__year")))',
    "Page.objects.filter(blocks__hero__count=1)",
    'list(Document.objects.values("count").annotate(n=Count("*")))',
    "Setting.objects.filter(pk=1)",
    "Document.objects.filter(meta__contained_by={})",
    'Document.objects.filter(meta__contains={"a": 1})',
    'Document.objects.filter(words__icontains="a")',
    'Document.objects.aggregate(x=Count("words", distinct=True))',
    'Article.objects.filter(ANY_OF_MANY, comments__text="x")',
)
KNOWN: dict[str, Any] = {
    **{it.__name__: it for it in (Airline, Article, Author, Document, Flight, Page, Setting)},
    **{it.__name__: it for it in (Aggregate, Count, Decimal, F, Max, Q, QuerySet, Sum, UUID, time)},
    "ANY_OF_MANY": ANY_OF_MANY,
    "UTC": UTC,
    "dj": dj,
    "Prefetch": directus_orm.Prefetch,
    "functions": functions,
}


@pytest.fixture
def nowhere() -> Iterator[Session]:
    """A session whose server is not there: whatever is asked fails, with another error."""
    with Session("http://127.0.0.1:9", token="none") as session:
        yield session


def said(snippet: str) -> str:
    with pytest.raises((DirectusError, TypeError, AttributeError)) as raised:
        eval(snippet, KNOWN)
    return f"{type(raised.value).__name__}: {raised.value}"


def quoted(error: str) -> set[str]:
    """Return the texts on the page that an error fits, of which ``…`` stands for anything."""
    return {
        text for text in QUOTED if re.fullmatch(".*".join(map(re.escape, text.split("…"))), error, flags=re.DOTALL)
    }


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_what_is_refused_says_what_the_page_quotes(nowhere: Session, snippet: str) -> None:
    error = said(snippet)
    assert quoted(error), error


def test_the_page_quotes_no_other_errors(nowhere: Session) -> None:
    assert not QUOTED.difference(*(quoted(said(snippet)) for snippet in SNIPPETS))


# --- what is not as it should be ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["meta__contained_by", "meta__regex", "meta__a__regex", "meta__a__iregex"])
def test_lookups_of_json_that_django_has_are_not_taken_for_keys(path: str) -> None:
    with pytest.raises(FieldError, match=path.rpartition("__")[2]):
        Document.objects.filter(**{path: "color"})


@pytest.mark.parametrize("verb", ["values", "values_list", "only", "defer"])
def test_names_that_are_none_are_refused(verb: str) -> None:
    chain: Any = getattr(Flight.objects, verb)
    with pytest.raises(QueryError):
        chain(dj.F("note"))


def test_conditions_that_are_too_many_to_be_multiplied_out_are_refused() -> None:
    with pytest.raises(UnsupportedQuery, match="too many to be multiplied out"):
        Article.objects.filter(*[Q(comments__likes=n) | Q(tags__id=n) for n in range(8)])


@pytest.mark.parametrize("lookup", ["year", "year__gte", "iso_year__lt"])
def test_years_before_100_are_compared_or_refused(lookup: str) -> None:
    with pytest.raises(QueryError):
        Article.objects.filter(**{f"day__{lookup}": 50})
