"""From the type of a validation to its strategy: one service per request, because it holds state."""

from face_validation_function.comparison import Comparison
from face_validation_function.services.face_steps import FaceSteps
from face_validation_function.services.strategies.face_to_face import FaceToFaceInference
from face_validation_function.services.strategies.id_to_face import IDInFaceInference, IDToFaceInference
from face_validation_function.services.strategies.inference_strategy import InferenceStrategy
from face_validation_function.validations.validation_request import FaceValidationRequest

STRATEGIES: dict[str, type[InferenceStrategy]] = {
    "FACE_TO_FACE": FaceToFaceInference,
    "ID_TO_FACE": IDToFaceInference,
    "ID_IN_FACE": IDInFaceInference,
}


class BusinessService:
    """Runs one request through the strategy of its type."""

    def __init__(self, steps: FaceSteps) -> None:
        self._steps = steps
        self._strategy: InferenceStrategy = FaceToFaceInference(steps)

    def set_strategy(self, validation_type: str) -> None:
        """Choose the recipe: FACE_TO_FACE, ID_TO_FACE or ID_IN_FACE."""
        self._strategy = STRATEGIES[validation_type](self._steps)

    def execute_inference(self, request: FaceValidationRequest) -> Comparison:
        """Answer one request by the chosen recipe; raises FaceValidationError."""
        return self._strategy.execute(request)
