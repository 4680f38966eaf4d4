"""What files can do with their contents: `FileContents` for one file, `FileUploads` for querysets of files."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ...core.async_twins import async_twin, paged_twin
from ...core.errors import DirectusError, QueryError
from ...core.masking import Secret, as_secret
from ...core.progress import Progress
from ...core.request_response import Request, Row, url_path
from ...core.tracebacks import hides_locals
from ...fields.registry import is_model
from ...instances.column_conversion import load_fields
from ...instances.state import HasKey, info_of, key_of, session_of, state_of
from ...querysets.queryset import OwnManager, QuerySet
from ...querysets.result_shapes import Instances
from ...session.session import Session
from ...session.transfers.upload_sources import Content, source_of
from .asset_urls import Fit, Format, asset_url, checked_changes
from .downloads import ContentReader, Download, asset_request, path_for, save_to
from .uploads import ContentUpload, delete_without_content
from .zips import DownloadedZip, files_request, folder_request, save_zip

M = TypeVar("M", bound=HasKey)
F = TypeVar("F", bound=Callable[..., Any])


class FolderContents:
    """The method of a folder that downloads all that is in it."""

    if TYPE_CHECKING:
        name: Any

    @hides_locals
    def download_zip(self, to: str | os.PathLike[str] = ".", *, progress: Progress = None) -> DownloadedZip:
        """Save the files of the folder, and of the folders in it, as one zip. Directus 11 and later make zips.

        The server leaves out the files that this user may not read.

        Args:
            to: the path of the zip, or of a folder that exists; there it is named after this folder.
            progress: True for a bar, or a function that takes (bytes done, all bytes), of which all is 0 here.

        Raises:
            InvalidRequest: there is no file in the folder.
            UnsupportedQuery: the server is older.
        """
        path = path_for(to, f"{self.name}.zip")
        return save_zip(session_of(self), folder_request(key_of(self)), path, progress)

    adownload_zip = async_twin(download_zip)


class FileContents:
    """The methods of a file that read and replace its content."""

    if TYPE_CHECKING:
        filename_download: Any
        modified_on: Any
        type: Any

    @hides_locals
    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the content piece by piece, as it arrives; a broken connection is resumed where it stopped.

        Raises:
            Forbidden: there is no such file, or this user may not read it.
            TransportError: the connection broke too often, or the content changed meanwhile.

        Example:
            >>> for piece in file.iter_bytes():  # doctest: +SKIP
            ...     digest.update(piece)
        """
        return self._download().pieces()

    @hides_locals
    def read(self) -> bytes:
        """Return the whole content. Raises what `iter_bytes` raises."""
        return b"".join(self.iter_bytes())

    def open(self) -> io.BufferedReader:
        """Return the content as a binary file that can be read once; close it to end the download early.

        Example:
            >>> with file.open() as content:  # doctest: +SKIP
            ...     image = PIL.Image.open(content)
        """
        return io.BufferedReader(ContentReader(self._download()))

    @hides_locals
    def download(self, to: str | os.PathLike[str] = ".", *, progress: Progress = None) -> Path:
        """Save the content at a path, or in a folder under the file's own name; return the path.

        The path holds the whole content or nothing, since it is written beside it first. It may replace a file.

        Args:
            to: the path of a file or of a folder that exists.
            progress: True for a bar, or a function that takes (bytes done, all bytes).
        """
        path = Path(to)
        path = path_for(path, str(self.filename_download)) if path.is_dir() else path
        return save_to(self._download(), path, progress)

    @hides_locals
    def replace(
        self,
        source: Content,
        *,
        filename: str | None = None,
        type: str | None = None,  # noqa: A002 - as the field is called
        progress: Progress = None,
    ) -> None:
        """Replace the content; the key, the title and, without ``filename``, the name of the file stay.

        Raises:
            DoesNotExist: there is no such file, or this user may not read it.
        """
        name = filename or str(self.filename_download)
        content = source_of(source, name, type)
        session, info = session_of(self), info_of(self)
        row = ContentUpload(session, info, content, progress).replace(self, {"filename_download": name})
        state_of(self).row.update(row)
        load_fields(self, row, [field for field in info.fields.values() if field.column in row])

    def url(
        self,
        *,
        width: int | None = None,
        height: int | None = None,
        fit: Fit | None = None,
        quality: int | None = None,
        format: Format | None = None,  # noqa: A002 - as the server calls it
        without_enlargement: bool = False,
        focal_point: tuple[int, int] | None = None,
        transforms: Iterable[Iterable[Any]] | None = None,
        key: str | None = None,
        download: bool = False,
        token: str | Secret | None = None,
    ) -> str:
        """Return the address of the content, or of an image that the server makes of it. Nothing is sent.

        Args:
            width: of the image, in pixels.
            height: of the image, in pixels.
            fit: how the image fills that size: ``"cover"``, ``"contain"``, ``"inside"`` or ``"outside"``.
            quality: from 1 to 100.
            format: ``"auto"``, ``"jpg"``, ``"png"``, ``"webp"``, ``"tiff"`` or ``"avif"``.
            without_enlargement: whether a small image stays as it is.
            focal_point: the pixel of the original that stays in sight when it is cropped.
            transforms: further steps of the image library, such as ``[["blur", 5]]``; at most 5.
            key: the name of a preset in the settings of the server; it takes nothing else beside it.
            download: whether browsers save the file instead of showing it.
            token: an access token, for a file that the public may not read. The address then contains it.

        Raises:
            QueryError: the server does not take a value, or the file is no image that it can change.

        Example:
            >>> file.url(width=200, format="webp")  # doctest: +SKIP
            'https://cms.example.com/assets/4c1e…?width=200&format=webp'
        """
        x, y = focal_point or (None, None)
        changes = checked_changes(
            self.__dict__.get("type"),
            {
                "width": width,
                "height": height,
                "fit": fit,
                "quality": quality,
                "format": format,
                "withoutEnlargement": without_enlargement,
                "focal_point_x": x,
                "focal_point_y": y,
                "transforms": transforms,
                "key": key,
            },
        )
        secret = as_secret(token)
        access_token = None if secret is None else secret.reveal()
        return asset_url(session_of(self).url, key_of(self), changes, download=download, access_token=access_token)

    def _download(self) -> Download:
        return Download(session_of(self), asset_request(key_of(self)))

    def _byte_pages(self) -> Iterator[list[bytes]]:
        return ([piece] for piece in self.iter_bytes())

    aiter_bytes = paged_twin(iter_bytes, "_byte_pages")
    aread = async_twin(read)
    adownload = async_twin(download)
    areplace = async_twin(replace, changes=True)


@attrs.frozen
class UploadFailure:
    """A file that was not uploaded, and why."""

    source: Any
    error: Exception


@attrs.frozen
class UploadReport:
    """What became of many files: those that were stored, and those that were not."""

    files: list[Any]
    failures: list[UploadFailure]


class FileUploads(QuerySet[M]):
    """A queryset of files, which also uploads."""

    __slots__ = ()

    @hides_locals
    def upload(
        self,
        /,
        source: Content,
        *,
        title: str | None = None,
        folder: Any = None,
        filename: str | None = None,
        type: str | None = None,  # noqa: A002 - as the field is called
        progress: Progress = None,
        **values: Any,
    ) -> M:
        """Upload a file, and return it. The content is sent piece by piece, and need not fit into memory.

        If the connection breaks, the server is asked what arrived. A complete file is returned; what is left of a
        broken one is deleted before the error is raised.

        Args:
            source: the path of a file, bytes, an open binary file, or an iterable of bytes.
            title: by default the server makes one of the name.
            folder: a `Folder`, or its key.
            filename: the name under which it is downloaded; by default that of the path or of the open file.
            type: the MIME type; by default it is guessed by the name.
            progress: True for a bar, or a function that takes (bytes done, all bytes).
            values: other fields of the file.

        Raises:
            InvalidRequest: the file is too large, or of a type that the server does not take.

        Example:
            >>> File.objects.upload("photo.jpg", title="Sunset", folder=folder)  # doctest: +SKIP
        """
        session, info = self._session(), self._info
        given = {"title": title, "folder": folder, **values}
        row_values = self._dumped({name: value for name, value in given.items() if value is not None})
        content = source_of(source, filename, type)
        row = ContentUpload(session, info, content, progress).create(row_values)
        return self._instance(session, row)

    @hides_locals
    def upload_many(
        self, sources: Iterable[Content], *, folder: Any = None, progress: Progress = None
    ) -> UploadReport:
        """Upload files one after the other; return those that were stored, and what went wrong with the others.

        Args:
            sources: what `upload` takes.
            folder: a `Folder`, or its key, for all of them.
            progress: as for `upload`, for each file.
        """
        report = UploadReport([], [])
        for source in sources:
            try:
                report.files.append(self.upload(source, folder=folder, progress=progress))
            except (DirectusError, OSError, TypeError) as error:
                report.failures.append(UploadFailure(source, error))
        return report

    @hides_locals
    def import_url(self, /, url: str, *, title: str | None = None, folder: Any = None, **values: Any) -> M:
        """Let the server fetch a file from an address, and return it.

        Raises:
            Unavailable: the server could not fetch it: there is nothing, or the server may not go there.
        """
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise QueryError(f"import_url() takes an address that begins with http:// or https://, not {url!r}.")
        given = {"title": title, "folder": folder, **values}
        data = self._dumped({name: value for name, value in given.items() if value is not None})
        body = {"url": url, "data": data}
        fields = ",".join(field.column for field in self._info.fields.values())
        session = self._session()
        request = Request("POST", url_path("files", "import"), (("fields", fields),), json=body, key_column="id")
        return self._instance(session, session.send(request).data)

    @hides_locals
    def zip(self, files: Iterable[Any], to: str | os.PathLike[str], *, progress: Progress = None) -> DownloadedZip:
        """Save files as one zip, and say which of them are not in it. Directus 11 and later make zips.

        The server leaves out files that do not exist or that this user may not read, and does not say so. One more
        request finds them first.

        Args:
            files: files, or their keys.
            to: the path of the zip, or of a folder that exists.
            progress: True for a bar, or a function that takes (bytes done, all bytes), of which all is 0 here.

        Raises:
            QueryError: none of the files is there.
        """
        session, pk = self._session(), self._info.pk
        keys = list(dict.fromkeys(key_of(each) if is_model(type(each)) else each for each in files))
        rows = self.only(pk.name).in_bulk(keys)
        missing = tuple(key for key in keys if key not in rows)
        if len(missing) == len(keys):
            raise QueryError("zip(): this user sees none of these files.")
        request = files_request([pk.dump(key) for key in keys if key in rows])
        result = save_zip(session, request, path_for(to, "files.zip"), progress)
        return attrs.evolve(result, missing=missing)

    @hides_locals
    def delete_broken(self) -> int:
        """Delete those rows that have no content, as uploads that broke off leave them; return their number.

        The rows of uploads that are under way look the same, so filter by ``created_on``.

        Example:
            >>> an_hour_ago = datetime.now(UTC) - timedelta(hours=1)  # doctest: +SKIP
            >>> File.objects.filter(created_on__lt=an_hour_ago).delete_broken()  # doctest: +SKIP
        """
        session = self._session()
        keys = list(self.filter(filesize=None).values_list("pk", flat=True))
        for key in keys:
            delete_without_content(session, key)
        return len(keys)

    def _dumped(self, values: dict[str, Any]) -> Row:
        row: Row = {}
        for name, value in values.items():
            field = self._info.field(name, f"upload({name}=…)")
            if field == self._info.pk or field.options.readonly:
                raise QueryError(f"upload({name}=…): the server chooses this.")
            row[field.column] = field.dump(key_of(value) if is_model(type(value)) else value)
            field.check_length(row[field.column])
        return row

    def _instance(self, session: Session, row: Any) -> M:
        instance: M = Instances().decoder(self._query)(session, [row])[0]
        return instance

    aupload = async_twin(upload, changes=True)
    aupload_many = async_twin(upload_many, changes=True)
    aimport_url = async_twin(import_url, changes=True)
    adelete_broken = async_twin(delete_broken, changes=True)
    azip = async_twin(zip)  # noqa: A003 - the method


class FileManager(OwnManager[Any]):
    """The descriptor ``File.objects``; subclasses of `File` get querysets of their own instances."""

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type[M]) -> FileUploads[M]: ...
