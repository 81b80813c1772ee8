"""How fast the face engine detects, embeds and compares, beside `face_recognition` and OpenCV in the same run.

    make bench-engine            (FACE_DATA=folder for the development photographs and accuracy on labelled pairs)

All do the same jobs on the same decoded photographs: find the faces; describe the most central one; compare two
descriptors. Each engine runs in processes of its own, with one and with two threads, so that memory is its own.
"""

import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.face_engines import ENGINES, OPENCV, OURS, Descriptors, FaceBench, Picture
from benchmarks.measuring import PEER, face_data, in_own_process, peer_versions, show
from face_validation.evaluation.runs.cases import Case, read_cases
from face_validation.evaluation.statistics.pairs import Expected
from face_validation.local.samples.questions import eileen_collins, grace_hopper
from rekognition_local.engine import DetectedFace

PAIRS = {"lfw": 60, "web": 40}
SAMPLE = 40
COMPARED = 300_000
SECONDS = 10.0
# Libraries would start threads of their own for one matrix product: the threads here are those of the caller.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")


def labelled_pairs(data: Path | None) -> list[Case]:
    """Evenly over the development pairs of each origin: matches and others."""
    if data is None:
        return []
    cases = [case for case in read_cases(data / "cases.csv") if case.type == "FACE_TO_FACE"]
    chosen = []
    for origin, wanted in PAIRS.items():
        for expected in (Expected.MATCH, Expected.NO_MATCH):
            same = [case for case in cases if case.note.startswith(origin) and case.expected == expected]
            chosen += [same[round(index)] for index in np.linspace(0, len(same) - 1, wanted // 2)]
    return chosen


def photographs(data: Path | None, pairs: Sequence[Case]) -> dict[Path, Picture]:
    """The pairs' photographs by path and a few large ones, decoded; without data the two in the public domain."""
    if data is None:
        return {Path("collins"): np.array(eileen_collins()), Path("hopper"): np.array(grace_hopper())}
    named = sorted({path for pair in pairs for path in (pair.source, pair.target)})
    large = sorted((data / "identities").rglob("*.jpg"), key=lambda path: path.stat().st_size)[-20:]
    pictures = {}
    for path in dict.fromkeys([*named, *large]):
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            pictures[path] = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    return pictures


def per_second(job: Callable[[Any], object], items: Sequence[Any], threads: int) -> tuple[float, float]:
    """Items done a second, and processor milliseconds an item, taking them in turn for about `SECONDS` at most."""
    began = time.perf_counter()
    job(items[0])
    once = time.perf_counter() - began
    count = int(np.clip(SECONDS * threads / max(once, 1e-6), 2 * threads, max(len(items), 60)))
    work = [items[index % len(items)] for index in range(count)]
    began, began_cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(job, work))
    return count / (time.perf_counter() - began), 1000 * (time.process_time() - began_cpu) / count


def off_centre(face: DetectedFace) -> float:
    """How far a face's middle lies from the image's."""
    return abs(face.left + face.width / 2 - 0.5) + abs(face.top + face.height / 2 - 0.5)


def measure(name: str, threads: int, data: Path | None) -> dict[str, Any]:
    """Runs one engine in this process; in the accuracy, a face not found is a "no match".

    `cpu_ms` is the processor time of finding and describing one face, which another load on the machine hardly changes;
    `memory_mb` is the most that the process took, less the decoded photographs that the benchmark itself holds.
    """
    pairs = labelled_pairs(data) if threads == 1 else []  # more threads change no answer
    pictures = photographs(data, pairs or labelled_pairs(data)[: SAMPLE // 2])
    photographs_mb = sum(picture.nbytes for picture in pictures.values()) / 2**20
    began = time.perf_counter()
    engine = ENGINES[name]()
    load_s = time.perf_counter() - began
    detect_per_s, detect_cpu_ms = per_second(engine.detect, list(pictures.values()), threads)
    found = {path: engine.detect(picture) for path, picture in pictures.items()}
    seen = {path: (pictures[path], [min(faces, key=off_centre)]) for path, faces in found.items() if faces}
    embed_per_s, embed_cpu_ms = per_second(lambda item: engine.embed(*item), list(seen.values()), threads)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - photographs_mb
    descriptors = {path: engine.embed(*item)[0] for path, item in seen.items()}
    gallery = np.resize(np.stack(list(descriptors.values())), (10_000, len(next(iter(descriptors.values())))))
    rows = range(COMPARED // len(gallery))
    scans_per_s, _ = per_second(lambda row: engine.same_person(gallery[row], gallery), rows, threads)
    return {
        "engine": name,
        "threads": threads,
        "images": len(pictures),
        "not_found": len(pictures) - len(seen),
        "load_s": load_s,
        "detect_per_s": detect_per_s,
        "embed_per_s": embed_per_s,
        "both_per_s": 1 / (1 / detect_per_s + 1 / embed_per_s),
        "cpu_ms": detect_cpu_ms + embed_cpu_ms,
        "pairs_per_s": scans_per_s * len(gallery),
        "memory_mb": memory_mb,
        "accuracy": accuracy(engine, descriptors, pairs) if pairs else None,
    }


def accuracy(engine: FaceBench, descriptors: dict[Path, Descriptors], pairs: Sequence[Case]) -> dict[str, float]:
    """The share of pairs decided right, by origin and in all."""
    right: dict[str, list[bool]] = {"all": []}
    for pair in pairs:
        one, other = descriptors.get(pair.source), descriptors.get(pair.target)
        said = one is not None and other is not None and bool(engine.same_person(one, other[None])[0])
        for group in (pair.note.split()[0], "all"):
            right.setdefault(group, []).append(said == (pair.expected == Expected.MATCH))
    return {group: float(np.mean(answers)) for group, answers in right.items()}


def main() -> None:
    """Runs all and prints a table, then one line of JSON."""
    data, peers = face_data(), peer_versions("dlib-bin", "mtcnn")
    os.environ.update(ONE_THREAD)
    engines = [OURS, OPENCV, *([PEER] if peers else [])]
    rows = [in_own_process(measure, name, threads, data) for name in engines for threads in (1, 2)]
    ratios = {}
    for ours in (row for row in rows if row["engine"] == OURS):
        for peer in (row for row in rows if row["engine"] != OURS and row["threads"] == ours["threads"]):
            name = f"{peer['engine']}_{{}}_{ours['threads']}_threads"
            ratios[name.format("speedup")] = round(ours["both_per_s"] / peer["both_per_s"], 2)
            ratios[name.format("cpu_ratio")] = round(peer["cpu_ms"] / ours["cpu_ms"], 2)
    source = f"{len(labelled_pairs(data))} labelled pairs of FACE_DATA" if data else "two photographs"
    show("engine", "Face engine", rows, data=source, peers=peers, **ratios)


if __name__ == "__main__":
    main()
