"""Conditions as code that both ORMs read: leaves, trees of them, and calls of filter() and exclude()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from hypothesis import strategies as st

from tests.oracle.vocabulary import Path, asked, code, paths


@attrs.frozen
class Leaf:
    path: Path
    lookup: str
    value: str

    @property
    def keyword(self) -> str:
        return f"{self.path.name}{self.lookup}={self.value}"


Tree = Leaf | tuple[Any, ...]
"""A leaf, or an operator before its operands: ("~", a), ("&", a, b), ("|", a, b), ("^", a, b)."""


@attrs.frozen
class Scope:
    """Where conditions are drawn for: the database, and what they may refer to."""

    vendor: str
    relations: bool = True
    lists: bool = True
    querysets: bool = True
    without: str = ""

    def paths(self, model: str) -> list[Path]:
        known = [path for path in paths(model) if self.relations or not path.hops]
        known = [path for path in known if self.lists or not path.lists]
        return [path for path in known if self.without not in path.hops and self.without != path.name]


# --- leaves -------------------------------------------------------------------------------------------------


@st.composite
def some_path(draw: st.DrawFn, known: list[Path]) -> Path:
    """Return a path: mostly a field of the model's own, or one relation away."""
    length = draw(st.sampled_from([0, 0, 0, 0, 1, 1, 1, 2, 2, 3]))
    fitting = [path for path in known if len(path.hops) == length] or [path for path in known if not path.hops]
    # A relation's end has as many names as the model has fields: keys are asked about less often than values.
    kinds = sorted({path.kind for path in fitting})
    wanted = draw(st.sampled_from([*kinds, *(kind for kind in kinds if kind != "key"), *(["text"] * 2)]))
    return draw(st.sampled_from([path for path in fitting if path.kind == wanted] or fitting))


@st.composite
def leaves(draw: st.DrawFn, model: str, scope: Scope) -> Leaf:
    path = draw(some_path(scope.paths(model)))
    if path.kind == "key" and path.target and scope.querysets and draw(st.integers(0, 3)) == 0:
        return Leaf(path, "__in", draw(_keys_of(path.target, scope, path)))
    return draw(_asked(path, scope))


def _asked(path: Path, scope: Scope) -> st.SearchStrategy[Leaf]:
    return asked(path, scope.vendor).map(lambda it: Leaf(path, it[0], code(it[1])))


@st.composite
def _keys_of(draw: st.DrawFn, target: str, scope: Scope, path: Path) -> str:
    """Return a queryset for ``in``: of instances or of keys, of all or of the first ones."""
    cut = draw(st.sampled_from([0, 0, 0, 3, 8]))
    # The first rows of a query over lists would be counted as often as they match.
    inner = attrs.evolve(scope, querysets=False, without="", lists=scope.lists and not cut)
    rows = f"{target}.objects{draw(steps(target, inner, most=1))}"
    if cut:
        rows += f".order_by({code(draw(st.sampled_from(['-pk', 'pk'])))})[:{cut}]"
    # Behind a slice Django takes values() only in front; a foreign key takes instances or keys.
    return rows if cut else rows + draw(st.sampled_from(["", '.values("pk")']))


# --- trees --------------------------------------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn, model: str, scope: Scope) -> Tree:
    leaf = leaves(model, scope)
    shape = draw(
        st.sampled_from(["x"] * 4 + ["~", "|", "|", "|", "&~", "&", "|&", "&|", "~|", "~&", "^", "related"])
    )
    if shape == "x":
        return draw(leaf)
    if shape == "~":
        return ("~", draw(leaf))
    if shape == "related":
        return draw(_related(model, scope))
    if shape == "^":
        # Of a list, ^ would speak of single rows on one side and of none on the other; and over other relations
        # Django loses rows where a related row is missing: it joins them as if & or | stood there.
        return ("^", *draw(_two(leaves(model, attrs.evolve(scope, relations=False)))))
    one, other = draw(_two(leaf))
    if shape == "&~":
        return ("&", one, ("~", other))
    inner: Tree = (shape[-1], one, other)
    if len(shape) == 1:
        return inner
    return ("~", inner) if shape[0] == "~" else (shape[0], draw(leaf), inner)


def _two(leaf: st.SearchStrategy[Leaf]) -> st.SearchStrategy[list[Leaf]]:
    return st.lists(leaf, min_size=2, max_size=2, unique=True)


@st.composite
def _related(draw: st.DrawFn, model: str, scope: Scope) -> Tree:
    """Return conditions on one relation to many rows, which are to hold of one row together."""
    known = [path for path in scope.paths(model) if len(path.lists) == 1 and len(path.hops) <= 2]
    if not known:
        return draw(leaves(model, scope))
    relation = draw(st.sampled_from(sorted({path.hops for path in known})))
    fitting = st.sampled_from([path for path in known if path.hops[: len(relation)] == relation])
    return (draw(st.sampled_from("&&&|")), *draw(_two(fitting.flatmap(lambda path: _asked(path, scope)))))


def written(tree: Tree) -> str:
    """Return a tree as code."""
    if isinstance(tree, Leaf):
        return f"Q({tree.keyword})"
    operator, *operands = tree
    inner = [written(operand) for operand in operands]
    return f"~{inner[0]}" if operator == "~" else f"({f' {operator} '.join(inner)})"


def all_leaves(tree: Tree, negated: bool = False) -> Iterator[tuple[Leaf, bool]]:
    """Walk the leaves; say of each whether it stands below a negation."""
    if isinstance(tree, Leaf):
        yield tree, negated
    else:
        for operand in tree[1:]:
            yield from all_leaves(operand, negated or tree[0] == "~")


# --- steps --------------------------------------------------------------------------------------------------


@attrs.frozen
class Steps:
    """Calls of filter() and exclude(), as code; ``lists`` says that Django may repeat rows for them."""

    code: str
    lists: bool

    def __str__(self) -> str:
        return self.code


@st.composite
def steps(draw: st.DrawFn, model: str, scope: Scope, most: int = 3) -> Steps:
    count = draw(st.sampled_from([it for it in (1, 1, 1, 1, 2, 2, 3) if it <= most]))
    # Behind a condition that few rows meet another one of the kind leaves none: what follows mostly excludes.
    made = [_step(draw(trees(model, scope)), draw(st.integers(0, 5)) < (2 if n else 4)) for n in range(count)]
    calls = "".join(f".{verb}({_call(tree)})" for verb, tree in made)
    return Steps(calls, any(leaf.path.lists for _, tree in made for leaf, _ in all_leaves(tree)))


def _step(tree: Tree, keeps: bool) -> tuple[str, Tree]:
    """Return a call of the kind that was drawn, unless Django means something odd by it."""
    for verb in ("filter", "exclude") if keeps else ("exclude", "filter"):
        if not is_tied(tree, negated=verb == "exclude"):
            return verb, tree
    first, _ = next(all_leaves(tree))
    return "filter" if keeps else "exclude", first


def is_tied(tree: Tree, *, negated: bool = False) -> bool:
    """Return whether Django would tie a negated condition to a row that another one in the same call speaks of.

    It means to do so where both are of one list, which is odd enough. It goes by names of tables, though, and
    by numbers where a table comes up twice; so it also does it to conditions that have nothing in common.
    """
    found = list(all_leaves(tree, negated))
    return any(
        _is_mistaken(none.path, other.path.tables_before_lists if below else other.path.tables)
        for none, negated in found
        for other, below in found
        if negated and none.path.lists and other is not none
    )


def _is_mistaken(none: Path, others: tuple[str, ...]) -> bool:
    numbered = len({*none.tables}) < len(none.tables)
    return len(others) > 1 if numbered else none.lists[0] in others[1:]


def _call(tree: Tree) -> str:
    """Return the arguments: keywords where they say it all, else a Q."""
    if isinstance(tree, Leaf):
        return tree.keyword
    if tree[0] == "&" and all(isinstance(it, Leaf) for it in tree[1:]):
        names = {f"{it.path.name}{it.lookup}" for it in tree[1:]}
        if len(names) == len(tree) - 1:
            return ", ".join(it.keyword for it in tree[1:])
    return written(tree)
