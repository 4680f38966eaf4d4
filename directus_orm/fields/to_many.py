"""`ToMany`: a relation of a model to many rows, with the server's names of its list and of its junction."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import inflection

from ..core.errors import ConfigurationError, FieldError, UnsupportedQuery, suggestion
from .to_many_declaration import MANY_TO_ANY_COLUMNS, Kind, RelationOptions

if TYPE_CHECKING:
    from .field import Field


@attrs.frozen
class ToMany:
    """A one-to-many, many-to-many or many-to-any relation of a model whose annotations are resolved.

    ``targets`` are the models of the related rows. A many-to-any has several; on a path it is scoped to one.
    Relations are equal by model, name and targets. The server's names are worked out at first use.
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
        """The model of the related rows; of a many-to-any, the first one."""
        return self.targets[0]

    @property
    def kind(self) -> Kind:
        """The kind of relation, as Directus calls it."""
        return self.options.kind

    @property
    def is_one_to_many(self) -> bool:
        """Whether the related rows refer to this model themselves, without a junction."""
        return self.options.kind == "one-to-many"

    @property
    def is_many_to_many(self) -> bool:
        """Whether a junction links to rows of one model."""
        return self.options.kind == "many-to-many"

    @property
    def is_many_to_any(self) -> bool:
        """Whether a junction links to rows of several models, so that a path names one of them."""
        return self.options.kind == "many-to-any"

    @property
    def has_alias(self) -> bool:
        """Whether the server has the list as a field; otherwise a filter finds its rows."""
        return self.options.has_alias

    @property
    def has_junction(self) -> bool:
        """Whether the server's list holds rows of a junction, which refer to the related rows."""
        return not self.is_one_to_many

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_relation, (self.model, self.name, self.targets)

    # --- the models that it leads to --------------------------------------------------------------------------

    @property
    def path_name(self) -> str:
        """How a path names it: by its name, and for a many-to-any by the model as well."""
        return f"{self.name}__{scope_name(self.target)}" if self.is_many_to_any else self.name

    @property
    def scopes(self) -> tuple[ToMany, ...]:
        """The relation scoped to each of its models; a relation to one model is its own only scope."""
        return tuple(attrs.evolve(self, targets=(target,)) for target in self.targets)

    def scoped(self, name: str) -> ToMany:
        """Return the many-to-any scoped to one of its models, named as in a path.

        Raises:
            FieldError: the relation leads to no model of that name.
        """
        for target in self.targets:
            if scope_name(target) == name:
                return attrs.evolve(self, targets=(target,))
        raise self.scope_error(name)

    def scope_error(self, name: str) -> FieldError:
        """Return the error for a path that names none of the models of a many-to-any."""
        choices = tuple(scope_name(target) for target in self.targets)
        paths = ", ".join(f"{self.name}__{choice}__…" for choice in choices)
        wrong = f", and {name!r} is none of them" if name else ""
        msg = f"{self} leads to several models{wrong}. A path says to which: {paths}."
        return FieldError(msg, name=name, choices=choices)

    def missing_alias_error(self, what: str) -> UnsupportedQuery:
        """Return the error for what a list cannot do that the server does not have as a field."""
        reverse = self.reverse_field
        return UnsupportedQuery(
            f"{self}: the server has no list for this relation, so {what}. It holds the rows of "
            f"{self.target.__name__} whose {reverse.name!r} is this {self.model.__name__}: query and write these."
        )

    def check_targets(self) -> None:
        """Refuse models whose rows could not be told apart in a path or in a junction.

        Raises:
            ConfigurationError: two models have the same name in a path, or the same collection.
        """
        collections = [target._options.collection for target in self.targets]  # noqa: SLF001 - not resolved yet
        for kind, names in (("path", list(map(scope_name, self.targets))), ("collection", collections)):
            duplicate = next((name for name in names if names.count(name) > 1), None)
            if duplicate is not None:
                same = f"one {kind}, {duplicate!r}"
                msg = f"{self} leads to two models that have {same}: nothing tells their rows apart."
                raise ConfigurationError(msg)

    # --- the server's names -----------------------------------------------------------------------------------

    @functools.cached_property
    def segments(self) -> tuple[str, ...]:
        """The server's path to a related row: the list, then the junction's field (``item:articles`` if any).

        Raises:
            ConfigurationError: the junction, or the other model, has no field of the declared name.
            UnsupportedQuery: the server has no such list.
        """
        if not self.has_alias:
            raise self.missing_alias_error("this cannot be asked along it")
        if not self.target_column:
            return (self.column,)
        scope = f":{self.target.directus.collection}" if self.is_many_to_any else ""
        return (self.column, f"{self.target_column}{scope}")

    @functools.cached_property
    def target_column(self) -> str:
        """The junction's field that holds the key of the related row; empty for a one-to-many.

        Raises:
            ConfigurationError: the junction has no such field.
        """
        self._check_declaration()
        if self.is_one_to_many:
            return ""
        declared = self._checked_column("target", self.options.target)
        return self._usable(declared or self._junction_field(self.target, "target"))

    def _check_declaration(self) -> None:
        for name in (self.column, self.options.source, self.collection_column):
            self._usable(name or "")
        self._checked_column("sort", self.sort_column)
        if self.is_one_to_many:
            self.source_column  # noqa: B018 - raises where there is none
            self.sort_field  # noqa: B018 - as does this
        if self.is_many_to_any:
            self._checked_column("collection", self.collection_column)

    def _usable(self, column: str) -> str:
        """Return the server's name of the list, or of a field that makes it; refuse one that lists cannot have."""
        if column.startswith("_"):
            msg = (
                f"{self}: the server filters, sorts and completes no list that is made by {column!r}: it takes "
                "names that begin with '_' for operators. Rename the field on the server."
            )
            raise ConfigurationError(msg)
        return column

    @functools.cached_property
    def source_column(self) -> str:
        """The field that refers back to this model: of the junction, or of the other model for a one-to-many.

        Raises:
            ConfigurationError: there is no such field.
        """
        if self.is_one_to_many:
            return self._usable(self.reverse_field.column)
        declared = self._checked_column("source", self.options.source)
        return self._usable(declared or self._junction_field(self.model, "source"))

    @property
    def sort_column(self) -> str | None:
        """The junction's field that holds the order of the list, if there is one."""
        return None if self.is_one_to_many else self.options.sort

    @property
    def sort_field(self) -> Field | None:
        """The field of the other model that holds the order of a one-to-many, if one was declared.

        Raises:
            ConfigurationError: the other model has no such field.
        """
        name = self.options.sort
        if not self.is_one_to_many or name is None:
            return None
        fields: Mapping[str, Field] = self.target.directus.fields
        if name not in fields:
            msg = (
                f"{self} is declared with sort={name!r}, and {self.target.__name__} has no such field."
                f"{suggestion(name, fields)} Fields: {', '.join(sorted(fields))}."
            )
            raise ConfigurationError(msg)
        return fields[name]

    @property
    def collection_column(self) -> str | None:
        """The junction's field that holds the collection of the related row; only a many-to-any has one."""
        return self.options.collection

    @property
    def junction(self) -> str:
        """The junction's collection; empty for a one-to-many."""
        through = self.options.through
        return through if isinstance(through, str) else str(through.directus.collection) if through else ""

    @property
    def junction_key(self) -> str:
        """The junction's key field."""
        through = self.options.through
        return "id" if through is None or isinstance(through, str) else str(through.directus.pk.column)

    @property
    def reverse_field(self) -> Field:
        """The many-to-one field of the other model whose reverse a one-to-many is.

        Raises:
            ConfigurationError: the other model has no such field, or it refers to another model.
        """
        target = self.target.directus
        name = self.options.field or ""
        field: Field | None = target.fields.get(name)
        own = self.model.directus.collection
        if field is None or field.target is None or field.target.directus.collection != own:
            is_declared = name in {**target.fields, **target.relations}
            why = (
                f"{self.target.__name__}.{name} is no many-to-one to this model"
                if is_declared
                else f"{self.target.__name__} has no such field"
            )
            fitting = [f.name for f in target.fields.values() if f.target and f.target.directus.collection == own]
            msg = (
                f"{self} is declared as one_to_many({name!r}), and {why}. Fields "
                f"of {self.target.__name__} that lead to {self.model.__name__}: {', '.join(fitting) or 'none'}."
            )
            raise ConfigurationError(msg)
        return field

    def _checked_column(self, argument: str, column: str | None) -> str | None:
        """Return the declared name of a junction's field; the junction's model, if there is one, must have it."""
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
        """Return the junction's field that refers to a model: by the junction's model, else as Studio names it."""
        info = side.directus
        through = self.options.through
        if isinstance(through, str):
            to_itself = argument == "target" and self.target.directus.collection == self.model.directus.collection
            return f"{'related_' if to_itself else ''}{info.collection}_{info.pk.column}"
        assert through is not None  # noqa: S101 - only a one-to-many has no junction
        fields = through.directus.fields.values()
        fitting = [f.column for f in fields if f.target and f.target.directus.collection == info.collection]
        if len(fitting) == 1:
            return str(fitting[0])
        msg = (
            f"{self}: of the fields of the junction {through.__name__}, those that lead to {side.__name__} are: "
            f"{', '.join(fitting) or 'none'}; say which with {argument}=…."
        )
        raise ConfigurationError(msg)

    # --- names that were guessed ------------------------------------------------------------------------------

    @property
    def guessed_names(self) -> dict[str, str]:
        """The names of junction fields that were not declared, by the argument that declares them."""
        if self.is_one_to_many:
            return {}
        options, is_undescribed = self.options, isinstance(self.options.through, str)
        guessed = {"source": self.source_column} if is_undescribed and not options.source else {}
        if self.is_many_to_any:
            names = {"target": options.target, "collection": options.collection}
            return guessed | {arg: str(name) for arg, name in names.items() if name == MANY_TO_ANY_COLUMNS[arg]}
        if is_undescribed and options.target is None:
            guessed["target"] = self.target_column
        return guessed

    @property
    def guess_note(self) -> str:
        """A sentence for error messages on the names that were guessed; empty if all were declared."""
        names = ", ".join(f"{name}={value!r}" for name, value in self.guessed_names.items())
        if not names:
            return ""
        return (
            f"{self}: {names} is a guess, after the names that Directus Studio gives to the fields of a junction; "
            "declare the names of yours."
        )


def scope_name(model: type[Any]) -> str:
    """Return how a path names one of the models that a many-to-any leads to: ``HeroBlock`` as ``hero_block``."""
    return str(inflection.underscore(model.__name__))


def _find_relation(model: Any, name: str, targets: tuple[type[Any], ...]) -> ToMany:
    relation: ToMany = model.directus.relations[name]
    return attrs.evolve(relation, targets=targets)
