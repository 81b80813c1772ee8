"""A strict reading of botocore's output shapes: everything in a reply that the model does not allow.

Replies are checked by the tests, declared answers when they are declared.
"""

from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from rekognition_local.protocol.validation import compiled
from rekognition_local.protocol.wire import read_blob

_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def violations(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Everything in a reply that its shape forbids: unknown members, types, bounds, lengths, patterns, enums.

    Args:
        shape: what the reply is to be; None for an operation that answers nothing.
        value: the reply as JSON has it.
        path: how violations name it.
    """
    match shape:
        case None:
            if value:
                yield f"{path}: the operation answers nothing"
        case StructureShape():
            yield from _structure_violations(shape, value, path)
        case ListShape():
            yield from _list_violations(shape, value, path)
        case MapShape():
            yield from _map_violations(shape, value, path)
        case Shape():
            yield from _scalar_violations(shape, value, path)


def _structure_violations(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r:.80} is not an object"
        return
    yield from (f"{path}: the model has no member {name}" for name in sorted(value.keys() - shape.members.keys()))
    yield from (f"{path}: {name} is missing" for name in sorted(set(shape.required_members) - value.keys()))
    for name in sorted(value.keys() & shape.members.keys()):
        yield from violations(shape.members[name], value[name], f"{path}.{name}")


def _list_violations(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r:.80} is not an array"
        return
    # The model's least length of DeletedFaces is 1, yet the service answers an empty list.
    if value:
        yield from _bound_violations(shape, len(value), path)
    for place, item in enumerate(value):
        yield from violations(shape.member, item, f"{path}[{place}]")


def _map_violations(shape: MapShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r:.80} is not an object"
        return
    for key, entry in value.items():
        yield from violations(shape.key, key, f"{path} (key)")
        yield from violations(shape.value, entry, f"{path}.{key}")


def _scalar_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    expected = _JSON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        yield f"{path}: {value!r:.80} is not a {shape.type_name}"
    elif shape.type_name == "blob" and isinstance(value, str):
        yield from _blob_violations(shape, value, path)
    elif isinstance(value, str):
        yield from _bound_violations(shape, len(value), path)
        if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
            yield f"{path}: {value!r:.80} is not one of {', '.join(shape.enum)}"
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            yield f"{path}: {value!r:.80} does not match {pattern}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _bound_violations(shape, value, path)


def _blob_violations(shape: Shape, value: str, path: str) -> Iterator[str]:
    try:
        yield from _bound_violations(shape, len(read_blob(value)), path)
    except ValueError as error:
        yield f"{path}: not base64: {error}"


def _bound_violations(shape: Shape, amount: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and amount < low:
        yield f"{path}: {amount} is less than {low}"
    if high is not None and amount > high:
        yield f"{path}: {amount} is more than {high}"
