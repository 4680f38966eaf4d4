"""`Model`: a collection as a class, its rows as instances that save what changed."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

import attrs

from ..core import errors
from ..core.async_twins import async_twin
from ..core.errors import ConfigurationError
from ..core.masking import MASK
from ..fields import model_info, registry
from ..fields.field import ABSENT, Field, field, none_means_absent
from ..fields.model_info import ModelInfo, ModelOptions
from ..fields.references import FieldReference
from ..fields.relations import many_to_any, many_to_many, one_to_many, relation_options
from ..instances.state import InstanceState, key_of, state_of
from ..querysets.queryset import Manager
from ..writing import save
from . import checks, info_builder
from .descriptors import FieldAttribute, ManyAttribute, RelationAttribute


class _Directus:
    """``Model.directus``: what is known of the model; annotations are resolved when it is first asked for."""

    def __get__(self, instance: object, owner: type[Any]) -> ModelInfo:
        known: ModelInfo | None = owner.__dict__.get("_info")
        return _prepare(owner) if known is None else known


class _Key:
    """``instance.pk``: the value of the key field, None before there is one."""

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        return FieldReference(owner, ("pk",)) if instance is None else key_of(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        setattr(instance, type(instance).directus.pk.name, value)


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(field, one_to_many, many_to_many, many_to_any)
)
class Model:
    """A collection, as a class: subclass it, and annotate the fields.

    In the class statement: ``collection`` (by default from the class name: ``BlogPost`` is in ``blog_posts``),
    ``singleton=True``, ``abstract=True`` for a base without a collection, ``ordering=("-date",)``.

    Example:
        >>> class Airline(Model, collection="airlines"):
        ...     carrier: str = field(primary_key=True)
        ...     name: str
        >>> airline = Airline(carrier="ZZ", name="Zero")
        >>> airline.save()
        >>> Airline.objects.get(pk="ZZ").name
        'Zero'
        >>> airline.delete()
    """

    objects = Manager()
    directus = _Directus()
    pk = _Key()

    DoesNotExist: ClassVar[type[errors.DoesNotExist]] = errors.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[errors.MultipleObjectsReturned]] = errors.MultipleObjectsReturned

    _options: ClassVar[ModelOptions | None] = None

    def __init_subclass__(
        cls,
        *,
        collection: str | None = None,
        singleton: bool = False,
        abstract: bool = False,
        ordering: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(ordering, str):
            msg = f"{cls.__name__}: ordering takes a tuple of names, not the string {ordering!r}."
            raise ConfigurationError(msg)
        bases: list[ModelOptions] = [c.__dict__["_options"] for c in cls.__mro__[1:] if c.__dict__.get("_options")]
        inherited = next((base.collection for base in bases if not base.abstract), None)
        if ordering is None:
            ordering = next((base.ordering for base in bases if base.ordering), ())
        cls._options = ModelOptions(
            collection or inherited or model_info.default_collection(cls.__name__),
            singleton,
            abstract,
            tuple(ordering),
        )
        checks.check_names(cls)
        checks.check_bases(cls)
        _build(cls)
        for base in (errors.DoesNotExist, errors.MultipleObjectsReturned):
            _own_error(cls, base)
        if not abstract:
            model_info.primary_key_name(cls)
        checks.check_columns(cls)
        registry.register(cls)

    # --- active record --------------------------------------------------------------------------------------

    def save(self, *, update_fields: Iterable[str] | None = None, if_unmodified: bool = False) -> None:
        """Create the row, or send what changed; nothing changed sends nothing.

        A new instance sends what was given and the declared defaults other than None; the server makes the
        rest. Afterwards the instance holds what the server stored. ``update_fields`` sends no others.

        ``if_unmodified`` reads the row just before writing, and writes only if all that was loaded of it is there
        unchanged. Directus has no conditional write: a change between that read and the write is not seen. Nor
        is a change of a field that was not loaded, or that the server masks.

        Raises:
            ConversionError: a value does not fit its field, a changed key, a changed readonly field.
            DoesNotExist: the row to update is not there.
            InvalidRequest: the server refused a value; subclasses say why.
            StaleObject: with ``if_unmodified``, others changed the row since it was loaded.
        """
        save.save(self, update_fields, if_unmodified=if_unmodified)

    def delete(self) -> None:
        """Delete the row; one that is gone already is no error.

        Raises:
            Protected: another row refers to it.
            DoesNotExist: the instance was never saved.
        """
        save.delete(self)

    def refresh(self, fields: Iterable[str] | None = None) -> None:
        """Read the row again, or some of its fields; what was changed here and not saved is lost.

        Reads past the server's cache (G28). Lists of related rows, all or those that are named, are forgotten, and
        read again when they are touched.

        Raises:
            DoesNotExist: the row is gone.
        """
        save.refresh(self, fields)

    def clean(self) -> None:
        """Check, or complete, the instance before it is sent; override it, and raise what you like.

        Called by save, create and bulk_create when there is something to send; never for rows that are read.
        """

    asave = async_twin(save, changes=True)
    adelete = async_twin(delete, changes=True)
    arefresh = async_twin(refresh, changes=True)

    # --- dictionaries ---------------------------------------------------------------------------------------

    def to_dict(self, *, json: bool = False) -> dict[str, Any]:
        """Return the loaded fields by name, a relation as its key; with ``json``, as the server writes them.

        Sends nothing.
        """
        loaded = [f for f in type(self).directus.fields.values() if f.name in self.__dict__]
        values = {f.name: _key_or_value(self.__dict__[f.name]) for f in loaded}
        if not json:
            return values
        return {f.name: _as_json(f, values[f.name]) for f in loaded}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, json: bool = False) -> Self:
        """Return an unsaved instance with these values; with ``json``, in the form of the server.

        Raises:
            FieldError: a name is no field.
            ConversionError: a value does not fit its field.
        """
        made = {}
        for name, value in values.items():
            known = cls.directus.field(name, "from_dict(…)")
            made[known.name] = known.load(value) if json and value is not None else value
            if not json and not isinstance(value, Model):
                known.dump(value)
        return cls(**made)

    if not TYPE_CHECKING:  # with it in sight, checkers would allow any name

        def __setattr__(self, name: str, value: object) -> None:
            if value is ABSENT:  # the default of a field that was left alone
                return
            # A misspelt field would be kept here and never sent.
            known = type(self).directus
            if name not in known.fields and not hasattr(type(self), name) and not name.startswith("_"):
                raise AttributeError(str(known.unknown_field(name)))
            object.__setattr__(self, name, value)

    # --- identity -------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Model):
            return NotImplemented
        same = _identity(self)
        return same is not None and same == _identity(other)

    def __hash__(self) -> int:
        identity = _identity(self)
        if identity is None:
            known = "the key of which is not known" if state_of(self).stored else "not saved and without a key"
            msg = f"A {type(self).__name__} that is {known} cannot be hashed."
            raise TypeError(msg)
        return hash(identity)

    def __repr__(self) -> str:
        known = type(self).directus.fields.values()
        loaded = [field for field in known if field.name in self.__dict__]
        shown = [f"{field.name}={field.display(_key_or_value(self.__dict__[field.name]))}" for field in loaded]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_state": state_of(self).detached()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).directus  # noqa: B018 - the attributes must stand on the class before values come in
        self.__dict__.update(state)


# The base itself has neither fields nor rows.
Model._options = ModelOptions("", abstract=True)  # noqa: SLF001
attrs.define(Model, slots=False, init=False, eq=False, repr=False)


def _build(cls: type[Model]) -> None:
    """Let attrs collect the fields, in place, and stand an attribute on the class for each."""
    own_init = "__init__" in cls.__dict__
    try:
        attrs.define(
            cls,
            auto_attribs=True,
            slots=False,
            kw_only=True,
            eq=False,
            repr=False,
            on_setattr=attrs.setters.NO_OP,
            field_transformer=none_means_absent,
        )
    except attrs.exceptions.UnannotatedAttributeError as error:
        msg = f"{cls.__name__}: {error} A field needs an annotation, such as `name: str = field(…)`."
        raise ConfigurationError(msg) from None
    except ConfigurationError as error:
        msg = f"{cls.__name__}.{error}"
        raise ConfigurationError(msg) from None
    for attribute in attrs.fields(cls):  # type: ignore[arg-type]
        stands = FieldAttribute if relation_options(attribute) is None else ManyAttribute
        setattr(cls, attribute.name, stands(attribute.name))
    cls.__init__ = _initializer(cls.__init__, own_init)  # type: ignore[method-assign]


def _initializer(init: Callable[..., None], own: bool) -> Callable[..., None]:
    """Wrap an ``__init__``, so that instances have a state and, but for one's own, unknown names a good error."""

    @functools.wraps(init)
    def __init__(self: Model, *args: Any, **values: Any) -> None:  # noqa: N807
        known = type(self).directus
        if "pk" in values:
            values[known.pk.name] = values.pop("pk")
        unknown = None if own else next((name for name in values if name not in known.fields), None)
        if unknown is not None:
            raise TypeError(str(known.unknown_field(unknown, f"{type(self).__name__}({unknown}=…)")))
        self.__dict__.setdefault("_state", InstanceState())
        init(self, *args, **values)

    return __init__


_preparing = threading.RLock()


def _prepare(model: type[Any]) -> ModelInfo:
    """Resolve the annotations of a model, once, and let its relations check what is assigned."""
    with _preparing:
        return model.__dict__.get("_info") or _resolve(model)


def _resolve(model: type[Any]) -> ModelInfo:
    options: ModelOptions = model._options  # noqa: SLF001
    if options.abstract:
        msg = f"{model.__name__} is abstract: it has no collection. Subclass it, and use the subclass."
        raise ConfigurationError(msg)
    known = info_builder.build(model, options)
    for known_field in known.fields.values():
        if known_field.target is not None:
            setattr(model, known_field.name, RelationAttribute(known_field.name))
    model._info = known  # noqa: SLF001
    return known


def _own_error(cls: type[Model], base: type[errors.DirectusError]) -> None:
    """Give a model its own subclass of an error, found by pickle where it says."""
    parents = tuple(dict.fromkeys(getattr(c, base.__name__) for c in cls.__bases__ if hasattr(c, base.__name__)))
    names = {
        "__module__": cls.__module__,
        "__qualname__": f"{cls.__qualname__}.{base.__name__}",
        "__doc__": base.__doc__,
    }
    setattr(cls, base.__name__, type(base.__name__, parents or (base,), names))


def _identity(instance: Model) -> tuple[str, Any] | None:
    known = type(instance).directus
    key = instance.__dict__.get(known.pk.name)
    return None if key is None or not state_of(instance).stored else (known.collection, key)


def _key_or_value(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def _as_json(known: Field, value: Any) -> Any:
    # A masked secret has no other form, and is not sent from here.
    return value if value is None or value == MASK else known.value_type.dump(value)
