"""People of a folder are enrolled at the start; a photo that is refused stops nobody."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from face_validation.local.demo import client_of
from face_validation.local.enrolled_people import enrol_folder, photos_of
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from tests.fakes import jpeg


def test_every_image_below_a_person_s_folder_is_that_person_s(tmp_path: Path) -> None:
    for name in (
        "Ana García/1.jpg",
        "Ana García/2.PNG",
        "Ana García/3.heic",
        "Ana García/notes.txt",
        "Eva/1.jpeg",
        "loose.jpg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    found = [(full_name, photo.name) for full_name, photo in photos_of(tmp_path)]

    assert found == [("Ana García", "1.jpg"), ("Ana García", "2.PNG"), ("Ana García", "3.heic"), ("Eva", "1.jpeg")]
    assert list(photos_of(tmp_path / "nowhere")) == []


class Enrolling:
    """A client that enrols whatever it is given, and notes whom."""

    def __init__(self) -> None:
        self.people, self.names = self, list[str]()

    def enrol(self, photo: Path, full_name: str) -> None:
        assert photo.name[0] != "."
        self.names.append(full_name)


def test_hidden_files_are_counted_and_a_folder_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    names = (
        b"Ana/1.jpg",
        b"Ana/._1.jpg",
        b".thumbnails/1.jpg",
        b"@eaDir/1.jpg",
        b"Ana/notes.txt",
        b"Andr\xe9/1.jpg",
        b"._x.jpg",
    )
    for name in names:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    console, client = Console(record=True, width=200), Enrolling()

    enrol_folder(client, tmp_path, console)  # type: ignore[arg-type]  # what it uses of a client

    said = console.export_text()
    assert client.names == ["Ana"]
    assert r"Andr\xe9/1.jpg: the name of its folder is not UTF-8" in said
    assert "Ana/notes.txt: its name does not end as a picture's does" in said
    assert "Enrolled 1 of 1 photos of 1 people. 4 hidden files were skipped." in said


@pytest.mark.slow
def test_a_photo_that_is_refused_or_nobodys_is_named_and_the_others_are_enrolled(
    stack: LocalStack, tmp_path: Path
) -> None:
    (tmp_path / "Good Folder").mkdir()
    good, faceless = sample_jpeg("hopper"), jpeg((300, 300))
    for name, photo in (("Good Folder/1.jpg", good), ("Good Folder/2.jpg", faceless), ("loose.jpg", good)):
        (tmp_path / name).write_bytes(photo)
    console = Console(record=True, width=200)

    with client_of(stack.info) as client:
        assert enrol_folder(client, tmp_path, console) == 1
        assert len(list(client.people.faces("Good Folder"))) == 1
        client.people.erase_person("Good Folder")

    said = console.export_text()
    assert "2.jpg" in said
    assert "no face" in said
    assert "loose.jpg: put it into a folder that is called after the person" in said
    assert "Enrolled 1 of 2 photos of 1 people" in said
