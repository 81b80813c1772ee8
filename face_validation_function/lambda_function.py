"""The Lambda function of POST /validation and POST /liveness-sessions."""

from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from face_validation_function.comparison import Comparison
from face_validation_function.contract.answers import LivenessSessionAnswer
from face_validation_function.exceptions.exceptions import (
    FaceValidationError,
    ForbiddenError,
    RequestError,
    drop_tracebacks,
)
from face_validation_function.integrations.audit_trail import AuditTrail, audit_trail
from face_validation_function.integrations.aws_client import aws_client
from face_validation_function.integrations.claims_table import ClaimsTable, answered_once
from face_validation_function.integrations.rekognition_service import LivenessSessions, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.request_timer import Ended, RequestTimer, run_until_deadline
from face_validation_function.rest_function import (
    HttpResponse,
    Invocation,
    OperationResult,
    RestFunction,
    operations,
)
from face_validation_function.routes import READ
from face_validation_function.services.business import BusinessService
from face_validation_function.services.face_steps import FaceSteps
from face_validation_function.services.liveness import LivenessService
from face_validation_function.settings import ALL_VALIDATION_TYPES, Settings
from face_validation_function.utils.logging_config import record, service_logger
from face_validation_function.utils.response_utils import http_response, refusal, success
from face_validation_function.validations.body import items_of, parse_body, request_id_of, validated
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
    replays: ClaimsTable | None = None
    audit: AuditTrail | None = None

    @classmethod
    def from_environment(cls) -> "Adapters":
        """Adapters for the process's environment; raises ValueError, naming the variable that is missing."""
        settings, s3, dynamodb = Settings.from_environment(), aws_client("s3"), aws_client("dynamodb")
        made = cls.of(settings, aws_client("rekognition"), s3, dynamodb, audit_trail(settings, s3))
        replays = ClaimsTable(dynamodb, settings.claims_table) if settings.idempotency else None
        return replace(made, replays=replays)

    @classmethod
    def of(cls, settings: Settings, rekognition: Any, s3: Any, dynamodb: Any, audit: AuditTrail | None) -> "Adapters":
        """Adapters over these boto3 clients, which keep no answers: a job has claims of its own."""
        sessions = LivenessSessions(rekognition, settings.liveness_challenge, settings.liveness_audit_images)
        claims = ClaimsTable(dynamodb, settings.claims_table)
        liveness = LivenessService(sessions, claims, settings.threshold_liveness)
        logger = service_logger(settings.log_level)
        return cls(settings, S3Service(s3), RekognitionService(rekognition), logger, liveness, audit=audit)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item's answer and its status, and what led to it; no outcome: what an earlier request was answered."""

    body: dict[str, Any]
    status: HTTPStatus = HTTPStatus.OK
    outcome: Comparison | FaceValidationError | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One validation of a body, as it was sent; the invocation has its id."""

    sent: object
    adapters: Adapters
    invocation: Invocation

    def answered(self, timer: RequestTimer) -> ItemResult:
        """The answer; a request that the caller gave an id is answered once, where the deployment keeps answers."""
        request, replays = validated(self.sent, FaceValidationRequest), self.adapters.replays
        allowed, scopes = self.adapters.settings.validation_types, self.invocation.scopes
        if request.type not in allowed:
            names = " or ".join(map(repr, allowed))
            raise RequestError(f'type: this deployment takes {names}; the value sent is "{request.type}".')
        if "document" in request.include and READ not in scopes:
            has = ", ".join(sorted(scopes)) or "none"
            raise ForbiddenError(f"include: document needs the scope {READ} too; the token has {has}.")
        if replays is None or "id_request" not in request.model_fields_set:
            return self._decided(request, timer)
        answer = answered_once(
            replays,
            (self.invocation.client, "validate", self.invocation.id_request),
            self.sent,
            timer.remaining_s,
            partial(self._decided, request, timer),
            as_json=lambda made: {"status": int(made.status), "body": made.body},
            # What a document says stays nowhere.
            keep="document" not in request.include and request.claims is None,
        )
        return answer if isinstance(answer, ItemResult) else ItemResult(answer["body"], HTTPStatus(answer["status"]))

    def _decided(self, request: FaceValidationRequest, timer: RequestTimer) -> ItemResult:
        """The answer to a valid request, a refusal by its images too; raises what may be otherwise next time."""
        adapters, client, id_request = self.adapters, self.invocation.client, self.invocation.id_request
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
            return self._refused(error)
        if adapters.audit is not None:
            with timer.step("audit record"):
                adapters.audit.write(id_request, client, request, found)
        return ItemResult(success(id_request, found, request.include).as_json(), outcome=found)

    def recorded(self, ended: Ended[ItemResult]) -> ItemResult:
        """The answer, logged and counted."""
        answer = self._refused(ended.result) if isinstance(ended.result, FaceValidationError) else ended.result
        sent_type = self.sent.get("type") if isinstance(self.sent, dict) else None
        known_type = sent_type if sent_type in ALL_VALIDATION_TYPES else None
        told = Ended(ended.id_request, ended.timer, answer.outcome)
        record(self.adapters.logger, self.invocation.context, told, known_type)
        return answer

    def _refused(self, error: FaceValidationError) -> ItemResult:
        # As it was sent: a request that does not validate gets the reasons too.
        include = self.sent.get("include") if isinstance(self.sent, dict) else None
        wants_reasons = isinstance(include, list) and "reasons" in include
        body = refusal(self.invocation.id_request, error, reasons=wants_reasons)
        return ItemResult(body.as_json(), error.status, error)


def validate(adapters: Adapters, invocation: Invocation) -> HttpResponse:
    """POST /validation: one object gives one answer, an array an array of answers in the same order."""
    logger, deadline_s = adapters.logger, invocation.deadline_s
    try:
        body = parse_body(invocation.body)
        items = [Item(sent, adapters, replace(invocation, id_request=request_id_of(sent))) for sent in items_of(body)]
    except RequestError as error:
        record(logger, invocation.context, Ended(invocation.id_request, RequestTimer(deadline_s), error), None)
        raise
    tasks = [(item.invocation.id_request, item.answered) for item in items]
    all_ended = run_until_deadline(tasks, deadline_s, logger, at_once=ITEMS_AT_ONCE)
    answers = [item.recorded(ended) for item, ended in zip(items, all_ended, strict=True)]
    if isinstance(body, list):
        return http_response(HTTPStatus.OK, [answer.body for answer in answers], id_request=invocation.id_request)
    (answer,) = answers
    retry_after_s = answer.outcome.retry_after_s if isinstance(answer.outcome, FaceValidationError) else None
    return http_response(answer.status, answer.body, id_request=answer.body["id_request"], retry_after_s=retry_after_s)


def create_liveness_session(adapters: Adapters, invocation: Invocation, timer: RequestTimer) -> OperationResult:
    """POST /liveness-sessions: 201, for the same id_request the same session."""
    source = invocation.asked(LivenessSessionRequest).source_path
    made = adapters.liveness.create(timer, invocation.client, invocation.id_request, source)
    return OperationResult(LivenessSessionAnswer, made, HTTPStatus.CREATED)


OPERATIONS = {"validate": validate, **operations(create_liveness_session)}

lambda_handler = RestFunction(OPERATIONS, Adapters.from_environment)
