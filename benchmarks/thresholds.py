"""What a threshold lets through, on far more pairs than anyone has labelled: all photographs against all others.

    python -m benchmarks.thresholds FACES_FOLDER [FACES_FOLDER ...]

A folder holds one folder of photographs per person; files of a folder whose name begins with `_` are one person each
(`Name_0001.jpg`). Every two photographs of two persons are a non-match, of one person a match. The engine is used as a
library: `face-validation evaluate` asks the API, but could not ask half a million questions. Pairs share photographs,
so an interval that takes them as independent would be far too narrow: it is bootstrapped over persons.
"""

import argparse
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.statistics.confusion import Scores
from face_validation.evaluation.statistics.error_rates import FMR_TARGETS, area_under_curve, operating_point
from face_validation_function.faces import BoundingBox, Face, most_prominent
from rekognition_local.engine import Engine, images

THRESHOLDS = (80.0, 90.0, 95.0, 99.0, 99.9)
RESAMPLES = 200


def photographs(folder: Path) -> Iterator[tuple[str, Path]]:
    """Person and file of each photograph below `folder`."""
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            name = re.sub(r"_\d+$", "", path.stem) if path.parent.name.startswith("_") else path.parent.name
            yield name, path


def describe(engine: Engine, path: Path) -> NDArray[np.float32] | None:
    """Descriptor (d,) of the face that the service would compare; None where it finds none."""
    image = images.decode(path.read_bytes())
    found = engine.detect(image)
    if not found:
        return None
    faces = [Face(BoundingBox(face.left, face.top, face.width, face.height), face.confidence) for face in found]
    descriptor: NDArray[np.float32] = engine.embed(image, [found[most_prominent(faces, central=True)]])[0]
    return descriptor


def interval(hits: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[float, float]:
    """95 % interval of a rate over pairs (n,), persons drawn: a pair counts as often as both its persons were drawn."""
    persons = int(max(rows.max(), columns.max())) + 1
    random = np.random.default_rng(1)
    rates = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        times = np.bincount(random.integers(0, persons, persons), minlength=persons)
        weights = np.where(rows == columns, times[rows], times[rows] * times[columns])
        rates[index] = (weights * hits).sum() / max(weights.sum(), 1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    """Describe every photograph, score every pair, print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    listed = [found for folder in parser.parse_args().folders for found in photographs(folder)]
    engine = Engine.load()
    with ThreadPoolExecutor(2) as pool:
        described = list(pool.map(lambda one: describe(engine, one[1]), listed))
    names = sorted({name for name, _ in listed})
    kept = [index for index, descriptor in enumerate(described) if descriptor is not None]
    descriptors = np.stack([descriptor for descriptor in described if descriptor is not None])
    person = np.array([names.index(listed[index][0]) for index in kept])
    first, second = np.triu_indices(len(kept), 1)
    scores = engine.similarity(descriptors, descriptors)[first, second]
    rows, columns = person[first], person[second]
    same = rows == columns
    matches: Scores = scores[same]
    non_matches: Scores = scores[~same]

    console = Console()
    table = Table(title="All pairs, by threshold, with 95 % intervals", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("threshold", "FMR %", "", "FNMR %", ""):
        table.add_column(column, justify="right")
    figures = []
    for threshold in THRESHOLDS:
        passed, turned_away = non_matches >= threshold, matches < threshold
        fmr, fnmr = interval(passed, rows[~same], columns[~same]), interval(turned_away, rows[same], columns[same])
        figures.append(
            {
                "threshold": threshold,
                "fmr": float(passed.mean()),
                "fmr_interval": fmr,
                "fnmr": float(turned_away.mean()),
                "fnmr_interval": fnmr,
            }
        )
        table.add_row(
            f"{threshold:g}",
            f"{passed.mean() * 100:.4f}",
            f"{fmr[0] * 100:.4f} to {fmr[1] * 100:.4f}",
            f"{turned_away.mean() * 100:.2f}",
            f"{fnmr[0] * 100:.2f} to {fnmr[1] * 100:.2f}",
        )
    console.print(table)
    points = []
    for target in FMR_TARGETS:
        point = operating_point(matches, non_matches, target)
        if point is not None:
            points.append({"fmr": target, "threshold": round(point.threshold, 3), "fnmr": point.fnmr.value})
            console.print(
                f"FMR {target * 100:g} %: threshold {point.threshold:.2f}, FNMR {(point.fnmr.value or 0) * 100:.2f} % "
                f"{point.warning}"
            )
    auc = area_under_curve(matches, non_matches)
    console.print(
        f"{len(kept)} of {len(listed)} photographs with a face, {len(names)} persons, {matches.size} matches, "
        f"{non_matches.size} non-matches, AUC {auc:.5f}"
    )
    at = np.flatnonzero(~same)[np.argsort(-non_matches)[:10]]
    for index in at:
        pair = listed[kept[first[index]]][1].name, listed[kept[second[index]]][1].name
        console.print(f"[dim]{scores[index]:.2f}  {pair[0]}  {pair[1]}[/]")
    console.print(
        f"{describe_machine()}; {', '.join(f'{name} {value}' for name, value in describe_versions().items())}"
    )
    print(
        json.dumps(
            {
                "benchmark": "thresholds",
                "model": engine.model_id,
                "photographs": len(kept),
                "persons": len(names),
                "matches": int(matches.size),
                "non_matches": int(non_matches.size),
                "auc": auc,
                "thresholds": figures,
                "operating_points": points,
                "machine": describe_machine(),
                "versions": describe_versions(),
            }
        )
    )


if __name__ == "__main__":
    main()
