"""Reading documents: time of an image on one thread, and with FACE_DATA the labels of its documents and photographs.

    python -m tests.figures.documents

Time is the processor's, of the text models and rules alone: faces are found before the clock starts.
"""

import csv
import resource
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from benchmarks.measuring import face_data, show
from face_validation.local.samples.documents import drawn
from face_validation.local.samples.questions import eileen_collins, grace_hopper
from rekognition_local.engine import Engine

COUNTED = 55.0  # the service's default: a label counts above it
LABELS = {"passport": "Passport", "driving_license": "Driving License", "national_id": "Driving License"}
NONE = "none"


# An image of a kind and the label that it should get: a file, or drawn.
Sample = tuple[str, str, Path | Image.Image]


class Result(NamedTuple):
    """What was said of a sample, and in how much time."""

    kind: str
    label: str
    said: str
    ms: float


def made() -> list[Sample]:
    """Photographs of public domain, and documents drawn around one."""
    cards = ("driving_licence", "identity_card", "large_identity_card")
    labels = {"passport": "Passport", **dict.fromkeys(cards, "Driving License")}
    return [
        *(("drawn document", label, drawn(name, eileen_collins())) for name, label in labels.items()),
        *(("photograph", NONE, photograph) for photograph in (eileen_collins(), grace_hopper())),
    ]


def labelled(data: Path) -> list[Sample]:
    """The development data's documents, and photographs of its people and of nobody."""
    with (data / "documents" / "documents.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    documents: list[Sample] = [
        (Path(row["file"]).parent.name, LABELS.get(row["label"], NONE), data / row["file"]) for row in rows
    ]
    photographs = sorted((data / "identities").glob("*/*.jpg"))[::2]
    scenes = [path for folder in ("multi_face", "no_face") for path in sorted((data / "hostile" / folder).glob("*"))]
    return documents + [("faces and scenes", NONE, path) for path in (*photographs, *scenes)]


def measure(engine: Engine, samples: Iterable[Sample]) -> list[Result]:
    """Reads each sample once."""
    results = []
    for kind, label, source in samples:
        image = Image.open(source) if isinstance(source, Path) else source
        pixels = np.asarray(image.convert("RGB"))
        faces = engine.detect(pixels)
        start = time.process_time()
        reading = engine.read_documents(pixels, faces)
        ms = (time.process_time() - start) * 1000
        said = next((document.label for document in reading.documents if document.confidence > COUNTED), NONE)
        results.append(Result(kind, label, said, ms))
    return results


def main() -> None:
    """Prints the tables, and one line of JSON with the figures of each."""
    cv2.setNumThreads(1)
    engine = Engine.load()
    measure(engine, made()[:1])  # opens the models
    data = face_data()
    results = measure(engine, [*made(), *(labelled(data) if data else [])])
    times = []
    for kind in dict.fromkeys(result.kind for result in results):
        ms = sorted(result.ms for result in results if result.kind == kind)
        figures = {"median_ms": statistics.median(ms), "p90_ms": ms[int(0.9 * len(ms))], "most_ms": ms[-1]}
        times.append({"images": kind, "n": len(ms), **figures})
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("documents, time", "Time, one thread", times, peak_mb=peak_mb)
    labels = ("Passport", "Driving License", NONE)
    expected, said = ([getattr(result, name) for result in results] for name in ("label", "said"))
    shares = precision_recall_fscore_support(expected, said, labels=labels, zero_division=0.0)
    scores = [
        {"label": label, "n": int(n), "recall": float(recall), "precision": float(precision)}
        for label, precision, recall, _, n in zip(labels, *shares, strict=True)
    ]
    wrong = [result._asdict() for result in results if result.label != result.said]
    show("documents, labels", f"Labels above {COUNTED:.0f} %", scores, wrong=wrong)


if __name__ == "__main__":
    main()
