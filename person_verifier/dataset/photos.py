"""The photographs a verifier is trained from: who is in them, and which bytes they are."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from face_validation.client.folders import files_below, printable
from person_verifier.errors import VerifierError

ME, NOT_ME = "me", "not_me"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

NUMBERED_NAME = re.compile(r"(?P<name>.*?[^\W\d_].*?)[\s_\-.]*\(?\d+\)?")
# Stems that cameras and phones number, and words that say "a picture": they name nobody.
NOBODY = re.compile(
    r"(?i)(img|image|imagen|photo|foto|pic|picture|face|cara|frame|dsc[nf]?|dscn|pxl|p|mvimg|screenshot|whatsapp.*|wa|"
    r"not[\s_\-]?me|no[\s_\-]?yo|other|otro|person|persona|unknown|sample|selfie|scan)[\W_\d]*(?:wa)?[\W_\d]*"
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One file of `me/` or `not_me/`; `digest` is the SHA-256 of its bytes, in hex.

    `name` is the path below the data folder; `person` is who its folder or file name says it shows, or "".
    """

    path: Path
    name: str
    is_me: bool
    person: str
    digest: str


def find_photos(folder: Path) -> list[Photo]:
    """All photographs below `folder/me` and `folder/not_me`, in the order of their names.

    Raises VerifierError where a folder is missing or holds no JPG or PNG, or the same file lies in both.
    """
    photos = [photo for kind in (ME, NOT_ME) for photo in _photos_of(folder, kind)]
    mine = {photo.digest: photo for photo in photos if photo.is_me}
    shared = [f"{mine[p.digest].name} = {p.name}" for p in photos if not p.is_me and p.digest in mine]
    if shared:
        raise VerifierError(
            f"{len(shared)} photo(s) are both in {ME}/ and in {NOT_ME}/ ({'; '.join(shared[:5])}). Keep each in one."
        )
    return photos


def left_out(folder: Path) -> tuple[list[str], int]:
    """Names of files that do not end as a JPG or PNG does, and how many images are hidden: `._a.jpg`, `@eaDir/`."""
    found = [files_below(folder / kind, SUFFIXES) for kind in (ME, NOT_ME)]
    others = [printable(path.relative_to(folder).as_posix()) for _, names, _ in found for path in names]
    return others, sum(hidden for *_, hidden in found)


def dataset_digest(photos: list[Photo]) -> str:
    """SHA-256 in hex of what is trained from: the same photos with the same labels and names give the same digest."""
    lines = sorted(f"{photo.is_me} {photo.person} {photo.digest}" for photo in photos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _photos_of(folder: Path, kind: str) -> list[Photo]:
    root = folder / kind
    if not root.is_dir():
        raise VerifierError(
            f"There is no folder {root}. Put 40 to 50 photos of the person into {folder / ME} "
            f"and 200 to 400 photos of other people into {folder / NOT_ME}, as JPG or PNG."
        )
    paths, _, _ = files_below(root, SUFFIXES)
    if not paths:
        raise VerifierError(
            f"{root} holds no JPG or PNG file. Both classes are needed: the person in {ME}/, others in {NOT_ME}/."
        )
    people = [ME] * len(paths) if kind == ME else _people(paths, root)
    return [
        Photo(
            path=path,
            name=printable(path.relative_to(folder).as_posix()),
            is_me=kind == ME,
            person=person,
            digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path, person in zip(paths, people, strict=True)
    ]


def _people(paths: list[Path], root: Path) -> list[str]:
    """Who each file of `not_me/` shows, by its folder or a file name such as `Jane_Doe_0001.jpg`; "" when unnamed."""
    folders = _without_collections([printable(path.parent.name) if path.parent != root else "" for path in paths])
    stems = _without_collections([_named(printable(path.stem)) for path in paths])
    return [folder or stem for folder, stem in zip(folders, stems, strict=True)]


def _without_collections(names: list[str]) -> list[str]:
    """A "name" of more than half of the files is a camera's or a collection's, not a person's."""
    counts = Counter(names)
    return ["" if len(names) > 2 and counts[name] > len(names) / 2 else name for name in names]


def _named(stem: str) -> str:
    match = NUMBERED_NAME.fullmatch(stem)
    if match is None or NOBODY.fullmatch(match["name"]):
        return ""
    return match["name"].casefold()
