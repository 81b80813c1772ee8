"""What every strategy has in common: the shared steps, and one method."""

from abc import ABC, abstractmethod

from face_validation_function.comparison import Comparison
from face_validation_function.services.face_steps import FaceSteps
from face_validation_function.validations.validation_request import FaceValidationRequest


class InferenceStrategy(ABC):
    """A recipe over shared steps."""

    def __init__(self, steps: FaceSteps) -> None:
        self.steps = steps

    @abstractmethod
    def execute(self, request: FaceValidationRequest) -> Comparison:
        """Answer one request; raises FaceValidationError."""
