"""Answers that a tester declares: "this request is answered so", for every operation of Rekognition's model.

    {"answers": [
        {"operation": "DetectModerationLabels",
         "request": {"Image": {"File": "beach.jpg"}},
         "answer": {"ModerationLabels": [], "ModerationModelVersion": "7.0"}},
        {"operation": "CompareFaces",
         "request": {"SourceImage": {"S3Object": {"Bucket": "photos", "Name": "ana.jpg"}}},
         "error": {"code": "ThrottlingException", "message": "Slow down."},
         "times": 2}
    ]}

`request` names the members that a request must have to be answered so; others may have any value, and none means every
request. An image is named by its place in S3, by the SHA-256 of its file, or by a file that lies beside this one. The
first declaration that fits answers; the models answer everything else.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from botocore.model import OperationModel, Shape, StructureShape
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rekognition_local.protocol.validation import violations
from rekognition_local.protocol.wire import COMMON_ERRORS, TARGET_PREFIX, ServiceError, operation_of

IMAGE_KEYS = ("S3Object", "Sha256", "File")


class DeclarationError(ValueError):
    """Declared answers cannot be used; the text names every fault and its place."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _DeclaredError(_Part):
    code: str
    message: str | None = None


class _Declaration(_Part):
    operation: str
    request: dict[str, Any] = {}
    answer: dict[str, Any] | None = None
    error: _DeclaredError | None = None
    times: Annotated[int, Field(ge=1)] | None = None


class _Document(_Part):
    answers: list[_Declaration]


@dataclass(slots=True)
class _Declared:
    """One declaration, checked; `left` counts down where it answers only so many times."""

    operation: str
    request: Mapping[str, Any]
    outcome: Mapping[str, Any] | ServiceError
    left: int | None


class Answers:
    """The declared answers of a server; safe under threads."""

    def __init__(self, lasting: Sequence[_Declared] = ()) -> None:
        self._lasting = list(lasting)
        self._added: list[_Declared] = []
        self._lock = threading.Lock()

    @classmethod
    def of_file(cls, path: Path) -> "Answers":
        """The answers of a file, which `reset` keeps.

        Raises:
            DeclarationError: they cannot be used.
            OSError: the file cannot be read.
        """
        try:
            document = json.loads(path.read_bytes())
        except ValueError as error:
            raise DeclarationError(f"{path} is not JSON: {error}") from error
        return cls(_checked(document, path.parent))

    def declare(self, document: Any) -> None:
        """Add answers in front of those that are there; no file can be named.

        Raises:
            DeclarationError: they cannot be used; none is added.
        """
        added = _checked(document, None)
        with self._lock:
            self._added[:0] = added

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
        """The reply that is declared for this request, or None.

        Args:
            operation: its name.
            request: the members, as `validation.read_request` gives them.
            digest_of: the SHA-256 of the file of an `Image` member, in hexadecimal; None where it cannot be read.

        Raises:
            ServiceError: the declared outcome is an error.
        """
        with self._lock:
            asked = [one for one in (*self._added, *self._lasting) if one.operation == operation and one.left != 0]
        for one in asked:
            if _fits(one.request, request, digest_of) and self._taken(one):
                if isinstance(one.outcome, ServiceError):
                    raise ServiceError(one.outcome.code, str(one.outcome))
                return one.outcome
        return None

    def _taken(self, one: _Declared) -> bool:
        with self._lock:
            if one.left is None:
                return True
            if one.left == 0:
                return False
            one.left -= 1
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


def _checked(document: Any, folder: Path | None) -> list[_Declared]:
    try:
        declarations = _Document.model_validate(document).answers
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'answers'}: {fault['msg']}" for fault in error.errors()]
        raise DeclarationError("; ".join(faults)) from error
    checking = _Checking(folder)
    checked: list[_Declared] = []
    for place, declaration in enumerate(declarations):
        checked += checking.declared(declaration, f"answers[{place}]")
    if checking.faults:
        raise DeclarationError("; ".join(checking.faults))
    return checked


class _Checking:
    """Reads declarations, and notes all that the model forbids in them."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.faults: list[str] = []

    def declared(self, declaration: _Declaration, path: str) -> Iterator[_Declared]:
        """The declaration with its outcome, if it has one."""
        try:
            operation = operation_of(f"{TARGET_PREFIX}{declaration.operation}")
        except ServiceError:
            self.faults.append(f"{path}.operation: Rekognition has no operation {declaration.operation!r:.80}")
            return
        request = self._request(operation.input_shape, declaration.request, f"{path}.request")
        outcome = self._outcome(declaration, operation, path)
        if outcome is not None:
            yield _Declared(operation.name, request, outcome, declaration.times)

    def _outcome(
        self, declaration: _Declaration, operation: OperationModel, path: str
    ) -> Mapping[str, Any] | ServiceError | None:
        match declaration:
            case _Declaration(answer=dict(reply), error=None):
                self.faults += violations(operation.output_shape, reply, f"{path}.answer")
                return reply
            case _Declaration(answer=None, error=_DeclaredError(code=code, message=message)):
                known = sorted({shape.name for shape in operation.error_shapes} | set(COMMON_ERRORS))
                if code in known:
                    return ServiceError(code, message if message is not None else f"{code}, as declared.")
                self.faults.append(
                    f"{path}.error.code: {operation.name} has no {code!r:.80}; it has {', '.join(known)}"
                )
            case _:
                self.faults.append(f"{path}: either answer or error is needed")
        return None

    def _request(self, shape: Shape | None, wanted: Any, path: str) -> Any:
        if not isinstance(shape, StructureShape) or not isinstance(wanted, dict):
            self.faults += violations(shape, wanted, path)
            return wanted
        if shape.name == "Image":
            return self._image(shape, wanted, path)
        known = {name: value for name, value in wanted.items() if name in shape.members}
        members = ", ".join(shape.members)
        self.faults += [f"{path}: the model has no member {name}; it has {members}" for name in wanted.keys() - known]
        return {name: self._request(shape.members[name], value, f"{path}.{name}") for name, value in known.items()}

    def _image(self, shape: StructureShape, wanted: Mapping[str, Any], path: str) -> dict[str, Any]:
        match wanted:
            case {"S3Object": dict(location), **others} if not others:
                return {"S3Object": self._request(shape.members["S3Object"], location, f"{path}.S3Object")}
            case {"Sha256": str(digest), **others} if not others:
                return {"Sha256": digest.lower()}
            case {"File": str(name), **others} if not others and self._folder is not None:
                try:
                    return {"Sha256": sha256((self._folder / name).read_bytes()).hexdigest()}
                except OSError as error:
                    self.faults.append(f"{path}.File: {name} cannot be read: {error.strerror}")
            case _:
                keys = IMAGE_KEYS if self._folder is not None else IMAGE_KEYS[:2]
                self.faults.append(f"{path}: an image is named by one of {', '.join(keys)}")
        return {}
