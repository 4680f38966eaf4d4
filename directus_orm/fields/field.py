"""`field()`, which declares a field of a model, and `Field`, the field once its annotation is resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypedDict, TypeVar, Unpack, overload

import attrs

from ..core.errors import ConfigurationError, ConversionError
from ..core.masking import MASK
from .declarations.field_options import (
    NOT_SAID,
    UNKNOWN,
    FieldOptions,
    OnDelete,
    Secret,
    Validator,
    check_options,
    check_together,
    field_meta,
)
from .declarations.generated import Generated, generated

if TYPE_CHECKING:
    from .annotation_types import FieldType


T = TypeVar("T")


@attrs.frozen(repr=False)
class _Marker:
    name: str

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return self.name


ABSENT: Final[Any] = _Marker("ABSENT")
"""The default, in ``__init__``, of a field that was not passed. It is never stored on an instance."""

FieldKind = Literal["column", "many-to-one"]

_METADATA = "directus_orm"


class _Arguments(TypedDict, total=False):
    """What `field` takes besides the default; its docstring says what each means."""

    primary_key: bool
    name: str | None
    type: str | None
    readonly: bool
    validator: Validator | Sequence[Validator] | None
    max_length: int | None
    precision: tuple[int, int] | None
    unique: bool
    index: bool
    note: str | None
    meta: Mapping[str, Any] | None
    server_default: Any
    secret: Secret | None
    on_delete: OnDelete | None
    foreign_key: bool


@overload
def field(*, default: Generated, **arguments: Unpack[_Arguments]) -> Any: ...
@overload
def field(*, default: T, **arguments: Unpack[_Arguments]) -> T: ...
@overload
def field(*, factory: Callable[[], T], **arguments: Unpack[_Arguments]) -> T: ...
@overload
def field(**arguments: Unpack[_Arguments]) -> Any: ...
def field(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    primary_key: bool = False,
    name: str | None = None,
    type: str | None = None,  # noqa: A002 - what Directus calls it
    readonly: bool = False,
    validator: Validator | Sequence[Validator] | None = None,
    max_length: int | None = None,
    precision: tuple[int, int] | None = None,
    unique: bool = False,
    index: bool = False,
    note: str | None = None,
    meta: Mapping[str, Any] | None = None,
    server_default: Any = NOT_SAID,
    secret: Secret | None = None,
    on_delete: OnDelete | None = None,
    foreign_key: bool = True,
) -> Any:
    """Declare the options of a field: what its annotation does not say.

    Args:
        default: the value of new instances; ``generated`` if the server generates it. ``generated.uuid``,
            ``generated.date_created`` … and ``generated.sql("now()")`` also say how.
        factory: returns a new default for each instance (for lists and dicts).
        primary_key: whether this is the primary key; by default, the field ``id`` is.
        name: the server's name, if it cannot be the Python name: a reserved word, a taken name, ``__`` inside.
        type: the Directus type, if the annotation does not determine it: ``"dateTime"``, ``"csv"``,
            ``"text"``, ``"bigInteger"``, ``"hash"``, ``"geometry.Point"`` …; ``"unknown"`` for a column that
            Directus does not know, which is read as it comes and never sent.
        readonly: whether saving a changed value raises an error.
        validator: an attrs validator, called with ``(instance, attribute, value)`` before the field is sent;
            or a list of validators.
        max_length: the most characters that the column holds; a longer text is refused before it is sent.
        precision: how many digits a float or decimal column holds, and how many of them after the point.
        unique: whether no two rows may have the same value.
        index: whether the column has an index.
        note: what the Studio says of the field.
        meta: anything else that Directus keeps of the field, by its own names: ``interface``, ``options``,
            ``display``, ``validation`` …
        server_default: the default of the column, if it is not the default of new instances.
        secret: how the server hides the values: ``"conceal"`` or ``"encrypt"``. No message shows them, and only
            ``empty`` filters by them, as with ``type="hash"``.
        on_delete: what becomes of the row when the row that it refers to is deleted, as in SQL.
        foreign_key: whether the database has a foreign key for the relation.

    What describes the column is not sent with rows: tools that compare models and server, or make the one from
    the other, read it.

    Raises:
        ConfigurationError: an argument has a wrong value, or two contradict each other. An argument that does not
            fit the type of the field raises at first use of the model.

    Example:
        >>> class Article(Model):
        ...     id: int = field(default=generated, primary_key=True)
        ...     class_: str = field(name="class", max_length=40)
        ...     published: datetime | None = field(default=None, type="dateTime")
        ...     created: datetime | None = field(default=generated.date_created)
    """
    made = default if isinstance(default, Generated) else None
    if made is not None and factory is not None:
        msg = f"field() takes default={made!r} or factory=, not both."
        raise ConfigurationError(msg)
    described = {
        "max_length": max_length,
        "precision": precision,
        "unique": unique,
        "index": index,
        "note": note,
        "meta": meta,
        "server_default": server_default,
        "secret": secret,
        "on_delete": on_delete,
        "foreign_key": foreign_key,
    }
    check_options(described, "field()")
    if type == UNKNOWN and made is None and factory is None and default in (None, attrs.NOTHING):
        made = generated
    readonly = readonly or type == UNKNOWN or (made is not None and made.is_stamp)
    if readonly and made is None and (factory is not None or default not in (None, attrs.NOTHING)):
        msg = "A readonly field is never sent, so it takes no default but None and generated."
        raise ConfigurationError(msg)
    check = attrs.validators.and_(*validator) if isinstance(validator, Sequence) else validator
    described["meta"] = field_meta(meta, made, secret)
    options = FieldOptions(primary_key, name, type, readonly, check, made, **described)
    check_together(options)
    default = ABSENT if made is not None else default
    return attrs.field(default=default, factory=factory, metadata={_METADATA: options})


def field_options(attribute: attrs.Attribute[Any]) -> FieldOptions:
    """Return the arguments of `field` for an attribute; the defaults for a bare annotation."""
    options: FieldOptions = attribute.metadata.get(_METADATA, FieldOptions())
    return options


def none_means_absent(_: type, attributes: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Replace defaults of None by `ABSENT`: only a None that was passed is sent.

    Raises:
        ConfigurationError: a mutable default, which all instances would share.
    """
    for attribute in attributes:
        if attribute.default.__class__.__hash__ is None:
            msg = (
                f"{attribute.name}: all instances would share the default {attribute.default!r}. "
                f"field(factory={type(attribute.default).__name__}) makes one for each."
            )
            raise ConfigurationError(msg)
    return [a.evolve(default=ABSENT) if a.default is None else a for a in attributes]


@attrs.frozen
class Field:
    """A field of a model whose annotations are resolved: a column, or a many-to-one relation.

    ``name`` is its name in Python, ``column`` the server's name. ``target`` is the model that a many-to-one leads
    to. Fields are compared by model and name, since they are rebuilt when another model is redefined.
    """

    to_many: ClassVar[bool] = False

    model: type[Any] = attrs.field(repr=False)
    name: str
    column: str = attrs.field(eq=False)
    nullable: bool = attrs.field(eq=False)
    options: FieldOptions = attrs.field(repr=False, eq=False)
    attribute: attrs.Attribute[Any] = attrs.field(repr=False, eq=False)
    own_type: FieldType | None = attrs.field(default=None, eq=False)
    target: type[Any] | None = attrs.field(default=None, eq=False)

    @property
    def primary_key(self) -> bool:
        """Whether this is the primary key of its model."""
        return bool(self.model.directus.pk.name == self.name)

    @property
    def segments(self) -> tuple[str, ...]:
        """The server's names of this step of a path."""
        return (self.column,)

    @property
    def kind(self) -> FieldKind:
        """Whether it is a column with values of its own, or a relation."""
        return "column" if self.target is None else "many-to-one"

    @property
    def type(self) -> str:
        """The Directus type of its column, as declared; of a relation, the type of the other key."""
        return (self.options.type or "string") if self.options.secret else self.value_type.kind

    @property
    def default(self) -> Any:
        """The default of new instances, or what makes it; ``generated`` … ; ``attrs.NOTHING`` if there is none."""
        if self.options.made is not None:
            return self.options.made
        return None if self.attribute.default is ABSENT else self.attribute.default

    @property
    def is_secret(self) -> bool:
        """Whether its values are secrets (hashes), which the server masks and no message shows."""
        return self.own_type is not None and self.own_type.kind == "hash"

    @property
    def is_document(self) -> bool:
        """Whether its values are objects that can be changed in place."""
        return self.value_type.kind.partition(".")[0] in {"csv", "geometry", "json"}

    @property
    def value_type(self) -> FieldType:
        """The type of the values in its column: of a many-to-one, the type of the related row's key."""
        if self.own_type is not None:
            return self.own_type
        assert self.target is not None  # noqa: S101 - a field without a type of its own is a many-to-one
        key_type: FieldType = self.target.directus.pk.value_type
        return key_type

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_field, (self.model, self.name)

    def load(self, value: Any, key: Any = None) -> Any:
        """Convert a JSON value from the server, which must not be null.

        Raises:
            ConversionError: it does not fit the annotation.
        """
        try:
            return self.value_type.load(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.conversion_error(f"the server's value {self.display(value)}", error, key, value) from error

    def dump(self, value: Any, key: Any = None) -> Any:
        """Convert a value to the JSON value to send.

        Raises:
            ConversionError: it does not fit the annotation, or the server would store something else.
        """
        if value is None:
            if self.nullable:
                return None
            raise self.conversion_error("None", "the annotation has no '| None'", key, value)
        try:
            return self.value_type.dump(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.conversion_error(self.display(value), error, key, value) from error

    def check_length(self, sent: Any, key: Any = None) -> None:
        """Refuse a value to send that is longer than ``max_length``: some databases cut it and say nothing.

        Raises:
            ConversionError: it is longer.
        """
        longest = self.options.max_length
        # What a hash column holds is the hash, of another length than the text that is sent.
        if longest is None or not isinstance(sent, str) or len(sent) <= longest or self.type == "hash":
            return
        reason = f"it has {len(sent)} characters, and max_length={longest}"
        raise self.conversion_error(self.display(sent), reason, key, sent)

    def conversion_error(self, shown: str, reason: object, key: Any, value: Any) -> ConversionError:
        """Return the error for a value that does not fit; ``shown`` is how the message names the value."""
        row = "" if key is None else f" (key {key!r})"
        message = f"{self}{row}: {shown} does not fit {self.value_type.python}: {reason}."
        value = MASK if self.is_secret else value
        return ConversionError(message, model=self.model.__name__, key=key, field=self.name, value=value)

    def missing_key_error(self, *, is_null: bool) -> ConversionError:
        """Return the error for a row that came without this field, its key: null, or nothing at all."""
        collection = self.model.directus.collection
        reason = (
            "this user may read other fields of the row, but not its key; let its permissions include "
            f"{self.column!r} wherever they allow reading {collection!r}"
        )
        return self.conversion_error("null" if is_null else "nothing", reason, None, None)

    def display(self, value: Any) -> str:
        """Return a short repr of a value for messages; a mask for a secret."""
        return repr(MASK) if self.is_secret else _shorten(value)


def _find_field(model: Any, name: str) -> Field:
    field: Field = model.directus.fields[name]
    return field


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


RESERVED: Final = frozenset(
    (
        "objects pk self save asave delete adelete refresh arefresh clean to_dict from_dict directus "
        "DoesNotExist MultipleObjectsReturned"
    ).split()
)
"""Names that no field may have, since `Model` uses them itself."""
