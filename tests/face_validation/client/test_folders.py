"""What file managers leave in a folder is nobody's photograph, and a name may be any bytes."""

import os
from pathlib import Path

import pytest

from face_validation.client.folders import files_below, is_hidden, is_utf8, printable

HIDDEN = [
    "._a.jpg",
    ".thumbnails/a.jpg",
    "deep/@eaDir/a.jpg",
    "__MACOSX/a.jpg",
    "deep/.b/c/a.jpg",
    "$RECYCLE.BIN/a.jpg",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_no_user_put_there_is_hidden(name: str) -> None:
    assert is_hidden(Path("photos") / name, Path("photos"))


@pytest.mark.parametrize("name", ["a.jpg", "deep/a..jpg", "eaDir/a.jpg", "a.b/c.jpg"])
def test_what_a_user_put_there_is_not(name: str) -> None:
    assert not is_hidden(Path("photos") / name, Path("photos"))


def test_a_folder_that_is_hidden_itself_may_be_read(tmp_path: Path) -> None:
    folder = tmp_path / ".photos"
    for name in ("b.JPG", "deep/a.jpg", "notes.txt", *HIDDEN):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")

    found, others, hidden = files_below(folder, frozenset({".jpg"}))

    assert [path.relative_to(folder).as_posix() for path in found] == ["b.JPG", "deep/a.jpg"]
    assert [path.name for path in others] == ["notes.txt"]
    assert hidden == len(HIDDEN)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("José", "José"),
        (os.fsdecode(b"Jos\xe9"), r"Jos\xe9"),
        (os.fsdecode("José".encode() + b"\xff"), r"José\xff"),
        ("Jos\ud800", r"Jos\ud800"),
    ],
)
def test_any_name_can_be_shown(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert is_utf8(name) == (name == shown)
