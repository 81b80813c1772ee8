"""The answers of the API as models, for the document that describes them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

Percent = Annotated[float, Field(ge=0, le=100)]


def _without_default(schema: dict[str, Any]) -> None:
    """Left out when there is none, never null."""
    del schema["default"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Box(_Answer):
    """Ratios of the upright, uncropped image, origin top left; may reach past 0 and 1."""

    left: float
    top: float
    width: float
    height: float


class SeenFace(_Answer):
    """A face that was found, and how sure the detector is (percent)."""

    box: Box
    confidence: Percent


class SeenDocument(_Answer):
    """The official document that was recognised."""

    label: str
    confidence: Percent
    box: Box


class SeenSide(_Answer):
    """What was seen in one image; width and height are pixels after the EXIF rotation."""

    width: int
    height: int
    document: SeenDocument | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)
    faces: list[SeenFace]
    compared: int = Field(ge=0, description="Index in `faces` of the face that was compared.")


class Boxes(_Answer):
    """What was seen in both images: there when `include` asks for it."""

    source: SeenSide
    target: SeenSide


class ValidationAnswer(_Answer):
    """The answer to one validation."""

    id_request: str = Field(json_schema_extra={"format": "uuid"})
    matched: bool = Field(description="Whether the similarity is at least the threshold.")
    similarity: Percent = Field(description="The real score, unrounded, also when there is no match.")
    boxes: Boxes | SkipJsonSchema[None] = Field(default=None, json_schema_extra=_without_default)


class Error(_Answer):
    """What was refused, and why."""

    code: str
    message: str
    details: str = Field(description="Which image, which stage, and the actual value beside the limit.")


class ErrorEnvelope(_Answer):
    """Every refusal, the service's and the gateway's."""

    id_request: str
    error: Error
