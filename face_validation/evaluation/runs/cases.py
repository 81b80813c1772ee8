"""Labelled cases: which two images, which question, and what the right answer is; read from a CSV or from folders."""

import csv
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from face_validation.client.folders import is_hidden, is_utf8, printable
from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.statistics.pairs import Expected

REQUIRED_COLUMNS = ("case_id", "type", "source", "target", "expected")
PERSON_COLUMNS = ("source_person", "target_person", "group")  # optional: intervals over persons, rates by group
LABELS_FILE = "labels.csv"

logger = logging.getLogger(__name__)

# The pictures of a case's folder, in the layout that `read_cases` describes.
_FOLDERS = {
    ValidationType.FACE_TO_FACE: ("true_face", "target_face"),
    ValidationType.ID_TO_FACE: ("dni", "target_face"),
    ValidationType.ID_IN_FACE: ("target_face",),
}


class EvaluationError(ValueError):
    """An evaluation cannot be run, or must not; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled question, with an id that is unique in its file.

    The source is the trusted image: for ID_TO_FACE the document, for ID_IN_FACE the target itself. The note says where
    the case comes from; the persons of both images and their group are empty where they are not told.
    """

    case_id: str
    type: ValidationType
    source: Path
    target: Path
    expected: Expected
    note: str = ""
    source_person: str = ""
    target_person: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph of a known person; `group` may be empty."""

    person: str
    path: Path
    group: str = ""


def read_cases(path: Path) -> list[Case]:
    """The cases of a CSV file, or of a folder in the layout below; image paths are relative to it.

    A folder holds `face_to_face/<case>/{true_face,target_face}.*`, `id_to_face/<case>/{dni,target_face}.*` and
    `id_in_face/<case>/target_face.*`, one picture of each name. The layout itself says that `target_face` shows the
    trusted person, so a case is expected to match unless `labels.csv` (`case_id,expected[,note]`, ids like
    `face_to_face/001`) in that folder says otherwise. Raises EvaluationError that names every bad row, up to ten.
    """
    if not path.is_dir() and not path.is_file():
        raise EvaluationError(f"{path} is neither a CSV file nor a folder.")
    cases, complaints = _from_folder(path) if path.is_dir() else _from_csv(path)
    if complaints:
        shown = complaints[:10] + ([f"and {len(complaints) - 10} more"] if len(complaints) > 10 else [])
        raise EvaluationError(f"{path.name} cannot be used:\n  " + "\n  ".join(shown))
    if not cases:
        raise EvaluationError(f"{path} holds no case.")
    return cases


def _from_csv(path: Path) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    complaints: list[str] = []
    first_line_of: dict[str, int] = {}
    # Each looked for once: many cases share an image.
    has_file = cache(lambda name: is_file(path.parent / name))
    for line, row in read_rows(path, REQUIRED_COLUMNS):
        if row["type"] == ValidationType.ID_IN_FACE and not row["source"]:
            row["source"] = row["target"]  # one image shows the person and the document
        problems = _problems(row, has_file)
        if not problems and row["case_id"] in first_line_of:
            problems = [f"column case_id: {row['case_id']!r} is already in row {first_line_of[row['case_id']]}"]
        complaints += [f"row {line}, {problem}" for problem in problems]
        if not problems:
            first_line_of[row["case_id"]] = line
            kind, images = ValidationType(row["type"]), (path.parent / row["source"], path.parent / row["target"])
            rest = (row.get(column, "") for column in ("note", *PERSON_COLUMNS))
            cases.append(Case(row["case_id"], kind, *images, Expected(row["expected"]), *rest))
    return cases, complaints


def read_rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number (the header is row 1) and columns of each row that is not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            missing = [column for column in required if column not in (reader.fieldnames or ())]
            if missing:
                found = ", ".join(reader.fieldnames or ()) or "none"
                hint = " Columns are separated by commas." if ";" in found or "\t" in found else ""
                raise EvaluationError(
                    f"{path.name}, row 1: missing columns: {', '.join(missing)}; found: {found}.{hint}"
                )
            for row in reader:
                if any(isinstance(value, str) and value.strip() for value in row.values()):
                    if None in row:
                        raise EvaluationError(f"{path.name}, row {reader.line_num}: more values than columns.")
                    yield reader.line_num, {column: (value or "").strip() for column, value in row.items()}
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    except csv.Error as error:
        raise EvaluationError(f"{path.name}, row {reader.line_num}: not a valid CSV row ({error}).") from error


def _problems(row: dict[str, str], has_file: Callable[[str], bool]) -> list[str]:
    problems = [f"column {column}: is empty" for column in REQUIRED_COLUMNS if not row[column]]
    if row["type"] == ValidationType.ID_IN_FACE and row["source"] != row["target"]:
        problems.append(f"column source: {row['source']!r:.100} differs from target; ID_IN_FACE has one image")
    for column, choices in (("type", ValidationType), ("expected", Expected)):
        if row[column] and row[column] not in {str(choice) for choice in choices}:
            problems.append(f"column {column}: {row[column]!r} is not one of {', '.join(choices)}")
    if not row["case_id"].isprintable():
        problems.append(f"column case_id: {row['case_id']!r:.100} holds a line break or another control character")
    problems += [
        f"column {column}: there is no file {row[column]!r:.100} beside the CSV"
        for column in ("source", "target")
        if row[column] and not has_file(row[column])
    ]
    one, other = row.get("source_person", ""), row.get("target_person", "")
    if bool(one) is not bool(other):
        problems.append("columns source_person, target_person: one of them is empty; give both persons, or neither")
    elif one and row["expected"] == (Expected.NO_MATCH if one == other else Expected.MATCH):
        problems.append(f"column expected: {row['expected']} contradicts the persons {one!r:.50} and {other!r:.50}")
    return problems


def read_groups(path: Path) -> Mapping[str, str]:
    """The group of each person, from a CSV `person,group`; raises EvaluationError where a person is in two groups."""
    groups: dict[str, str] = {}
    for line, row in read_full_rows(path, ("person", "group")):
        if groups.setdefault(row["person"], row["group"]) != row["group"]:
            raise EvaluationError(f"{path.name}, row {line}: {row['person']!r:.100} is in two groups.")
    return groups


def read_full_rows(
    path: Path, columns: tuple[str, ...], *, files: str = "", root: Path = Path()
) -> Iterator[tuple[int, dict[str, str]]]:
    """`read_rows`, with a value in each of these columns; the column `files` names files below `root`.

    Raises EvaluationError where a value or a file is missing, or there is no row.
    """
    line = 0
    for line, row in read_rows(path, columns):
        for column in columns:
            if not row[column]:
                raise EvaluationError(f"{path.name}, row {line}, column {column}: is empty.")
        if files and not is_file(root / row[files]):
            raise EvaluationError(f"{path.name}, row {line}, column {files}: there is no file {row[files]!r:.100}.")
        yield line, row
    if not line:
        raise EvaluationError(f"{path.name} holds no row.")


def is_file(path: Path) -> bool:
    """Whether a file is there; a path that is too long to be one (a quote left open holds whole rows) is not one."""
    try:
        return path.is_file()
    except OSError:
        return False


def _from_folder(folder: Path) -> tuple[list[Case], list[str]]:
    labels, complaints = _labels(folder / LABELS_FILE)
    cases: list[Case] = []
    for type_, names in _FOLDERS.items():
        found = sorted(path for path in (folder / type_.lower()).glob("*") if path.is_dir())
        seen = [path for path in found if not is_hidden(path, folder)]
        if len(seen) < len(found):
            logger.warning("%s: %d hidden folders are not cases.", type_.lower(), len(found) - len(seen))
        for case_folder in seen:
            case_id = f"{type_.lower()}/{case_folder.name}"
            if not is_utf8(case_id):
                complaints.append(f"{printable(case_id)}: its name is not UTF-8; rename the folder")
                continue
            expected, note = labels.pop(case_id, (Expected.MATCH, ""))
            pictures = []
            for name in names:
                named = sorted(path for path in case_folder.glob(f"{name}.*") if path.is_file())
                pictures += named[:1]
                if len(named) != 1:
                    complaints.append(f"{case_id}: one {name}.* is needed, found {len(named)}")
            if len(pictures) == len(names):
                cases.append(Case(case_id, type_, pictures[0], pictures[-1], expected, note))
    complaints += [
        f"{LABELS_FILE}: there is no case {case_id!r}; they are called as face_to_face/001" for case_id in labels
    ]
    return cases, complaints


def _labels(path: Path) -> tuple[dict[str, tuple[Expected, str]], list[str]]:
    labels: dict[str, tuple[Expected, str]] = {}
    complaints: list[str] = []
    for line, row in read_rows(path, ("case_id", "expected")) if path.is_file() else ():
        place = f"{path.name}, row {line}, column"
        if row["expected"] not in {str(choice) for choice in Expected}:
            complaints.append(f"{place} expected: {row['expected']!r} is not one of {', '.join(Expected)}")
        elif row["case_id"] in labels:
            complaints.append(f"{place} case_id: {row['case_id']!r} is there twice")
        else:
            labels[row["case_id"]] = (Expected(row["expected"]), row.get("note", ""))
    return labels, complaints
