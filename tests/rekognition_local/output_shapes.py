"""A strict reading of botocore's output shapes: what the model does not allow in a reply is a failure."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StringShape, StructureShape

from rekognition_local.protocol.validation import compiled
from rekognition_local.protocol.wire import COMMON_ERRORS, error_statuses

_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def assert_modelled(operation: OperationModel, status: int, content: bytes) -> None:
    """The reply is what the operation's output shape, or one of its errors, allows."""
    if status == 200:
        faults = list(violations(operation.output_shape, json.loads(content), operation.name))
        assert not faults, faults
        return
    error = json.loads(content)
    documented = {shape.name for shape in operation.error_shapes}
    assert error["__type"] in documented | set(COMMON_ERRORS), f"{operation.name} does not document {error}"
    assert error["Message"]
    assert status == error_statuses()[error["__type"]]


def violations(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Everything in a reply that its shape forbids: unknown members, types, bounds, lengths, patterns, enums."""
    match shape:
        case None:
            if value:
                yield f"{path}: the operation answers nothing"
        case StructureShape():
            yield from _structure_violations(shape, value, path)
        case ListShape():
            yield from _list_violations(shape, value, path)
        case Shape():
            yield from _scalar_violations(shape, value, path)


def _list_violations(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: not an array"
        return
    yield from _bound_violations(shape, len(value), path)
    for place, item in enumerate(value):
        yield from violations(shape.member, item, f"{path}[{place}]")


def _structure_violations(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    yield from (f"{path}: no member {name}" for name in value.keys() - shape.members.keys())
    yield from (f"{path}: {name} is missing" for name in set(shape.required_members) - value.keys())
    for name in value.keys() & shape.members.keys():
        yield from violations(shape.members[name], value[name], f"{path}.{name}")


def _scalar_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    assert shape.type_name in _JSON_TYPES, f"a {shape.type_name}: read it here before replies hold one"
    expected = _JSON_TYPES[shape.type_name]
    is_one: bool = isinstance(value, expected) and not (isinstance(value, bool) and expected is not bool)
    if not is_one:
        yield f"{path}: {value!r} is no {shape.type_name}"
    elif isinstance(value, str):
        yield from _bound_violations(shape, len(value), path)
        if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is not among {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            yield f"{path}: {value!r} does not match {pattern}"
    elif not isinstance(value, bool):
        yield from _bound_violations(shape, value, path)


def _bound_violations(shape: Shape, amount: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and amount < low:
        yield f"{path}: {amount} < {low}"
    if high is not None and amount > high:
        yield f"{path}: {amount} > {high}"
