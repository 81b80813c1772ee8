"""Requests checked as the service checks them: against the input shapes of botocore's model.

AWS's request framework refuses what a shape forbids, with a ValidationException that lists every violation, and a
member of the wrong JSON type with a SerializationException. What only the service can judge (both Bytes and S3Object,
no face) is its own InvalidParameterException. The messages are those that callers have published, for example in
github.com/boto/botocore/issues/1366. `violations` reads replies as strictly.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from rekognition_local.protocol.wire import ServiceError, read_blob

_JSON_NAMES: dict[type, str] = {dict: "an object", list: "an array", str: "a string"}

# Java's property classes, which the model's patterns use and Python's `re` has not. All stand inside [...] together
# with "_".
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}


def read_request(operation: OperationModel, document: Mapping[str, Any]) -> dict[str, Any]:
    """The request's members as Python values: blobs decoded, nulls and members unknown to the model left out.

    A client may be newer than the model. What the model forbids is a SerializationException or ValidationException.
    """
    violations: list[str] = []
    request: dict[str, Any] = _read(operation.input_shape, document, "", violations)
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected: "
        raise ServiceError("ValidationException", count + "; ".join(violations))
    return request


def _read(shape: Shape | None, value: Any, path: str, violations: list[str]) -> Any:
    found: Any
    match shape:
        case None:  # an operation without input
            return {}
        case StructureShape():
            found, members = {}, _typed(value, dict, path)
            for name, member in shape.members.items():
                # The service names members in lower camel case, as its Java classes do: image.s3Object.name.
                place = f"{path}.{name[0].lower()}{name[1:]}".removeprefix(".")
                if members.get(name) is not None:
                    found[name] = _read(member, members[name], place, violations)
                elif name in shape.required_members:
                    violations.append(f"Value null at '{place}' failed to satisfy constraint: Member must not be null")
        case ListShape():
            items = enumerate(_typed(value, list, path), 1)
            found = [_read(shape.member, item, f"{path}.{place}.member", violations) for place, item in items]
        case MapShape():
            found = {}
            for key, entry in _typed(value, dict, path).items():
                name = _read(shape.key, key, f"{path}.key", violations)
                found[name] = _read(shape.value, entry, f"{path}.{key:.40}.member", violations)
        case Shape():
            found = read_scalar(shape, value, path)
    shown = f"Value '{found!s:.200}'" if isinstance(found, str | int | float) else "Value"
    failed = f"{shown} at '{path}' failed to satisfy constraint"
    violations += [f"{failed}: {broken}" for broken in broken_constraints(shape, found)]
    return found


def _typed(value: Any, kind: type, path: str) -> Any:
    if not isinstance(value, kind):
        raise ServiceError("SerializationException", f"{path or 'The request'} is not {_JSON_NAMES[kind]}.")
    return value


def read_scalar(shape: Shape, value: Any, path: str) -> Any:
    """A string, blob, boolean or number of JSON as a Python value; SerializationException for one of another type."""
    match shape.type_name:
        case "string":
            text: str = _typed(value, str, path)
            try:
                text.encode()
            except UnicodeEncodeError as error:
                # JSON can escape half a surrogate pair, which no UTF-8 can hold: it would fail later, in S3 or SQLite.
                raise ServiceError("SerializationException", f"{path} is not Unicode text.") from error
            return text
        case "blob":
            try:
                return read_blob(_typed(value, str, path))
            except ValueError as error:
                raise ServiceError("SerializationException", f"{path} is not base64: {error}") from error
        case "boolean" if type(value) is bool:
            return value
        case "integer" | "long" if type(value) is int:
            return value
        case "float" | "double" | "timestamp" if type(value) in {int, float}:
            with suppress(OverflowError):  # an integer too large for a float
                if math.isfinite(value):
                    return float(value)
    raise ServiceError("SerializationException", f"{path} is not a {shape.type_name}: {value!r:.80}")


def broken_constraints(shape: Shape, value: Any) -> Iterator[str]:
    """The model's bounds, enumeration and pattern that a value of the right type breaks, in the service's words."""
    measure, what = (len(value), "length") if isinstance(value, Sized) else (value, "value")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measure < low:
        yield f"Member must have {what} greater than or equal to {low}"
    if high is not None and measure > high:
        yield f"Member must have {what} less than or equal to {high}"
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not compiled(pattern).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the model, which is Java's, as Python's."""
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def violations(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Everything in a reply, which is called `path`, that its shape forbids, or that stands where there is no shape."""
    broken: Iterable[str] = ()
    match shape, value:
        case None, _ if value:
            yield f"{path}: the operation answers nothing"
        case StructureShape(), dict():
            members, given = shape.members, value.keys()
            yield from (f"{path}: the model has no member {name}" for name in sorted(given - members.keys()))
            yield from (f"{path}: {name} is missing" for name in sorted(set(shape.required_members) - given))
            for name in sorted(given & members.keys()):
                yield from violations(members[name], value[name], f"{path}.{name}")
        case ListShape(), list():
            # The model's least length of DeletedFaces is 1, yet the service answers an empty list.
            broken = broken_constraints(shape, value) if value else ()
            for place, item in enumerate(value):
                yield from violations(shape.member, item, f"{path}[{place}]")
        case MapShape(), dict():
            for key, entry in value.items():
                yield from violations(shape.key, key, f"{path} (key)")
                yield from violations(shape.value, entry, f"{path}.{key}")
        case Shape(), _:
            try:
                broken = broken_constraints(shape, read_scalar(shape, value, path))
            except ServiceError as error:
                yield str(error)
    yield from (f"{path}: {value!r:.80}: {reason}" for reason in broken)
