"""Python client of the face validation API, and the `face-validation` command line."""

from face_validation.client.client import FaceValidationClient, Outcome
from face_validation.client.errors import (
    ConnectionFailedError,
    FaceValidationError,
    ForbiddenError,
    ImageTooLargeError,
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
    PayloadTooLargeError,
    RequestError,
    RequestFailedError,
    SettingsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from face_validation.client.reasons import advice
from face_validation.client.validation_request import ValidationRequest, ValidationType
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

__all__ = [
    "Box",
    "Boxes",
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
    "Outcome",
    "PayloadTooLargeError",
    "Quality",
    "ReadDocument",
    "RequestError",
    "RequestFailedError",
    "SettingsError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "ValidationRequest",
    "ValidationResult",
    "ValidationType",
    "advice",
]
