"""The answers of a run, one row of results.csv each, written as they come and read again when a run is taken up."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import numpy as np

from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import Boxes, ImageAnalysis, ValidationResult
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.statistics.confusion import Answer, Expected, Scores, answers

RESULTS_FILE = "results.csv"
COLUMNS = (
    "case_id",
    "type",
    "source",
    "target",
    "expected",
    "note",
    "outcome",
    "similarity",
    "status",
    "code",
    "details",
    "seconds",
    "id_request",
    "source_sha256",
    "target_sha256",
    "boxes",
)


class Outcome(StrEnum):
    """How a case ended: with a similarity, with a refusal (4xx), or with a failure (5xx, or no answer)."""

    SCORED = "scored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one case.

    Attributes:
        case: the question.
        source_sha256: hash of the source's bytes, as uploaded; likewise `target_sha256`.
        outcome: what kind of answer it is.
        seconds: wall time of the request, uploads not counted.
        similarity: 0-100 where scored.
        status: HTTP status where not scored; None when no answer came.
        code: the error envelope's code, or the client's name for what went wrong.
        details: the error's details, in one line.
        id_request: what to look for in the service's logs; empty when the request was lost before it had one.
        boxes: what was seen in both images, where scored.
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
    boxes: Boxes | None = None


class ResultsError(ValueError):
    """A results file cannot be read; says where."""


class ResultsFile:
    """results.csv of a run, open for appending: each row is on the disk before the next case is asked."""

    def __init__(self, path: Path, root: Path) -> None:
        """Images are written relative to `root`, the folder of the cases."""
        self._root = root
        self._stream: IO[str] = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.DictWriter(self._stream, COLUMNS)
        if self._stream.tell() == 0:
            self._writer.writeheader()

    def append(self, result: Result) -> None:
        """Add one row. Not for several threads at once."""
        self._writer.writerow(_row(result, self._root))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """No more rows."""
        self._stream.close()


def write_results(results: Iterable[Result], path: Path, root: Path) -> None:
    """Replace the file at once: a crash leaves the old one or the new one, never half of it."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, COLUMNS)
        rows.writeheader()
        rows.writerows(_row(result, root) for result in results)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def read_results(path: Path, root: Path) -> list[Result]:
    """The rows of results.csv in file order; a last row that was cut off in the middle is left out.

    Raises:
        ResultsError: a row in the middle is damaged, or the file is not as it was written.
    """
    if not path.is_file():
        return []
    written = path.read_bytes()
    # Every row ends with a line break, and none holds one inside. Cut as bytes: a row may end within a character.
    try:
        whole = written[: written.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ResultsError(
            f"{path.name} is no longer UTF-8: another program saved it, so answers may be lost."
        ) from error
    reader = csv.DictReader(io.StringIO(whole, newline=""))
    if whole and tuple(reader.fieldnames or ()) != COLUMNS:
        raise ResultsError(f"{path.name} was written by another version of the evaluation: run it into another folder.")
    results = []
    for row in reader:
        try:
            results.append(_result(row, root))
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"{path.name}, row {reader.line_num}, is damaged: {error}.") from error
    return results


def _row(result: Result, root: Path) -> dict[str, str]:
    case = result.case
    return {
        "case_id": case.case_id,
        "type": case.type.value,
        "source": Path(os.path.relpath(case.source, root)).as_posix(),
        "target": Path(os.path.relpath(case.target, root)).as_posix(),
        "expected": case.expected.value,
        "note": " ".join(case.note.split()),
        "outcome": result.outcome.value,
        "similarity": "" if result.similarity is None else repr(result.similarity),
        "status": "" if result.status is None else str(result.status),
        "code": result.code,
        "details": " ".join(result.details.split()),
        "seconds": f"{result.seconds:.4f}",
        "id_request": result.id_request,
        "source_sha256": result.source_sha256,
        "target_sha256": result.target_sha256,
        "boxes": "" if result.boxes is None else json.dumps(_boxes_to_json(result.boxes), separators=(",", ":")),
    }


def _result(row: dict[str, str], root: Path) -> Result:
    case = Case(
        case_id=row["case_id"],
        type=ValidationType(row["type"]),
        source=root / row["source"],
        target=root / row["target"],
        expected=Expected(row["expected"]),
        note=row["note"],
    )
    return Result(
        case=case,
        source_sha256=row["source_sha256"],
        target_sha256=row["target_sha256"],
        outcome=Outcome(row["outcome"]),
        seconds=float(row["seconds"]),
        similarity=float(row["similarity"]) if row["similarity"] else None,
        status=int(row["status"]) if row["status"] else None,
        code=row["code"],
        details=row["details"],
        id_request=row["id_request"],
        boxes=_boxes_from_json(row["boxes"]) if row["boxes"] else None,
    )


def _boxes_to_json(boxes: Boxes) -> Any:
    # The contract's own shape of `boxes`: the client writes and reads it.
    return ValidationResult(id_request="", matched=False, similarity=0.0, boxes=boxes).to_answer()["boxes"]


def _boxes_from_json(text: str) -> Boxes | None:
    answer = {"id_request": "", "matched": False, "similarity": 0.0, "boxes": json.loads(text)}
    return ValidationResult.from_answer(answer).boxes


def similarities(results: Iterable[Result]) -> Scores:
    """(n,) percent 0-100, NaN where there is no score."""
    return np.array([math.nan if result.similarity is None else result.similarity for result in results], np.float64)


def answers_at(results: list[Result], threshold: float) -> list[Answer]:
    """The answer to each case at `threshold` (0-100)."""
    failed = np.array([result.outcome is Outcome.FAILED for result in results], np.bool_)
    return answers(similarities(results), failed, threshold)


def face_height(side: ImageAnalysis) -> float:
    """Height in pixels of the face that was compared, in the upright image."""
    return side.faces[side.compared].box.height * side.height
