"""Replies held against botocore's model."""

import json

from botocore.model import OperationModel

from rekognition_local.protocol.validation import violations
from rekognition_local.protocol.wire import COMMON_ERRORS, error_statuses


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
