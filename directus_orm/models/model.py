"""`Model`, the base class of models: declaring fields, save, delete, refresh, to_dict, from_dict."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

import attrs

from ..core import errors
from ..core.async_twins import async_twin
from ..core.deferred_import import DeferredModule
from ..core.errors import ConfigurationError
from ..core.forks import no_fork
from ..core.tracebacks import hides_locals
from ..fields import model_info, registry
from ..fields.declarations.field_options import collection_meta
from ..fields.field import ABSENT, field, none_means_absent
from ..fields.field_references import FieldReference
from ..fields.model_info import ModelInfo, ModelOptions
from ..fields.to_many_declaration import many_to_any, many_to_many, one_to_many, relation_options
from ..instances.state import InstanceState, key_of, state_of
from ..querysets.queryset import Manager
from . import checks, info_builder
from .descriptors import FieldDescriptor, ManyToOneDescriptor, ToManyDescriptor

if TYPE_CHECKING:
    from ..instances import dictionaries
    from ..instances.write_guards import WriteGuard
    from ..querysets.queryset import QuerySet
    from ..system import history
    from ..writing import save
else:
    dictionaries = DeferredModule("..instances.dictionaries", __package__)
    # The one import against the order of the folders: every model has a history, whose rows are models themselves.
    history = DeferredModule("..system.history", __package__)
    save = DeferredModule("..writing.save", __package__)


class _AbstractModelError(ConfigurationError, AttributeError):
    """For tools such as `inspect` and `help`, an abstract model lacks what needs a collection."""


class _InfoDescriptor:
    """``Model.directus``: the fields and relations of the model; the first access resolves its annotations."""

    def __get__(self, instance: object, owner: type[Any]) -> ModelInfo:
        info: ModelInfo | None = owner.__dict__.get("_info")
        return _resolve_once(owner) if info is None else info


class _KeyDescriptor:
    """``instance.pk``: the value of the key field, or None if it has no value yet."""

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        return FieldReference(owner, ("pk",)) if instance is None else key_of(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        setattr(instance, type(instance).directus.pk.name, value)


class _Revisions:
    """``instance.revisions``: what the row was, the newest first. Not for the class, which has `revisions_of`."""

    def __get__(self, instance: Any, owner: type[Any]) -> QuerySet[history.Revision]:
        if instance is None:
            msg = f"revisions belongs to an instance: article.revisions, or {owner.__name__}.revisions_of(key)."
            raise AttributeError(msg)
        return history.revisions_of_instance(instance)


class _Comments:
    """``instance.comments``: the comments on the row."""

    def __get__(self, instance: Any, owner: type[Any]) -> QuerySet[history.Comment]:
        if instance is None:
            msg = f"comments belongs to instances, not to {owner.__name__}: Comment.on(article) has those of one."
            raise AttributeError(msg)
        return history.Comment.on(instance)


def _overridable(descriptor: Any) -> Any:
    """Return a descriptor that a model may replace by a field or a list of any type, for type checkers."""
    return descriptor


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(field, one_to_many, many_to_many, many_to_any)
)
class Model:
    """Base class of models: a subclass describes a collection, and its annotations are the fields.

    Args:
        collection: the name of the collection; by default from the class name: ``blog_posts`` for ``BlogPost``.
        singleton: the collection is a singleton, which has one row; by default as a base of this collection says.
        abstract: the class is a base of other models, and has no collection.
        ordering: the fields that order the rows by default, such as ``("-date", "title")``.
        meta: what Directus keeps of the collection, by its own names: ``note``, ``icon``, ``group``,
            ``archive_field`` … It describes the collection to tools, and changes no query.

    Raises:
        ConfigurationError: a field has a reserved name, or no field is the key; or, on first use of the model, an
            annotation is not the type of a field.

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
    directus = _InfoDescriptor()
    pk = _KeyDescriptor()

    # A field or a list of these names takes their place.
    revisions = _Revisions()
    comments = _overridable(_Comments())

    DoesNotExist: ClassVar[type[errors.DoesNotExist]] = errors.DoesNotExist
    MultipleObjectsReturned: ClassVar[type[errors.MultipleObjectsReturned]] = errors.MultipleObjectsReturned

    _options: ClassVar[ModelOptions | None] = None
    _guard: ClassVar[WriteGuard | None] = None

    def __init_subclass__(
        cls,
        *,
        collection: str | None = None,
        singleton: bool | None = None,
        abstract: bool = False,
        ordering: Iterable[str] | None = None,
        meta: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(ordering, str):
            msg = f"{cls.__name__}: ordering takes a tuple of names, not the string {ordering!r}."
            raise ConfigurationError(msg)
        bases: list[ModelOptions] = [c.__dict__["_options"] for c in cls.__mro__[1:] if c.__dict__.get("_options")]
        inherited = next((base for base in bases if not base.abstract), None)
        if inherited is not None and collection in (None, inherited.collection):
            collection = inherited.collection
            singleton = inherited.singleton if singleton is None else singleton
        if ordering is None:
            ordering = next((base.ordering for base in bases if base.ordering), ())
        if meta is None:
            meta = next((base.meta for base in bases if base.meta), {})
        cls._options = ModelOptions(
            collection or model_info.default_collection(cls.__name__),
            bool(singleton),
            abstract,
            tuple(ordering),
            collection_meta(meta, cls.__name__),
        )
        checks.check_names(cls)
        checks.check_bases(cls)
        _define_fields(cls)
        for base in (errors.DoesNotExist, errors.MultipleObjectsReturned):
            _add_error_class(cls, base)
        if not abstract:
            model_info.primary_key_name(cls)
        checks.check_columns(cls)
        registry.register(cls)

    # --- saving and loading -----------------------------------------------------------------------------------

    @hides_locals
    def save(self, *, update_fields: Iterable[str] | None = None, if_unmodified: bool = False) -> None:
        """Create the row of a new instance, or send the fields that changed; without changes, send nothing.

        A new instance sends the values that were passed or assigned, and declared defaults other than None. The
        server fills in the rest. Afterwards the instance holds what the server stored, or, with a
        `NotVisibleWarning`, what was sent, if this user does not see the row that was written.

        Args:
            update_fields: the names of the only fields to send.
            if_unmodified: read the row just before writing, and write only if no loaded field has changed on the
                server. Directus has no conditional write: a change between that read and the write goes unnoticed,
                and so does a change of a field that is not loaded or that the server masks.

        Raises:
            ConversionError: a value does not fit its field, or the key or a readonly field was changed.
            DoesNotExist: the row to update was deleted.
            InvalidRequest: the server refused a value; its subclasses say why.
            StaleObject: with ``if_unmodified``, the row was changed since it was loaded.

        Example:
            >>> note = Note(title="Hello")
            >>> note.save()  # POST
            >>> note.title = "Bye"
            >>> note.save()  # PATCH with the title alone
        """
        save.save(self, update_fields, if_unmodified=if_unmodified)

    @hides_locals
    def delete(self) -> None:
        """Delete the row; if it is deleted already, nothing happens.

        Raises:
            Protected: another row refers to this one.
            Forbidden: this user may not delete the row, or does not see whether it is deleted already.
            DoesNotExist: the instance was never saved.
        """
        save.delete(self)

    @hides_locals
    def refresh(self, fields: Iterable[str] | None = None) -> None:
        """Read the row again, past the server's cache; unsaved changes are lost.

        Lists of related rows are forgotten, and loaded again when they are read.

        Args:
            fields: the names of the only fields and lists to read again.

        Raises:
            DoesNotExist: the row was deleted.
            FieldError: a field does not exist.

        Example:
            >>> flight = Flight.objects.get(pk=1)
            >>> flight.dep_delay = 99
            >>> flight.refresh()
            >>> print(flight.dep_delay)
            None
        """
        save.refresh(self, fields)

    def clean(self) -> None:
        """Check or complete the instance before it is sent; override it, and raise any error to refuse it.

        `save` and the bulk writes of instances call it when there is something to send. It is not called for rows
        that are read, nor by `QuerySet.update`.
        """

    @classmethod
    def revisions_of(cls, key: Any) -> QuerySet[history.Revision]:
        """Return the revisions of the row with this key, the newest first, also of a row that was deleted.

        Nothing is sent before they are read. ``article.revisions`` has those of an instance. The server keeps
        them if the collection tracks activity and revisions, as it does unless you change that.

        Raises:
            ConversionError: the key has the wrong type.

        Example:
            >>> Airline.revisions_of("no such key").count()
            0
        """
        return history.revisions_of(cls, key)

    asave = async_twin(save, changes=True)
    adelete = async_twin(delete, changes=True)
    arefresh = async_twin(refresh, changes=True)

    # --- dictionaries -----------------------------------------------------------------------------------------

    def to_dict(
        self, *, json: bool = False, relations: bool | str | Iterable[str] = (), skip_invalid: bool = False
    ) -> dict[str, Any]:
        """Return a dictionary of the loaded fields by name; a many-to-one relation is its key. Nothing is sent.

        Args:
            json: return the values as the server writes them in JSON, such as datetimes as strings.
            relations: the relations to return as nested dictionaries and lists of them, as in `prefetch_related`:
                ``"author"``, or ``("author", "blocks__hero__image")``; True for all that are loaded. Each item of
                a many-to-any also has ``collection``, the name of its collection.
            skip_invalid: leave out the fields whose values did not fit their annotations.

        Raises:
            ConversionError: the server's value of a field does not fit its annotation.
            QueryError: a relation that is named is not loaded.
            FieldError: there is no relation of that name.

        Example:
            >>> Airline.objects.get(pk="LH").to_dict()
            {'carrier': 'LH', 'name': 'Lufthansa', 'country': ''}
            >>> flight = Flight.objects.only("id").select_related("carrier").get(pk=2)
            >>> flight.to_dict(relations="carrier")
            {'id': 2, 'carrier': {'carrier': 'B6', 'name': 'JetBlue', 'country': None}}
        """
        return dictionaries.to_dict(self, relations, dictionaries.Form(json, skip_invalid))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, json: bool = False) -> Self:
        """Return an unsaved instance with these values by field name.

        Args:
            values: the values by field name.
            json: the values are as the server writes them in JSON, such as datetimes as strings.

        Raises:
            FieldError: a field does not exist.
            ConversionError: a value does not fit its field.

        Example:
            >>> Airline.from_dict({"carrier": "ZZ", "name": "Zero"}).name
            'Zero'
        """
        loaded = {}
        for name, value in values.items():
            field = cls.directus.field(name, "from_dict(…)")
            loaded[field.name] = field.load(value) if json and value is not None else value
            if not json and not isinstance(value, Model):
                field.dump(value)  # raises for a value that does not fit
        return cls(**loaded)

    if not TYPE_CHECKING:  # type checkers that see it allow any name

        def __setattr__(self, name: str, value: object) -> None:
            if value is ABSENT:  # the default of a field that was not passed
                return
            # A misspelt field would be kept on the instance and never sent.
            info = type(self).directus
            if name not in info.fields and not hasattr(type(self), name) and not name.startswith("_"):
                raise AttributeError(str(info.unknown_field(name)))
            object.__setattr__(self, name, value)

    # --- identity ---------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Model):
            return NotImplemented
        identity = _identity(self)
        return identity is not None and identity == _identity(other)

    def __hash__(self) -> int:
        identity = _identity(self)
        if identity is None:
            why = "the key of which is not known" if state_of(self).stored else "not saved and without a key"
            msg = f"A {type(self).__name__} that is {why} cannot be hashed."
            raise TypeError(msg)
        return hash(identity)

    def __repr__(self) -> str:
        loaded = [field for field in type(self).directus.fields.values() if field.name in self.__dict__]
        values = [f"{field.name}={field.display(_key_or_value(self.__dict__[field.name]))}" for field in loaded]
        return f"{type(self).__name__}({', '.join(values)})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_state": state_of(self).detached()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).directus  # noqa: B018 - resolves the class, whose descriptors must exist before values come in
        self.__dict__.update(state)


# `Model` itself has neither fields nor rows.
Model._options = ModelOptions("", abstract=True)  # noqa: SLF001
attrs.define(Model, slots=False, init=False, eq=False, repr=False)


def _define_fields(cls: type[Model]) -> None:
    """Let attrs turn the annotations into fields, in place, and set a descriptor for each on the class."""
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
        descriptor = FieldDescriptor if relation_options(attribute) is None else ToManyDescriptor
        setattr(cls, attribute.name, descriptor(attribute.name))
    cls.__init__ = _with_state(cls.__init__, own_init)  # type: ignore[method-assign]


def _with_state(init: Callable[..., None], own_init: bool) -> Callable[..., None]:
    """Return an ``__init__`` that also sets the instance's state, takes ``pk``, and refuses unknown names.

    An ``__init__`` that the class defines itself may take other names.
    """

    @functools.wraps(init)
    def __init__(self: Model, *args: Any, **values: Any) -> None:  # noqa: N807
        info = type(self).directus
        if "pk" in values:
            values[info.pk.name] = values.pop("pk")
        unknown = None if own_init else next((name for name in values if name not in info.fields), None)
        if unknown is not None:
            raise TypeError(str(info.unknown_field(unknown, f"{type(self).__name__}({unknown}=…)")))
        self.__dict__.setdefault("_state", InstanceState())
        init(self, *args, **values)

    return __init__


def _resolve_once(model: type[Any]) -> ModelInfo:
    """Return the fields and relations of a model; several threads resolve its annotations once."""
    with no_fork:  # a child would find half a model, and the lock of a thread that it does not have
        return model.__dict__.get("_info") or _resolve(model)


def _resolve(model: type[Any]) -> ModelInfo:
    """Resolve the annotations of a model, and set the descriptors of its many-to-one relations."""
    options: ModelOptions = model._options  # noqa: SLF001
    if options.abstract:
        msg = f"{model.__name__} is abstract: it has no collection. Subclass it, and use the subclass."
        raise _AbstractModelError(msg)
    info = info_builder.build_model_info(model, options)
    for model_field in info.fields.values():
        if model_field.target is not None:
            setattr(model, model_field.name, ManyToOneDescriptor(model_field.name))
    model._info = info  # noqa: SLF001
    return info


def _add_error_class(cls: type[Model], base: type[errors.DirectusError]) -> None:
    """Give a model its own subclass of an error, such as ``Flight.DoesNotExist``, which pickle finds there."""
    parents = tuple(dict.fromkeys(getattr(c, base.__name__) for c in cls.__bases__ if hasattr(c, base.__name__)))
    namespace = {
        "__module__": cls.__module__,
        "__qualname__": f"{cls.__qualname__}.{base.__name__}",
        "__doc__": base.__doc__,
    }
    setattr(cls, base.__name__, type(base.__name__, parents or (base,), namespace))


def _identity(instance: Model) -> tuple[str, Any] | None:
    """Return the collection and the key, by which instances are compared; None for an unsaved one."""
    info = type(instance).directus
    key = instance.__dict__.get(info.pk.name)
    return None if key is None or not state_of(instance).stored else (info.collection, key)


def _key_or_value(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value
