"""The search part of SearchFacesByImage in collections of 1 k to 1 M faces: time and memory.

    make bench-search            (python -m benchmarks.search --help for the sizes)

Measured is what the operation does once it has the face's vector: nearest vectors, similarities, records from SQLite.
The index compares with every face, so that random vectors take as long as real ones. Beside it, in the same run on the
same vectors: a plain numpy scan, a scan by BLAS, and the `face_recognition` library's `face_distance` over a list of
encodings. Each size runs in a process of its own, so that memory is its own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import in_own_process, milliseconds, show
from rekognition_local.engine import Engine
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.records import Collection, Face

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST, LEAST = 5, 80.0  # what POST /search asks for
PROBES = 200
DIMENSIONS = 128

Floats = NDArray[np.float32]


def main() -> None:
    """Every size in a process of its own; then the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="faces in the collection")
    rows = [in_own_process(measured, size) for size in parser.parse_args().sizes]
    title = f"One search, milliseconds; the {MOST} nearest of at least {LEAST:.0f} %"
    show("search", title, rows, face_distance="re-stated here, as face_recognition 1.3.0 computes it")


def measured(size: int) -> dict[str, float]:
    """One collection of `size` faces on disk, searched by ours and by the peers."""
    random, engine = np.random.default_rng(size), Engine.load()
    rows = random.normal(size=(size, DIMENSIONS)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    # Members of the collection with some noise, so that there is somebody to find.
    members = rows[random.integers(size, size=PROBES)]
    probes = members + random.normal(scale=0.03, size=members.shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        gallery = Gallery(store, engine)
        collection = stored(gallery, engine.model_id, rows)
        before, began = memory_mb(), time.perf_counter()
        gallery.similar(Face, collection, probes[0], MOST, LEAST)  # reads the vectors into memory
        load_s, memory = time.perf_counter() - began, memory_mb() - before
        ours = times(lambda probe: gallery.similar(Face, collection, probe, MOST, LEAST), probes)
        store.close()
    half_lengths = np.einsum("ij,ij->i", rows, rows) / 2
    encodings = list(rows.astype(np.float64))
    few = probes[: max(5, min(len(probes), 20_000_000 // size))]
    searches = {
        "ours": ours,
        "numpy_scan": times(lambda probe: np.argsort(np.linalg.norm(rows - probe, axis=1))[:MOST], few),
        "blas": times(lambda probe: np.argpartition(half_lengths - rows @ probe, MOST)[:MOST], few),
        # As face_recognition 1.3.0's function of this name: the norm of a list of encodings minus one.
        "face_distance": times(
            lambda probe: np.argsort(np.linalg.norm(np.asarray(encodings) - probe, axis=1))[:MOST], few[:20]
        ),
    }
    return {
        "faces": size,
        "memory_mb": round(memory, 1),
        "load_s": round(load_s, 2),
        **{f"{name}_p50": p50 for name, (p50, _) in searches.items()},
        **{f"{name}_p99": p99 for name, (_, p99) in searches.items()},
    }


def times(search: Callable[[Floats], Any], probes: Floats) -> tuple[float, float]:
    """Milliseconds of a search, one probe (n, d) after another: the median and the slowest but one in a hundred."""
    search(probes[0])
    p50, p99 = np.quantile([milliseconds(search, probe) for probe in probes], [0.5, 0.99]).tolist()
    return round(p50, 3), round(p99, 3)


def stored(gallery: Gallery, model_id: str, vectors: Floats) -> Collection:
    """A collection on disk with a face for each vector."""
    box = {"left": 0, "top": 0, "width": 1, "height": 1, "confidence": 99}
    with gallery.store.transaction():
        gallery.store.insert("collections", collection_id="people", region=gallery.region, created=0, model_id=model_id)
        collection = gallery.collection("people")
        for number, vector in enumerate(vectors):
            ids = dict.fromkeys(("face_id", "image_id", "image_digest"), f"{number:08x}-0000-0000-0000-000000000000")
            gallery.store.insert("faces", collection=collection.number, vector=vector.tobytes(), **box, **ids)
    return collection


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
