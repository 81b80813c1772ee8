"""The Lambda function of POST /validation and POST /liveness-sessions."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from face_validation_function.comparison import Comparison
from face_validation_function.contract.answers import ErrorEnvelope, LivenessSessionAnswer, ValidationAnswer
from face_validation_function.deadline import Outcome, Task, run_until_deadline
from face_validation_function.exceptions.exceptions import FaceValidationError, ForbiddenError, RequestError
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.claims_table import ClaimsTable
from face_validation_function.integrations.liveness_sessions import LivenessSessions
from face_validation_function.integrations.rekognition_service import RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.request_timer import RequestTimer
from face_validation_function.rest_function import Event, HttpResponse, Invocation, RestFunction, refused
from face_validation_function.rest_operation import OperationResult, operations
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

    @classmethod
    def from_environment(cls) -> "Adapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        return cls.of(
            Settings.from_environment(),
            rekognition=aws_client("rekognition"),
            s3=aws_client("s3"),
            dynamodb=aws_client("dynamodb"),
        )

    @classmethod
    def of(cls, settings: Settings, *, rekognition: Any, s3: Any, dynamodb: Any) -> "Adapters":
        """Adapters over these boto3 clients."""
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
        )


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item's answer: the body, and the error in it if there is one."""

    body: ValidationAnswer | ErrorEnvelope
    error: FaceValidationError | None = None


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
    tasks = [Task(request_id_of(item), partial(_compared, item, adapters, invocation)) for item in items]
    outcomes = run_until_deadline(tasks, invocation.deadline_s, adapters.logger, at_once=ITEMS_AT_ONCE)
    answers = [_answer(item, adapters, invocation, done) for item, done in zip(items, outcomes, strict=True)]
    if isinstance(body, list):
        return http_response(HTTPStatus.OK, [answer.body for answer in answers], id_request=new_request_id())
    (answer,) = answers
    id_request = answer.body.id_request
    if answer.error:
        return http_response(
            HTTPStatus(answer.error.status),
            answer.body,
            id_request=id_request,
            retry_after_s=answer.error.retry_after_s,
        )
    return http_response(HTTPStatus.OK, answer.body, id_request=id_request)


def create_liveness_session(adapters: Adapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /liveness-sessions: 201, for the same id_request the same session."""
    source = validated(parse_body(invocation.body), LivenessSessionRequest).source_path
    made = adapters.liveness.create(timer, invocation.client, invocation.id_request, source)
    body = LivenessSessionAnswer(
        id_request=invocation.id_request, session_id=made.session_id, expires_at=made.expires_at, region=made.region
    )
    return OperationResult(body, HTTPStatus.CREATED)


OPERATIONS = {"validate": validate, **operations((create_liveness_session,))}

_function = RestFunction(OPERATIONS, Adapters.from_environment)


def _compared(
    item: object, adapters: Adapters, invocation: Invocation, timer: RequestTimer
) -> tuple[FaceValidationRequest, Comparison]:
    request = validated(item, FaceValidationRequest)
    allowed = adapters.settings.validation_types
    if request.type not in allowed:
        names = " or ".join(map(repr, allowed))
        raise RequestError(f'type: this deployment takes {names}; the value sent is "{request.type}".')
    if "document" in request.include and READ not in invocation.scopes:
        scopes = ", ".join(sorted(invocation.scopes)) or "none"
        raise ForbiddenError(f"include: document needs the scope {READ} too; the token has {scopes}.")
    live = None
    if request.target_liveness_session is not None:
        live = adapters.liveness.reference_image(timer, invocation.client, request)
    business = BusinessService(FaceSteps(adapters.s3, adapters.rekognition, adapters.settings, timer, live))
    business.set_strategy(request.type)
    return request, business.execute_inference(request)


def _answer(
    item: object,
    adapters: Adapters,
    invocation: Invocation,
    done: Outcome[tuple[FaceValidationRequest, Comparison]],
) -> ItemResult:
    """One item's answer, logged and counted."""
    id_request = done.id_request
    outcome: Comparison | FaceValidationError
    if isinstance(done.result, FaceValidationError):
        outcome = done.result
        answer = ItemResult(refusal(id_request, outcome, reasons=_wants_reasons(item)), outcome)
    else:
        request, outcome = done.result
        answer = ItemResult(success(id_request, outcome, request.include))
    record(adapters.logger, invocation, id_request, _type_of(item), done.timer, outcome)
    return answer


def _type_of(item: object) -> str | None:
    sent = item.get("type") if isinstance(item, dict) else None
    return sent if sent in ALL_VALIDATION_TYPES else None


def _wants_reasons(item: object) -> bool:
    """Whether an item asks for reasons, read from what was sent: a request that does not validate gets them too."""
    include = item.get("include") if isinstance(item, dict) else None
    return isinstance(include, list) and "reasons" in include
