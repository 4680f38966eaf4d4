"""Declaring relations that lead to many rows: one-to-many, many-to-many, many-to-any."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs
import inflection

from ..core.errors import ConfigurationError, FieldError

if TYPE_CHECKING:
    from .field import Field


Kind = Literal["one-to-many", "many-to-many", "many-to-any"]

_METADATA = "directus_orm.relation"
# How Directus Studio names two fields of the junction of a many-to-any.
_OF_ANY = {"target": "item", "collection": "collection"}


@attrs.frozen
class RelationOptions:
    """What a declaration was told; of names that were not given, the ones that Directus Studio gives are taken."""

    kind: Kind
    field: str | None = None
    through: str | type[Any] | None = None
    name: str | None = None
    source: str | None = None
    target: str | None = None
    collection: str | None = None
    sort: str | None = None


def one_to_many(field: str, *, name: str | None = None, init: Literal[False] = False) -> Any:
    """Declare the rows of another collection that refer to this one by ``field``, a many-to-one there.

    Args:
        field: the Python name of that field, on the other model.
        name: the server's name of the list, where it differs from the attribute's.
        init: tells type checkers that ``__init__`` does not take it.

    Example:
        >>> class Author(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     articles: Related["Article"] = one_to_many("author")
        >>> class Article(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     author: Author | None = None
    """
    return _declare(RelationOptions("one-to-many", field=field, name=name), init)


def many_to_many(
    through: str | type[Any],
    *,
    name: str | None = None,
    source: str | None = None,
    target: str | None = None,
    sort: str | None = None,
    init: Literal[False] = False,
) -> Any:
    """Declare rows of another collection that are tied to this one's by the rows of a junction.

    Args:
        through: the junction's collection, or its model.
        name: the server's name of the list, where it differs from the attribute's.
        source: the junction's field that leads back here, by the server's name.
        target: the junction's field that leads to the other side, by the server's name.
        sort: the junction's field that holds the order.
        init: tells type checkers that ``__init__`` does not take it.

    Example:
        >>> class Tag(Model):
        ...     id: int = field(default=generated, primary_key=True)
        >>> class Article(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     tags: Related[Tag] = many_to_many("articles_tags")
    """
    options = RelationOptions("many-to-many", through=through, name=name, source=source, target=target, sort=sort)
    return _declare(options, init)


def many_to_any(
    through: str | type[Any],
    *,
    name: str | None = None,
    source: str | None = None,
    target: str = _OF_ANY["target"],
    collection: str = _OF_ANY["collection"],
    sort: str | None = None,
    init: Literal[False] = False,
) -> Any:
    """Declare rows of several collections that are tied to this one's by the rows of a junction.

    Args:
        through: the junction's collection, or its model.
        name: the server's name of the list, where it differs from the attribute's.
        source: the junction's field that leads back here, by the server's name.
        target: the junction's field that holds the key of the other side.
        collection: the junction's field that holds the name of its collection.
        sort: the junction's field that holds the order.
        init: tells type checkers that ``__init__`` does not take it.

    Example:
        >>> class Hero(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     title: str
        >>> class Text(Model):
        ...     id: int = field(default=generated, primary_key=True)
        >>> class Page(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     blocks: Related[Hero | Text] = many_to_any("pages_blocks")
        >>> welcome = Page.objects.filter(blocks__hero__title="Welcome")
    """
    options = RelationOptions(
        "many-to-any", None, through, name=name, source=source, target=target, collection=collection, sort=sort
    )
    return _declare(options, init)


def _declare(options: RelationOptions, init: object) -> Any:
    if init is not False:
        msg = "A relation to many rows is never an argument of __init__: leave init out."
        raise ConfigurationError(msg)
    _check(options)
    return attrs.field(init=False, metadata={_METADATA: options})


def _check(options: RelationOptions) -> None:
    """Refuse what is no name.

    Raises:
        ConfigurationError: with the argument.
    """
    kind, needed = options.kind, "field" if options.kind == "one-to-many" else "through"
    for name, value in attrs.asdict(options, recurse=False).items():
        a_model = name == "through" and isinstance(value, type) and getattr(value, "_options", None) is not None
        if a_model or (isinstance(value, str) and value) or (value is None and name != needed):
            continue
        what = "a collection, or a model" if name == "through" else "a name"
        msg = f"A {kind} relation takes {what} as {name}, not {value!r}."
        raise ConfigurationError(msg)


def relation_options(attribute: attrs.Attribute[Any]) -> RelationOptions | None:
    """Return what a relation was declared with; None for a field."""
    options: RelationOptions | None = attribute.metadata.get(_METADATA)
    return options


@attrs.frozen
class ToMany:
    """A relation of a model in use that leads to many rows.

    ``targets`` are the models it leads to; on a path, a many-to-any has one of them. Equal by model, name and
    targets, as fields are.
    """

    to_many: ClassVar[bool] = True
    primary_key: ClassVar[bool] = False

    model: type[Any] = attrs.field(repr=False)
    name: str
    column: str = attrs.field(eq=False)
    options: RelationOptions = attrs.field(repr=False, eq=False)
    targets: tuple[type[Any], ...]

    @property
    def target(self) -> type[Any]:
        """The model of the rows."""
        return self.targets[0]

    @property
    def is_scoped(self) -> bool:
        """Whether a path says which model is meant, of several."""
        return self.options.kind == "many-to-any"

    def check_targets(self) -> None:
        """Refuse models that neither a path nor a row of the junction tells apart.

        Raises:
            ConfigurationError: two have one name, or one collection.
        """
        for what, names in (
            ("path", [scope_name(target) for target in self.targets]),
            ("collection", [target._options.collection for target in self.targets]),  # noqa: SLF001 - not resolved yet
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                msg = (
                    f"{self} leads to two models that have one {what}, {twice!r}: nothing tells their rows apart."
                )
                raise ConfigurationError(msg)

    @property
    def path_name(self) -> str:
        """The name that a path has for it, with that of the model where it leads to several."""
        return f"{self.name}__{scope_name(self.target)}" if self.is_scoped else self.name

    def scoped(self, name: str) -> ToMany:
        """Return the part of a many-to-any that leads to one model, by its name in lower case.

        Raises:
            FieldError: it does not lead there.
        """
        for target in self.targets:
            if scope_name(target) == name:
                return attrs.evolve(self, targets=(target,))
        raise self.unscoped(name)

    def unscoped(self, name: str) -> FieldError:
        """Return the error for a path that does not say to which of several models it leads."""
        choices = tuple(scope_name(target) for target in self.targets)
        paths = ", ".join(f"{self.name}__{choice}__…" for choice in choices)
        wrong = f", and {name!r} is none of them" if name else ""
        msg = f"{self} leads to several models{wrong}. A path says to which: {paths}."
        return FieldError(msg, name=name, choices=choices)

    @property
    def scopes(self) -> tuple[ToMany, ...]:
        """The relation to each of the models: of a many-to-any its parts, otherwise itself."""
        return tuple(attrs.evolve(self, targets=(target,)) for target in self.targets)

    @functools.cached_property
    def source(self) -> str:
        """The server's name of the field that leads back here: of the other side's, or of the junction's.

        Raises:
            ConfigurationError: the junction has no such field.
        """
        if self.options.kind == "one-to-many":
            return str(self.reverse.column)
        return self._given("source", self.options.source) or self._junction_field(self.model, "source")

    @property
    def junction(self) -> str:
        """The collection of the junction; empty where there is none."""
        through = self.options.through
        return through if isinstance(through, str) else str(through.directus.collection) if through else ""

    @property
    def junction_key(self) -> str:
        """The server's name of the junction's key."""
        through = self.options.through
        return "id" if through is None or isinstance(through, str) else str(through.directus.pk.column)

    @functools.cached_property
    def steps(self) -> tuple[str, ...]:
        """The server's names on the way to the other side: of the list, and of the junction's field.

        Raises:
            ConfigurationError: the other side has no such field.
        """
        kind = self.options.kind
        self._given("sort", self.options.sort)
        if kind == "one-to-many":
            self.reverse  # noqa: B018 - checks the declaration
            return (self.column,)
        if kind == "many-to-many":
            known = self._given("target", self.options.target) or self._junction_field(self.target, "target")
            return (self.column, known)
        self._given("collection", self.options.collection)
        return (self.column, f"{self._given('target', self.options.target)}:{self.target.directus.collection}")

    @property
    def reverse(self) -> Field:
        """The field of the other side that a one-to-many is the reverse of.

        Raises:
            ConfigurationError: there is none, or it leads elsewhere.
        """
        known = self.target.directus
        name = self.options.field or ""
        found: Field | None = known.fields.get(name)
        own = self.model.directus.collection
        if found is None or found.target is None or found.target.directus.collection != own:
            known_as = f"{self.target.__name__}.{name} is no many-to-one to this model"
            what = (
                known_as
                if name in {**known.fields, **known.relations}
                else f"{self.target.__name__} has no such field"
            )
            fits = [f.name for f in known.fields.values() if f.target and f.target.directus.collection == own]
            msg = (
                f"{self} is declared as one_to_many({name!r}), and {what}. Fields "
                f"of {self.target.__name__} that lead to {self.model.__name__}: {', '.join(fits) or 'none'}."
            )
            raise ConfigurationError(msg)
        return found

    @property
    def guesses(self) -> dict[str, str]:
        """The names in the junction that nobody gave, by the argument that does."""
        options = self.options
        if options.kind == "one-to-many":
            return {}
        found = {} if options.source or not isinstance(options.through, str) else {"source": self.source}
        if self.is_scoped:
            given = {"target": options.target, "collection": options.collection}
            return found | {name: str(value) for name, value in given.items() if value == _OF_ANY[name]}
        if options.target is None and isinstance(options.through, str):
            found["target"] = self.steps[1]
        return found

    @property
    def guess(self) -> str:
        """A sentence on the names that nobody gave; empty where all were given."""
        names = ", ".join(f"{name}={value!r}" for name, value in self.guesses.items())
        if not names:
            return ""
        return (
            f"{self}: {names} is a guess, after the names that Directus Studio gives to the fields of a junction; "
            "give those of yours."
        )

    def _given(self, argument: str, column: str | None) -> str | None:
        """Return the name that was given for a field of the junction, which its model has to have."""
        through = self.options.through
        if column is not None and through is not None and not isinstance(through, str):
            columns = [f.column for f in through.directus.fields.values()]
            if column not in columns:
                msg = (
                    f"{self}: the junction {through.__name__} has no field for {argument}={column!r}. "
                    f"Its fields are: {', '.join(columns)}."
                )
                raise ConfigurationError(msg)
        return column

    def _junction_field(self, side: type[Any], argument: str) -> str:
        """Return the junction's field that leads to a side, as its model says, or as Directus Studio names it."""
        known = side.directus
        through = self.options.through
        if isinstance(through, str):
            to_itself = argument == "target" and self.target.directus.collection == self.model.directus.collection
            return f"{'related_' if to_itself else ''}{known.collection}_{known.pk.column}"
        assert through is not None  # noqa: S101 - only a one-to-many has no junction
        fields = through.directus.fields.values()
        fits = [f.column for f in fields if f.target and f.target.directus.collection == known.collection]
        if len(fits) == 1:
            return str(fits[0])
        msg = (
            f"{self}: of the fields of the junction {through.__name__}, those that lead to {side.__name__} are: "
            f"{', '.join(fits) or 'none'}; say which with {argument}=…."
        )
        raise ConfigurationError(msg)

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _find, (self.model, self.name, self.targets)


def scope_name(model: type[Any]) -> str:
    """Return how a path names one of the models that a many-to-any leads to: ``HeroBlock`` as ``hero_block``."""
    return str(inflection.underscore(model.__name__))


def _find(model: Any, name: str, targets: tuple[type[Any], ...]) -> ToMany:
    found: ToMany = model.directus.relations[name]
    return attrs.evolve(found, targets=targets)
