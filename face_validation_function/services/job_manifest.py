"""A manifest, line by line: each a request as its route would get it, or the reason why it is not one."""

import csv
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.integrations.jobs_on_aws import MOST_LINE_BYTES
from face_validation_function.jobs import Job, Kind, Line
from face_validation_function.validations.body import StrictBody, parse_body, validated
from face_validation_function.validations.people_requests import EnrolRequest, SearchRequest
from face_validation_function.validations.validation_request import FaceValidationRequest

MOST_LINES = 1_000_000
# What labelled cases say of themselves, which no route asks for.
LABELS = frozenset({"case_id", "expected", "note", "source_person", "target_person", "group"})
_COLUMNS = {"source": "source_path", "target": "target_path"}
_TEXTS = frozenset({"id_request", "type", "source_path", "target_path", "image_path", "full_name"})


@dataclass(frozen=True, slots=True)
class _Route:
    """The model of a request, the fields that no line can do without, and those that are not for jobs."""

    model: type[StrictBody]
    required: frozenset[str]
    refused: frozenset[str] = frozenset()


# A session of liveness ends after three minutes, claims and documents are told to nobody's file, and an image in a
# line would make a manifest of a million 1,000 GB.
_ROUTES = {
    Kind.VALIDATION: _Route(
        FaceValidationRequest, frozenset({"type", "target_path"}), frozenset({"claims", "target_liveness_session"})
    ),
    Kind.ENROLMENT: _Route(EnrolRequest, frozenset({"image_path", "full_name"})),
    Kind.SEARCH: _Route(SearchRequest, frozenset({"image_path"}), frozenset({"image"})),
}


def check_defaults(kind: Kind, defaults: Mapping[str, Any]) -> None:
    """Refuse defaults that no line of this kind may have; raises RequestError."""
    route = _ROUTES[kind]
    known = set(route.model.model_fields) - route.refused - {"id_request"}
    if unknown := sorted(set(defaults) - known):
        raise RequestError(f"defaults.{unknown[0][:80]}: a {kind} job takes {', '.join(sorted(known))}.")
    _refuse_fields(defaults, route.refused)


def lines_of(job: Job, lines: Iterable[bytes]) -> Iterator[Line]:
    """Every line of a manifest that is not empty, in its order. What is wrong with one line is that line's outcome.

    RequestError when nothing can be asked: the header, the size, or the number of lines is not right.
    """
    numbered = _numbered(lines)
    read: Callable[[str], object] = parse_body
    if job.asked["manifest_path"].endswith(".csv"):
        columns = _header(job, next(numbered, (1, b""))[1])
        read = partial(_row, columns=columns)
    found = 0
    for number, raw in numbered:
        if not raw.strip():
            continue
        found += 1
        if found > MOST_LINES:
            raise RequestError(f"line {number}: the manifest has more than {MOST_LINES} lines: make it several jobs.")
        yield _line(job, number, raw, read)
    if not found:
        raise RequestError("The manifest has no line to ask.")


def _line(job: Job, number: int, raw: bytes, read: Callable[[str], object]) -> Line:
    # The same for every reader of the line: what is asked twice is found twice in the log, under one id.
    id_request = str(uuid.UUID(bytes=sha256(f"{job.job_id}\n{number}".encode()).digest()[:16], version=4))
    route = _ROUTES[job.kind]
    try:
        request = {"id_request": id_request, **job.asked["defaults"], **_object(read(_text(raw)))}
        _refuse_fields(request, route.refused)
        return Line(number, validated(request, route.model).id_request, request)
    except RequestError as error:
        return Line(number, id_request, refusal=f"line {number}: {error}")


def _text(raw: bytes) -> str:
    # Bytes that are not UTF-8 become half pairs, which no key and no name may have. A byte order mark is left out.
    return raw.decode(errors="surrogateescape").removeprefix("\ufeff")


def _object(item: object) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RequestError("a line is a JSON object.")
    return item


def _refuse_fields(request: Mapping[str, Any], refused: frozenset[str]) -> None:
    if found := refused & set(request):
        raise RequestError(f"{min(found)}: this field is not for jobs.")
    include = request.get("include")
    if isinstance(include, list) and "document" in include:
        raise RequestError("include: document is not for jobs: what a document says goes into no file.")


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        if len(line) > MOST_LINE_BYTES:
            raise RequestError(f"line {number}: it has more than {MOST_LINE_BYTES} bytes, the limit of a line.")
        yield number, line


def _header(job: Job, line: bytes) -> list[str]:
    """The field of each column; raises RequestError where one is not known, or one is missing."""
    names = _cells(_text(line))
    columns = [_COLUMNS.get(name.strip(), name.strip()) for name in names]
    route = _ROUTES[job.kind]
    known = set(route.model.model_fields) - route.refused
    for name, column in zip(names, columns, strict=True):
        if column not in known | LABELS or columns.count(column) > 1:
            raise RequestError(
                f"line 1: the column {name[:80]!r} is not known, or is there twice; the columns of a {job.kind} job "
                f"are {', '.join(sorted(known))}."
            )
    if missing := route.required - set(columns) - set(job.asked["defaults"]):
        raise RequestError(f"line 1: there is no column {min(missing)}, and no default for it.")
    return columns


def _row(text: str, columns: list[str]) -> dict[str, Any]:
    cells = _cells(text)
    if len(cells) != len(columns):
        raise RequestError(f"it has {len(cells)} values, and the header {len(columns)} columns.")
    return {
        column: cell if column in _TEXTS else _json(cell)
        for column, cell in zip(columns, cells, strict=True)
        if cell and column not in LABELS
    }


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text.rstrip("\r\n")], strict=True), [])
    except csv.Error as error:
        raise RequestError(f"it is not a row of CSV ({error}).") from error


def _json(cell: str) -> Any:
    """A number, true or a list, as JSON writes it; else the text, which the field's own check refuses."""
    try:
        return json.loads(cell)
    except ValueError:
        return cell
