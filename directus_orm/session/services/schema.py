"""The schema of a server: its collections, fields and relations, snapshots, and what differs from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.errors import DoesNotExist, Forbidden, QueryError, UnsupportedQuery
from ...core.request_response import Request, Response, Send, url_path
from ...core.tracebacks import hides_locals
from ..http.error_mapping import unexpected_response
from .schema_values import (
    CollectionInfo,
    FieldInfo,
    Properties,
    RelationInfo,
    SchemaDiff,
    check_is_own,
    check_properties,
    checked_fields,
    checked_name,
    checked_new_collection,
    collection_info,
    field_info,
    new_field,
    relation_info,
    with_key,
)

T = TypeVar("T")
OnDelete = Literal["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]

_FIRST_WITH_MODES = 12
_MODES = ("merge", "mirror")
_ON_DELETE: tuple[OnDelete, ...] = get_args(OnDelete)


@public_in("directus_orm.session")
class Schema:
    """The collections, fields and relations of a server. Changing them is for administrators.

    Verbs that change or delete something read it first: the server creates what a wrong name does not find, and
    deletes keys and its own tables without a question. What another client changes between the two requests is
    not seen.
    """

    def __init__(self, send: Send, major: Callable[[], int]) -> None:
        self._send = send
        self._major = major

    # --- snapshots ------------------------------------------------------------------------------------------

    @hides_locals
    def snapshot(self) -> dict[str, Any]:
        """Return the schema as Directus keeps it in files, to be compared with that of another server.

        It lacks the columns that Directus does not manage (``meta`` is None in `fields`).
        """
        response = self._send(Request("GET", "/schema/snapshot", fresh=True))
        if not isinstance(response.data, dict) or "collections" not in response.data:
            raise unexpected_response(response, response.data, "a snapshot of the schema")
        return response.data

    @hides_locals
    def diff(
        self, snapshot: Properties, *, force: bool = False, mode: Literal["merge", "mirror"] | None = None
    ) -> SchemaDiff | None:
        """Return what would have to change for the server to be as a snapshot says; None if nothing.

        Nothing is changed: `apply` does that. What the snapshot lacks would be deleted, with its rows: see
        `SchemaDiff.deletions`. With Directus 12, ``mode="merge"`` keeps it. ``force=True`` also takes a snapshot
        of another version or database.

        Raises `InvalidRequest` for such a snapshot without ``force``, and `UnsupportedQuery` for ``mode`` on
        Directus 10 and 11, which would ignore it.

        ```python
        diff = session.schema.diff(snapshot)
        if diff is not None and not diff.deletions:
            session.schema.apply(diff)
        ```
        """
        if not isinstance(snapshot, Mapping) or "collections" not in snapshot:
            raise QueryError("snapshot= is not a snapshot: give what snapshot() returned, as a dict.")
        self._check_mode(mode)
        given = {"force": "true" if force else None, "mode": mode}
        params = tuple((name, text) for name, text in given.items() if text is not None)
        response = self._send(Request("POST", "/schema/diff", params, dict(snapshot)))
        data = response.data
        if response.status == 204:
            return None
        if not isinstance(data, dict) or not isinstance(data.get("diff"), dict) or "hash" not in data:
            raise unexpected_response(response, data, "a difference of schemas")
        return SchemaDiff(data["hash"], data["diff"])

    def _check_mode(self, mode: str | None) -> None:
        if mode is None:
            return
        if mode not in _MODES:
            raise QueryError(f"mode={mode!r} is none of {', '.join(map(repr, _MODES))}.")
        if mode == "merge" and self._major() < _FIRST_WITH_MODES:
            raise UnsupportedQuery(
                'mode="merge" needs Directus 12. Here, what a snapshot lacks is deleted: look at deletions of the '
                "difference before you apply it."
            )

    @hides_locals
    def apply(self, diff: SchemaDiff) -> None:
        """Apply a difference that `diff` returned: create, change and delete collections, fields and relations.

        Raises `InvalidRequest` if the schema of the server has changed since. On an error of the database, a part
        may have been applied.
        """
        if not isinstance(diff, SchemaDiff):
            raise TypeError(f"apply() takes what diff() returned, not {diff!r}.")
        self._send(Request("POST", "/schema/apply", json={"hash": diff.hash, "diff": dict(diff.diff)}))

    # --- collections ----------------------------------------------------------------------------------------

    @hides_locals
    def collections(self) -> list[CollectionInfo]:
        """Return the collections that this user sees, with Directus's own."""
        return self._list("/collections", collection_info)

    @hides_locals
    def collection(self, name: str) -> CollectionInfo:
        """Return a collection.

        Raises `DoesNotExist` if there is none of this name, or if it is hidden from this user.
        """
        path = url_path("collections", checked_name("a collection", name))
        return self._one(path, collection_info, f"There is no collection {name!r}")

    @hides_locals
    def create_collection(
        self,
        name: str,
        fields: Iterable[Properties] = (),
        *,
        meta: Properties | None = None,
        folder: bool = False,
    ) -> CollectionInfo:
        """Create a collection with its table, or with ``folder=True`` a folder that groups others in the app.

        ``fields`` are as Directus describes them: ``{"field": "title", "type": "string"}``, with ``meta`` and
        ``schema`` where needed. Without a key among them, ``id`` is added, a number that the server counts up.
        ``meta`` is what Directus keeps about the collection, such as ``{"singleton": True}``.

        Raises `QueryError` for a name that cannot be, and for a field without a type; `InvalidRequest` if the
        collection exists; `Forbidden` beyond the limits of a licence.

        ```python
        session.schema.create_collection("planets", [{"field": "name", "type": "string"}])
        ```
        """
        body: dict[str, Any] = {"collection": checked_new_collection(name), "meta": dict(meta or {}), "schema": {}}
        listed = list(checked_fields(fields))
        if folder and listed:
            raise QueryError("A folder has no table, and so no fields.")
        body |= {"schema": None} if folder else {"fields": with_key(listed)}
        return self._written(Request("POST", "/collections", json=body), collection_info)

    @hides_locals
    def update_collection(self, name: str, meta: Properties) -> CollectionInfo:
        """Change what Directus keeps about a collection, such as ``{"sort_field": "sort"}``, and return it.

        Raises `DoesNotExist` if there is no such collection (the server would create a folder), and `FieldError`
        for a property that Directus does not have.
        """
        found = self.collection(name)
        check_properties("The meta of a collection", meta, found.meta)
        return self._written(
            Request("PATCH", url_path("collections", name), json={"meta": dict(meta)}), collection_info
        )

    @hides_locals
    def delete_collection(self, name: str) -> None:
        """Delete a collection with all its rows, its revisions, and its permissions.

        Raises `QueryError` for Directus's own collections, and for one that refers to itself: delete that field
        first, since the server cannot. Raises `DoesNotExist` if there is no such collection.
        """
        check_is_own("The collection", checked_name("a collection", name))
        self.collection(name)
        own = [each.field for each in self.relations() if each.collection == each.related_collection == name]
        if own:
            raise QueryError(
                f"{name!r} refers to itself by {', '.join(map(repr, own))}. Delete first: "
                + ", ".join(f"delete_field({name!r}, {field!r})" for field in own)
            )
        self._send(Request("DELETE", url_path("collections", name)))

    # --- fields ---------------------------------------------------------------------------------------------

    @hides_locals
    def fields(self, collection: str | None = None) -> list[FieldInfo]:
        """Return the fields of a collection, or of all collections, that this user sees.

        Raises `DoesNotExist` if there is no such collection, or if it is hidden from this user.
        """
        return self._list_of(collection, "fields", field_info)

    @hides_locals
    def field(self, collection: str, name: str) -> FieldInfo:
        """Return a field.

        Raises `DoesNotExist` if there is none of this name, or if it is hidden from this user.
        """
        path = url_path("fields", checked_name("a collection", collection), checked_name("a field", name))
        return self._one(path, field_info, f"There is no field {collection}.{name}")

    @hides_locals
    def create_field(
        self,
        /,
        collection: str,
        name: str,
        type: str,  # noqa: A002 - Directus's name for it
        *,
        meta: Properties | None = None,
        **schema: Any,
    ) -> FieldInfo:
        """Create a field, and return it. ``type`` is a Directus type, such as ``"string"`` or ``"alias"``.

        ``meta`` is what Directus keeps about it, such as ``{"interface": "input", "required": True}``. The other
        arguments are those of the column: ``is_nullable``, ``is_unique``, ``default_value``, ``max_length``,
        ``numeric_precision``, ``numeric_scale`` and so on.

        Raises `QueryError` for a name that queries could not use; `InvalidRequest` for an unknown type, and if the
        field exists; `DoesNotExist` if there is no such collection.

        ```python
        session.schema.create_field("planets", "moons", "integer", is_nullable=False, default_value=0)
        ```
        """
        body = new_field(name, type, meta, **({"schema": schema} if schema else {}))
        path = url_path("fields", checked_name("a collection", collection))
        self.collection(collection)
        return self._written(Request("POST", path, json=body), field_info)

    @hides_locals
    def update_field(
        self, /, collection: str, name: str, *, meta: Properties | None = None, **schema: Any
    ) -> FieldInfo:
        """Change what Directus keeps about a field (``meta``), or its column (the other arguments), and return it.

        The other properties stay as they are. The type and the name cannot be changed: the server ignores such a
        change.

        Raises `DoesNotExist` if there is no such field (the server would create one), and `FieldError` for a
        property that Directus does not have.

        ```python
        session.schema.update_field("planets", "moons", meta={"note": "Known ones"}, is_nullable=True)
        ```
        """
        found = self.field(collection, name)
        check_properties("The meta of a field", meta or (), found.meta)
        if schema and found.schema is None:
            raise QueryError(f"{collection}.{name} has no column that could be changed.")
        check_properties("A column", schema, found.schema)
        body: dict[str, Any] = {"meta": dict(meta)} if meta else {}
        if schema:
            # Directus 10 gives the properties that are left out their defaults.
            body |= {"type": found.type, "schema": {**(found.schema or {}), **schema}}
        if not body:
            return found
        return self._written(Request("PATCH", url_path("fields", collection, name), json=body), field_info)

    @hides_locals
    def delete_field(self, collection: str, name: str) -> None:
        """Delete a field with its column, its values and its relations.

        Raises `QueryError` for the key of a collection, without which nothing can be read, and for Directus's own
        fields. Raises `DoesNotExist` if there is no such field.
        """
        found = self.field(collection, name)
        if found.is_primary_key:
            raise QueryError(f"{collection}.{name} is the primary key: without it, nobody could read the rows.")
        if found.is_system:
            raise QueryError(f"{collection}.{name} belongs to Directus itself, and is not deleted.")
        self._send(Request("DELETE", url_path("fields", collection, name)))

    # --- relations ------------------------------------------------------------------------------------------

    @hides_locals
    def relations(self, collection: str | None = None) -> list[RelationInfo]:
        """Return the many-to-one relations of a collection, or of all collections, that this user sees.

        Raises `DoesNotExist` if there is no such collection, or if it is hidden from this user.
        """
        return self._list_of(collection, "relations", relation_info)

    @hides_locals
    def relation(self, collection: str, field: str) -> RelationInfo:
        """Return the relation of a field.

        Raises `DoesNotExist` if the field has none, or if it is hidden from this user.
        """
        # The route of a single relation does not say whether it is one of Directus's own; the list does.
        checked_name("a field", field)
        for each in self.relations(collection):
            if each.field == field:
                return each
        raise DoesNotExist(f"{collection}.{field} has no relation, or this user may not see it.")

    @hides_locals
    def create_relation(
        self,
        collection: str,
        field: str,
        related_collection: str | None,
        *,
        on_delete: OnDelete | None = None,
        meta: Properties | None = None,
    ) -> RelationInfo:
        """Make a field refer to the rows of a collection (many-to-one), and return the relation.

        The field must exist, with the type of the other key. ``on_delete`` says what happens to the rows of
        ``collection`` if the row that they refer to is deleted. ``meta`` names the list on the other side, a field
        of type ``"alias"``: ``{"one_field": "planets"}``. ``related_collection=None`` is for many-to-any.

        Raises `InvalidRequest` if a field or collection does not exist, or if the field has a relation.

        ```python
        session.schema.create_relation("planets", "star", "stars", on_delete="SET NULL")
        ```
        """
        _check_on_delete(on_delete)
        body = {
            "collection": checked_name("a collection", collection),
            "field": checked_name("a field", field),
            "related_collection": related_collection,
            "meta": dict(meta or {}),
            **({"schema": {"on_delete": on_delete}} if on_delete else {}),
        }
        return self._written(Request("POST", "/relations", json=body), relation_info)

    @hides_locals
    def update_relation(
        self, collection: str, field: str, *, on_delete: OnDelete | None = None, meta: Properties | None = None
    ) -> RelationInfo:
        """Change what happens on deletion, or what Directus keeps about a relation (``meta``), and return it.

        What is not named stays as it is. The related collection cannot be changed: the server ignores it.

        Raises `DoesNotExist` if the field has no relation, `FieldError` for a property that Directus does not
        have, and `QueryError` for ``on_delete`` of a relation without a foreign key.

        ```python
        session.schema.update_relation("planets", "star", on_delete="CASCADE", meta={"sort_field": "position"})
        ```
        """
        _check_on_delete(on_delete)
        found = self.relation(collection, field)
        check_properties("The meta of a relation", meta or (), found.meta)
        if on_delete and found.schema is None:
            raise QueryError(f"{collection}.{field} has no foreign key, so the database does nothing on deletion.")
        if not on_delete and not meta:
            return found
        # Directus 10 and 11 give the foreign key its defaults if it is left out, and stop without the collection.
        body: dict[str, Any] = {
            "collection": collection,
            "field": field,
            "related_collection": found.related_collection,
            "meta": {**(found.meta or {}), **(meta or {})},
        }
        if found.schema is not None:
            body["schema"] = {**found.schema, "on_delete": on_delete or found.schema.get("on_delete")}
        return self._written(Request("PATCH", url_path("relations", collection, field), json=body), relation_info)

    @hides_locals
    def delete_relation(self, collection: str, field: str) -> None:
        """Delete the relation of a field; the field and its values stay.

        Raises `QueryError` for Directus's own relations, `DoesNotExist` if the field has none, and
        `UnsupportedQuery` on SQLite, where the server reports success and leaves the foreign key in place: delete
        the field there.
        """
        found = self.relation(collection, field)
        if found.is_system:
            raise QueryError(f"The relation of {collection}.{field} belongs to Directus itself.")
        if found.schema and found.schema.get("constraint_name") is None:
            raise UnsupportedQuery(
                f"The server cannot delete the foreign key of {collection}.{field} from this database, and would "
                f"report success. Delete the field: delete_field({collection!r}, {field!r})."
            )
        self._send(Request("DELETE", url_path("relations", collection, field)))

    # --- requests -------------------------------------------------------------------------------------------

    def _list_of(self, collection: str | None, route: str, load: Callable[[Properties], T]) -> list[T]:
        """Return what a route lists for a collection, or for all of them."""
        if collection is None:
            return self._list(url_path(route), load)
        path = url_path(route, checked_name("a collection", collection))
        return self._list(path, load, f"There is no collection {collection!r}")

    def _list(self, path: str, load: Callable[[Properties], T], missing: str | None = None) -> list[T]:
        response = self._read(path, missing)
        if not isinstance(response.data, list):
            raise unexpected_response(response, response.data, "a list of them")
        return [_loaded(response, row, load) for row in response.data]

    def _one(self, path: str, load: Callable[[Properties], T], missing: str) -> T:
        response = self._read(path, missing)
        return _loaded(response, response.data, load)

    def _read(self, path: str, missing: str | None) -> Response:
        try:
            return self._send(Request("GET", path, fresh=True))
        except Forbidden as error:
            if missing is None:
                raise
            raise DoesNotExist(f"{missing}, or this user may not see it.") from error

    def _written(self, request: Request, load: Callable[[Properties], T]) -> T:
        response = self._send(request)
        return _loaded(response, response.data, load)

    asnapshot = async_twin(snapshot)
    adiff = async_twin(diff)
    aapply = async_twin(apply, changes=True)
    acollections = async_twin(collections)
    acollection = async_twin(collection)
    acreate_collection = async_twin(create_collection, changes=True)
    aupdate_collection = async_twin(update_collection, changes=True)
    adelete_collection = async_twin(delete_collection, changes=True)
    afields = async_twin(fields)
    afield = async_twin(field)
    acreate_field = async_twin(create_field, changes=True)
    aupdate_field = async_twin(update_field, changes=True)
    adelete_field = async_twin(delete_field, changes=True)
    arelations = async_twin(relations)
    arelation = async_twin(relation)
    acreate_relation = async_twin(create_relation, changes=True)
    aupdate_relation = async_twin(update_relation, changes=True)
    adelete_relation = async_twin(delete_relation, changes=True)


def _check_on_delete(on_delete: str | None) -> None:
    if on_delete is not None and on_delete not in _ON_DELETE:
        raise QueryError(f"on_delete={on_delete!r} is none of {', '.join(map(repr, _ON_DELETE))}.")


def _loaded(response: Response, row: Any, load: Callable[[Properties], T]) -> T:
    try:
        return load(row)
    except (AttributeError, KeyError, TypeError) as error:
        raise unexpected_response(response, row, "a collection, field or relation") from error
