"""The verifier as a file: plain JSON that is checked on loading and can run nothing."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from face_validation.evaluation.statistics.intervals import Measured
from person_verifier.errors import ModelError
from person_verifier.training.regression import Classifier

Identity = Annotated[str, Field(min_length=1, max_length=300)]
Ratio = Annotated[float, Field(ge=0, le=1)]
# No training comes near these bounds; within them a score is always a number.
Weight = Annotated[float, Field(ge=-1e9, le=1e9)]
LEAST_SCALE = 1e-9
Vector = Annotated[list[Weight], Field(min_length=2, max_length=8192)]
MAX_FILE_BYTES = 4_000_000


class StoredPart(BaseModel):
    """What every part of the file promises: known fields only, finite numbers only, unchanged once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelMetrics(StoredPart):
    """What held-out photographs said of models trained alike; None where there was nothing to measure."""

    accuracy: Measured | None
    precision: Measured | None
    recall: Measured | None
    f1: Measured | None
    auc: Ratio | None


class Origin(StoredPart):
    """Where a model, or a report on one, comes from.

    `embedding_model` names the recogniser whose descriptors it was trained on, with the hash of its weights;
    `data_sha256` is that of the photographs, `recipe_sha256` that of everything the training depends on: equal recipes
    need no second training.
    """

    model_version: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.\-]+$")]
    threshold_rule: str
    embedding_model: Identity
    data_sha256: Identity
    recipe_sha256: Identity
    photos_of_me: int
    photos_of_others: int


class VerifierModel(Origin):
    """A trained verifier: its logistic regression, its threshold, and where both come from."""

    format: Literal["person-verifier/1"] = "person-verifier/1"
    created: str
    threshold: Ratio
    c: float
    person: Vector
    mean: Vector
    scale: Vector
    coefficients: Vector
    intercept: Weight
    metrics: ModelMetrics | None = None

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if not len(self.person) + 1 == len(self.mean) == len(self.scale) == len(self.coefficients):
            raise ValueError("person, mean, scale and coefficients do not fit together")
        if min(self.scale) < LEAST_SCALE:
            raise ValueError("scale must be above 0")
        return self

    @property
    def classifier(self) -> Classifier:
        """The logistic regression as arrays."""
        person, mean, scale, coefficients = map(np.array, (self.person, self.mean, self.scale, self.coefficients))
        return Classifier(person, mean, scale, coefficients, self.intercept)

    def require_engine(self, model_id: str, size: int) -> None:
        """Refuse descriptors (`size`,) that this model was not trained on; 0: the engine cannot tell beforehand.

        The ModelError says both hashes, or both sizes, and what to do.
        """
        if model_id != self.embedding_model:
            raise ModelError(
                f"The verifier {self.model_version} was trained on descriptors of the embedding model "
                f"{self.embedding_model}, but the engine now runs {model_id}: the scores would mean nothing. "
                "Train again (face-validation verifier train), or set the engine's recogniser back."
            )
        if size not in (0, len(self.person)):
            raise ModelError(
                f"The verifier {self.model_version} is damaged: it judges descriptors of {len(self.person)} numbers, "
                f"the engine gives {size}. Train again (face-validation verifier train)."
            )

    def save(self, path: Path) -> None:
        """Write the file, its owner's alone: wholly or, when interrupted, not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as part:
            part.write(self.model_dump_json(indent=1) + "\n")
        Path(part.name).replace(path)

    @classmethod
    def load(cls, path: Path) -> "VerifierModel":
        """Read and check a stored verifier; raises ModelError where it is missing, too large, or not of this format."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ModelError(f"{path} is not a verifier: it is larger than {MAX_FILE_BYTES} bytes.")
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelError(
                f"There is no verifier to read at {path} ({error.strerror}). Train one: face-validation verifier train."
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ModelError(f"{path} is damaged or no verifier: {place or 'file'}: {first['msg']}.") from error
