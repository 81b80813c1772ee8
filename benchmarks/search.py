"""The search part of SearchFacesByImage in collections of 1 k to 1 M faces: time, memory and recall.

    make bench-search            (FACE_DATA=folder adds real faces; python -m benchmarks.search --help for the sizes)

Measured is what the operation does once it has the face's vector: nearest vectors, similarities, records from SQLite.
Beside it, in the same run on the same vectors: a plain numpy scan, a scan by BLAS, and the `face_recognition` library's
`face_distance` over a list of encodings. Each size runs in a process of its own, so that memory is its own.
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import face_data, in_own_process, milliseconds, show
from rekognition_local.engine import Engine, images
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery, calibrate_for_search
from rekognition_local.storage.records import Collection

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST, LEAST = 5, 80.0  # what POST /search asks for
PROBES = 200
DIMENSIONS = 128

Floats = NDArray[np.float32]


def times(search: Callable[[Floats], Any], probes: Floats) -> tuple[float, float]:
    """Milliseconds of a search, one probe (n, d) after another: the median and the slowest but one in a hundred."""
    search(probes[0])
    p50, p99 = np.quantile([milliseconds(search, probe) for probe in probes], [0.5, 0.99]).tolist()
    return round(p50, 3), round(p99, 3)


def main() -> None:
    """Every size in a process of its own; then the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="faces in the collection")
    asked = parser.parse_args()
    enrolled, probes = real_vectors(face_data())
    rows = [in_own_process(measured, size, enrolled, probes) for size in asked.sizes]
    show(
        "search",
        f"One search, milliseconds; the {MOST} nearest of at least {LEAST:.0f} %",
        rows,
        data=f"{len(enrolled)} real faces enrolled, {len(probes)} real probes; the rest is random",
        face_distance="re-stated here, as face_recognition 1.3.0 computes it",
    )


def real_vectors(folder: Path | None) -> tuple[Floats, Floats]:
    """Descriptors of enrolled and of probe photographs, (n, 128) and (m, 128); none without the development data."""
    if folder is None:
        return np.empty((0, DIMENSIONS), np.float32), np.empty((0, DIMENSIONS), np.float32)
    engine = Engine.load()

    def described(name: str) -> Floats:
        found = []
        with (folder / "identities" / name).open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                image = images.decode((folder / row["image"]).read_bytes())
                if faces := engine.detect(image):
                    found.append(engine.embed(image, faces[:1])[0])
        return np.array(found, np.float32)

    return described("enroll.csv"), described("probes.csv")


def measured(size: int, enrolled: Floats, real_probes: Floats) -> dict[str, float]:
    """One collection of `size` faces on disk, searched by ours and by the peers; recall against the exact search."""
    engine = Engine.load()
    gallery_vectors, probes = filled_up(enrolled, size), probes_of(real_probes, enrolled, size)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        gallery = Gallery(store, engine)
        collection = stored(gallery, engine.model_id, gallery_vectors)
        del gallery_vectors
        before = memory_mb()
        started = time.perf_counter()
        gallery.similar_faces(collection, probes[0], MOST, LEAST)  # reads the vectors into memory
        load_s, memory = time.perf_counter() - started, memory_mb() - before
        ours = times(lambda probe: gallery.similar_faces(collection, probe, MOST, LEAST), probes)
        found = [[face.number for _, face in gallery.similar_faces(collection, probe, MOST, LEAST)] for probe in probes]
        store.close()
    rows = filled_up(enrolled, size)
    half_lengths = np.einsum("ij,ij->i", rows, rows) / 2
    encodings = list(rows.astype(np.float64))
    few = probes[: max(5, min(len(probes), 20_000_000 // size))]
    searches = {
        "ours": ours,
        "numpy_scan": times(lambda probe: np.argsort(np.linalg.norm(rows - probe, axis=1))[:MOST], few),
        "blas": times(lambda probe: np.argpartition(half_lengths - rows @ probe, MOST)[:MOST], few),
        "face_distance": times(lambda probe: np.argsort(face_distance(encodings, probe))[:MOST], few[:20]),
    }
    return {
        "faces": size,
        "real_faces": min(size, len(enrolled)),
        "recall": recall(engine, found, rows, probes),
        "memory_mb": round(memory, 1),
        "load_s": round(load_s, 2),
        **{f"{name}_p50": p50 for name, (p50, _) in searches.items()},
        **{f"{name}_p99": p99 for name, (_, p99) in searches.items()},
    }


def filled_up(real: Floats, size: int) -> Floats:
    """The real vectors first, then random ones with the length, mean and spread of the real ones (else of length 1)."""
    random = np.random.default_rng(size)
    others = max(0, size - len(real))
    if len(real) > DIMENSIONS // 2:
        factor = np.linalg.svd(real - real.mean(axis=0), full_matrices=False)
        scale = (factor.S / np.sqrt(len(real))).astype(np.float32)
        made = random.normal(size=(others, len(scale))).astype(np.float32) * scale @ factor.Vh + real.mean(axis=0)
    else:
        made = random.normal(size=(others, DIMENSIONS)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.concatenate([real[:size], made.astype(np.float32)])


def probes_of(real_probes: Floats, enrolled: Floats, size: int) -> Floats:
    """Vectors to search for: real probes; without them, members of the collection with some noise."""
    if len(real_probes):
        return real_probes[:PROBES]
    random = np.random.default_rng(0)
    members = filled_up(enrolled, size)[random.integers(size, size=PROBES)]
    return members + random.normal(scale=0.03, size=members.shape).astype(np.float32)


def stored(gallery: Gallery, model_id: str, vectors: Floats) -> Collection:
    """A collection on disk with a face for each vector."""
    with gallery.store.transaction():
        gallery.store.insert("collections", collection_id="people", region=gallery.region, created=0, model_id=model_id)
        collection = gallery.collection("people")
        for number, vector in enumerate(vectors):
            uuid = f"{number:08x}-0000-0000-0000-000000000000"
            ids = dict.fromkeys(("face_id", "image_id", "image_digest"), uuid)
            box = {"left": 0, "top": 0, "width": 1, "height": 1, "confidence": 99}
            gallery.store.insert("faces", collection=collection.number, vector=vector.tobytes(), **box, **ids)
    return collection


def recall(engine: Engine, found: Sequence[Sequence[int]], rows: Floats, probes: Floats) -> float:
    """Part of the faces that the exact search (64 bits, every face) finds that ours found, too."""
    hits, wanted = 0, 0
    for numbers, probe in zip(found, probes, strict=True):
        parts = np.array_split(rows, len(rows) // 50_000 + 1)
        distances = np.concatenate([np.linalg.norm(part.astype(np.float64) - probe, axis=1) for part in parts])
        nearest = np.argsort(distances, kind="stable")[:MOST]
        similar = calibrate_for_search(engine.similarity(probe[None], rows[nearest])[0]) >= LEAST
        exact = {int(row) + 1 for row in nearest[similar]}
        hits, wanted = hits + len(exact & set(numbers)), wanted + len(exact)
    return round(hits / wanted, 4) if wanted else 1.0


def face_distance(encodings: Sequence[NDArray[np.float64]], encoding: Floats) -> NDArray[np.float64]:
    """What face_recognition 1.3.0's function of this name computes: the norm of a list of encodings minus one."""
    return np.asarray(np.linalg.norm(np.asarray(encodings) - encoding, axis=1))


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
