"""The Lambda function of POST /validation and POST /liveness-sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from face_validation_function.comparison import Comparison
from face_validation_function.contract.answers import ErrorEnvelope, LivenessSessionAnswer, ValidationAnswer
from face_validation_function.deadline import Outcome, Task, run_until_deadline
from face_validation_function.exceptions.exceptions import (
    FaceValidationError,
    ForbiddenError,
    RequestError,
    drop_tracebacks,
)
from face_validation_function.integrations.audit_trail import AuditTrail, audit_trail
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.claims_table import ClaimsTable, Replays
from face_validation_function.integrations.rekognition_service import LivenessSessions, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import (
    Event,
    HttpResponse,
    Invocation,
    OperationResult,
    RestFunction,
    operations,
    refused,
)
from face_validation_function.routes import READ
from face_validation_function.services.business import BusinessService
from face_validation_function.services.face_steps import FaceSteps
from face_validation_function.services.liveness import LivenessService
from face_validation_function.settings import ALL_VALIDATION_TYPES, Settings
from face_validation_function.utils.logging_config import record, service_logger
from face_validation_function.utils.response_utils import http_response, refusal, success
from face_validation_function.validations.body import items_of, new_request_id, parse_body, request_id_of, validated
from face_validation_function.validations.validation_request import FaceValidationRequest, LivenessSessionRequest

# Two decoded images of up to 16 megapixels for each: more at once would not fit the function's memory.
ITEMS_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Adapters:
    """What is made once for each process: settings, clients and the logger."""

    settings: Settings
    s3: S3Service
    rekognition: RekognitionService
    logger: Logger
    liveness: LivenessService
    replays: Replays | None = None
    audit: AuditTrail | None = None

    @classmethod
    def from_environment(cls) -> "Adapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        settings, s3, dynamodb = Settings.from_environment(), aws_client("s3"), aws_client("dynamodb")
        audit = audit_trail(settings, s3)
        made = cls.of(settings, rekognition=aws_client("rekognition"), s3=s3, dynamodb=dynamodb, audit=audit)
        return (
            replace(made, replays=Replays(ClaimsTable(dynamodb, settings.claims_table)))
            if settings.idempotency
            else made
        )

    @classmethod
    def of(
        cls, settings: Settings, *, rekognition: Any, s3: Any, dynamodb: Any, audit: AuditTrail | None
    ) -> "Adapters":
        """Adapters over these boto3 clients, which keep no answers: a job has claims of its own."""
        sessions = LivenessSessions(
            rekognition, challenge=settings.liveness_challenge, audit_images=settings.liveness_audit_images
        )
        claims = ClaimsTable(dynamodb, settings.claims_table)
        return cls(
            settings=settings,
            s3=S3Service(s3),
            rekognition=RekognitionService(rekognition),
            liveness=LivenessService(sessions, claims, settings.threshold_liveness),
            logger=service_logger(settings.log_level),
            audit=audit,
        )


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item's answer and its status, and what led to it; no outcome: what an earlier request was answered."""

    body: ValidationAnswer | ErrorEnvelope
    status: HTTPStatus = HTTPStatus.OK
    outcome: Comparison | FaceValidationError | None = None

    @classmethod
    def refused(cls, item: object, id_request: str, error: FaceValidationError) -> "ItemResult":
        """The answer for an item that is refused."""
        return cls(refusal(id_request, error, reasons=_wants_reasons(item)), HTTPStatus(error.status), error)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ItemResult":
        """What `as_json` made."""
        status = HTTPStatus(kept["status"])
        model = ValidationAnswer if status is HTTPStatus.OK else ErrorEnvelope
        return cls(model.model_validate(kept["body"]), status)

    def as_json(self) -> dict[str, Any]:
        """The body and the status, to be kept."""
        return {"status": int(self.status), "body": self.body.as_json()}


def lambda_handler(event: Event, context: Any) -> HttpResponse:
    """Answer one API Gateway proxy event: what AWS Lambda calls."""
    return _function(event, context)


def validate(adapters: Adapters, invocation: Invocation) -> HttpResponse:
    """POST /validation: one object gives one answer, an array an array of answers in the same order."""
    try:
        body = parse_body(invocation.body)
        items = items_of(body)
    except RequestError as error:
        id_request = new_request_id()
        record(adapters.logger, invocation, id_request, None, RequestTimer(invocation.deadline_s), error)
        return refused(error, id_request)
    asked = [(item, request_id_of(item)) for item in items]
    tasks = [Task(id_request, partial(_answered, item, id_request, adapters, invocation)) for item, id_request in asked]
    outcomes = run_until_deadline(tasks, invocation.deadline_s, adapters.logger, at_once=ITEMS_AT_ONCE)
    answers = [_recorded(item, adapters, invocation, done) for item, done in zip(items, outcomes, strict=True)]
    if isinstance(body, list):
        return http_response(HTTPStatus.OK, [answer.body for answer in answers], id_request=new_request_id())
    (answer,) = answers
    retry_after_s = answer.outcome.retry_after_s if isinstance(answer.outcome, FaceValidationError) else None
    return http_response(answer.status, answer.body, id_request=answer.body.id_request, retry_after_s=retry_after_s)


def create_liveness_session(adapters: Adapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /liveness-sessions: 201, for the same id_request the same session."""
    source = validated(parse_body(invocation.body), LivenessSessionRequest).source_path
    made = adapters.liveness.create(timer, invocation.client, invocation.id_request, source)
    return OperationResult(LivenessSessionAnswer, made, HTTPStatus.CREATED)


OPERATIONS = {"validate": validate, **operations((create_liveness_session,))}

_function = RestFunction(OPERATIONS, Adapters.from_environment)


def _answered(
    item: object, id_request: str, adapters: Adapters, invocation: Invocation, timer: RequestTimer
) -> ItemResult:
    """One item's answer; a request that the caller gave an id is answered once, where the deployment keeps answers."""
    request = validated(item, FaceValidationRequest)
    allowed = adapters.settings.validation_types
    if request.type not in allowed:
        names = " or ".join(map(repr, allowed))
        raise RequestError(f'type: this deployment takes {names}; the value sent is "{request.type}".')
    if "document" in request.include and READ not in invocation.scopes:
        has = ", ".join(sorted(invocation.scopes)) or "none"
        raise ForbiddenError(f"include: document needs the scope {READ} too; the token has {has}.")
    decide = partial(_decided, item, request, id_request, adapters, invocation.client, timer)
    if adapters.replays is None or "id_request" not in request.model_fields_set:
        return decide()
    answer = adapters.replays.once(
        (invocation.client, "validate", id_request),
        item,
        timer.remaining_s,
        decide,
        as_json=ItemResult.as_json,
        # What a document says stays nowhere.
        keep="document" not in request.include and request.claims is None,
    )
    return answer if isinstance(answer, ItemResult) else ItemResult.from_json(answer)


def _decided(
    item: object,
    request: FaceValidationRequest,
    id_request: str,
    adapters: Adapters,
    client: str,
    timer: RequestTimer,
) -> ItemResult:
    """The answer to a request that validates, a refusal by its images too; raises what may be otherwise next time."""
    live = None
    if request.target_liveness_session is not None:
        live = adapters.liveness.reference_image(timer, client, request)
    business = BusinessService(FaceSteps(adapters.s3, adapters.rekognition, adapters.settings, timer, live))
    business.set_strategy(request.type)
    try:
        found = business.execute_inference(request)
    except FaceValidationError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        drop_tracebacks(error)
        return ItemResult.refused(item, id_request, error)
    if adapters.audit is not None:
        with timer.step("audit record"):
            adapters.audit.write(id_request, client, request, found)
    return ItemResult(success(id_request, found, request.include), outcome=found)


def _recorded(item: object, adapters: Adapters, invocation: Invocation, done: Outcome[ItemResult]) -> ItemResult:
    """One item's answer, logged and counted."""
    answer = done.result
    if isinstance(answer, FaceValidationError):
        answer = ItemResult.refused(item, done.id_request, answer)
    record(adapters.logger, invocation, done.id_request, _type_of(item), done.timer, answer.outcome)
    return answer


def _type_of(item: object) -> str | None:
    sent = item.get("type") if isinstance(item, dict) else None
    return sent if sent in ALL_VALIDATION_TYPES else None


def _wants_reasons(item: object) -> bool:
    """Whether an item asks for reasons, read from what was sent: a request that does not validate gets them too."""
    include = item.get("include") if isinstance(item, dict) else None
    return isinstance(include, list) and "reasons" in include
