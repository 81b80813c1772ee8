"""What the API's document says of the routes of jobs. Data only."""

from http import HTTPStatus

from pydantic import BaseModel

from face_validation_function.contract.jobs import JobAnswer, JobResultsAnswer, JobsAnswer
from face_validation_function.contract.operation import EXAMPLE_ID, MANIFEST_KEY, REQUEST_REFUSALS, UUID_V4, Operation
from face_validation_function.validations.job_requests import JobRequest, JobsRequest


def _of_job(
    summary: str, description: str, answer: type[BaseModel], status: HTTPStatus = HTTPStatus.OK, *more: HTTPStatus
) -> Operation:
    return Operation(
        summary=summary,
        description=description,
        path={"job_id": {"type": "string", "format": "uuid", "pattern": UUID_V4, "examples": [EXAMPLE_ID]}},
        answer=answer,
        successes={status: "The job."},
        refusals=(*REQUEST_REFUSALS, HTTPStatus.NOT_FOUND, *more),
    )


JOB_OPERATIONS: dict[str, Operation] = {
    "create_job": Operation(
        summary="Repeat a request for every line of a manifest.",
        description=(
            "The manifest lies in the source bucket: JSONL of requests, or CSV with a header. The answer comes at "
            "once; `GET /jobs/{job_id}` tells how far the job is. Each line has one outcome and is paid for once. A "
            "job needs the scope of the route that it repeats. Its id is `id_request`: the same request under the same "
            "id is the same job."
        ),
        request=JobRequest,
        answer=JobAnswer,
        successes={HTTPStatus.ACCEPTED: "The job."},
        refusals=(
            *REQUEST_REFUSALS,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ),
        patterns={"id_request": UUID_V4, "manifest_path": MANIFEST_KEY},
        examples={
            "validations": {
                "kind": "validation",
                "manifest_path": "jobs/customers.jsonl",
                "defaults": {"type": "FACE_TO_FACE", "threshold": 95},
                "id_request": EXAMPLE_ID,
            }
        },
    ),
    "list_jobs": Operation(
        summary="The client's own jobs, newest first.",
        description="A page at a time. Jobs are forgotten after 30 days, with their results.",
        query=JobsRequest,
        answer=JobsAnswer,
        successes={HTTPStatus.OK: "A page."},
        refusals=REQUEST_REFUSALS,
        patterns={"id_request": UUID_V4},
    ),
    "show_job": _of_job("How far a job is.", "Another client's job is not there.", JobAnswer),
    "stop_job": _of_job(
        "Ask no more lines of a job.",
        "What was paid for is kept, and the results are written. A job that has ended stays as it is.",
        JobAnswer,
        HTTPStatus.ACCEPTED,
    ),
    "redrive_job": _of_job(
        "Ask the lines again that have neither an answer nor a refusal.",
        "The job must have ended. Answers and refusals are kept, and nobody pays for them again.",
        JobAnswer,
        HTTPStatus.ACCEPTED,
        HTTPStatus.CONFLICT,
    ),
    "job_results": _of_job(
        "Where the results of a job lie.",
        "An address that is good for five minutes: JSONL with an outcome for every line of the manifest, in its order.",
        JobResultsAnswer,
        HTTPStatus.OK,
        HTTPStatus.CONFLICT,
    ),
}
