"""ID_IN_FACE: one image of a person who holds the identity document."""

from face_validation_function.comparison import Comparison
from face_validation_function.services.strategies.inference_strategy import InferenceStrategy
from face_validation_function.validations.validation_request import FaceValidationRequest


class IDInFaceInference(InferenceStrategy):
    """The portrait of a held document against the person who holds it."""

    def execute(self, request: FaceValidationRequest) -> Comparison:
        """Compare the document's portrait with the most prominent face that is not on the document."""
        return self.steps.compare_within(request)
