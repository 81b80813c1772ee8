"""The pairs to look at first, labels that look wrong, then the worst errors; and small pictures of their images."""

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import ImageDraw

from face_validation.client import ImageAnalysis
from face_validation.evaluation.runs.all_pairs import AllPairs
from face_validation.evaluation.runs.results import Result
from face_validation.evaluation.statistics.pairs import ScoredPairs, label_doubts
from face_validation_function.image_files import plain_file
from face_validation_function.image_pixels import UNREADABLE, on_white, opened, turned

MOST = 40
LONGEST_PX = 240
MOST_PIXELS = 40_000_000  # what a JPEG or PNG of the contract cannot reach: a bomb is not opened for a picture of it


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A pair on the wrong side of the threshold; `is_match` is its label, doubtful when the other would be ordinary.

    `name` is the case's id, or both persons; `images` are source and target, with what was seen in them where known.
    """

    similarity: float
    is_match: bool
    label_is_doubtful: bool
    name: str
    note: str
    images: tuple[tuple[Path, ImageAnalysis | None], ...]
    qualities: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def gallery_of_results(results: list[Result], pairs: ScoredPairs, threshold: float) -> list[GalleryItem]:
    """The pairs of a run of cases; `pairs` are its `scored_pairs`."""
    scored, items = [result for result in results if result.is_scored_pair], []
    for place, figures in _places_to_look_at(pairs, threshold):
        result = scored[place]
        case, boxes = result.case, result.seen
        source, target = (None, None) if boxes is None else (boxes.source, boxes.target)
        images = ((case.source, source), (case.target, target))
        items.append(GalleryItem(*figures, case.case_id, case.note, images, result.qualities, result.reasons))
    return items


def gallery_of_all_pairs(all_pairs: AllPairs, pairs: ScoredPairs, threshold: float) -> list[GalleryItem]:
    """The pairs of all photographs against all others."""
    (first, second), items = all_pairs.ends, []
    for place, figures in _places_to_look_at(pairs, threshold):
        source, target = all_pairs.photos[first[place]], all_pairs.photos[second[place]]
        name = source.person if source.person == target.person else f"{source.person} / {target.person}"
        note = f"{source.path.name}, {target.path.name}"
        items.append(GalleryItem(*figures, name, note, ((source.path, None), (target.path, None))))
    return items


def _places_to_look_at(pairs: ScoredPairs, threshold: float) -> Iterator[tuple[int, tuple[float, bool, bool]]]:
    """Place, and similarity, label and its doubt: doubtful ones, then both kinds of error in turn, the worst first."""
    errors = (pairs.similarity >= threshold) != pairs.is_match
    suspicion, doubtful = label_doubts(pairs)
    noisy = np.flatnonzero(doubtful)
    first = noisy[np.argsort(-suspicion[noisy], kind="stable")]
    in_turn: list[tuple[int, int]] = []
    for is_match, sign in ((False, -1.0), (True, 1.0)):
        members = np.flatnonzero(errors & ~doubtful & (pairs.is_match == is_match))
        worst_first = members[np.argsort(sign * pairs.similarity[members], kind="stable")]
        in_turn += enumerate(worst_first[:MOST].tolist())
    in_turn.sort(key=lambda one: one[0])
    for place in [*first.tolist(), *(place for _, place in in_turn)][:MOST]:
        yield place, (float(pairs.similarity[place]), bool(pairs.is_match[place]), bool(doubtful[place]))


def thumbnail(path: Path, side: ImageAnalysis | None) -> str | None:
    """A JPEG of at most 240 px a side as a `data:` address, the face compared in `side` framed; None if unreadable."""
    try:
        file = plain_file(path.read_bytes())
        image = opened(file)
        if image.width * image.height > MOST_PIXELS:
            return None
        image.draft("RGB", (4 * LONGEST_PX, 4 * LONGEST_PX))
        image.load()
        picture = turned(on_white(image), file.orientation)
    except UNREADABLE:
        return None
    picture.thumbnail((LONGEST_PX, LONGEST_PX))
    if side is not None:
        box = side.faces[side.compared].box
        left, top = box.left * picture.width, box.top * picture.height
        right, bottom = left + box.width * picture.width, top + box.height * picture.height
        frame = ImageDraw.Draw(picture)
        frame.rectangle((left, top, right, bottom), outline="black", width=4)
        frame.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline="white", width=2)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
