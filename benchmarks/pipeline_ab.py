"""A/B of the pipeline's choices (margin, retry, scaling): the same cases, through the API, with one choice changed.

`python -m benchmarks.pipeline_ab CASES --out DIR [--only NAME ...]`. Each variant is a run of its own in DIR/<name>,
taken up where it stopped; `face-validation compare DIR/<a> DIR/<b>` tells more of any two.
"""

import argparse
import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table

from face_validation.client.profiles import Connection
from face_validation.evaluation.report.comparison import compare_runs
from face_validation.evaluation.report.study import DEFAULT_THRESHOLD
from face_validation.evaluation.report.summary import summarise
from face_validation.evaluation.runs.cases import read_cases
from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.runs.run_folder import Run
from face_validation.evaluation.runs.runner import run_cases
from face_validation.evaluation.statistics.confusion import Expected
from face_validation.local.stack import LocalStack
from face_validation_function.services import face_steps
from face_validation_function.services.face_steps import FaceSteps, PreparedFace
from face_validation_function.utils import image_processing

Change = tuple[Any, str, Any]
"""Owner, attribute and the value it has instead."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One choice changed; the first variant is the pipeline as it is."""

    name: str
    question: str
    changes: tuple[Change, ...] = ()


def margin(value: float) -> Change:
    """The border around the face, as a ratio of its box."""
    return face_steps, "FACE_MARGIN", value


def without_retry(steps: FaceSteps, source: PreparedFace, target: PreparedFace) -> float:
    """CompareFaces of the crops, and an error where it finds no face."""
    with steps._timer.step("compare_faces", rekognition=True):
        matches = steps._rekognition.compare_faces(source.crop, target.crop)
        return face_steps._similarity_of(target.face_in_crop, matches)


def cut_to_at_least(pixels: int) -> Callable[[image_processing.UprightImage, image_processing.PixelBox], bytes]:
    """A `cut` that scales the crop's short side up to `pixels` instead of 80."""

    def cut(image: image_processing.UprightImage, area: image_processing.PixelBox) -> bytes:
        crop = image.pixels.crop(area)
        scale = max(1.0, pixels / min(crop.size))
        size = (max(80, round(crop.width * scale)), max(80, round(crop.height * scale)))
        return image_processing.encoded(crop.resize(size, Image.Resampling.BICUBIC) if scale > 1 else crop)

    return cut


def coarse_jpeg(pixels: Image.Image, quality: int) -> bytes:
    """Crops at quality 75 with halved colour, as most programs save them."""
    del quality
    return _plain_jpeg(pixels, 75)


_plain_jpeg = image_processing._jpeg

VARIANTS = (
    Variant("as-it-is", "the pipeline's own choices"),
    Variant("margin-0", "crop exactly at the box", (margin(0.0),)),
    Variant("margin-0.15", "15 % border", (margin(0.15),)),
    Variant("margin-0.3", "30 % border", (margin(0.3),)),
    Variant("margin-1", "100 % border", (margin(1.0),)),
    Variant("whole-image", "no crop at all", (margin(100.0),)),
    Variant("no-retry", "no second try with the uncropped images", ((FaceSteps, "_similarity", without_retry),)),
    Variant("scale-160", "crops scaled up to 160 px", ((face_steps, "cut", cut_to_at_least(160)),)),
    Variant("scale-300", "crops scaled up to 300 px", ((face_steps, "cut", cut_to_at_least(300)),)),
    Variant("jpeg-75", "crops at JPEG quality 75", ((image_processing, "_jpeg", coarse_jpeg),)),
)


@contextlib.contextmanager
def changed(changes: tuple[Change, ...]) -> Iterator[None]:
    """Put other values in place, and the old ones back."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def run_variant(variant: Variant, cases_path: Path, out: Path, jobs: int) -> Run:
    """All pairs through the API with one choice changed; error cases say nothing about it and are left out."""
    cases = [case for case in read_cases(cases_path) if case.expected is not Expected.ERROR]
    with changed(variant.changes), LocalStack(log_level="CRITICAL") as stack:
        settings = {name: value for name, value in asdict(stack.info).items() if name != "rekognition_endpoint"}
        with Connection(**settings).client(attempts=1) as client:
            return run_cases(cases, cases_path, out / variant.name, client, service=variant.name, jobs=jobs)


def main() -> None:
    """Run the variants and print what each changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--only", nargs="*", choices=[variant.name for variant in VARIANTS[1:]])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    chosen = [one for one in VARIANTS if one is VARIANTS[0] or arguments.only is None or one.name in arguments.only]
    console = Console(width=110)  # wide enough for the table where there is no terminal
    runs = []
    for variant in chosen:
        console.print(f"[dim]{variant.name}: {variant.question}[/]")
        runs.append(run_variant(variant, arguments.cases, arguments.out, arguments.jobs))
    table = Table(
        title=f"One choice changed, threshold {DEFAULT_THRESHOLD:g} (+ and -: cases better and worse, p: McNemar's)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("", "right", "+", "-", "p", "FMR %", "FNMR %", "EER %", "AUC", "refused", "p50 ms"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    figures = []
    for variant, run in zip(chosen, runs, strict=True):
        summary = summarise(run, DEFAULT_THRESHOLD)
        group = compare_runs(runs[0].results, run.results, DEFAULT_THRESHOLD, DEFAULT_THRESHOLD).groups[0]
        if summary.cases is None:
            raise ValueError("A run of cases has figures of cases.")
        confusion, study = summary.cases.overall, summary.studies[0]
        latency = next(iter(summary.cases.latency.values()))
        figure = {
            "variant": variant.name,
            "accuracy": confusion.accuracy.value,
            "better": group.own.only_second,
            "worse": group.own.only_first,
            "p": round(group.own.p_value, 4),
            "fmr": confusion.fmr.value,
            "fnmr": confusion.fnmr.value,
            "eer": study.eer.rate if study.eer else None,
            "auc": study.auc,
            "refused": confusion.unexpected_errors,
            "failed": confusion.failures,
            "p50_ms": round(latency.p50 * 1000),
        }
        figures.append(figure)
        table.add_row(
            variant.name,
            f"{(confusion.accuracy.value or 0) * 100:.2f} %",
            str(group.own.only_second),
            str(group.own.only_first),
            f"{group.own.p_value:.3f}",
            f"{(confusion.fmr.value or 0) * 100:.2f}",
            f"{(confusion.fnmr.value or 0) * 100:.2f}",
            f"{(study.eer.rate if study.eer else 0) * 100:.2f}",
            f"{study.auc or 0:.5f}",
            str(confusion.unexpected_errors + confusion.failures),
            f"{latency.p50 * 1000:.0f}",
        )
    console.print(table)
    console.print(f"{arguments.cases.name}, {len(runs[0].results)} pairs; {describe_machine()}")
    console.print(", ".join(f"{name} {version}" for name, version in describe_versions().items()))
    print(json.dumps({"benchmark": "pipeline_ab", "machine": describe_machine(), "variants": figures}))


if __name__ == "__main__":
    main()
