"""Which photographs are taken, and who they are said to show."""

import os
import shutil
from pathlib import Path

import pytest

from person_verifier.dataset.photos import Photo, dataset_digest, find_photos, left_out
from person_verifier.errors import VerifierError
from tests.person_verifier.fakes import striped


def photos(folder: Path, names: list[str]) -> dict[str, Photo]:
    for number, name in enumerate(["me/a.png", "me/b.JPG", *names]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"content {number}".encode())
    return {photo.name: photo for photo in find_photos(folder)}


@pytest.mark.parametrize(
    ("names", "people"),
    [
        pytest.param(
            ["Jane_Doe_0001.jpg", "Jane_Doe_0002.jpg", "Bo-Li-3.png", "Ann.4.png"],
            ["jane_doe"] * 2 + ["bo-li", "ann"],
            id="names",
        ),
        pytest.param(["jane 1.jpg", "Jane 2.jpg", "bo (1).jpg", "bo (2).jpg"], ["jane"] * 2 + ["bo"] * 2, id="spaces"),
        pytest.param(["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"], ["", "", "bob"], id="one-folder-for-most-is-no-person"),
        pytest.param(["ann/1.jpg", "bob/1.jpg", "eve/1.jpg"], ["ann", "bob", "eve"], id="folders"),
        pytest.param(["set/Ann_1.jpg", "set/Bob_1.jpg", "set/Eve_1.jpg"], ["ann", "bob", "eve"], id="folder-of-names"),
        pytest.param(["IMG_0001.jpg", "DSC01234.jpg", "PXL_2024.jpg", "photo3.jpg"], [""] * 4, id="cameras"),
        pytest.param(
            ["x1.jpg", "x2.jpg", "x3.jpg", "ann1.jpg"], ["", "", "", "ann"], id="one-name-for-most-is-no-person"
        ),
        pytest.param(["somebody.jpg", "0001.jpg"], ["", ""], id="no-number-or-no-name"),
    ],
)
def test_people_are_told_by_folder_or_file_name(tmp_path: Path, names: list[str], people: list[str]) -> None:
    found = photos(tmp_path, [f"not_me/{name}" for name in names])

    assert [found[f"not_me/{name}"].person for name in names] == people


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    found = photos(tmp_path, ["not_me/x.png", "not_me/notes.txt", "me/clip.mp4", "not_me/deep/y.JPEG"])

    assert set(found) == {"me/a.png", "me/b.JPG", "not_me/x.png", "not_me/deep/y.JPEG"}
    assert left_out(tmp_path)[0] == ["me/clip.mp4", "not_me/notes.txt"]


@pytest.mark.parametrize("kind", ["me", "not_me"])
def test_a_missing_or_empty_folder_says_what_to_put_there(tmp_path: Path, kind: str) -> None:
    photos(tmp_path, ["not_me/x.png"])
    shutil.rmtree(tmp_path / kind)

    with pytest.raises(VerifierError, match="Put 40 to 50 photos"):
        find_photos(tmp_path)

    (tmp_path / kind).mkdir()
    with pytest.raises(VerifierError, match="Both classes are needed"):
        find_photos(tmp_path)


def test_one_photo_in_both_folders_is_refused(tmp_path: Path) -> None:
    photos(tmp_path, ["not_me/x.png"])
    (tmp_path / "not_me" / "copy.png").write_bytes((tmp_path / "me" / "a.png").read_bytes())

    with pytest.raises(VerifierError, match=r"me/a\.png = not_me/copy\.png"):
        find_photos(tmp_path)


def test_what_no_user_put_there_is_no_photo_and_is_counted(tmp_path: Path) -> None:
    """macOS's stubs are often the same, byte for byte, in both folders: that was refused as one photo in both."""
    found = photos(tmp_path, ["not_me/x.png"])
    for name in ("me/._a.png", "not_me/._x.png", "not_me/@eaDir/x.png", "me/.thumbnails/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")

    assert [photo.name for photo in find_photos(tmp_path)] == [photo.name for photo in found.values()]
    assert left_out(tmp_path)[1] == 4


def test_a_name_that_is_not_utf8_is_shown_with_its_bytes_and_can_be_trained_from(tmp_path: Path) -> None:
    photos(tmp_path, ["not_me/x.png"])
    path = os.fsencode(tmp_path / "not_me") + b"/Andr\xe9_1.png"
    Path(os.fsdecode(path)).write_bytes(striped("Andr", 1))

    found = {photo.name: photo for photo in find_photos(tmp_path)}

    assert r"not_me/Andr\xe9_1.png" in found
    assert found[r"not_me/Andr\xe9_1.png"].person == r"andr\xe9"
    assert dataset_digest(list(found.values()))


def test_the_digest_follows_content_and_labels_and_nothing_else(tmp_path: Path) -> None:
    first = list(photos(tmp_path / "one", ["not_me/Ann_1.png", "not_me/Bob_1.png"]).values())
    same = list(photos(tmp_path / "two", ["not_me/Ann_1.png", "not_me/Bob_1.png"]).values())
    (tmp_path / "two" / "me" / "c.png").write_bytes(striped("Me", 1))
    more = find_photos(tmp_path / "two")

    assert dataset_digest(first) == dataset_digest(same[::-1])
    assert dataset_digest(first) != dataset_digest(more)
