"""The collections on disk: what is wrong with the file is said, and what to do; nobody else reads it."""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import ServiceError
from rekognition_local.server.application import answer
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.storage_errors import StorageError
from tests.rekognition_local.fakes import FakeEngine, FakeS3

FILE = "collections.sqlite3"


def garbage(file: Path) -> None:
    file.write_bytes(b"no database" * 1000)


def cut_off(file: Path) -> None:
    store = Store(file.parent)
    store.close()
    file.write_bytes(file.read_bytes()[:5000])


def foreign(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()


def of_the_same_name(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE faces (url TEXT)")
    other.close()


def a_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(garbage, "not a database of this server", id="garbage"),
        pytest.param(cut_off, "damaged or cut off", id="cut-off"),
        pytest.param(foreign, "its table 'bookmarks' is not", id="foreign"),
        pytest.param(of_the_same_name, "its table 'faces' is not", id="foreign-of-the-same-name"),
        pytest.param(a_folder, "cannot be opened", id="a-folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    file = tmp_path / FILE
    spoil(file)
    before = file.read_bytes() if file.is_file() else None

    with pytest.raises(StorageError, match=said) as refused:
        Store(tmp_path)

    assert str(file) in str(refused.value)
    assert (file.read_bytes() if file.is_file() else None) == before
    file.rename(tmp_path / "away")
    Store(tmp_path).close()  # and the folder is not claimed any more


def test_a_locked_file_says_that_another_program_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path).close()
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **{**more, "timeout": 0.1}))
    other = connect(tmp_path / FILE, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StorageError, match="another program has it open"):
        Store(tmp_path)
    other.close()


connect = sqlite3.connect


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(StorageError, match=r"file/data: it cannot be written \(Not a directory\)"):
        Store(tmp_path / "file" / "data")


def test_nobody_else_reads_the_folder_or_a_file_in_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    store.rows("INSERT INTO collections (collection_id, created, model_id, region) VALUES ('a', 0, 'm', 'r')")

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data", *(tmp_path / "data").iterdir())
    }
    store.close()

    assert modes.pop("data") == 0o700
    assert modes.keys() >= {FILE, f"{FILE}-wal", "in-use"}
    assert set(modes.values()) == {0o600}


def test_a_full_disk_refuses_the_change_with_its_reason_in_the_log_and_keeps_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    engine = FakeEngine()
    service = Service(engine, ImageSource(FakeS3({})), Gallery(store, engine))

    def fill() -> None:
        for number in range(2000):
            ask("CreateCollection", f'{{"CollectionId": "more-{number}-{"x" * 200}"}}')

    def ask(operation: str, body: str) -> bytes:
        return answer(service, f"RekognitionService.{operation}", body.encode())

    ask("CreateCollection", '{"CollectionId": "kept"}')
    ((pages,),) = store.rows("PRAGMA page_count")
    store.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ServiceError) as refused:
        fill()

    assert (refused.value.code, refused.value.status) == ("InternalServerError", 500)
    assert "the server's log says why" in str(refused.value)
    assert "CreateCollection is refused" in caplog.text
    assert "the disk is full: make room" in caplog.text
    assert "Traceback" not in caplog.text
    assert b'"kept"' in ask("ListCollections", "{}")
    ask("DeleteCollection", '{"CollectionId": "kept"}')
    store.close()
