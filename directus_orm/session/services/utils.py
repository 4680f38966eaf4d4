"""The helpers of a server: random strings, hashes, the order of rows by hand, imports, exports, the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

import attrs

from ...core.async_twins import async_twin
from ...core.deferred_import import public_in
from ...core.errors import DoesNotExist, Forbidden, QueryError
from ...core.masking import Secret, as_secret
from ...core.progress import Progress
from ...core.request_response import Request, Response, Send, parsed_param, url_path
from ...core.tracebacks import hides_locals
from ..http.api import Api
from ..http.error_mapping import unexpected_response
from ..items.item_queries import WHOLE, check_names
from ..transfers.imports import FORMATS, FileImport, ImportMode, ImportResult, collections_request, read_result
from ..transfers.server_exports import ServerExport, ServerFormat
from ..transfers.upload_sources import Content, source_of
from .supported_routes import send_where_supported

_LONGEST_STRING = 500


@public_in("directus_orm.session")
class Utils:
    """The helpers of a server."""

    def __init__(self, api: Api, send: Send) -> None:
        self._api = api
        self._send = send

    @hides_locals
    def random_string(self, length: int = 32) -> str:
        """Return a random text that the server makes, for example for a token; 1 to 500 characters.

        Raises `QueryError` for another length. Needs no login.
        """
        is_length = isinstance(length, int) and not isinstance(length, bool)
        if not is_length or not 1 <= length <= _LONGEST_STRING:
            raise QueryError(f"length={length!r} is not a whole number from 1 to {_LONGEST_STRING}.")
        # It may become a token: no cache may answer, and no error may show it.
        request = Request("GET", "/utils/random/string", (("length", str(length)),), fresh=True, confidential=True)
        response = self._send(request)
        if not isinstance(response.data, str) or len(response.data) != length:
            raise unexpected_response(response, "something else", "a random text")
        return response.data

    @hides_locals
    def hash(self, text: str | Secret) -> str:
        """Return the Argon2 hash of a text, as Directus stores those of passwords and of fields of type hash.

        Raises `UnsupportedQuery` on Directus 12, which hashes no texts any more.
        """
        response = self._hashed("generate", string=_secret("text", text))
        if not isinstance(response.data, str):
            raise unexpected_response(response, "something else", "a hash")
        return response.data

    @hides_locals
    def verify_hash(self, text: str | Secret, hash: str | Secret) -> bool:  # noqa: A002 - Directus's name for it
        """Return whether a hash is that of this text.

        Raises `QueryError` if ``hash`` is no Argon2 hash, and `UnsupportedQuery` on Directus 12.
        """
        hashed = _secret("hash", hash)
        if not hashed.reveal().startswith("$argon2"):
            raise QueryError("hash= is not an Argon2 hash, which begins with '$argon2'.")
        response = self._hashed("verify", string=_secret("text", text), hash=hashed)
        if not isinstance(response.data, bool):
            raise unexpected_response(response, "something else", "true or false")
        return response.data

    def _hashed(self, action: str, **body: Secret) -> Response:
        request = Request("POST", f"/utils/hash/{action}", json=body, confidential=True)
        msg = "Only Directus 10 and 11 hash texts and verify hashes. Do it here, for example with argon2-cffi."
        return send_where_supported(self._send, request, msg)

    @hides_locals
    def sort(self, collection: Any, item: Any, to: Any) -> None:
        """Move a row to the place of another one, in the order that the app's users make by hand.

        ``collection`` is a model or the name of a collection, ``item`` and ``to`` are instances or keys. The
        collection needs a sort field (``meta.sort_field``); the server numbers the rows between anew, one by one:
        no revisions are made, and ``date_updated`` stays. Both rows are requested first, since the server numbers
        rows even if one of them does not exist.

        Raises `DoesNotExist` if a row does not exist, or is hidden from this user, and `InvalidRequest` if the
        collection has no sort field.

        ```python
        session.utils.sort(Article, item=7, to=3)
        ```
        """
        name = _collection(collection)
        keys = {"item": _key(name, item), "to": _key(name, to)}
        for key in keys.values():
            self._check_exists(name, key)
        self._send(Request("POST", "/utils/sort" + url_path(name), json=keys))

    def _check_exists(self, collection: str, key: str | int) -> None:
        path = self._api.items_path(collection) + url_path(key)
        try:
            self._send(Request("GET", path, (("fields", "*"),), fresh=True))
        except Forbidden as error:
            msg = f"There is no row {key!r} in {collection!r}, or this user may not read it. Nothing was sorted."
            raise DoesNotExist(msg) from error

    @hides_locals
    def clear_cache(self, *, system: bool = False) -> None:
        """Clear the server's cache of responses; ``system=True`` also that of its schema and permissions.

        Raises `Forbidden` for users who are no administrators.
        """
        self._send(Request("POST", "/utils/cache/clear", (("system", "true"),) if system else ()))

    @hides_locals
    def import_file(
        self,
        collection: Any,
        source: Content,
        *,
        format: Literal["csv", "json"] | None = None,  # noqa: A002 - as exports name it
        progress: Progress = None,
    ) -> None:
        """Let the server import a file of rows: all of them, or none. Rows whose keys exist are updated.

        The file is sent piece by piece. A CSV file has a header and commas; ``true`` becomes 1, ``null`` and JSON
        become such values, and an empty cell leaves the field as it is. The names in the header, or in the first
        object of a JSON list, are checked before: the server stores rows without values for names that it does
        not know.

        Args:
            collection: a model, or the name of a collection.
            source: the path of a file, bytes, an open binary file, or an iterable of bytes.
            format: ``"csv"`` or ``"json"``; by default the name of the file says it.
            progress: True for a bar, or a function that takes (bytes done, all bytes).

        Raises:
            FieldError: the file names a field that the collection does not have.
            QueryError: the format is unknown, or a CSV file is empty.
            ServerError: the server refused a row. The message has the numbers of the rows, from 1, of Directus 11
                and later.

        ```python
        session.utils.import_file(Article, "articles.csv")
        ```
        """
        name = _collection(collection)
        content = source_of(source, None, None)
        kind = FORMATS.get(format or content.name.rpartition(".")[2].lower())
        if kind is None:
            raise QueryError(
                f"import_file() takes files of the format csv or json, which {content.name!r} is not."
            )
        fields = self._send(Request("GET", url_path("fields", name), purpose="info")).data
        names = [row["field"] for row in fields if isinstance(row, dict)] if isinstance(fields, list) else []
        FileImport(self._send, name, names).run(attrs.evolve(content, type=kind), progress)

    @hides_locals
    def import_collections(
        self,
        rows: Mapping[Any, Iterable[Mapping[str, Any]]],
        *,
        mode: ImportMode = "add",
        dry_run: bool = False,
        delete_others: bool = False,
    ) -> ImportResult:
        """Let the server import rows of several collections in one transaction. For Directus 12.2 and later.

        The keys in ``rows`` say which rows refer to which. In mode ``"add"`` all rows get new keys; in mode
        ``"merge"`` the rows whose keys exist are updated, and the others get new keys.

        Args:
            rows: the rows of each collection, by its model or its name.
            mode: ``"add"`` or ``"merge"``.
            dry_run: whether the server only says what it would do.
            delete_others: whether rows of these collections that are not among these are deleted, with
                ``mode="merge"``: of a collection without rows here, all of them.

        Raises:
            QueryError: the mode is unknown, or deletes no rows.
            UnsupportedQuery: the server is older.

        ```python
        session.utils.import_collections({"authors": [{"id": 1, "name": "Ada"}]}, dry_run=True)
        ```
        """
        named = {_collection(subject): each for subject, each in rows.items()}
        request = collections_request(named, mode, dry_run=dry_run, delete=delete_others)
        msg = "Directus 12.2 and later import several collections. Use import_file() for each of them."
        response = send_where_supported(self._send, request, msg)
        result = read_result(response.data)
        if result is None:
            raise unexpected_response(response, response.data, "the result of an import")
        return result

    @hides_locals
    def export_file(
        self,
        /,
        collection: Any,
        format: ServerFormat = "csv",  # noqa: A002 - Directus's name for it
        *,
        title: str | None = None,
        filename: str | None = None,
        folder: Any = None,
        timeout: float = 600,
        **query: Any,
    ) -> UUID:
        """Let the server write rows to a file of its own, wait for it, and return the key of the `File`.

        All rows are written, unless ``limit`` says otherwise. The query is tried with one row first, since the
        server tells no reasons for a failed export. `Items.export` writes a file here instead.

        Args:
            collection: a model, or the name of a collection.
            format: ``"csv"``, ``"csv_utf8"`` (Directus 11 and later), ``"json"``, ``"xml"`` or ``"yaml"``.
            title: of the file.
            filename: under which the file is downloaded.
            folder: a `Folder`, or its key.
            timeout: how many seconds to wait.
            query: the parameters of Directus, such as ``filter`` and ``fields``.

        Raises:
            ServerError: the export failed.
            OutcomeUnknown: it takes longer than ``timeout``.

        ```python
        File.objects.get(pk=session.utils.export_file("articles", "json")).download()
        ```
        """
        name = _collection(collection)
        check_names("export_file", query, WHOLE)
        self._send(Request("GET", self._api.items_path(name), self._api.query_params({**query, "limit": 1})))
        place = None if folder is None else _key("directus_folders", folder)
        file = {"title": title, "filename_download": filename, "folder": place}
        params = {each: parsed_param(each, text) for each, text in self._api.query_params(query)}
        told = {each: value for each, value in file.items() if value is not None}
        return ServerExport(self._send, name, format, params, told).run(timeout)

    arandom_string = async_twin(random_string)
    ahash = async_twin(hash)  # noqa: A003 - the method above is meant
    averify_hash = async_twin(verify_hash)
    asort = async_twin(sort, changes=True)
    aimport_file = async_twin(import_file, changes=True)
    aimport_collections = async_twin(import_collections, changes=True)
    aexport_file = async_twin(export_file, changes=True)
    aclear_cache = async_twin(clear_cache, changes=True)


def _secret(name: str, text: str | Secret) -> Secret:
    secret = as_secret(text)
    if not isinstance(secret, Secret):
        raise TypeError(f"{name}= takes a text or a Secret, not a value of type {type(text).__name__}.")
    if not secret.reveal():
        raise QueryError(f"{name}= is empty.")
    return secret


def _collection(subject: Any) -> str:
    """Return the collection of a model, or the name itself."""
    name = subject if isinstance(subject, str) else getattr(getattr(subject, "directus", None), "collection", None)
    if not isinstance(name, str) or not name:
        raise QueryError(f"{subject!r} is neither a model nor the name of a collection.")
    return name


def _key(collection: str, item: Any) -> str | int:
    """Return the key of an instance, or the key itself, as it is sent."""
    model = getattr(item, "directus", None)
    if model is not None and model.collection != collection:
        raise QueryError(f"{item!r} is a row of {model.collection!r}, not of {collection!r}.")
    key = item if model is None else item.pk
    if isinstance(key, UUID):
        return str(key)
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise QueryError(f"{item!r} has no key: give a saved instance, or a key (a text, a whole number, a UUID).")
    return key
