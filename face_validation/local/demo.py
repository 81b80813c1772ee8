"""The main job on real photographs: sample questions, their answers as JSON and as annotated pictures."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from face_validation.client import FaceValidationClient, FaceValidationError
from face_validation.client.annotation import annotate
from face_validation.client.profiles import names
from face_validation.local.samples.questions import SAMPLES, Sample, sample_jpeg
from face_validation.local.stack_info import StackInfo

FOLDER = Path("results") / "demo"
HONESTY = (
    "The documents are drawn, of a state that does not exist. There is one photograph of each person, so the picture "
    "of the holder is another picture made of the same photograph: mirrored, tilted, cropped, relit. A photograph "
    "taken on another day is harder; how much harder, the evaluation measures."
)


def show(stack: StackInfo, folder: Path, console: Console) -> bool:
    """Ask every sample question, print the answers and write them to `folder`; whether all are as expected."""
    folder.mkdir(parents=True, exist_ok=True)
    with client_of(stack) as client:
        outcomes = [_show_one(client, sample, folder, console) for sample in SAMPLES]
    console.print(HONESTY, style="dim", highlight=False)
    as_expected = sum(outcomes)
    console.print(f"\n{as_expected} of {len(outcomes)} answers are as expected. Pictures and answers: {folder}/")
    return all(outcomes)


def _show_one(client: FaceValidationClient, sample: Sample, folder: Path, console: Console) -> bool:
    target = sample_jpeg(sample.target)
    images = {"target": target} if sample.source is None else {"source": sample_jpeg(sample.source), "target": target}
    for side, image in images.items():
        (folder / f"{sample.name}-{side}.jpg").write_bytes(image)
    console.print(f"[bold]{escape(sample.title)}[/]  {sample.type}  [dim]{sample.source or '-'} / {sample.target}[/]")
    try:
        answer = client.validate_files(images.get("source"), target, sample.type, include=["boxes"])
    except FaceValidationError as error:
        found, body = "refusal", error.to_answer()
    else:
        found, body = ("match" if answer.matched else "no match"), answer.to_answer()
        picture = folder / f"{sample.name}.png"
        annotate(images.get("source", target), target, answer).save(picture)
    (folder / f"{sample.name}.json").write_text(json.dumps(body, indent=2) + "\n")
    console.print_json(json.dumps({name: value for name, value in body.items() if name != "boxes"}))
    good = found == sample.expected
    verdict = "[green]as expected[/]" if good else f"[red]expected: {sample.expected}[/]"
    console.print(f"{found}, {verdict}" + ("" if found == "refusal" else f"  [dim]{picture}[/]") + "\n")
    return good


def client_of(stack: StackInfo, **options: Any) -> FaceValidationClient:
    """A client of the API that a stack serves; `options` are those of the constructor, such as `attempts`."""
    settings = {name: value for name, value in asdict(stack).items() if name in names()}
    return FaceValidationClient(**settings, **options)
