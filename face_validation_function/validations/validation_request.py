"""The body of POST /validation: what a caller may ask, and why something else is refused."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from face_validation_function.validations.body import ObjectKey, Percent, StrictBody

MISSPELT_TARGET_PATH = "tareget_path"


class FaceValidationRequest(StrictBody):
    """Is the person in the target image the person of the trusted source image?"""

    threshold: Percent = Field(default=80.0, description="Match when the similarity is at least this, in percent.")
    threshold_label: Percent = Field(
        default=55.0, description="ID_TO_FACE: a document label counts when its confidence is above this, in percent."
    )
    source_path: ObjectKey = Field(description="Key of the trusted image in the source bucket.")
    target_path: ObjectKey = Field(description="Key of the image to be checked in the target bucket.")
    type: Literal["FACE_TO_FACE", "ID_TO_FACE"] = Field(
        description="FACE_TO_FACE: the source is a photograph; ID_TO_FACE: an identity document."
    )
    include: list[Literal["boxes"]] = Field(
        default=[], max_length=1, description='Optional parts of the answer: "boxes" tells what was seen and where.'
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_the_original_misspelling(cls, fields: Any) -> Any:
        """The original specification's example says `tareget_path`: callers who copied it are served."""
        if not isinstance(fields, Mapping) or MISSPELT_TARGET_PATH not in fields:
            return fields
        others = {name: value for name, value in fields.items() if name != MISSPELT_TARGET_PATH}
        misspelt = fields[MISSPELT_TARGET_PATH]
        if others.setdefault("target_path", misspelt) != misspelt:
            raise ValueError("target_path and tareget_path have different values: send target_path only")
        return others
