"""All photographs against all others: every two of two persons are a non-match, of one person a match.

Half a million questions are too many for an API; here whoever calls gives the descriptors and their similarity.
"""

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.runs.cases import Case, EvaluationError, Photograph, read_full_rows, read_rows
from face_validation.evaluation.runs.run import RUN_FILE, Run, opened
from face_validation.evaluation.statistics.pairs import Expected, Places, ScoredPairs, Scores, numbers_of

PHOTOS_FILE, SCORES_FILE = "photos.csv", "scores.npy"
ENDINGS = frozenset({".jpg", ".jpeg", ".png"})
_COLUMNS = ("person", "path", "group", "has_face")
_SEED = 20260101

Descriptors = NDArray[np.float32]
Describe = Callable[[Path], Descriptors | None]
"""Descriptor (d,) of the face in a photograph that a validation would compare; None where there is none."""
Similarity = Callable[[Descriptors, Descriptors], Scores]
"""Similarities 0-100 of (n, d) and (m, d) descriptors: (n, m)."""


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Photographs with a face, those without (failures to enrol), and the similarity (0-100) of every two of the first.

    `scores` is the upper triangle, row by row.
    """

    photos: tuple[Photograph, ...]
    without_face: tuple[Photograph, ...]
    scores: NDArray[np.float32]

    @classmethod
    def of(cls, photos: Iterable[tuple[Photograph, bool]], scores: NDArray[np.float32]) -> "AllPairs":
        """Photographs with whether they show a face."""
        known = list(photos)
        with_face = tuple(photo for photo, has_face in known if has_face)
        return cls(with_face, tuple(photo for photo, has_face in known if not has_face), scores)

    @property
    def ends(self) -> tuple[Places, Places]:
        """Places in `photos` of both photographs of each pair."""
        return np.triu_indices(len(self.photos), 1)

    @property
    def pairs(self) -> ScoredPairs:
        """The pairs as arrays."""
        persons, groups = [photo.person for photo in self.photos], [photo.group for photo in self.photos]
        first, second = self.ends
        is_match = numbers_of(persons)[first] == numbers_of(persons)[second]
        return ScoredPairs.of_images(self.scores.astype(np.float64), is_match, (first, second), persons, groups)


def read_photographs(path: Path, groups: Mapping[str, str] | None = None) -> list[Photograph]:
    """Photographs of a CSV `person,path[,group]` (paths relative to it), or of a folder with one folder a person.

    `groups` is the group of each person, where the CSV does not tell it. Raises EvaluationError where a row or file
    cannot be used, or there are fewer than two persons.
    """
    of_person = groups or {}
    if path.is_dir():
        found = [
            Photograph(photo.parent.name, photo, of_person.get(photo.parent.name, ""))
            for photo in sorted(path.glob("*/*"))
            if photo.suffix.lower() in ENDINGS
        ]
    else:
        found = [
            Photograph(row["person"], path.parent / row["path"], row.get("group") or of_person.get(row["person"], ""))
            for _, row in read_full_rows(path, ("person", "path"), files="path", root=path.parent)
        ]
    if len({photo.person for photo in found}) < 2:
        raise EvaluationError(
            f"{path} holds photographs of fewer than two persons: there is no pair of different persons."
        )
    return found


def run_all_pairs(
    photographs: Sequence[Photograph],
    photos_path: Path,
    out: Path,
    describe: Describe,
    similarity: Similarity,
    *,
    service: str,
    jobs: int,
    restart: bool = False,
) -> tuple[Run, AllPairs]:
    """Score every two photographs of at least two persons, or take up the scores that are in `out`, the run's folder.

    `service` names what describes and compares. `describe` is called from `jobs` threads. Raises EvaluationError as
    `opened` does, and where `out` holds files that do not belong together.
    """
    with opened(out, photos_path, service, SCORES_FILE, restart=restart) as run:
        if (kept := _kept(out, photographs)) is not None:
            run.notices.append("Taken up: these photographs had been scored already.")
            return run, kept
        asked = 0
        with run.session(out, jobs, lambda: asked):
            all_pairs = _scored(photographs, describe, similarity, jobs)
            asked = int(all_pairs.scores.size)
            _write(all_pairs, out)
    return run, all_pairs


def _kept(out: Path, photographs: Sequence[Photograph]) -> AllPairs | None:
    """The scores in `out` where they are of these very photographs, under today's persons and groups."""
    if not (out / SCORES_FILE).is_file() or not (out / RUN_FILE).is_file():
        return None
    kept = read_all_pairs(out)
    wanted = {photo.path.resolve(): photo for photo in photographs}
    if {photo.path for photo in (*kept.photos, *kept.without_face)} != set(wanted):
        return None
    if max(path.stat().st_mtime for path in wanted) > (out / SCORES_FILE).stat().st_mtime:
        return None
    photos, without_face = (tuple(wanted[one.path] for one in some) for some in (kept.photos, kept.without_face))
    return AllPairs(photos, without_face, kept.scores)


def _scored(photos: Sequence[Photograph], describe: Describe, similarity: Similarity, jobs: int) -> AllPairs:
    with ThreadPoolExecutor(jobs, thread_name_prefix="describe") as pool:
        described = list(pool.map(describe, (photo.path for photo in photos)))
    kept = [one for one in described if one is not None]
    descriptors = np.stack(kept) if kept else np.empty((0, 0), np.float32)
    # Row by row: all similarities at once would take twice the memory that the upper triangle does.
    rows = [
        similarity(descriptors[at : at + 1], descriptors[at + 1 :])[0].astype(np.float32) for at in range(len(kept) - 1)
    ]
    has_face = (one is not None for one in described)
    return AllPairs.of(zip(photos, has_face, strict=True), np.concatenate([np.empty(0, np.float32), *rows]))


def _write(all_pairs: AllPairs, out: Path) -> None:
    """Descriptors, which are biometric data, are not kept."""
    with (out / PHOTOS_FILE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for photos, has_face in ((all_pairs.photos, "yes"), (all_pairs.without_face, "no")):
            writer.writerows((one.person, one.path.resolve().as_posix(), one.group, has_face) for one in photos)
    np.save(out / SCORES_FILE, all_pairs.scores, allow_pickle=False)


def read_all_pairs(out: Path) -> AllPairs:
    """What a run has kept in its folder; raises EvaluationError where the files do not belong together."""
    rows = [row for _, row in read_rows(out / PHOTOS_FILE, _COLUMNS)]
    photos = ((Photograph(row["person"], Path(row["path"]), row["group"]), row["has_face"] == "yes") for row in rows)
    found = AllPairs.of(photos, np.load(out / SCORES_FILE, allow_pickle=False))
    if found.scores.size != math.comb(len(found.photos), 2):
        raise EvaluationError(
            f"{SCORES_FILE} holds {found.scores.size} scores, which do not belong to {len(found.photos)} photographs."
        )
    return found


def cases_of_all_pairs(photos: Sequence[Photograph], most_non_matches: int | None = None) -> list[Case]:
    """Every two photographs as a case to ask an API about; of the non-matches at most so many, drawn at random."""
    pairs = list(combinations(range(len(photos)), 2))
    matches, non_matches = (
        [pair for pair in pairs if (photos[pair[0]].person == photos[pair[1]].person) is same] for same in (True, False)
    )
    if most_non_matches is not None and most_non_matches < len(non_matches):
        drawn = np.random.default_rng(_SEED).choice(len(non_matches), most_non_matches, replace=False)
        non_matches = [non_matches[at] for at in np.sort(drawn)]
    return [_case(photos, *pair) for pair in (*matches, *non_matches)]


def _case(photos: Sequence[Photograph], first: int, second: int) -> Case:
    one, other = photos[first], photos[second]
    expected = Expected.MATCH if one.person == other.person else Expected.NO_MATCH
    group = one.group if one.group == other.group else ""
    asked = (f"pair-{first:05}-{second:05}", ValidationType.FACE_TO_FACE, one.path, other.path, expected)
    return Case(*asked, "all pairs", one.person, other.person, group)
