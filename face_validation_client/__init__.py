"""Python client of the face validation API, and the `face-validation` command line."""

from face_validation_client.results import Box, Boxes, Document, Face, Side, ValidationResult

__all__ = ["Box", "Boxes", "Document", "Face", "Side", "ValidationResult"]
