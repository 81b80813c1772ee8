"""The bodies and queries of the routes about jobs."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from face_validation_function.jobs import Kind
from face_validation_function.validations.body import ObjectKey, Percent, StrictBody
from face_validation_function.validations.people_requests import Whole

MANIFEST_ENDINGS = (".jsonl", ".csv")
MAX_CONCURRENCY = 1000


def _manifest(key: str) -> str:
    if not key.endswith(MANIFEST_ENDINGS):
        raise ValueError(f"a manifest's key ends with {' or '.join(MANIFEST_ENDINGS)}")
    return key


class JobRequest(StrictBody):
    """POST /jobs: repeat a request for every line of a manifest. The job's id is `id_request`."""

    kind: Annotated[Kind, Field(strict=False)] = Field(
        description="What is repeated: POST /validation, POST /faces, or POST /search."
    )
    manifest_path: Annotated[ObjectKey, AfterValidator(_manifest)] = Field(
        description="Key in the source bucket: .jsonl has a request in each line, .csv a header and a request in each "
        "row. At most 1 GB and 1,000,000 lines.",
        examples=["jobs/customers.jsonl"],
    )
    defaults: dict[str, Any] = Field(default={}, description="Fields for every line that does not have its own.")
    max_concurrency: Whole = Field(
        default=10, ge=1, le=MAX_CONCURRENCY, description="The most lines that are asked at once."
    )
    tolerated_failure_percentage: Percent = Field(
        default=5.0,
        description="When more lines than this fail, no more are asked. A refusal (4xx) is an outcome, not a failure.",
    )


class JobsRequest(StrictBody):
    """GET /jobs: a page of the client's own jobs; query parameters, so numbers come as text."""

    limit: Annotated[int, Field(ge=1, le=100, strict=False, description="The most jobs of a page.")] = 20
    next_token: str | None = Field(default=None, description="Of the page before, to go on from there.")
