"""How fast the face engine detects, embeds and compares, beside `face_recognition` and OpenCV in the same run.

    make bench-engine            (FACE_DATA=folder for the development photographs and accuracy on labelled pairs)

All do the same jobs on the same decoded photographs: find the faces; describe the most central one; compare two
descriptors. The peers are used as their documentation shows. `face_recognition`: HOG detector, 68 points, one
descriptor a face, distance 0.6, on dlib-bin. OpenCV: FaceDetectorYN and FaceRecognizerSF with the very weights that we
use, cosine 0.363. Their detectors are one object for all threads: their calls take turns. Each engine runs in processes
of its own, with one and with two threads, so that memory is its own.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import cv2
import matplotlib
import numpy as np
import onnx
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from rekognition_local.engine import Engine
from rekognition_local.engine.weights import model_files

OURS, PEER, OPENCV = "rekognition_local", "face_recognition", "opencv"
PAIRS = {"lfw": 60, "web": 40}
SAMPLE = 40
COMPARED = 300_000
SECONDS = 10.0

Picture = NDArray[np.uint8]
Descriptor = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Result:
    """One engine on a number of threads; in the accuracy, a face not found is a "no match".

    `cpu_ms` is the processor time of finding and describing one face, which another load on the machine hardly changes.
    """

    engine: str
    threads: int
    images: int
    not_found: int
    load_s: float
    detect_per_s: float
    embed_per_s: float
    both_per_s: float
    cpu_ms: float
    pairs_per_s: float
    memory_mb: float
    accuracy: dict[str, float] | None


class Bench(Protocol):
    """What is measured: an engine in the words of this benchmark."""

    def detect(self, image: Picture) -> Sequence[Any]:
        """Faces, the most central one first."""
        ...

    def embed(self, image: Picture, face: Any) -> Descriptor:
        """The descriptor of one face."""
        ...

    def compare(self, probe: Descriptor, references: Descriptor) -> NDArray[np.bool_]:
        """Whether a descriptor (d,) and each of others (n, d) are of one person, at the engine's default threshold."""
        ...


class OurEngine:
    """rekognition_local, at 80 %."""

    def __init__(self) -> None:
        self._engine = Engine.load()

    def detect(self, image: Picture) -> Sequence[Any]:
        """Faces, the most central one first."""
        return sorted(
            self._engine.detect(image),
            key=lambda face: abs(face.left + face.width / 2 - 0.5) + abs(face.top + face.height / 2 - 0.5),
        )

    def embed(self, image: Picture, face: Any) -> Descriptor:
        """The descriptor of one face."""
        descriptor: Descriptor = self._engine.embed(image, [face])[0]
        return descriptor

    def compare(self, probe: Descriptor, references: Descriptor) -> NDArray[np.bool_]:
        """Whether the similarity is at least 80 %."""
        similar: NDArray[np.bool_] = self._engine.similarity(probe[None], references)[0] >= 80
        return similar


class FaceRecognition:
    """The `face_recognition` library, at its default distance of 0.6."""

    def __init__(self) -> None:
        import face_recognition

        self._library = face_recognition
        self._turn = threading.Lock()

    def detect(self, image: Picture) -> Sequence[Any]:
        """Faces, the most central one first."""
        height, width = image.shape[:2]
        with self._turn:
            boxes = self._library.face_locations(image)
        return sorted(
            boxes,
            key=lambda box: abs((box[1] + box[3]) / 2 / width - 0.5) + abs((box[0] + box[2]) / 2 / height - 0.5),
        )

    def embed(self, image: Picture, face: Any) -> Descriptor:
        """The descriptor of one face."""
        with self._turn:
            descriptor: Descriptor = self._library.face_encodings(image, [face])[0]
        return descriptor

    def compare(self, probe: Descriptor, references: Descriptor) -> NDArray[np.bool_]:
        """Whether the distance is at most 0.6."""
        return np.array(self._library.compare_faces(references, probe))


class OpenCv:
    """OpenCV's own YuNet and SFace, at its sample's cosine of 0.363."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._turn = threading.Lock()
        self._detector = cv2.FaceDetectorYN.create(str(model_files.YUNET.locate()), "", (320, 320))
        # The file lists its weights as inputs, which OpenCV would ask for.
        model = onnx.load_model_from_string(model_files.SFACE.content())
        del model.graph.input[1:]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "sface.onnx")
            onnx.save(model, path)
            self._recogniser = cv2.FaceRecognizerSF.create(str(path), "")

    def detect(self, image: Picture) -> Sequence[Any]:
        """Faces, the most central one first; a large image is shrunk to 640 pixels, as ours is."""
        scale = min(1.0, 640 / max(image.shape[:2]))
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        small = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA)
        with self._turn:
            self._detector.setInputSize(size)
            found = self._detector.detect(small)[1]
        faces = [] if found is None else list(found / np.array([scale] * 14 + [1], np.float32))
        height, width = image.shape[:2]
        return sorted(
            faces,
            key=lambda face: abs((face[0] + face[2] / 2) / width - 0.5) + abs((face[1] + face[3] / 2) / height - 0.5),
        )

    def embed(self, image: Picture, face: Any) -> Descriptor:
        """The descriptor of one face."""
        with self._turn:
            chip = self._recogniser.alignCrop(np.ascontiguousarray(image[..., ::-1]), face)
            vector = self._recogniser.feature(chip)[0]
        descriptor: Descriptor = vector / np.linalg.norm(vector)
        return descriptor

    def compare(self, probe: Descriptor, references: Descriptor) -> NDArray[np.bool_]:
        """Whether the cosine is at least 0.363."""
        return np.asarray(references @ probe >= 0.363)


ENGINES: dict[str, Callable[[], Bench]] = {OURS: OurEngine, PEER: FaceRecognition, OPENCV: OpenCv}


def labelled_pairs(data: Path | None) -> list[tuple[str, str, str, bool]]:
    """Origin, source, target and whether it is the same person, evenly over the development pairs."""
    if data is None:
        return []
    with (data / "cases.csv").open(newline="", encoding="utf-8") as file:
        cases = [
            case for case in csv.DictReader(file) if case["type"] == "FACE_TO_FACE" and case["expected"] != "error"
        ]
    chosen = []
    for origin, wanted in PAIRS.items():
        of_origin = [case for case in cases if case["note"].startswith(origin)]
        for expected in ("match", "no_match"):
            same = [case for case in of_origin if case["expected"] == expected]
            picked = [same[round(index)] for index in np.linspace(0, len(same) - 1, wanted // 2)]
            chosen += [(origin, case["source"], case["target"], expected == "match") for case in picked]
    return chosen


def photographs(data: Path | None, pairs: Sequence[tuple[str, str, str, bool]]) -> dict[str, Picture]:
    """The pairs' photographs by path and a few large ones, decoded; without data those that packages bring."""
    if data is None:
        paths = [
            Path(skimage.data.data_dir, "astronaut.png"),
            Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg"),
        ]
    else:
        named = sorted({path for _, source, target, _ in pairs for path in (source, target)})
        large = sorted((data / "identities").rglob("*.jpg"), key=lambda path: path.stat().st_size)[-20:]
        paths = [data / name for name in named] + [path for path in large if str(path.relative_to(data)) not in named]
    pictures = {}
    for path in paths:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            picture = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        pictures[str(path if data is None else path.relative_to(data))] = picture
    return pictures


def per_second(job: Callable[[Any], object], items: Sequence[Any], threads: int, seconds: float) -> tuple[float, float]:
    """Items done a second, and processor milliseconds an item, taking them in turn for about `seconds` at most."""
    began = time.perf_counter()
    job(items[0])
    once = time.perf_counter() - began
    count = int(np.clip(seconds * threads / max(once, 1e-6), 2 * threads, max(len(items), 60)))
    work = [items[index % len(items)] for index in range(count)]
    began, began_cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(job, work))
    return count / (time.perf_counter() - began), 1000 * (time.process_time() - began_cpu) / count


def measure(name: str, threads: int, data: Path | None) -> Result:
    """Runs one engine in this process."""
    pairs = labelled_pairs(data) if threads == 1 else []  # more threads change no answer
    pictures = photographs(data, pairs or labelled_pairs(data)[: SAMPLE // 2])
    images = list(pictures.values())
    began = time.perf_counter()
    engine = ENGINES[name]()
    load_s = time.perf_counter() - began
    detect_per_s, detect_cpu_ms = per_second(engine.detect, images, threads, SECONDS)
    with ThreadPoolExecutor(threads) as pool:
        found = dict(zip(pictures, pool.map(lambda image: [*engine.detect(image), None][0], images), strict=True))
    seen = [(pictures[path], face) for path, face in found.items() if face is not None]
    embed_per_s, embed_cpu_ms = per_second(lambda item: engine.embed(*item), seen, threads, SECONDS)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with ThreadPoolExecutor(threads) as pool:
        described = list(pool.map(lambda item: engine.embed(*item), seen))
    descriptors = dict(zip([path for path, face in found.items() if face is not None], described, strict=True))
    gallery = np.resize(np.stack(described), (10_000, len(described[0])))
    rows = COMPARED // len(gallery)
    scans_per_s, _ = per_second(lambda row: engine.compare(gallery[row], gallery), range(rows), threads, SECONDS)
    return Result(
        engine=name,
        threads=threads,
        images=len(images),
        not_found=len(images) - len(seen),
        load_s=load_s,
        detect_per_s=detect_per_s,
        embed_per_s=embed_per_s,
        both_per_s=1 / (1 / detect_per_s + 1 / embed_per_s),
        cpu_ms=detect_cpu_ms + embed_cpu_ms,
        pairs_per_s=scans_per_s * len(gallery),
        memory_mb=memory_mb,
        accuracy=accuracy(engine, descriptors, pairs) if pairs else None,
    )


def accuracy(
    engine: Bench, descriptors: dict[str, Descriptor], pairs: Sequence[tuple[str, str, str, bool]]
) -> dict[str, float]:
    """The share of pairs decided right, by origin and in all."""
    right: dict[str, list[bool]] = {"all": []}
    for origin, source, target, same in pairs:
        one, other = descriptors.get(source), descriptors.get(target)
        said = one is not None and other is not None and bool(engine.compare(one, other[None])[0])
        for group in (origin, "all"):
            right.setdefault(group, []).append(said == same)
    return {group: float(np.mean(answers)) for group, answers in right.items()}


def in_own_process(name: str, threads: int) -> Result:
    """Measures in a new process, so that neither memory nor a warm cache is shared."""
    command = [sys.executable, "-m", "benchmarks.engine", "--engine", name, "--threads", str(threads)]
    # Libraries would start threads of their own for one matrix product: the threads here are those of the caller.
    own_threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    own_threads["PYTHONWARNINGS"] = "ignore"
    done = subprocess.run(command, env=os.environ | own_threads, check=True, stdout=subprocess.PIPE, text=True)
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def table(results: Sequence[Result]) -> Table:
    """The figures for people."""
    grid = Table(title="Face engine: per second, by threads of the caller")
    for heading in (
        "engine",
        "threads",
        "detect",
        "embed",
        "both",
        "CPU ms",
        "pairs",
        "memory MB",
        "load s",
        "not found",
        "accuracy",
    ):
        grid.add_column(heading, justify="left" if heading in ("engine", "accuracy") else "right")
    for result in results:
        said = " ".join(f"{group} {share:.3f}" for group, share in (result.accuracy or {}).items())
        grid.add_row(
            result.engine,
            str(result.threads),
            f"{result.detect_per_s:.1f}",
            f"{result.embed_per_s:.1f}",
            f"{result.both_per_s:.1f}",
            f"{result.cpu_ms:.0f}",
            f"{result.pairs_per_s:,.0f}",
            f"{result.memory_mb:.0f}",
            f"{result.load_s:.2f}",
            f"{result.not_found} of {result.images}",
            said,
        )
    return grid


def main() -> None:
    """Runs all and prints a table, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine", choices=list(ENGINES), help="measure this one in this process, JSON only")
    parser.add_argument("--threads", type=int, default=1)
    wanted = parser.parse_args()
    folder = os.environ.get("FACE_DATA", "")
    data = Path(folder).resolve() if folder and Path(folder).is_dir() else None
    if wanted.engine:
        print(json.dumps(asdict(measure(wanted.engine, wanted.threads, data))))
        return
    console = Console(width=150)
    versions = describe_versions()
    engines = [OURS, OPENCV]
    try:
        versions |= {package: version(package) for package in ("face_recognition", "dlib-bin", "mtcnn")}
        engines.append(PEER)
    except PackageNotFoundError:
        console.print(f"{PEER} is not installed: pip install --no-deps -r requirements/bench.txt")
    results = [in_own_process(name, threads) for name in engines for threads in (1, 2)]
    console.print(table(results))
    pairs = labelled_pairs(data)
    source = f"{len(pairs)} labelled pairs, {results[0].images} photographs of FACE_DATA" if data else "two photographs"
    load = os.getloadavg()[0]
    console.print(
        f"{describe_machine()}; {', '.join(f'{k} {v}' for k, v in versions.items())}; {source}; load {load:.1f}"
    )
    speedup = {
        f"{peer.engine}_{name}_{threads}_threads": round(ratio, 2)
        for threads in (1, 2)
        for ours in results
        for peer in results
        if ours.engine == OURS != peer.engine and ours.threads == peer.threads == threads
        for name, ratio in (("speedup", ours.both_per_s / peer.both_per_s), ("cpu_ratio", peer.cpu_ms / ours.cpu_ms))
    }
    figures = {"benchmark": "engine", **speedup, "results": [asdict(result) for result in results]}
    print(
        json.dumps(
            figures | {"machine": describe_machine(), "versions": versions, "data": source, "load": round(load, 1)}
        )
    )


if __name__ == "__main__":
    main()
