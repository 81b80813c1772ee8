"""Which face of an image is judged and how it is cut out; which faces belong together."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from person_verifier.errors import NoFaceError
from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.engine.faces.pyramid import Pyramid

# Eyes, nose and mouth corners in a square crop of side 1: the face with its hair and chin.
UPRIGHT_FACE = np.array([[0.38, 0.42], [0.62, 0.42], [0.50, 0.56], [0.40, 0.68], [0.60, 0.68]], np.float32)
CROP_SIDE = 224
SHOT_SIDE = 32
# A face is described from 150 pixels: a JPEG is decoded at 1/2 or 1/4 as long as its longer side keeps these.
KEPT_SIDE_PX = 1024
# A face with at least this part of the largest one's area counts as equally large.
SAME_SIZE = 0.75
SAME_SHOT_CORRELATION = 0.95
# Photographs of one person agree at 50 % or more on average; other people's stay far below.
SAME_PERSON_SIMILARITY = 50.0


def most_prominent(faces: Sequence[DetectedFace]) -> int:
    """The place of the face that is judged: the largest one.

    Of faces of about the same size it is the whole and central one: in a photograph of somebody, who stands
    beside them is often nearer to the camera, and cut by the border.
    """
    boxes = np.array([(face.left, face.top, face.width, face.height) for face in faces], np.float64)
    start, size = boxes[:, :2], boxes[:, 2:]
    visible = np.prod(np.maximum(np.minimum(start + size, 1) - np.maximum(start, 0), 0), axis=1)
    # Visible area, weighed by how whole the face is and how near to the image's centre: 1 there, 0.5 in corners.
    off_centre = np.minimum(np.linalg.norm(start + size / 2 - 0.5, axis=1) / np.hypot(0.5, 0.5), 1)
    prominence = visible**2 / np.maximum(np.prod(size, axis=1), 1e-9) * (1 - off_centre / 2)
    return int(np.argmax(np.where(visible >= SAME_SIZE * visible.max(), prominence, -1)))


def descriptor(engine: Engine, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(d,) of the judged face of an upright (h, w, 3) RGB 0-255 image; raises NoFaceError where there is none."""
    faces = engine.detect(image)
    if not faces:
        raise NoFaceError("No face was found in the image.")
    return engine.embed(image, [faces[most_prominent(faces)]])[0, :]


def align(image: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """The face upright with its hair and chin: (224, 224, 3) RGB 0-255; black where it reaches past the image."""
    height, width = image.shape[:2]
    points = face.landmarks * np.array([width, height], np.float32)
    return Pyramid(image).face(points, UPRIGHT_FACE * np.float32(CROP_SIDE), CROP_SIDE)


def shot_picture(image: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """(32, 32) grey 0-255: what near-duplicates of one shot have in common (see `same_shots`)."""
    grey = cv2.cvtColor(align(image, face), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SHOT_SIDE, SHOT_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def same_shots(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Aligned grey faces (n, s, s) 0-255 -> (n,) shot numbers: copies and frames of one moment share one.

    Two faces that were aligned alike correlate above 0.95 when they come from one shot, also after scaling,
    recompression or another crop of the photograph; two shots of one person stay below.
    """
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    return _components(flat @ flat.T > SAME_SHOT_CORRELATION)


def split_groups(shots: NDArray[np.int64], people: list[str]) -> NDArray[np.int64]:
    """(n,) shot numbers, names ("" for none) -> (n,) groups: who shares a shot or a name, also indirectly."""
    names = np.array(people, dtype=object)
    same_name = (names[:, None] == names) & (names != "")
    return _components((shots[:, None] == shots) | same_name)


def people_in(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, n) similarities in percent -> (n,) person numbers, 0 the most frequent: who agrees with whom on average."""
    if len(similarity) < 2:
        return np.zeros(len(similarity), np.int64)
    distance = 100.0 - np.minimum(similarity, similarity.T)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    clusters = fcluster(tree, 100.0 - SAME_PERSON_SIMILARITY, "distance")
    _, number, counts = np.unique(clusters, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-counts, kind="stable"))
    return rank[number]


def _components(together: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(connected_components(csr_array(together), directed=False)[1], np.int64)
