"""FACE_TO_FACE: a photograph of the person against a photograph."""

from face_validation_function.comparison import Comparison
from face_validation_function.services.strategies.inference_strategy import InferenceStrategy
from face_validation_function.validations.validation_request import FaceValidationRequest


class FaceToFaceInference(InferenceStrategy):
    """A photograph against a photograph."""

    def execute(self, request: FaceValidationRequest) -> Comparison:
        """Compare the most prominent faces of both photographs."""
        steps = self.steps
        return steps.compare(request, source=steps.only_face, target=steps.only_face)
