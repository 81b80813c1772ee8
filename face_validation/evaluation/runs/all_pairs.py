"""All photographs against all others: every two of two persons are a non-match, of one person a match.

Half a million questions are too many for an API; here whoever calls gives the descriptors and their similarity.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.runs.cases import Case, CasesError, is_file, read_rows
from face_validation.evaluation.runs.pairs import numbers_of
from face_validation.evaluation.runs.results import ResultsError
from face_validation.evaluation.statistics.confusion import Expected
from face_validation.evaluation.statistics.scored_pairs import ScoredPairs

PHOTOS_FILE, SCORES_FILE = "photos.csv", "scores.npy"
ENDINGS = frozenset({".jpg", ".jpeg", ".png"})
_COLUMNS = ("person", "path", "group", "has_face")
_SEED = 20260101


class Matcher(Protocol):
    """What describes and compares faces; `describe` is called from several threads."""

    def describe(self, photo: Path) -> NDArray[np.float32] | None:
        """Descriptor (d,) of the face that a validation would compare; None where there is none."""

    def similarity(self, descriptors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
        """Similarities 0-100 of (n, d) and (m, d) descriptors: (n, m)."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph of a known person; `group` may be empty."""

    person: str
    path: Path
    group: str = ""


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Every two photographs with a face, scored.

    Attributes:
        photos: those in which a face was found.
        without_face: the others (failures to enrol).
        scores: similarity (0-100) of every two photos, the upper triangle row by row.
    """

    photos: tuple[Photograph, ...]
    without_face: tuple[Photograph, ...]
    scores: NDArray[np.float32]

    @property
    def ends(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places in `photos` of both photographs of each pair."""
        return np.triu_indices(len(self.photos), 1)

    @property
    def pairs(self) -> ScoredPairs:
        """The pairs as arrays."""
        first, second = self.ends
        person = numbers_of([photo.person for photo in self.photos])
        group = numbers_of([photo.group for photo in self.photos])
        return ScoredPairs(
            similarity=self.scores.astype(np.float64),
            is_match=person[first] == person[second],
            source_person=person[first],
            target_person=person[second],
            source_group=group[first],
            target_group=group[second],
            group_names=tuple(sorted({photo.group for photo in self.photos} - {""})),
        )


def read_photographs(path: Path, groups: Mapping[str, str] | None = None) -> list[Photograph]:
    """Photographs of a CSV `person,path[,group]` (paths relative to it), or of a folder with one folder a person.

    Args:
        path: the CSV or the folder.
        groups: the group of each person, where the CSV does not tell it.

    Raises:
        CasesError: a row or file cannot be used, or there are fewer than two persons.
    """
    of_person = groups or {}
    if path.is_dir():
        found = [
            Photograph(photo.parent.name, photo, of_person.get(photo.parent.name, ""))
            for photo in sorted(path.glob("*/*"))
            if photo.suffix.lower() in ENDINGS
        ]
    else:
        found = []
        for line, row in read_rows(path, ("person", "path")):
            if not row["person"] or not is_file(path.parent / row["path"]):
                raise CasesError(f"{path.name}, row {line}: a person and the path of a file are needed.")
            group = row.get("group", "") or of_person.get(row["person"], "")
            found.append(Photograph(row["person"], path.parent / row["path"], group))
    if len({photo.person for photo in found}) < 2:
        raise CasesError(f"{path} holds photographs of fewer than two persons: there is no pair of different persons.")
    return found


def score_all_pairs(
    photos: Sequence[Photograph], matcher: Matcher, *, jobs: int, on_photo: Callable[[], None] | None = None
) -> AllPairs:
    """Describe each photograph once and compare it with every other; `on_photo` hears of each description."""

    def describe(photo: Photograph) -> NDArray[np.float32] | None:
        found = matcher.describe(photo.path)
        if on_photo is not None:
            on_photo()
        return found

    with ThreadPoolExecutor(jobs, thread_name_prefix="describe") as pool:
        described = list(pool.map(describe, photos))
    kept = [one for one in described if one is not None]
    descriptors = np.stack(kept) if kept else np.empty((0, 0), np.float32)
    # Row by row: all similarities at once would take twice the memory that the upper triangle does.
    rows = [
        matcher.similarity(descriptors[at : at + 1], descriptors[at + 1 :])[0].astype(np.float32)
        for at in range(len(kept) - 1)
    ]
    return AllPairs(
        photos=tuple(photo for photo, one in zip(photos, described, strict=True) if one is not None),
        without_face=tuple(photo for photo, one in zip(photos, described, strict=True) if one is None),
        scores=np.concatenate(rows) if rows else np.empty(0, np.float32),
    )


def write_all_pairs(all_pairs: AllPairs, out: Path) -> None:
    """Keep the scores in `out`: photos.csv and scores.npy. Descriptors, which are biometric data, are not kept."""
    with (out / PHOTOS_FILE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for photos, has_face in ((all_pairs.photos, "yes"), (all_pairs.without_face, "no")):
            writer.writerows((one.person, one.path.resolve().as_posix(), one.group, has_face) for one in photos)
    np.save(out / SCORES_FILE, all_pairs.scores, allow_pickle=False)


def read_all_pairs(out: Path) -> AllPairs:
    """What `write_all_pairs` has kept.

    Raises:
        ResultsError: the files do not belong together.
    """
    photos: list[Photograph] = []
    without: list[Photograph] = []
    for _, row in read_rows(out / PHOTOS_FILE, _COLUMNS):
        (photos if row["has_face"] == "yes" else without).append(
            Photograph(row["person"], Path(row["path"]), row["group"])
        )
    scores = np.load(out / SCORES_FILE, allow_pickle=False)
    if scores.size != len(photos) * (len(photos) - 1) // 2:
        raise ResultsError(
            f"{SCORES_FILE} holds {scores.size} scores, which do not belong to {len(photos)} photographs."
        )
    return AllPairs(tuple(photos), tuple(without), scores)


def cases_of_all_pairs(photos: Sequence[Photograph], most_non_matches: int | None = None) -> list[Case]:
    """Every two photographs as a case to ask an API about; of the non-matches at most so many, drawn at random."""
    pairs = list(combinations(range(len(photos)), 2))
    matches = [pair for pair in pairs if photos[pair[0]].person == photos[pair[1]].person]
    non_matches = [pair for pair in pairs if photos[pair[0]].person != photos[pair[1]].person]
    if most_non_matches is not None and most_non_matches < len(non_matches):
        drawn = np.random.default_rng(_SEED).choice(len(non_matches), most_non_matches, replace=False)
        non_matches = [non_matches[at] for at in np.sort(drawn)]
    return [
        _case(f"pair-{first:05}-{second:05}", photos[first], photos[second]) for first, second in matches + non_matches
    ]


def _case(case_id: str, source: Photograph, target: Photograph) -> Case:
    return Case(
        case_id=case_id,
        type=ValidationType.FACE_TO_FACE,
        source=source.path,
        target=target.path,
        expected=Expected.MATCH if source.person == target.person else Expected.NO_MATCH,
        note="all pairs",
        source_person=source.person,
        target_person=target.person,
        group=source.group if source.group == target.group else "",
    )
