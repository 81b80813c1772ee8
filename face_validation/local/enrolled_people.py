"""The people of a folder, enrolled when the stack starts: `faces/<Full Name>/*.jpg`."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from face_validation.client import FaceValidationClient, FaceValidationError
from face_validation.local.stack import IMAGE_ENDINGS


def enrol_folder(client: FaceValidationClient, folder: Path, console: Console) -> int:
    """Enrol every photo of `folder/<Full Name>/` through the API; how many were.

    A photo that is refused is named with its reason, and the others go on; so is one that lies in no person's folder.
    """
    for photo in _images_in(folder):
        _not_enrolled(console, photo, "put it into a folder that is called after the person.")
    photos = list(photos_of(folder))
    enrolled = 0
    for full_name, photo in track(photos, "Enrolling people", console=console, transient=True):
        try:
            client.people.enrol(photo, full_name)
        except FaceValidationError as error:
            _not_enrolled(console, photo, error.details)
        else:
            enrolled += 1
    people = len({full_name for full_name, _ in photos})
    console.print(f"Enrolled {enrolled} of {len(photos)} photos of {people} people.", style="dim")
    return enrolled


def photos_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(full name, photo) for every image of `folder/<Full Name>/`, in order; nothing when there is no such folder."""
    for person in sorted(folder.glob("*/")):
        for photo in _images_in(person):
            yield person.name, photo


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS)


def _not_enrolled(console: Console, photo: Path, reason: str) -> None:
    console.print(f"[yellow]Not enrolled:[/] {escape(str(photo))}: {escape(reason)}", highlight=False)
