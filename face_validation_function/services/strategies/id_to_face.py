"""ID_TO_FACE and ID_IN_FACE: an official identity document against a person, in two images or in one."""

from face_validation_function.comparison import Comparison
from face_validation_function.services.strategies.inference_strategy import InferenceStrategy
from face_validation_function.validations.validation_request import FaceValidationRequest


class IDToFaceInference(InferenceStrategy):
    """An identity document against a photograph; the document's portrait is cut out first."""

    def execute(self, request: FaceValidationRequest) -> Comparison:
        """Compare the document's portrait with the most prominent face of the photograph."""
        steps = self.steps
        return steps.compare(request, source=steps.document_portrait, target=steps.only_face)


class IDInFaceInference(InferenceStrategy):
    """The portrait of a held document against the person who holds it."""

    def execute(self, request: FaceValidationRequest) -> Comparison:
        """Compare the document's portrait with the most prominent face that is not on the document."""
        return self.steps.compare_within(request)
