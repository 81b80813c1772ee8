"""Finds faces in any image: photographs, groups, tight crops, turned pictures, small portraits on documents."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from rekognition_local.engine.faces.candidates import Candidates, Floats
from rekognition_local.engine.faces.confirmation import Confirmation, Confirmed, roll
from rekognition_local.engine.faces.pyramid import Image, Pyramid
from rekognition_local.engine.faces.yunet import YuNet
from rekognition_local.engine.weights import models
from rekognition_local.engine.weights.model_files import YUNET


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """One face; all places are ratios of the image's size and may reach past 0 and 1.

    `confidence` is in percent. `landmarks` (5, 2) are x, y of left eye, right eye, nose, left and right mouth corner,
    as seen in the image.
    """

    left: float
    top: float
    width: float
    height: float
    confidence: float
    landmarks: Floats


class Detector(Protocol):
    """What finds faces."""

    def detect(self, image: Image) -> Candidates:
        """Faces of an RGB image (h, w, 3), in its pixels, scores 0-1 as they are to be reported."""
        ...


# Longest side in pixels of the first search, and of a closer one: small portraits, as on a document far away; groups.
_SIDE, _CLOSER_SIDE = 640, 1280
# Where the largest face has no more than this part of the image's longer side, there may be others that lean, and small
# leaning faces are found only where they are shown larger. An image is enlarged to twice its size for it at most.
_SMALL, _MOST_ENLARGED = 0.2, 2

# Scores. Of real faces hardly any stays under 0.92 at the second network, of animals hardly any above 0.04; where the
# first search found nothing, chance has more tries, and more is asked for.
_FOUND, _CONFIRMED, _CONFIRMED_LATER = 0.5, 0.5, 0.8
# Beside a face that is confirmed, a weaker find is worth the second network's look.
_FOUND_BESIDE = 0.3

# An upright face is found with more than this. Below it, beyond this lean, or where a face on its head looks about as
# good, the image may lie on its side or head: 4 of 100 photographs are looked at in all four ways for it.
_UNDOUBTED, _MOST_LEAN, _LEAST_DIFFERENCE = 0.86, np.radians(40), 0.005
_TURNED, _BETTER = 0.87, 0.02


class ConfirmedDetector:
    """One network finds faces, another confirms each and reads its points."""

    def __init__(self, finder: YuNet, judge: Confirmation) -> None:
        self._finder = finder
        self._judge = judge

    @classmethod
    def load(cls) -> "ConfirmedDetector":
        """With the built-in networks.

        Raises:
            ModelError: a model is missing or is not the known file.
        """
        return cls(YuNet(models.network(YUNET), "YuNet"), Confirmation())

    def detect(self, image: Image) -> Candidates:
        """Faces in pixels of the image, those that the finder is surest of first."""
        upright = self._upright(Pyramid(image))
        return self._turned(image, upright) if _in_doubt(upright) else upright.faces

    def _upright(self, pyramid: Pyramid) -> Confirmed:
        found = self._judge.confirm(pyramid, self._finder.find(pyramid, _SIDE, _FOUND), _CONFIRMED)
        if len(found):
            sides = found.faces.boxes[:, 2:] - found.faces.boxes[:, :2]
            is_group = sides.max() <= _SMALL * max(pyramid.size)
            return self._with_small_ones(pyramid, found) if is_group else found
        found = self._in_a_border(pyramid.image)
        if len(found) == 0 and max(pyramid.size) > _SIDE:
            closer = self._finder.find(pyramid, _CLOSER_SIDE, _FOUND)
            found = self._judge.confirm(pyramid, closer, _CONFIRMED_LATER)
        return found

    def _with_small_ones(self, pyramid: Pyramid, found: Confirmed) -> Confirmed:
        """The faces that were found, and those beside them that only a closer search finds."""
        side = min(_CLOSER_SIDE, _MOST_ENLARGED * max(pyramid.size))
        closer = self._judge.confirm(
            pyramid, self._finder.find(pyramid, side, _FOUND_BESIDE, enlarge=True), _CONFIRMED_LATER
        )
        return found.with_others(closer)

    def _in_a_border(self, image: Image) -> Confirmed:
        """A tight crop shows no background, which the networks need."""
        border = round(0.25 * max(image.shape[:2]))
        padded = Pyramid(
            cv2.copyMakeBorder(
                image, border, border, border, border, cv2.BORDER_CONSTANT, value=(128, 128, 128)
            ).astype(np.uint8, copy=False)
        )
        found = self._judge.confirm(padded, self._finder.find(padded, _SIDE, _FOUND, enlarge=True), _CONFIRMED_LATER)
        return Confirmed(found.faces.moved(-border), found.detector_scores, found.head_gains)

    def _turned(self, image: Image, upright: Confirmed) -> Candidates:
        """Faces of an image that may lie on its side or head: those of the turn whose best face scores highest."""
        height, width = image.shape[:2]
        best = upright.faces
        most = max(_TURNED, float(upright.detector_scores.max(initial=0)) + _BETTER)
        for turns, turn in enumerate((cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE), 1):
            turned = Pyramid(cv2.rotate(image, turn).astype(np.uint8, copy=False))
            found = self._judge.confirm(turned, self._finder.find(turned, _SIDE, _TURNED), _CONFIRMED_LATER)
            score = float(found.detector_scores.max(initial=0))
            if score > most:
                best, most = found.faces.turned_back(turns, width, height), score
        return best


def _in_doubt(found: Confirmed) -> bool:
    """Whether the face that is surest might be seen better in another turn of the image."""
    if len(found) == 0:
        return True
    return bool(
        found.detector_scores[0] < _UNDOUBTED
        or abs(roll(found.faces.points[:1])[0]) > _MOST_LEAN
        or found.head_gains[0] > -_LEAST_DIFFERENCE
    )
