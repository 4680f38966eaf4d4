"""Contents of files are sent and received whole, or not at all, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import io
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from directus_orm import (
    DoesNotExist,
    Forbidden,
    QueryError,
    Session,
    TransportError,
    Unavailable,
    UnsupportedQuery,
)
from directus_orm.system import File, Folder
from directus_orm.testing import DirectusServer, start
from tests.worlds.cutting_proxy import CuttingProxy, cutting_proxy

# A picture of one white pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fe"
    "dccc59e70000000049454e44ae426082"
)
BIG = bytes(range(256)) * 4096 * 3  # 3 MiB


@pytest.fixture
def session(directus_server: DirectusServer) -> Iterator[Session]:
    with Session(directus_server.url, token=directus_server.token) as session:
        before = set(File.objects.values_list("pk", flat=True))
        yield session
        for key in set(File.objects.values_list("pk", flat=True)) - before:
            session.delete(f"/files/{key}")
        Folder.objects.all().delete()


@pytest.fixture
def proxy(directus_server: DirectusServer, session: Session) -> Iterator[CuttingProxy]:
    with cutting_proxy(directus_server.url) as proxy:
        yield proxy


@pytest.fixture
def broken(directus_server: DirectusServer, proxy: CuttingProxy) -> Iterator[Session]:
    """A session whose connections are cut."""
    with Session(proxy.url, token=directus_server.token) as session:
        yield session


class TestUpload:
    def test_a_path_bytes_a_file_and_an_iterator_can_be_uploaded(self, session: Session, tmp_path: Path) -> None:
        path = tmp_path / "letter.txt"
        path.write_bytes(b"abc")
        opened = io.BytesIO(b"-abc")
        opened.seek(1)
        sources = (path, str(path), b"abc", bytearray(b"abc"), opened, iter([b"a", b"", b"bc"]))
        for source in sources:
            file = File.objects.upload(source, filename="letter.txt")
            assert (file.filesize, file.filename_download, file.type) == (3, "letter.txt", "text/plain")
            assert file.read() == b"abc"
            assert file.uploaded_by is not None

    def test_the_fields_of_the_row_go_along(self, session: Session) -> None:
        folder = Folder.objects.create(name="letters")
        file = File.objects.upload(
            b"abc", title="A letter", folder=folder, filename="a.bin", tags=["a", "b"], description="ü"
        )
        stored = File.objects.get(pk=file.pk)
        assert (stored.title, stored.folder, stored.tags, stored.description) == (
            "A letter",
            folder,
            ["a", "b"],
            "ü",
        )
        assert file.to_dict() == stored.to_dict()
        assert list(folder.files) == [file]

    @pytest.mark.parametrize("text", ["true", "null", " false ", "1", "[1]", "a\r\nb"])
    def test_texts_stay_texts(self, session: Session, text: str) -> None:
        file = File.objects.upload(b"abc", title=text)
        assert file.title == text
        assert File.objects.get(pk=file.pk).title == text

    @pytest.mark.parametrize("name", ['a "b".txt', "ü 字.txt", "a;b=c.txt", "true"])
    def test_names_stay_as_they_are(self, session: Session, name: str) -> None:
        file = File.objects.upload(b"abc", filename=name)
        assert file.filename_download == name

    def test_a_type_is_always_sent(self, session: Session) -> None:
        assert File.objects.upload(b"a,b", filename="a.csv").type == "text/csv"
        assert File.objects.upload(PNG, filename="a.png").width == 1
        assert File.objects.upload(b"abc").type == "application/octet-stream"
        assert File.objects.upload(b"abc", filename="a.csv", type="text/x-own").type == "text/x-own"

    def test_an_empty_file_is_stored(self, session: Session) -> None:
        file = File.objects.upload(b"", filename="empty.txt")
        assert file.filesize == 0
        assert file.read() == b""

    def test_the_memory_does_not_grow_with_the_file(self, session: Session) -> None:
        piece = bytes(1 << 20)
        tracemalloc.start()
        file = File.objects.upload((piece for _ in range(40)), filename="zeros.bin")
        received = sum(map(len, file.iter_bytes()))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert file.filesize == received == 40 << 20
        assert peak < 8 << 20

    def test_progress_is_told_in_bytes(self, session: Session) -> None:
        told: list[tuple[int, int]] = []
        File.objects.upload(BIG, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (len(BIG), len(BIG))
        assert len(told) > 3

    def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(
        self, session: Session, tmp_path: Path
    ) -> None:
        with session.capture() as sent:
            with pytest.raises(TypeError, match="path of a file"):
                File.objects.upload(5)  # type: ignore[arg-type]
            with pytest.raises(FileNotFoundError):
                File.objects.upload(tmp_path / "missing")
            with pytest.raises(QueryError, match="server chooses"):
                File.objects.upload(b"", filename_disk="x")
        assert not list(sent)
        with pytest.raises(TypeError, match="binary"):
            File.objects.upload(io.StringIO("abc"))  # type: ignore[arg-type]

    def test_a_broken_upload_leaves_nothing(self, session: Session, broken: Session, proxy: CuttingProxy) -> None:
        before = File.objects.count()
        proxy.cut_requests.append(1 << 20)
        with pytest.raises(TransportError):
            File.objects.using(broken).upload(BIG)
        assert File.objects.count() == before

    def test_an_upload_whose_response_is_lost_is_found(self, broken: Session, proxy: CuttingProxy) -> None:
        proxy.cut_responses.append(20)
        file = File.objects.using(broken).upload(BIG, title="lost")
        assert (file.filesize, file.title) == (len(BIG), "lost")
        assert not proxy.cut_responses
        assert File.objects.filter(title="lost").count() == 1

    def test_many_files_are_uploaded_with_an_account_of_failures(self, session: Session, tmp_path: Path) -> None:
        missing = tmp_path / "missing"
        report = File.objects.upload_many([b"a", missing, b"b"])
        assert [file.read() for file in report.files] == [b"a", b"b"]
        ((source, error),) = [(each.source, each.error) for each in report.failures]
        assert source == missing
        assert isinstance(error, FileNotFoundError)

    def test_a_file_that_the_server_cannot_fetch_is_an_error_at_once(self, session: Session) -> None:
        with session.capture() as sent, pytest.raises(Unavailable):
            File.objects.import_url("http://127.0.0.1:1/missing.txt")
        assert len(list(sent)) == 1


@pytest.fixture(scope="module")
def server(directus_version: str) -> Iterator[DirectusServer]:
    """A server that takes uploads in parts."""
    with start(directus_version, env={"TUS_ENABLED": "true", "TUS_CHUNK_SIZE": "3mb"}) as server:
        yield server


class TestUploadInParts:
    """Where the server takes uploads in parts, large files are sent so."""

    def test_a_large_file_is_sent_in_parts(self, server: DirectusServer) -> None:
        with Session(server.url, token=server.token) as session, session.capture() as sent:
            file = File.objects.upload(BIG * 4, title="null", filename='a "b".bin', tags=["a"])
            assert (file.filesize, file.title, file.tags) == (len(BIG) * 4, "null", ["a"])
            assert file.filename_download == 'a "b".bin'
            assert file.read() == BIG * 4
            paths = [entry.request.path for entry in sent]
            assert sum(path.startswith("/files/tus/") for path in paths) > 2
            small = File.objects.upload(BIG)
            assert small.filesize == len(BIG)

    def test_a_broken_upload_goes_on_where_it_stopped(self, server: DirectusServer) -> None:
        with cutting_proxy(server.url) as proxy, Session(proxy.url, token=server.token) as broken:
            broken.info()
            proxy.cut_requests += [5 << 20, 2 << 20]
            told: list[int] = []
            file = File.objects.upload(BIG * 4, title="cut", progress=lambda done, _: told.append(done))
            assert file.read() == BIG * 4
            assert told[-1] == len(BIG) * 4
            assert not proxy.cut_requests
            assert File.objects.filter(title="cut").count() == 1


class TestRowsWithoutContent:
    def test_they_are_deleted_and_others_stay(self, session: Session) -> None:
        whole = File.objects.upload(b"abc")
        for _ in range(2):
            session.post("/files", {"type": "text/plain", "storage": "local", "filename_download": "a.txt"})
        assert File.objects.all().delete_broken() == 2
        assert File.objects.filter(pk=whole.pk).exists()
        assert not File.objects.filter(filesize=None).exists()


class TestReplace:
    def test_the_row_stays_and_the_content_changes(self, session: Session) -> None:
        file = File.objects.upload(PNG, title="Pixel", filename="pixel.png")
        file.replace(b"abc", type="text/plain")
        assert file.read() == b"abc"
        stored = File.objects.get(pk=file.pk)
        assert (stored.title, stored.filename_download, stored.type) == ("Pixel", "pixel.png", "text/plain")
        assert (stored.width, stored.height, stored.filesize) == (None, None, 3)
        assert file.to_dict() == stored.to_dict()

    def test_a_file_that_is_not_there_is_not_created(self, session: Session) -> None:
        before = File.objects.count()
        with pytest.raises(DoesNotExist):
            File.objects.ref(uuid4()).replace(b"abc", filename="a.txt")
        assert File.objects.count() == before


class TestDownload:
    def test_a_file_is_saved_in_a_folder_or_under_a_name(self, session: Session, tmp_path: Path) -> None:
        file = File.objects.upload(BIG, filename="big.bin")
        assert file.download(to=tmp_path) == tmp_path / "big.bin"
        assert file.download(to=tmp_path / "other") == tmp_path / "other"
        assert (tmp_path / "big.bin").read_bytes() == (tmp_path / "other").read_bytes() == BIG
        assert sorted(each.name for each in tmp_path.iterdir()) == ["big.bin", "other"]

    def test_the_name_of_a_file_leads_to_no_other_folder(self, session: Session, tmp_path: Path) -> None:
        file = File.objects.upload(b"abc")
        File.objects.filter(pk=file.pk).update(filename_download="../../evil.txt")
        file.refresh()
        assert file.download(to=tmp_path) == tmp_path / "evil.txt"

    def test_a_file_is_read_like_an_open_one(self, session: Session) -> None:
        file = File.objects.upload(BIG)
        with file.open() as content:
            assert content.read(5) == BIG[:5]
            assert content.read() == BIG[5:]

    def test_a_broken_download_goes_on_where_it_stopped(self, broken: Session, proxy: CuttingProxy) -> None:
        file = File.objects.using(broken).upload(BIG)
        broken.close()
        proxy.cut_responses += [1_000_000, 500_000, 700_000]
        with broken.capture() as sent:
            assert file.read() == BIG
        assert len([entry for entry in sent if entry.request.path.startswith("/assets/")]) == 4
        assert not proxy.cut_responses

    def test_content_that_changed_meanwhile_is_not_put_together(
        self, session: Session, broken: Session, proxy: CuttingProxy, tmp_path: Path
    ) -> None:
        """Half of the old content and half of the new one would have the right length."""
        file = File.objects.using(broken).upload(BIG, filename="big.bin")
        broken.close()
        proxy.cut_responses += [1_000_000]
        pieces = file.iter_bytes()
        next(pieces)
        time.sleep(1.1)  # the server tells contents apart by the second in which they were stored
        File.objects.using(session).get(pk=file.pk).replace(BIG[::-1])
        with pytest.raises(TransportError, match="changed while it was downloaded"):
            list(pieces)

    def test_the_pieces_come_to_a_coroutine(self, session: Session) -> None:
        file = File.objects.upload(BIG)

        async def content() -> bytes:
            return b"".join([piece async for piece in file.aiter_bytes()])

        assert asyncio.run(content()) == BIG

    def test_a_download_that_fails_leaves_no_file(
        self, directus_server: DirectusServer, proxy: CuttingProxy, tmp_path: Path
    ) -> None:
        with Session(proxy.url, token=directus_server.token, retry=0):
            file = File.objects.upload(BIG, filename="big.bin")
        with Session(proxy.url, token=directus_server.token, retry=0) as impatient:
            proxy.cut_responses += [1_000_000]
            with pytest.raises(TransportError):
                File.objects.using(impatient).ref(file.pk).download(to=tmp_path / "big.bin")
        assert not list(tmp_path.iterdir())

    def test_a_file_that_may_not_be_read_is_forbidden(
        self, session: Session, directus_server: DirectusServer
    ) -> None:
        file = File.objects.upload(b"abc")
        with pytest.raises(Forbidden):
            File.objects.using(Session(directus_server.url)).ref(file.pk).read()


class TestZip:
    def test_files_are_saved_as_one_zip(self, session: Session, tmp_path: Path, directus_version: str) -> None:
        files = [File.objects.upload(text, filename="a.txt") for text in (b"1", b"2")]
        missing = uuid4()
        if directus_version.startswith("10"):
            with pytest.raises(UnsupportedQuery, match="Directus 11 and later"):
                File.objects.zip(files, tmp_path)
            return
        result = File.objects.zip([files[0], files[1].pk, missing], tmp_path)
        assert result.path == tmp_path / "files.zip"
        assert result.missing == (missing,)
        with zipfile.ZipFile(result.path) as content:
            assert sorted(content.read(name) for name in result.names) == [b"1", b"2"]
        with pytest.raises(QueryError, match="none of these"):
            File.objects.zip([missing], tmp_path / "no.zip")

    def test_a_folder_is_saved_with_the_folders_in_it(
        self, session: Session, tmp_path: Path, directus_version: str
    ) -> None:
        outer = Folder.objects.create(name="outer")
        inner = Folder.objects.create(name="inner", parent=outer)
        File.objects.upload(b"1", filename="a.txt", folder=outer)
        File.objects.upload(b"2", filename="b.txt", folder=inner)
        if directus_version.startswith("10"):
            with pytest.raises(UnsupportedQuery, match="Directus 11 and later"):
                outer.download_zip(tmp_path)
        else:
            assert len(outer.download_zip(tmp_path).names) == 2
            assert (tmp_path / "outer.zip").exists()
        inner.delete()


class TestUrl:
    def test_an_address_leads_to_the_content(self, session: Session, directus_server: DirectusServer) -> None:
        file = File.objects.upload(PNG, filename="pixel.png")
        assert file.url() == f"{directus_server.url}/assets/{file.pk}"
        assert file.url(width=20, fit="inside", transforms=[["blur", 5]]) == (
            f"{directus_server.url}/assets/{file.pk}?width=20&fit=inside&transforms=%5B%5B%22blur%22%2C5%5D%5D"
        )
        path = file.url(width=3, height=2, format="webp", token=directus_server.token)
        content = b"".join(_get(path.removeprefix(directus_server.url), session))
        assert content[8:12] == b"WEBP"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"width": 0}, "from 1"),
            ({"quality": 101}, "from 1 to 100"),
            ({"fit": "fill"}, "cover, contain"),
            ({"format": "gif"}, "auto, jpg"),
            ({"key": "system-small-cover", "width": 20}, "preset"),
            ({"transforms": [["a"]] * 6}, "5 at most"),
            ({"transforms": "blur"}, "list of lists"),
        ],
    )
    def test_what_the_server_would_ignore_or_refuse_is_refused(
        self, session: Session, options: dict[str, object], message: str
    ) -> None:
        file = File.objects.upload(PNG, filename="pixel.png")
        with pytest.raises(QueryError, match=message):
            file.url(**options)  # type: ignore[arg-type]

    def test_a_text_cannot_be_changed_as_an_image(self, session: Session) -> None:
        file = File.objects.upload(b"abc", filename="a.txt")
        assert file.url(download=True).endswith("?download=true")
        with pytest.raises(QueryError, match="text/plain"):
            file.url(width=20)


def _get(target: str, session: Session) -> Iterator[bytes]:
    import requests  # noqa: PLC0415 - as a browser does, without the session

    response = requests.get(session.url + target, timeout=60)
    assert response.ok, response.text
    yield response.content
