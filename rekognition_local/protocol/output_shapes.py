"""A strict reading of botocore's output shapes: everything in a reply that the model does not allow.

Replies are checked by the tests, declared answers when they are declared.
"""

from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from rekognition_local.protocol.validation import broken_constraints, read_scalar
from rekognition_local.protocol.wire import ServiceError


def violations(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Everything in a reply that its shape forbids: unknown members, types, bounds, lengths, patterns, enums.

    Args:
        shape: what the reply is to be; None for an operation that answers nothing.
        value: the reply as JSON has it.
        path: how violations name it.
    """
    match shape, value:
        case None, _:
            if value:
                yield f"{path}: the operation answers nothing"
        case StructureShape(), dict():
            members, given = shape.members, value.keys()
            yield from (f"{path}: the model has no member {name}" for name in sorted(given - members.keys()))
            yield from (f"{path}: {name} is missing" for name in sorted(set(shape.required_members) - given))
            for name in sorted(given & members.keys()):
                yield from violations(members[name], value[name], f"{path}.{name}")
        case ListShape(), list():
            # The model's least length of DeletedFaces is 1, yet the service answers an empty list.
            yield from _broken(shape, value, path) if value else ()
            for place, item in enumerate(value):
                yield from violations(shape.member, item, f"{path}[{place}]")
        case MapShape(), dict():
            for key, entry in value.items():
                yield from violations(shape.key, key, f"{path} (key)")
                yield from violations(shape.value, entry, f"{path}.{key}")
        case Shape(), _:
            yield from _scalar_violations(shape, value, path)


def _scalar_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    try:
        scalar = read_scalar(shape, value, path)
    except ServiceError as error:
        yield str(error)
    else:
        yield from _broken(shape, scalar, path)


def _broken(shape: Shape, value: Any, path: str) -> Iterator[str]:
    return (f"{path}: {value!r:.80}: {broken}" for broken in broken_constraints(shape, value))
