"""`WritableRows`: the methods of `QuerySet` that write: create, get_or_create, update, delete, bulk writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.async_twins import async_twin
from ..core.checks import check_whole
from ..core.deferred_import import DeferredModule
from ..core.errors import ConfigurationError, RecordNotUnique
from ..core.progress import Progress, checked
from ..core.tracebacks import hides_locals
from ..fields.field import ABSENT
from ..fields.model_info import ModelInfo
from ..instances.state import HasKey, PageBatch, state_of
from ..query.lookups import time_ranges
from .base_queryset import Rows

if TYPE_CHECKING:
    from ..writing import bulk, save
else:
    bulk = DeferredModule("..writing.bulk", __package__)
    save = DeferredModule("..writing.save", __package__)


M = TypeVar("M", bound=HasKey)


class WritableRows(Rows[M]):
    """The base of `QuerySet` with the methods that write rows."""

    __slots__ = ()

    @property
    def _info(self) -> ModelInfo:
        info: ModelInfo = self._query.model.directus
        return info

    # --- one row ----------------------------------------------------------------------------------------------

    @hides_locals
    def create(self, /, **values: Any) -> M:
        """Make an instance with these values, save it as a new row, and return it; errors as in `Model.save`.

        Example:
            >>> Note.objects.create(title="First").stars
            1
        """
        self._check_verb("create")
        instance: M = self._query.model(**values)
        self._assign_session(instance)
        save.save(instance)
        return instance

    @hides_locals
    def get_or_create(self, /, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[M, bool]:
        """Return the row that meets the conditions, or create it; return also whether it was created.

        A new row has the values of the conditions and of ``defaults``. Times are looked for as they are stored,
        cut to milliseconds (``timestamp``) or seconds (``dateTime``). If two programs do this at once and a
        unique field or the key allows one row only, the second program gets the row of the first; otherwise two
        rows may be created.

        Raises:
            MultipleObjectsReturned: several rows meet the conditions.

        Example:
            >>> note, created = Note.objects.get_or_create({"stars": 5}, title="Second")
            >>> note.stars, created
            (5, True)
        """
        lookups = _with_stored_times(self._info, lookups)
        try:
            return self.get(**lookups), False
        except self._query.model.DoesNotExist:
            pass
        values = {**_plain_values(lookups), **(defaults or {})}
        try:
            return self.create(**values), True
        except RecordNotUnique as error:
            try:
                return self.get(**lookups), False
            except self._query.model.DoesNotExist:
                raise error from None

    @hides_locals
    def update_or_create(
        self,
        /,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **lookups: Any,
    ) -> tuple[M, bool]:
        """Update the row that meets the conditions, or create it; return also whether it was created.

        The row gets the values of ``defaults``. A new row gets those of the conditions and of ``create_defaults``,
        or, without these, of ``defaults``.

        Raises:
            MultipleObjectsReturned: several rows meet the conditions.

        Example:
            >>> note, created = Note.objects.update_or_create({"stars": 4}, title="Third")
            >>> note.stars, created
            (4, True)
        """
        instance, created = self.get_or_create(defaults if create_defaults is None else create_defaults, **lookups)
        if not created:
            for name, value in (defaults or {}).items():
                setattr(instance, name, value)
            save.save(instance)
        return instance, created

    @hides_locals
    def update(self, /, *, progress: Any = ABSENT, **values: Any) -> int:
        """Write these values to all rows, and return the number of rows written.

        The keys of the rows are read first, those of a slice in its ordering. Then the rows are written by key,
        up to 1,000 in one request and transaction. Types and validators are checked; `Model.save` and
        `Model.clean` are not called. ``progress`` is that of `bulk_create`, unless the model has a field of that
        name.

        A row that stops matching after its key was read is written all the same, and counted: Directus has no
        conditional write. Programs that take rows from a common list need a claim: the documentation of queries
        has one.

        Raises:
            TypeError: called on ``Model.objects`` itself; ``Model.objects.all().update(…)`` writes all rows.
            ConversionError: a value does not fit its field.
            ServerError: the server refused a chunk; the error's ``bulk``, a `BulkFailure`, has the keys that were
                written, and those that were not.

        Example:
            >>> note = Note.objects.create(title="Draft")
            >>> Note.objects.filter(title="Draft").update(stars=3)
            1
        """
        self._refuse_accidental_all("update")
        if progress is not ABSENT and "progress" in self._info.fields:
            values["progress"], progress = progress, ABSENT
        report = checked(None if progress is ABSENT else progress)
        return bulk.update(self._session(), self._query, values, report)

    @hides_locals
    def delete(self, *, progress: Progress = None) -> int:
        """Delete all rows, and return the number of rows deleted; keys are read first, as by `update`.

        A row that stops matching after its key was read is deleted all the same.

        Raises:
            TypeError: called on ``Model.objects`` itself; ``Model.objects.all().delete()`` deletes all rows.
            Protected: another row refers to one of the rows; the error's ``bulk`` is that of `update`.

        Example:
            >>> note = Note.objects.create(title="Old")
            >>> Note.objects.filter(title="Old").delete()
            1
        """
        return self._delete(progress, {})

    def _delete(self, progress: Progress, choices: Mapping[str, Any]) -> int:
        """Delete all rows; ``choices`` are further arguments that the ``delete()`` of some models takes."""
        self._refuse_accidental_all("delete")
        return bulk.delete(self._session(), self._query, checked(progress), choices)

    def _refuse_accidental_all(self, verb: str) -> None:
        """Refuse to write all rows of a model by accident: ``Model.objects`` itself, without `all` or `filter`."""
        self._check_verb(verb)
        if self._from_manager:
            name = self._query.model.__name__
            msg = f"{name}.objects.{verb}() means every row: if so, say {name}.objects.all().{verb}()."
            raise TypeError(msg)

    @hides_locals
    def bulk_create(
        self, instances: Iterable[M], batch_size: int | None = None, *, progress: Progress = None
    ) -> list[M]:
        """Create rows, many in one request, and return the instances, saved, in the given order.

        All instances are checked before anything is sent. Each request is one transaction of up to 1,000 rows and
        1 MB, or less if the server's limits are lower. If the server makes keys other than numbers and uuids, each
        row takes a request of its own. `Model.clean` is called; `Model.save` is not.

        Args:
            instances: unsaved instances of the model.
            batch_size: the largest number of rows in one request, from 1.
            progress: True shows a bar (extra ``progress``); a function is called with the number of rows written
                and the number of all rows, after each request.

        Raises:
            ConfigurationError: an instance has a row already, or two have the same key.
            ConversionError: a value does not fit its field.
            ServerError: the server refused a request; the error's ``bulk``, a `BulkFailure`, has the instances
                that were written, those that were not, and the one at fault, if the server's error identifies it.

        Example:
            >>> airlines = [Airline(carrier=code, name=code) for code in ("YY", "ZZ")]
            >>> created = Airline.objects.bulk_create(airlines, progress=print)
            2 2
            >>> Airline.objects.filter(pk__in=["YY", "ZZ"]).delete()
            2
        """
        new = self._checked_instances("bulk_create", instances)
        for instance in new:
            if state_of(instance).stored or state_of(instance).deleted:
                msg = f"bulk_create() makes new rows, and {instance!r} has one already."
                raise ConfigurationError(msg)
        options = _bulk_options(batch_size, progress)
        if new:
            bulk.create(self._session(), self._info, new, **options)
        return new

    @hides_locals
    def bulk_update(
        self,
        instances: Iterable[M],
        fields: Iterable[str],
        batch_size: int | None = None,
        *,
        progress: Progress = None,
    ) -> int:
        """Write these fields of instances, many in one request, and return the number of rows written.

        Instances whose row was deleted are skipped. A null that was read and not changed is not sent, since it may
        stand for a value that is hidden from this user. `Model.clean` is called; `Model.save` is not. Requests,
        ``batch_size``, ``progress`` and errors are those of `bulk_create`.

        Example:
            >>> notes = list(Note.objects.all())
            >>> for note in notes:
            ...     note.stars = 5
            >>> Note.objects.bulk_update(notes, ["stars"]) == len(notes)
            True
        """
        changed = self._checked_instances("bulk_update", instances)
        names = [fields] if isinstance(fields, str) else list(fields)
        options = _bulk_options(batch_size, progress)
        return bulk.update_instances(self._session(), self._info, changed, names, **options) if changed else 0

    @hides_locals
    def upsert(
        self, instances: Iterable[M], batch_size: int | None = None, *, progress: Progress = None
    ) -> list[M]:
        """Update the instances whose keys have rows, create the others, and return all instances, saved.

        The keys are looked up first; then rows are created and updated. Instances that were read or saved before
        send only what changed, and no request if nothing did. Requests, ``batch_size``, ``progress`` and
        errors are those of `bulk_create`.

        Raises:
            RecordNotUnique: another program created one of the rows after the look-up.

        Example:
            >>> airlines = [Airline(carrier="AA", name="American Airlines", country="US")]
            >>> Airline.objects.upsert(airlines)
            [Airline(carrier='AA', name='American Airlines', country='US')]
        """
        to_write = self._checked_instances("upsert", instances)
        options = _bulk_options(batch_size, progress)
        if to_write:
            bulk.upsert(self._session(), self._info, to_write, **options)
        return to_write

    def _checked_instances(self, verb: str, instances: Iterable[M]) -> list[M]:
        """Return the instances of a bulk write as a list; refuse other objects, and an instance given twice."""
        self._check_verb(verb)
        checked_instances = list(instances)
        for instance in checked_instances:
            if not isinstance(instance, self._query.model):
                msg = f"{verb}() takes instances of {self._query.model.__name__}, not {instance!r}."
                raise TypeError(msg)
        if len({id(instance) for instance in checked_instances}) < len(checked_instances):
            msg = f"{verb}() was given one instance twice."
            raise ConfigurationError(msg)
        return checked_instances

    def _assign_session(self, instance: Any) -> None:
        """Let an instance be saved by the session that `using` chose."""
        if self._using is not None:
            state_of(instance).batch = batch = PageBatch(self._using, self._query.model)
            batch.add(instance)

    # --- in asyncio -------------------------------------------------------------------------------------------

    acreate = async_twin(create, changes=True)
    aget_or_create = async_twin(get_or_create, changes=True)
    aupdate_or_create = async_twin(update_or_create, changes=True)
    aupdate = async_twin(update, changes=True)
    adelete = async_twin(delete, changes=True)
    abulk_create = async_twin(bulk_create, changes=True)
    abulk_update = async_twin(bulk_update, changes=True)
    aupsert = async_twin(upsert, changes=True)


def _bulk_options(batch_size: int | None, progress: Progress) -> dict[str, Any]:
    """Return the options of a bulk write, checked before anything is sent."""
    if batch_size is not None:
        check_whole("batch_size", batch_size, least=1)
    return {"batch_size": batch_size, "progress": checked(progress)}


def _plain_values(lookups: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a new row takes from lookups: those that compare a whole field for equality."""
    exact = {name.removesuffix("__exact"): value for name, value in lookups.items()}
    return {name: value for name, value in exact.items() if "__" not in name}


def _with_stored_times(info: ModelInfo, lookups: Mapping[str, Any]) -> dict[str, Any]:
    """Return lookups with times as a new row would have them, so that a second call finds the row of the first."""
    fields = {name: info.fields.get(name.removesuffix("__exact")) for name in lookups}
    return {
        name: value if (field := fields[name]) is None else time_ranges.as_shown(field, value)
        for name, value in lookups.items()
    }
