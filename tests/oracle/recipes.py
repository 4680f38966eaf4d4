"""Querysets as recipes: one line of code that both ORMs follow, and what to ask of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from tests.oracle.conditions import Scope, Steps, steps
from tests.oracle.vocabulary import MOMENTS, NUMBERS, TRANSFORMS_OF, Path, arguments, code, paths


@attrs.frozen(repr=False)
class Recipe:
    """A queryset of ours and of Django's, as code; ``endings`` are asked of both, in the place of ``{}``.

    ``rows`` counts, in Django, the rows that are spoken of.
    """

    model: str
    ours: str
    django: str
    endings: tuple[str, ...]
    rows: str

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Let hypothesis show it as everything else does."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        return f"\n  ours:   {self.ours}\n  Django: {self.django}\n  asked:  {'; '.join(self.endings)}\n"


Family = Callable[[str], st.SearchStrategy[Recipe]]
"""A kind of recipes, for a database."""

# How often a model comes up, as a letter each would say it.
_MODELS = (
    *(["Article"] * 8 + ["Comment"] * 4 + ["Author"] * 3 + ["Flight"] * 2 + ["Category"] * 2 + ["Tag"] * 2),
    *("Page", "Plane", "Airline"),
)
models = st.sampled_from(_MODELS)


def distinct(model: str, made: Steps) -> str:
    """Return the steps for Django, where a row comes once however many rows of a list match."""
    rows = f"{model}.objects{made}"
    return f'{model}.objects.filter(pk__in={rows}.values("pk"))' if made.lists else rows


def single(model: str) -> list[Path]:
    """Return the paths that have one value for each row, and are not too long."""
    return [path for path in paths(model) if not path.lists and len(path.hops) <= 2]


@st.composite
def orderings(draw: st.DrawFn, model: str, most: int = 2) -> str:
    """Return a call of order_by(); it ends in the key, since Django leaves the order of ties open."""
    found = st.sampled_from([path for path in single(model) if path.name != "pk"])
    names = draw(st.lists(st.tuples(st.sampled_from(["", "-"]), found), max_size=most))
    turned = draw(st.sampled_from(["", "", "-"]))
    return f".order_by({arguments([*(sign + path.name for sign, path in names), f'{turned}pk'])})"


slices = st.one_of(
    st.just(""),
    st.just(""),
    st.tuples(st.sampled_from([0, 0, 1, 4]), st.integers(1, 40)).map(lambda it: f"[{it[0]}:{it[0] + it[1]}]"),
    st.sampled_from(["[1:]", "[2:]", "[7:]"]),
    st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(1, 9)).map(
        lambda it: f"[{it[0]}:60][{it[1]}:{it[1] + it[2]}]"
    ),
)


# --- rows ---------------------------------------------------------------------------------------------------


@st.composite
def rows(draw: st.DrawFn, vendor: str) -> Recipe:
    model = draw(models)
    made = draw(steps(model, Scope(vendor)))
    behind, cut = draw(orderings(model)), draw(slices)
    endings = draw(_of_rows(model, sliced=bool(cut)))
    django = f"{distinct(model, made)}{behind}{cut}"
    return Recipe(
        model, f"{model}.objects{made}{behind}{cut}", django, ("list({})", *endings), f"{django}.count()"
    )


@st.composite
def _of_rows(draw: st.DrawFn, model: str, *, sliced: bool) -> tuple[str, ...]:
    names = draw(
        st.lists(st.sampled_from(single(model)).map(lambda it: it.name), min_size=1, max_size=3, unique=True)
    )
    choices = [
        "{}.count()",
        "{}.exists()",
        "{}.first()",
        f"list({{}}.values({arguments(names)}))",
        f"list({{}}.values_list({arguments(names)})[:5])",
        f"list({{}}.values_list({code(names[0])}, flat=True))",
    ]
    if not sliced:
        choices += [
            "{}.last()",
            "list({}.reverse())",
            f"list({{}}.reverse().values_list({arguments(names)})[1:4])",
        ]
    return tuple(draw(st.lists(st.sampled_from(choices), min_size=1, max_size=2, unique=True)))


@st.composite
def joined(draw: st.DrawFn, vendor: str) -> Recipe:
    """Two querysets joined to one: ``&`` and ``|``, and the operations on sets."""
    model, scope = draw(models), Scope(vendor)
    one, other = draw(steps(model, scope, most=2)), draw(steps(model, scope, most=2))
    ours = [f"{model}.objects{made}" for made in (one, other)]
    django = [distinct(model, made) for made in (one, other)]
    by = draw(st.sampled_from(["&", "|", "union", "intersection", "difference"]))
    joint = f"({{}} {by} {{}})" if len(by) == 1 else f"{{}}.{by}({{}})"
    # A union is ordered by what it selects: the fields of the model's own.
    own = [path.name for path in single(model) if not path.hops and path.name != "pk"]
    behind = f".order_by({arguments([draw(st.sampled_from(['', '-'])) + draw(st.sampled_from(own)), 'pk'])})"
    cut = draw(slices)
    # Django cannot count a slice of an ordered union.
    choices = ["{}.first()", '{}.values_list("pk", flat=True)', *([] if cut else ["{}.count()"])]
    endings = ("list({})", draw(st.sampled_from(choices)))
    theirs = f"{joint.format(*django)}{behind}{cut}"
    return Recipe(model, f"{joint.format(*ours)}{behind}{cut}", theirs, endings, f"len({theirs})")


@st.composite
def distinct_values(draw: st.DrawFn, vendor: str) -> Recipe:
    model = draw(models)
    made = draw(steps(model, Scope(vendor), most=2))
    found = [
        path for path in single(model) if path.kind in ("key", "boolean", "text", "integer") and path.name != "pk"
    ]
    names = draw(st.lists(st.sampled_from(found).map(lambda it: it.name), min_size=1, max_size=2, unique=True))
    ordered = [draw(st.sampled_from(["", "-"])) + name for name in names]
    shape = draw(st.sampled_from(["values", "values_list"]))
    behind = f".{shape}({arguments(names)}).distinct().order_by({arguments(ordered)}){draw(slices)}"
    return Recipe(
        model,
        f"{model}.objects{made}{behind}",
        f"{distinct(model, made)}{behind}",
        ("list({})", draw(st.sampled_from(["{}.count()", "{}.first()", "{}.exists()"]))),
        f"{distinct(model, made)}.count()",
    )


@st.composite
def periods(draw: st.DrawFn, vendor: str) -> Recipe:
    """dates() of dates, datetimes() of timestamps."""
    model, kinds = draw(
        st.sampled_from([("Article", ("date", "timestamp")), ("Comment", ("timestamp",)), ("Author", ("date",))])
    )
    made = draw(steps(model, Scope(vendor), most=2))
    path = draw(st.sampled_from([it for it in single(model) if it.kind in kinds and not it.hops]))
    units = ["year", "month", "week", "day"] + (["hour", "minute", "second"] if path.kind == "timestamp" else [])
    call = "dates" if path.kind == "date" else "datetimes"
    order = draw(st.sampled_from(["", ', order="DESC"']))
    behind = f".{call}({code(path.name)}, {code(draw(st.sampled_from(units)))}{order})"
    django = distinct(model, made)
    return Recipe(
        model,
        f"{model}.objects{made}{behind}",
        f"{django}{behind}",
        ("list({})", "{}.count()"),
        f"{django}.count()",
    )


# --- aggregates ---------------------------------------------------------------------------------------------


@attrs.frozen
class Aggregate:
    """An aggregate, as code; ``exact`` says that sums and comparisons of it come out alike everywhere."""

    code: str
    kind: str
    exact: bool


def aggregates(known: list[Path]) -> st.SearchStrategy[Aggregate]:
    found: list[Aggregate] = [Aggregate('Count("*")', "count", exact=True)] * 6
    for path in known:
        name = code(path.name)
        found.append(Aggregate(f"Count({name})", "count", exact=True))
        found.append(Aggregate(f"Count({name}, distinct=True)", "count", exact=True))
        if path.kind in NUMBERS:
            exact = path.kind != "decimal"  # which SQLite adds up as floats
            found.append(Aggregate(f"Sum({name})", path.kind, exact))
            found.append(Aggregate(f"Avg({name})", "float", exact))
        if path.kind not in ("key", "boolean"):
            found += [Aggregate(f"{it}({name})", path.kind, exact=True) for it in ("Min", "Max")]
    return st.sampled_from(found)


@st.composite
def totals(draw: st.DrawFn, vendor: str) -> Recipe:
    """aggregate() over a filtered queryset, or over a slice of one."""
    model = draw(models)
    made = draw(steps(model, Scope(vendor), most=2))
    known = [path for path in single(model) if len(path.hops) <= draw(st.sampled_from([0, 0, 1]))]
    drawn = draw(st.lists(aggregates(known), min_size=1, max_size=4))
    cut = draw(st.sampled_from(["", "", "", "[2:30]", "[:7]"]))
    if cut:
        cut = f"{draw(orderings(model, most=1))}{cut}"
    called = ", ".join(f"a{n}={it.code}" for n, it in enumerate(drawn))
    rows = f"{distinct(model, made)}{cut}"
    return Recipe(model, f"{model}.objects{made}{cut}", rows, (f"{{}}.aggregate({called})",), f"{rows}.count()")


@st.composite
def groups(draw: st.DrawFn, vendor: str) -> Recipe:
    """values().annotate(): GROUP BY, with conditions before and behind, an ordering and a limit."""
    model = draw(st.sampled_from(["Article"] * 4 + ["Comment"] * 2 + ["Flight", "Author", "Category"]))
    made = draw(st.one_of(st.just(Steps("", lists=False)), steps(model, Scope(vendor), most=2)))
    names = draw(st.lists(st.sampled_from(_group_keys(model)), min_size=1, max_size=2, unique=True))
    own = [path for path in single(model) if not path.hops and path.name not in names]
    drawn = draw(st.lists(aggregates(own), min_size=1, max_size=3))
    called = ", ".join(f"a{n}={it.code}" for n, it in enumerate(drawn))
    sortable = [f"a{n}" for n, it in enumerate(drawn) if it.exact]
    first = draw(st.lists(st.sampled_from(sortable), max_size=1)) if sortable else []
    ordered = [draw(st.sampled_from(["", "-"])) + name for name in [*first, *names]]
    behind = (
        f".values({arguments(names)}).annotate({called}){draw(_having(drawn))}"
        f".order_by({arguments(ordered)}){draw(slices)}"
    )
    ending = draw(st.sampled_from(["{}.count()", "{}.first()", "{}.exists()", "list({}[:3])"]))
    rows = distinct(model, made)
    return Recipe(
        model, f"{model}.objects{made}{behind}", f"{rows}{behind}", ("list({})", ending), f"{rows}{behind}.count()"
    )


def _group_keys(model: str) -> list[str]:
    found = [path for path in single(model) if path.name != "pk" and len(path.hops) <= 1]
    own = [path for path in found if not path.hops]
    parts = [f"{path.name}__{part}" for path in own for part in TRANSFORMS_OF.get(path.kind, ())]
    plain = [path.name for path in own if path.kind not in MOMENTS | {"float", "decimal"}]
    behind = [path.name for path in found if path.hops and path.kind == "text"]
    # Twice, since a group of fields is what most reports are made of.
    return [*plain, *plain, *parts, *behind]


@st.composite
def _having(draw: st.DrawFn, drawn: list[Aggregate]) -> str:
    numbers = [n for n, it in enumerate(drawn) if it.exact and it.kind in ("count", "integer", "float")]
    if not numbers or draw(st.booleans()):
        return ""
    asked = st.tuples(
        st.sampled_from(numbers),
        st.sampled_from(["__gt", "__gte", "__lt", "", "__in", "__range"]),
        st.integers(0, 6) | st.integers(-3, 40),
    )
    made = [
        f"a{n}{lookup}={_wide(lookup, value)}"
        for n, lookup, value in draw(st.lists(asked, min_size=1, max_size=2))
    ]
    if len(made) == 2 and draw(st.booleans()):
        return f".filter(Q({made[0]}) | ~Q({made[1]}))"
    return f".{draw(st.sampled_from(['filter', 'filter', 'exclude']))}({made[0]})"


def _wide(lookup: str, value: int) -> str:
    return code({"__in": [value, value + 1, value + 3], "__range": (value - 2, value + 4)}.get(lookup, value))


# --- annotations --------------------------------------------------------------------------------------------

_LISTS = {
    "Article": ("comments", "tags"),
    "Author": ("articles", "comments"),
    "Category": ("children", "articles"),
    "Tag": ("articles",),
}


@st.composite
def counted(draw: st.DrawFn, vendor: str) -> Recipe:
    """annotate(n=Count("comments")), then conditions on it and an ordering by it."""
    model = draw(st.sampled_from(["Article", "Article", "Author", "Category", "Tag"]))
    relation = draw(st.sampled_from(_LISTS[model]))
    # Behind a filter through the same relation it would count what the filter kept.
    made = draw(st.one_of(st.just(Steps("", lists=False)), steps(model, Scope(vendor, without=relation), most=1)))
    verb = draw(st.sampled_from(["filter", "filter", "exclude"]))
    lookup = draw(st.sampled_from(["__gt", "__gte", "__lt", "__lte", "", "__in", "__range"]))
    behind = draw(st.sampled_from(["", f".{verb}(n{lookup}={_wide(lookup, draw(st.integers(0, 4)))})"]))
    behind += f".order_by({arguments([draw(st.sampled_from(['n', '-n'])), 'pk'])}){draw(slices)}"
    endings = ("[(it.pk, it.n) for it in {}]", draw(st.sampled_from(["{}.count()", 'list({}.values("pk", "n"))'])))
    rows = distinct(model, made)
    ours = f"{model}.objects{made}.annotate(n=Count({code(relation)})){behind}"
    theirs = f"{rows}.annotate(n=Count({code(relation)}, distinct=True)){behind}"
    return Recipe(model, ours, theirs, endings, f"{theirs}.count()")


@st.composite
def renamed(draw: st.DrawFn, vendor: str) -> Recipe:
    """annotate(x=F("author__name")), a part of a time included, then conditions on it and an ordering by it."""
    model = draw(st.sampled_from(["Article", "Article", "Comment", "Flight"]))
    made = draw(steps(model, Scope(vendor), most=1))
    path = draw(st.sampled_from([path for path in single(model) if path.name != "pk"]))
    part = draw(st.sampled_from(["", "", *TRANSFORMS_OF.get(path.kind, ())]))
    name = f"{path.name}__{part}" if part else path.name
    behind = f".{draw(st.sampled_from(['annotate', 'annotate', 'alias']))}(x=F({code(name)}))"
    behind += draw(st.sampled_from(["", ".filter(x__isnull=False)", ".exclude(x__isnull=False)"]))
    behind += f".order_by({arguments([draw(st.sampled_from(['x', '-x'])), 'pk'])}){draw(slices)}"
    shown = "list({})" if ".alias(" in behind else "[(it.pk, it.x) for it in {}]"
    rows = distinct(model, made)
    return Recipe(
        model,
        f"{model}.objects{made}{behind}",
        f"{rows}{behind}",
        (shown, "{}.count()"),
        f"{rows}{behind}.count()",
    )


FAMILIES: dict[str, tuple[Family, int]] = {
    "rows": (rows, 50),
    "joined": (joined, 8),
    "distinct": (distinct_values, 5),
    "periods": (periods, 4),
    "totals": (totals, 10),
    "groups": (groups, 13),
    "counted": (counted, 5),
    "renamed": (renamed, 5),
}
"""The kinds of recipes, and the share of each in percent."""
