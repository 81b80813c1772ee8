"""The answers of a run, one row of results.csv each, written as they come and read again when a run is taken up."""

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from io import StringIO
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.runs.cases import PERSON_COLUMNS, Case, EvaluationError
from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.statistics.pairs import Expected

RESULTS_FILE = "results.csv"
REQUIRED_COLUMNS = (
    *("case_id", "type", "source", "target", "expected", "note", "outcome", "similarity", "status", "code", "details"),
    *("seconds", "id_request", "source_sha256", "target_sha256", "boxes"),
)
# Runs of earlier versions do not have these; what is missing is read as empty.
COLUMNS = (*REQUIRED_COLUMNS, *PERSON_COLUMNS, "quality", "reasons")

# The columns as a case and a result take them, and where a column is found in a result.
_OF_CASE = [field.name for field in fields(Case)]
_OF_RESULT = [field.name.removesuffix("_json") for field in fields(Result) if field.name != "case"]
_FOUND_IN = {field.name.removesuffix("_json"): field.name for field in fields(Result)} | {
    name: f"case.{name}" for name in _OF_CASE
}


class ResultsError(EvaluationError):
    """A results file cannot be read; says where."""


@contextmanager
def appended(path: Path, root: Path) -> Iterator[Callable[[Iterable[Result]], None]]:
    """Opens results.csv of a run, and gives what adds rows to it; they are on the disk when it returns.

    Images are written relative to `root`, the folder of the cases. Not for several threads at once.
    """
    row = _row_writer(root)
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        if stream.tell() == 0:
            writer.writerow(COLUMNS)

        def append(results: Iterable[Result]) -> None:
            writer.writerows(map(row, results))
            stream.flush()
            os.fsync(stream.fileno())

        yield append


def write_results(results: Iterable[Result], path: Path, root: Path) -> None:
    """Put a whole results.csv in the place of the one that is there, in one step."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with appended(new, root) as append:
        append(results)
    new.replace(path)


def _row_writer(root: Path) -> Callable[[Result], list[object]]:
    """Gives the values of a result in the order of `COLUMNS`, as the csv module writes them."""
    convert: dict[str, Callable[[Any], object]] = {
        # Each worked out once: many cases share an image.
        **dict.fromkeys(("source", "target"), cache(lambda path: Path(os.path.relpath(path, root)).as_posix())),
        **dict.fromkeys(("note", "details"), lambda text: " ".join(text.split())),
        "seconds": lambda seconds: f"{seconds:.4f}",
        "reasons": " ".join,
    }
    values_of = attrgetter(*(_FOUND_IN[column] for column in COLUMNS))
    places = [(COLUMNS.index(column), function) for column, function in convert.items()]

    def row(result: Result) -> list[object]:
        values = list(values_of(result))
        for place, function in places:
            values[place] = function(values[place])
        return values

    return row


def read_results(path: Path, root: Path) -> list[Result]:
    """The rows of a results.csv; none where the file is missing.

    A row that a crash cut off is left out, so that its case is asked again.

    Raises:
        ResultsError: a row is damaged, or the file has other columns.
    """
    if not path.is_file():
        return []
    try:
        with _whole_lines(path) as lines:
            return list(_results(csv.reader(lines), path, root))
    except UnicodeDecodeError as error:
        raise ResultsError(
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


def _results(rows: Any, path: Path, root: Path) -> Iterator[Result]:
    header = next(rows, None)
    if header is None:
        return
    if missing := [column for column in REQUIRED_COLUMNS if column not in header]:
        raise ResultsError(
            f"{path.name} was written by another version of the evaluation: it lacks {', '.join(missing)}. "
            "Run it into another folder."
        )
    convert: dict[str, Callable[[str], object]] = {
        "type": {one.value: one for one in ValidationType}.__getitem__,
        "expected": {one.value: one for one in Expected}.__getitem__,
        "outcome": {one.value: one for one in Outcome}.__getitem__,
        **dict.fromkeys(("source", "target"), cache(lambda relative: root / relative)),
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
    of_case = len(_OF_CASE)
    for row in rows:
        if len(row) != len(header):
            raise ResultsError(
                f"{path.name}, row {rows.line_num}, is damaged: {len(row)} values instead of {len(header)}."
            )
        row.append("")
        try:
            values: list[Any] = [function(row[place]) for place, function in places]
        except (KeyError, ValueError) as error:
            raise ResultsError(f"{path.name}, row {rows.line_num}, is damaged: {error}.") from error
        yield Result(Case(*values[:of_case]), *values[of_case:])
