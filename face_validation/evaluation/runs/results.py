"""The answers of a run, one row of results.csv each, written as they come and read again when a run is taken up."""

import csv
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
        self._paths = _RelativePaths(root)
        self._stream: IO[str] = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        if self._stream.tell() == 0:
            self._writer.writerow(COLUMNS)

    def append(self, result: Result) -> None:
        """Add one row. Not for several threads at once."""
        self._writer.writerow(_row(result, self._paths))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Nothing can be appended any more."""
        self._stream.close()


def write_results(results: Iterable[Result], path: Path, root: Path) -> None:
    """Put a whole results.csv in the place of the one that is there, in one step."""
    new, paths = path.with_suffix(".new"), _RelativePaths(root)
    with new.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(_row(result, paths) for result in results)
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
    rows = csv.reader(_whole_lines(path))
    header = next(rows, None)
    if header is None:
        return []
    if missing := [column for column in REQUIRED_COLUMNS if column not in header]:
        raise ResultsError(
            f"{path.name} was written by another version of the evaluation: it lacks {', '.join(missing)}. "
            "Run it into another folder."
        )
    return list(_results(rows, header, path, root))


def _whole_lines(path: Path) -> Iterator[str]:
    """The lines of a file without the last one if it is cut off: a row may end within a character."""
    with path.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ResultsError(
                    f"{path.name} is no longer UTF-8: another program saved it, so answers may be lost."
                ) from error


def _results(rows: Any, header: list[str], path: Path, root: Path) -> Iterator[Result]:
    # Positions, not a dict a row: a comparison reads two runs of 100,000 rows within its three seconds.
    places = [header.index(column) if column in header else len(header) for column in COLUMNS]
    of_row = _Row(root)
    for row in rows:
        if len(row) != len(header):
            raise ResultsError(
                f"{path.name}, row {rows.line_num}, is damaged: {len(row)} values instead of {len(header)}."
            )
        try:
            row.append("")  # what a missing column reads as
            yield of_row.result([row[place] for place in places])
        except (KeyError, TypeError, ValueError) as error:
            raise ResultsError(f"{path.name}, row {rows.line_num}, is damaged: {error}.") from error


def _row(result: Result, paths: "_RelativePaths") -> tuple[str, ...]:
    case = result.case
    return (
        case.case_id,
        case.type.value,
        paths.of(case.source),
        paths.of(case.target),
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


class _RelativePaths:
    """Paths relative to a root, each worked out once: many cases share an image."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """`path` as it stands in results.csv."""
        if path not in self._known:
            self._known[path] = Path(os.path.relpath(path, self._root)).as_posix()
        return self._known[path]


class _Row:
    """Makes results of rows; what many rows share (paths, persons, hashes) is kept once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths: dict[str, Path] = {}
        self._texts: dict[str, str] = {}
        self._types = {one.value: one for one in ValidationType}
        self._expected = {one.value: one for one in Expected}
        self._outcomes = {one.value: one for one in Outcome}

    def result(self, values: list[str]) -> Result:
        """The result of one row, its values in the order of `COLUMNS`."""
        case_id, type_, source, target, expected, note, outcome, similarity, status, code, details = values[:11]
        seconds, id_request, of_source, of_target, boxes = values[11:16]
        source_person, target_person, group, quality, reasons = values[16:]
        text = self._texts.setdefault
        return Result(
            case=Case(
                case_id=case_id,
                type=self._types[type_],
                source=self._path(source),
                target=self._path(target),
                expected=self._expected[expected],
                note=text(note, note),
                source_person=text(source_person, source_person),
                target_person=text(target_person, target_person),
                group=text(group, group),
            ),
            source_sha256=text(of_source, of_source),
            target_sha256=text(of_target, of_target),
            outcome=self._outcomes[outcome],
            seconds=float(seconds),
            similarity=float(similarity) if similarity else None,
            status=int(status) if status else None,
            code=text(code, code),
            details=text(details, details),
            id_request=id_request,
            boxes_json=boxes,
            quality_json=text(quality, quality),
            reasons=tuple(reasons.split()) if reasons else (),
        )

    def _path(self, relative: str) -> Path:
        path = self._paths.get(relative)
        if path is None:
            path = self._paths[relative] = self._root / relative
        return path
