"""Answers that a tester declares, for every operation of the model, and errors that a tester orders.

docs/rekognition.md ("Declared answers") shows a file of them. The first declaration that fits a request answers it.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from botocore.model import Shape, StructureShape
from pydantic import BaseModel, Field, ValidationError

from rekognition_local.protocol.validation import violations
from rekognition_local.protocol.wire import COMMON_ERRORS, ServiceError, service_model

IMAGE_KEYS = ("S3Object", "Sha256", "File")
MOST_TIMES = 10_000


class DeclarationError(ValueError):
    """Declared answers cannot be used; the text names every fault and its place."""


class _DeclaredError(BaseModel, extra="forbid"):
    code: str
    message: str | None = None


class _Declaration(BaseModel, extra="forbid"):
    """An outcome, and of which requests; `times` counts down. An ordered error may be for any operation: None."""

    operation: str | None
    request: dict[str, Any] = {}
    answer: dict[str, Any] | None = None
    error: _DeclaredError | None = None
    times: Annotated[int, Field(ge=1)] | None = None


class _Document(BaseModel, extra="forbid"):
    answers: list[_Declaration]


class Answers:
    """What a server is told to answer; safe under threads."""

    def __init__(self, lasting: Sequence[_Declaration] = ()) -> None:
        self._lasting = list(lasting)
        self._added: list[_Declaration] = []
        self._lock = threading.Lock()

    @classmethod
    def of_file(cls, path: Path) -> "Answers":
        """The answers of a file, which `reset` keeps; DeclarationError when they cannot be used."""
        try:
            document = json.loads(path.read_bytes())
        except ValueError as error:
            raise DeclarationError(f"{path} is not JSON: {error}") from error
        return cls(_checked(document, path.parent))

    def declare(self, document: Any) -> None:
        """Add answers in front of those that are there, all or, with a DeclarationError, none; no file can be named."""
        added = _checked(document, None)
        with self._lock:
            self._added[:0] = added

    def order(self, error: str, operation: str | None = None, times: int = 1) -> None:
        """Answer the next `times` calls of an operation (None: of any) with an error; earlier orders come first.

        KeyError where the model has no such error, ValueError for an unknown operation and `times` beyond MOST_TIMES.
        """
        if operation is not None and operation not in service_model().operation_names:
            raise ValueError(f"operation is {operation!r:.100}: Rekognition has none of that name.")
        if type(times) is not int or not 1 <= times <= MOST_TIMES:
            raise ValueError(f"times is {times!r:.100}: it must be a whole number from 1 to {MOST_TIMES}.")
        told = _DeclaredError(code=error, message=str(ServiceError(error, f"{error}, as ordered.")))
        with self._lock:
            self._added.append(_Declaration(operation=operation, error=told, times=times))

    def withdraw(self, operation: str, of: Callable[[Mapping[str, Any]], bool]) -> None:
        """Forget what was added for an operation and a request of which `of` is true."""
        with self._lock:
            self._added = [one for one in self._added if one.operation != operation or not of(one.request)]

    def reset(self) -> None:
        """Forget what was added."""
        with self._lock:
            self._added.clear()

    def declares(self, operation: str) -> bool:
        """Whether any request to an operation has a declared answer."""
        with self._lock:
            return any(one.operation == operation for one in (*self._added, *self._lasting))

    def find(
        self, operation: str, request: Mapping[str, Any], digest_of: Callable[[Mapping[str, Any]], str | None]
    ) -> Mapping[str, Any] | None:
        """The reply that is declared for a request, as `read_request` gives it, or None; a declared error is raised.

        `digest_of` is the SHA-256 of the file of an `Image` member, in hexadecimal; None where it cannot be read.
        """
        with self._lock:
            known = [one for one in (*self._added, *self._lasting) if one.operation in {None, operation}]
        for one in known:
            if one.times != 0 and _fits(one.request, request, digest_of) and self._taken(one):
                if one.error is None:
                    return one.answer
                code, message = one.error.code, one.error.message
                raise ServiceError(code, f"{code}, as declared." if message is None else message)
        return None

    def _taken(self, one: _Declaration) -> bool:
        with self._lock:
            if one.times == 0:  # another request was faster
                return False
            one.times = None if one.times is None else one.times - 1
            return True


def _fits(wanted: Any, found: Any, digest_of: Callable[[Mapping[str, Any]], str | None]) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(wanted == found)
    if not isinstance(found, Mapping):
        return False
    return all(
        digest_of(found) == value if name == "Sha256" else name in found and _fits(value, found[name], digest_of)
        for name, value in wanted.items()
    )


def _checked(document: Any, folder: Path | None) -> list[_Declaration]:
    try:
        declarations = _Document.model_validate(document).answers
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'answers'}: {fault['msg']}" for fault in error.errors()]
        raise DeclarationError("; ".join(faults)) from error
    found = (_faults(one, f"answers[{place}]", folder) for place, one in enumerate(declarations))
    if faults := [fault for some in found for fault in some]:
        raise DeclarationError("; ".join(faults))
    return declarations


def _faults(declared: _Declaration, path: str, folder: Path | None) -> Iterator[str]:
    """All that the model forbids in a declaration. Files of `folder` in it are named by their hashes afterwards."""
    if declared.operation is None or declared.operation not in service_model().operation_names:
        yield f"{path}.operation: Rekognition has no operation {declared.operation!r:.80}"
        return
    operation = service_model().operation_model(declared.operation)
    yield from _request_faults(operation.input_shape, declared.request, f"{path}.request", folder)
    match declared.answer, declared.error:
        case dict(reply), None:
            yield from violations(operation.output_shape, reply, f"{path}.answer")
        case None, _DeclaredError(code=code):
            known = sorted({shape.name for shape in operation.error_shapes} | set(COMMON_ERRORS))
            if code not in known:
                yield f"{path}.error.code: {operation.name} has no {code!r:.80}; it has {', '.join(known)}"
        case _:
            yield f"{path}: either answer or error is needed"


def _request_faults(shape: Shape | None, wanted: Any, path: str, folder: Path | None) -> Iterator[str]:
    if not isinstance(shape, StructureShape) or not isinstance(wanted, dict):
        yield from violations(shape, wanted, path)
    elif shape.name == "Image":
        yield from _image_faults(shape, wanted, path, folder)
    else:
        for name, value in wanted.items():
            if name in shape.members:
                yield from _request_faults(shape.members[name], value, f"{path}.{name}", folder)
            else:
                yield f"{path}: the model has no member {name}; it has {', '.join(shape.members)}"


def _image_faults(shape: StructureShape, wanted: dict[str, Any], path: str, folder: Path | None) -> Iterator[str]:
    match wanted:
        case {"S3Object": dict(location), **others} if not others:
            yield from _request_faults(shape.members["S3Object"], location, f"{path}.S3Object", folder)
        case {"Sha256": str(digest), **others} if not others:
            wanted["Sha256"] = digest.lower()
        case {"File": str(name), **others} if not others and folder is not None:
            try:
                wanted["Sha256"] = sha256((folder / wanted.pop("File")).read_bytes()).hexdigest()
            except OSError as error:
                yield f"{path}.File: {name} cannot be read: {error.strerror}"
        case _:
            keys = IMAGE_KEYS if folder is not None else IMAGE_KEYS[:2]
            yield f"{path}: an image is named by one of {', '.join(keys)}"
