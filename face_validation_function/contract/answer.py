"""The base of every answer's model, and the types that several of them share."""

from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
Uuid = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


Value = TypeVar("Value")
Maybe: TypeAlias = Value | SkipJsonSchema[None]
"""What is left out, never null, when there is none."""


def _without_default(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class Answer(BaseModel):
    """A part of an answer: a field without a value is left out, never null; it has no other fields than these."""

    # Models are built when first used: a cold start pays for those of its own answers alone.
    # `model_validate` makes an answer of a value that has attributes of the same names.
    model_config = ConfigDict(
        extra="forbid", defer_build=True, from_attributes=True, json_schema_extra=_without_default
    )

    def as_json(self) -> dict[str, Any]:
        """The fields as `json.dumps` takes them, `id_request` first."""
        fields = self.model_dump(exclude_none=True)
        return {"id_request": fields["id_request"], **fields} if "id_request" in fields else fields
