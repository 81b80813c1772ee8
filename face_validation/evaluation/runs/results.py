"""The answer to one case: a similarity with what was seen, a refusal, or a failure; and results.csv, a row for each."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import Boxes, read
from face_validation.evaluation.runs.cases import PERSON_COLUMNS, Case, EvaluationError
from face_validation.evaluation.statistics.pairs import Answer, Expected, ScoredPairs, Scores

RESULTS_FILE = "results.csv"
REQUIRED_COLUMNS = (
    *("case_id", "type", "source", "target", "expected", "note", "outcome", "similarity", "status", "code", "details"),
    *("seconds", "id_request", "source_sha256", "target_sha256", "boxes"),
)
# Runs of earlier versions do not have these; what is missing is read as empty.
COLUMNS = (*REQUIRED_COLUMNS, *PERSON_COLUMNS, "quality", "reasons")


class Outcome(StrEnum):
    """How a case ended: with a similarity, with a refusal (4xx), or with a failure (5xx, or no answer)."""

    SCORED = "scored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one case.

    Attributes:
        source_sha256: hash of the source's bytes, as uploaded; likewise `target_sha256`.
        seconds: wall time of the request, uploads not counted.
        status: HTTP status; None when no answer came.
        code: the error envelope's code, or the client's name for what went wrong.
        details: the error's details, in one line.
        id_request: what to look for in the service's logs; empty when the request was lost before it had one.
        boxes: what was seen in both images, where scored: the contract's `boxes` as JSON. Kept as text, because a run
            of 100,000 cases would not fit into memory otherwise.
        quality: scores of the quality measures as JSON, `{"source": {measure: 0-100}, "target": {...}}`; may be empty.
    """

    case: Case
    source_sha256: str
    target_sha256: str
    outcome: Outcome
    seconds: float
    similarity: float | None = None
    status: int | None = None
    code: str = ""
    details: str = ""
    id_request: str = ""
    boxes: str = ""
    quality: str = ""
    reasons: tuple[str, ...] = ()

    @property
    def is_scored_pair(self) -> bool:
        """Whether it is a pair of two faces that got a score."""
        return self.similarity is not None and self.case.expected is not Expected.ERROR

    def answer(self, threshold: float) -> Answer:
        """The answer at `threshold` (0-100)."""
        if self.similarity is None:
            return Answer.FAILED if self.outcome is Outcome.FAILED else Answer.REFUSED
        return Answer.MATCH if self.similarity >= threshold else Answer.NO_MATCH

    @property
    def seen(self) -> Boxes | None:
        """What was seen in both images."""
        return read(Boxes, json.loads(self.boxes)) if self.boxes else None

    @property
    def qualities(self) -> dict[str, tuple[float, float]]:
        """The measures (0-100, higher is better) that both faces have, source and target, sorted by name."""
        sides = json.loads(self.quality or "{}")
        source, target = sides.get("source", {}), sides.get("target", {})
        both = {measure: (source[measure], target.get(measure)) for measure in sorted(source)}
        return {measure: scores for measure, scores in both.items() if None not in scores}

    @property
    def least_sizes(self) -> tuple[float, int] | None:
        """Height in pixels of the smaller compared face, and pixels of the smaller image; None without boxes."""
        if not self.boxes:
            return None
        sides = json.loads(self.boxes).values()  # not `seen`, which takes longer: a report asks it of every case
        heights = [side["faces"][side["compared"]]["box"]["height"] * side["height"] for side in sides]
        return min(heights), min(side["width"] * side["height"] for side in sides)


_OF_CASE = [field.name for field in fields(Case)]
_OF_RESULT = [field.name for field in fields(Result) if field.name != "case"]


def similarities(results: Iterable[Result]) -> Scores:
    """(n,) percent 0-100, NaN where there is no score."""
    return np.array([result.similarity for result in results], np.float64)


def scored_pairs(results: Sequence[Result], groups: Mapping[str, str] | None = None) -> ScoredPairs:
    """The pairs of two faces that got a score, in order; a person's group is the case's where it is not in `groups`."""
    scored = [result for result in results if result.is_scored_pair]
    of_person = groups or {}
    persons = [one.case.source_person for one in scored] + [one.case.target_person for one in scored]
    of_case = [one.case.group for one in scored] * 2
    return ScoredPairs.of_images(
        similarities(scored),
        np.array([one.case.expected is Expected.MATCH for one in scored], np.bool_),
        (np.arange(len(scored)), np.arange(len(scored), 2 * len(scored))),
        persons,
        [of_person.get(person, group) for person, group in zip(persons, of_case, strict=True)],
    )


@contextmanager
def written(path: Path, root: Path) -> Iterator[Callable[[Iterable[Result]], None]]:
    """Opens a new results.csv, with images relative to `root`; what it gives adds rows, on the disk when it returns."""
    relative = cache(lambda image: Path(os.path.relpath(image, root)).as_posix())  # many cases share an image

    def row(result: Result) -> dict[str, object]:
        return {
            **{name: getattr(result.case, name) for name in _OF_CASE},
            **{name: getattr(result, name) for name in _OF_RESULT},
            "source": relative(result.case.source),
            "target": relative(result.case.target),
            "note": " ".join(result.case.note.split()),
            "details": " ".join(result.details.split()),
            "seconds": f"{result.seconds:.4f}",
            "reasons": " ".join(result.reasons),
        }

    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()

        def append(results: Iterable[Result]) -> None:
            writer.writerows(map(row, results))
            stream.flush()
            os.fsync(stream.fileno())

        yield append


def read_results(path: Path, root: Path) -> list[Result]:
    """The rows of a results.csv, without one that a crash cut off, so that its case is asked again; none without file.

    Raises EvaluationError where a row is damaged, or the file has other columns.
    """
    if not path.is_file():
        return []
    try:
        with _whole_lines(path) as lines:
            return list(_results(csv.reader(lines), path.name, root))
    except UnicodeDecodeError as error:
        raise EvaluationError(
            f"{path.name} is no longer UTF-8: another program saved it, so answers may be lost."
        ) from error


def _whole_lines(path: Path) -> TextIO:
    """The lines of a file without the last one if it is cut off: a row may end within a character."""
    with path.open("rb") as stream:
        stream.seek(-min(1, path.stat().st_size), os.SEEK_END)
        if stream.read() == b"\n":
            return path.open(encoding="utf-8", newline="")
    content = path.read_bytes()
    return StringIO(content[: content.rfind(b"\n") + 1].decode("utf-8"), newline="")


def _results(rows: Any, name: str, root: Path) -> Iterator[Result]:
    header = next(rows, None)
    if header is None:
        return
    if missing := [column for column in REQUIRED_COLUMNS if column not in header]:
        raise EvaluationError(
            f"{name} was written by another version of the evaluation: it lacks {', '.join(missing)}. "
            "Run it into another folder."
        )
    convert: dict[str, Callable[[str], object]] = {
        "type": cache(ValidationType),
        "expected": cache(Expected),
        "outcome": cache(Outcome),
        **dict.fromkeys(("source", "target"), cache(root.joinpath)),
        "seconds": float,
        "similarity": lambda text: float(text) if text else None,
        "status": cache(lambda text: int(text) if text else None),
        "reasons": cache(lambda text: tuple(text.split())),
        **dict.fromkeys(("case_id", "id_request", "boxes"), str),
    }
    # Positions, not a dict a row, and texts that many rows share only once: a comparison reads 200,000 rows in a second
    # or two. The value after the last one is what a missing column reads as.
    places = [
        (header.index(column) if column in header else len(header), convert.get(column, sys.intern))
        for column in (*_OF_CASE, *_OF_RESULT)
    ]
    for row in rows:
        if len(row) != len(header):
            raise EvaluationError(
                f"{name}, row {rows.line_num}, is damaged: {len(row)} values instead of {len(header)}."
            )
        row.append("")
        try:
            values: list[Any] = [function(row[place]) for place, function in places]
        except ValueError as error:
            raise EvaluationError(f"{name}, row {rows.line_num}, is damaged: {error}.") from error
        yield Result(Case(*values[: len(_OF_CASE)]), *values[len(_OF_CASE) :])
