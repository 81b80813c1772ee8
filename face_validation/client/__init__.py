"""Python client of the face validation API, and the `face-validation` command line."""

from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import (
    ConflictError,
    ConnectionFailedError,
    FaceValidationError,
    ForbiddenError,
    ImageTooLargeError,
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
    RequestFailedError,
    SettingsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from face_validation.client.reasons import advice
from face_validation.client.validation_request import ValidationOptions, ValidationRequest, ValidationType
from face_validation.client.validation_result import (
    Box,
    Boxes,
    Document,
    Face,
    ImageAnalysis,
    Measure,
    Quality,
    ValidationResult,
)
from face_validation.client.validations import Outcome

__all__ = [
    "Box",
    "Boxes",
    "ConflictError",
    "ConnectionFailedError",
    "Document",
    "DocumentField",
    "Face",
    "FaceValidationClient",
    "FaceValidationError",
    "ForbiddenError",
    "ImageAnalysis",
    "ImageTooLargeError",
    "ImageValidationError",
    "InternalServerError",
    "InvalidS3ObjectError",
    "Measure",
    "NotFoundError",
    "Outcome",
    "PayloadTooLargeError",
    "Quality",
    "ReadDocument",
    "RequestError",
    "RequestFailedError",
    "SettingsError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "ValidationOptions",
    "ValidationRequest",
    "ValidationResult",
    "ValidationType",
    "advice",
]
