"""The answers of a run, one row of results.csv each, written as they come and read again when a run is taken up."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.runs.cases import PERSON_COLUMNS, Case
from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.statistics.confusion import Expected

RESULTS_FILE = "results.csv"
REQUIRED_COLUMNS = (
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
# Runs of earlier versions do not have these; what is missing is read as empty.
COLUMNS = (*REQUIRED_COLUMNS, *PERSON_COLUMNS, "quality", "reasons")


class ResultsError(ValueError):
    """A results file cannot be read; says where."""


class ResultsFile:
    """results.csv of a run, open for appending: each row is on the disk before the next case is asked."""

    def __init__(self, path: Path, root: Path) -> None:
        """Images are written relative to `root`, the folder of the cases."""
        self._root = root
        self._stream: IO[str] = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        if self._stream.tell() == 0:
            self._writer.writerow(COLUMNS)

    def append(self, result: Result) -> None:
        """Add one row. Not for several threads at once."""
        self._writer.writerow(_row(result, self._root))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Nothing can be appended any more."""
        self._stream.close()


def write_results(results: Iterable[Result], path: Path, root: Path) -> None:
    """Put a whole results.csv in the place of the one that is there, in one step."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(_row(result, root) for result in results)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def read_results(path: Path, root: Path) -> list[Result]:
    """The rows of a results.csv; none where the file is missing.

    A row that a crash cut off is left out, so that its case is asked again.

    Raises:
        ResultsError: a row is damaged, or the file has other columns.
    """
    if not path.is_file():
        return []
    written = path.read_bytes()
    # A row ends with a line break outside quotes; details and notes hold none inside. Cut as bytes: a row may end
    # within a character.
    try:
        whole = written[: written.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ResultsError(
            f"{path.name} is no longer UTF-8: another program saved it, so answers may be lost."
        ) from error
    del written
    rows = csv.reader(io.StringIO(whole, newline=""))
    header = next(rows, None)
    if header is None:
        return []
    if missing := [column for column in REQUIRED_COLUMNS if column not in header]:
        raise ResultsError(
            f"{path.name} was written by another version of the evaluation: it lacks {', '.join(missing)}. "
            "Run it into another folder."
        )
    return list(_results(rows, header, path, root))


def _results(rows: Any, header: list[str], path: Path, root: Path) -> Iterator[Result]:
    # Positions, not a dict a row: a comparison reads two runs of 100,000 rows within its three seconds.
    places = [header.index(column) if column in header else len(header) for column in COLUMNS]
    types = {one.value: one for one in ValidationType}
    for row in rows:
        if len(row) != len(header):
            raise ResultsError(
                f"{path.name}, row {rows.line_num}, is damaged: {len(row)} values instead of {len(header)}."
            )
        try:
            row.append("")  # what a missing column reads as
            yield _result([row[place] for place in places], root, types)
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"{path.name}, row {rows.line_num}, is damaged: {error}.") from error


def _row(result: Result, root: Path) -> tuple[str, ...]:
    case = result.case
    return (
        case.case_id,
        case.type.value,
        _relative(case.source, root),
        _relative(case.target, root),
        case.expected.value,
        " ".join(case.note.split()),
        result.outcome.value,
        "" if result.similarity is None else repr(result.similarity),
        "" if result.status is None else str(result.status),
        result.code,
        " ".join(result.details.split()),
        f"{result.seconds:.4f}",
        result.id_request,
        result.source_sha256,
        result.target_sha256,
        result.boxes_json,
        case.source_person,
        case.target_person,
        case.group,
        result.quality_json,
        " ".join(result.reasons),
    )


def _relative(path: Path, root: Path) -> str:
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return Path(os.path.relpath(path, root)).as_posix()


def _result(values: list[str], root: Path, types: dict[str, ValidationType]) -> Result:
    case_id, type_, source, target, expected, note, outcome, similarity, status, code, details, seconds = values[:12]
    id_request, source_sha256, target_sha256, boxes, source_person, target_person, group, quality, reasons = values[12:]
    return Result(
        case=Case(
            case_id=case_id,
            type=types[type_],
            source=root / source,
            target=root / target,
            expected=Expected(expected),
            note=note,
            source_person=source_person,
            target_person=target_person,
            group=group,
        ),
        source_sha256=source_sha256,
        target_sha256=target_sha256,
        outcome=Outcome(outcome),
        seconds=float(seconds),
        similarity=float(similarity) if similarity else None,
        status=int(status) if status else None,
        code=code,
        details=details,
        id_request=id_request,
        boxes_json=boxes,
        quality_json=quality,
        reasons=tuple(reasons.split()),
    )
