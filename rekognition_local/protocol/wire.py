"""AWS JSON 1.1 as Amazon Rekognition speaks it: operations, errors and messages, taken from botocore's model."""

import base64
import json
import re
import struct
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any, NoReturn

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

CONTENT_TYPE = "application/x-amz-json-1.1"
DEFAULT_REGION = "us-east-1"
# Of the Authorization header: Credential=KEY/20260131/eu-west-1/rekognition/aws4_request.
_SIGNED_REGION = re.compile(r"Credential=[^/,\s]+/\d{8}/([a-z0-9-]{1,40})/")

# What AWS's front end answers before the service itself is asked; no service model lists them.
# Source: docs.aws.amazon.com/rekognition/latest/APIReference/CommonErrors.html and the json-1.1 protocol.
COMMON_ERRORS: Mapping[str, HTTPStatus] = {
    "UnknownOperationException": HTTPStatus.BAD_REQUEST,
    "SerializationException": HTTPStatus.BAD_REQUEST,
    "ValidationException": HTTPStatus.BAD_REQUEST,
    "RequestEntityTooLargeException": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    # Not AWS's: the model has the operation, this server has not.
    "NotImplementedException": HTTPStatus.NOT_IMPLEMENTED,
}


@cache
def json_model() -> Mapping[str, Any]:
    """Rekognition's model as the installed botocore's JSON file has it; botocore's classes leave out `fault`."""
    model: Mapping[str, Any] = Loader().load_service_model("rekognition", "service-2", "2016-06-27")
    return model


@cache
def service_model() -> ServiceModel:
    """The model: the one truth of names, shapes and errors."""
    return ServiceModel(json_model(), "rekognition")


@cache
def error_statuses() -> Mapping[str, HTTPStatus]:
    """Every error that may be answered -> its HTTP status: 500 for the model's faults, 400 for its others."""
    errors = {name: shape for name, shape in json_model()["shapes"].items() if shape.get("exception")}
    faults = {name for name, shape in errors.items() if shape.get("fault")}
    statuses = dict.fromkeys(errors, HTTPStatus.BAD_REQUEST) | dict.fromkeys(faults, HTTPStatus.INTERNAL_SERVER_ERROR)
    return {**COMMON_ERRORS, **statuses}


class ServiceError(Exception):
    """An answer that is an error: its name in the model, and the sentence that the caller reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = error_statuses()[code]  # a name that no model has is our mistake, and fails here

    def body(self) -> bytes:
        """The reply's JSON. Its members are those of the service's own replies.

        Source: docs.aws.amazon.com/rekognition/latest/dg/error-handling.html ("Error components").
        """
        members = {"__type": self.code, "Code": self.code, "Logref": str(uuid.uuid4()), "Message": str(self)}
        return json.dumps(members).encode()


def invalid_parameters(why: str) -> ServiceError:
    """What only the service itself can judge, in its words."""
    return ServiceError("InvalidParameterException", f"Request has invalid parameters. {why}")


def operation_of(target: str | None) -> OperationModel:
    """The operation that the `X-Amz-Target` header names, or UnknownOperationException."""
    service, _, name = (target or "").partition(".")
    if service != "RekognitionService" or name not in service_model().operation_names:
        raise ServiceError(
            "UnknownOperationException", f"X-Amz-Target names no operation of Rekognition: {target!r:.200}"
        )
    return service_model().operation_model(name)


def region_of(authorization: str | None) -> str:
    """The region that a request is signed for; us-east-1 for a request without a signature."""
    found = _SIGNED_REGION.search(authorization or "")
    return found[1] if found else DEFAULT_REGION


def read_json(body: bytes) -> dict[str, Any]:
    """The request's object, {} of an empty body, as the protocol has it; SerializationException when it is not JSON."""
    try:
        document = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ServiceError("SerializationException", f"The request body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ServiceError("SerializationException", "The request body is not a JSON object.")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def read_blob(text: str) -> bytes:
    """The bytes of a base64 member, or ValueError; line breaks in it are ignored, as the service's own reader does."""
    return base64.b64decode("".join(text.split()), validate=True)


def write_json(shape: Shape | None, reply: Mapping[str, Any]) -> bytes:
    """The reply as JSON: None is left out, timestamps are epoch seconds, `float` members have single precision.

    The service's own numbers are such: 99.99864196777344 is the single 99.99864 written as a double. What JSON has not
    (a numpy number) is our mistake: TypeError.
    """
    if shape is None:
        return b""
    return json.dumps(_plain(shape, reply), allow_nan=False).encode()


def _plain(shape: Shape | None, value: Any) -> Any:
    match shape, value:
        case StructureShape(), Mapping():
            members = shape.members
            return {name: _plain(members.get(name), member) for name, member in value.items() if member is not None}
        case ListShape(), list() | tuple():
            return [_plain(shape.member, item) for item in value]
        case MapShape(), Mapping():
            return {key: _plain(shape.value, entry) for key, entry in value.items()}
        case Shape(type_name="float"), float():
            return struct.unpack("f", struct.pack("f", value))[0]
        case _, datetime():
            return value.timestamp()
        case _:
            return value
