"""The people of a folder, enrolled when the stack starts: `faces/<Full Name>/*`."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from face_validation.client import FaceValidationClient, FaceValidationError
from face_validation.client.folders import files_below, is_hidden, is_utf8, printable
from face_validation.client.image_preparation import ENDINGS


def enrol_folder(client: FaceValidationClient, folder: Path, console: Console) -> int:
    """Enrol every photo of `folder/<Full Name>/` through the API; how many were.

    A photo that is refused is named with its reason, and the others go on; so is one that lies in no person's folder.
    """
    for photo in _images_in(folder):
        _not_enrolled(console, photo, "put it into a folder that is called after the person.")
    photos = list(photos_of(folder))
    for photo in [photo for full_name, photo in photos if not is_utf8(full_name)]:
        _not_enrolled(console, photo, "the name of its folder is not UTF-8: rename the folder.")
    _, others, hidden = files_below(folder, ENDINGS)
    for other in others:
        _not_enrolled(console, other, "its name does not end as a picture's does.")
    photos = [(full_name, photo) for full_name, photo in photos if is_utf8(full_name)]
    enrolled = 0
    for full_name, photo in track(photos, "Enrolling people", console=console, transient=True):
        try:
            client.people.enrol(photo, full_name)
        except FaceValidationError as error:
            _not_enrolled(console, photo, error.details)
        else:
            enrolled += 1
    people = len({full_name for full_name, _ in photos})
    skipped = f" {hidden} hidden files were skipped." if hidden else ""
    console.print(f"Enrolled {enrolled} of {len(photos)} photos of {people} people.{skipped}", style="dim")
    return enrolled


def photos_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(full name, photo) for every image of `folder/<Full Name>/`, in order; nothing when there is no such folder."""
    for person in sorted(path for path in folder.glob("*/") if not is_hidden(path, folder)):
        for photo in _images_in(person):
            yield person.name, photo


def _images_in(folder: Path) -> list[Path]:
    images = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    return sorted(path for path in images if not is_hidden(path, folder))


def _not_enrolled(console: Console, photo: Path, reason: str) -> None:
    console.print(f"[yellow]Not enrolled:[/] {escape(printable(photo))}: {escape(reason)}", highlight=False)
