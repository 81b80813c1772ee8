"""Which photographs belong together: near-duplicates of one shot, and other people who are named."""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

SAME_SHOT_CORRELATION = 0.95
# Photographs of one person agree at 50 % or more on average; other people's stay far below.
SAME_PERSON_SIMILARITY = 50.0


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
    together = (shots[:, None] == shots[None, :]) | ((names[:, None] == names[None, :]) & (names != "")[:, None])
    return _components(together)


def people_in(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, n) similarities in percent -> (n,) person numbers, 0 the most frequent: who agrees with whom on average."""
    if len(similarity) < 2:
        return np.zeros(len(similarity), np.int64)
    distance = 100.0 - np.minimum(similarity, similarity.T)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    clusters = fcluster(tree, 100.0 - SAME_PERSON_SIMILARITY, "distance")
    numbers, counts = np.unique(clusters, return_counts=True)
    rank = {number: place for place, number in enumerate(numbers[np.argsort(-counts, kind="stable")])}
    return np.array([rank[cluster] for cluster in clusters], np.int64)


def _components(together: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(connected_components(csr_array(together), directed=False)[1], np.int64)
