"""Everything started in order and ended in reverse: S3, Cognito, Rekognition, tokens, gateway and page."""

import importlib.util
import os
import secrets
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from starlette.applications import Starlette

from face_validation.client.folders import files_below, is_utf8, printable
from face_validation.local.aws.environment import aws_variables, environment, function_settings
from face_validation.local.aws.events import PhotoEvents, expiry_schedule
from face_validation.local.aws.moto_services import aws_client, moto_server
from face_validation.local.aws.step_functions import STATE_MACHINE_ARN, StepFunctions
from face_validation.local.aws.stores import JobStores, PeopleStores, create_claims_table
from face_validation.local.cognito import CognitoAuthorizer, TokenIssuer, UserPool
from face_validation.local.gateway.api_gateway import Gateway, Handler
from face_validation.local.gateway.application import application
from face_validation.local.gateway.server_thread import ServerThread
from face_validation.local.gateway.throttle import Throttle
from face_validation.local.samples.questions import sample_files
from face_validation.local.stack_info import StackInfo
from face_validation.local.web.evaluation_routes import EvaluationRoutes
from face_validation.local.web.own_site import OwnSite, StackApi
from face_validation.local.web.page_routes import JobsRoutes, PageRoutes, PeopleRoutes
from face_validation_function.routes import JOB_ROUTES, PEOPLE_ROUTES, ROUTES, VALIDATION_ROUTES
from face_validation_function.settings import JobsSettings, PeopleSettings, Settings
from rekognition_local.server.process import listening, rekognition_process

HOST = "127.0.0.1"
STAGE = "dev"
IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png"})


class LocalStack(ExitStack):
    """The whole service on 127.0.0.1: `with LocalStack() as stack: ... stack.info.api_url ...`.

    While it runs, this process's AWS environment variables point at it; they are put back at the end. One at a time in
    a process.

    Args:
        port: of the API and the page; 0 picks a free one.
        data: folder whose `source/` and `target/` images are put into the buckets, their paths there as keys.
        log_level: of the function.
        throttle: of the stage; AWS's defaults unless given.
        rekognition: more arguments for `python -m rekognition_local`.
        host: the address that API and S3 listen on. Whoever reaches it may use the stack; all addresses that it gives
            out stay on 127.0.0.1, where a container's ports are published.
        s3_port: of S3; 0 picks a free one.

    Entering raises OSError when a port is taken, RuntimeError when rekognition_local does not start.
    """

    def __init__(
        self,
        port: int = 0,
        data: Path | None = None,
        *,
        log_level: str = "WARNING",
        throttle: Throttle | None = None,
        rekognition: tuple[str, ...] = (),
        host: str = HOST,
        s3_port: int = 0,
    ) -> None:
        super().__init__()
        self._port, self._data, self._log_level = port, data, log_level
        self._host, self._s3_port = host, s3_port
        self._throttle, self._rekognition = throttle, rekognition
        self.info: StackInfo
        self.page_url: str
        self.start_s: float
        self.images: dict[str, int] = {}
        self.left_out: list[str] = []  # of `data`, each with its reason
        self.people: PeopleStores
        self.jobs: JobStores
        self.step_functions: StepFunctions
        self._run = secrets.token_hex(4)
        self._buckets: dict[str, str] = {}
        self._s3: Any = None

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        self.start_s = time.monotonic() - began
        return self

    def put_image(self, side: str, key: str, image: bytes) -> None:
        """Put an image into the bucket of that side, `source` or `target`."""
        self._s3.put_object(Bucket=self._buckets[side], Key=key, Body=image)

    def put_samples(self) -> None:
        """Put the sample images into both buckets, the keys being those of `samples.sample_files`."""
        for key, image in sample_files().items():
            for side in self._buckets:
                self.put_image(side, key, image)

    def _start(self) -> None:
        # Both ports first: the addresses are written into tokens and variables before anything listens behind them.
        listener = self.enter_context(listening(self._host, self._port))
        s3_listener = self.enter_context(listening(self._host, self._s3_port))
        base_url, s3_endpoint = (f"http://{HOST}:{one.getsockname()[1]}" for one in (listener, s3_listener))
        self.page_url = f"{base_url}/"
        # The models load while S3 and Cognito start.
        # moto makes boto3 sessions of its own in this process: a stale profile must not reach them.
        self.enter_context(environment(aws_variables(s3_endpoint, "http://127.0.0.1:9")))
        rekognition = self.enter_context(
            rekognition_process(os.environ, ("--s3-endpoint", s3_endpoint, *self._rekognition))
        )
        self.step_functions = StepFunctions(s3_endpoint)
        self.enter_context(moto_server(s3_listener, self.step_functions))
        self.callback(self.step_functions.close)
        self._s3 = aws_client("s3", s3_endpoint)
        self._make_buckets()
        pool = UserPool(aws_client("cognito-idp", s3_endpoint))
        client = pool.add_client("local", {route.scope for route in ROUTES})
        rekognition_endpoint = rekognition()
        sqs, dynamodb = aws_client("sqs", s3_endpoint), aws_client("dynamodb", s3_endpoint)
        faces = aws_client("rekognition", rekognition_endpoint)
        self.people = PeopleStores.create(self._run, s3=self._s3, dynamodb=dynamodb, sqs=sqs, rekognition=faces)
        self.jobs = JobStores.create(self._run, s3=self._s3, dynamodb=dynamodb)
        self.info = StackInfo(
            api_url=f"{base_url}/{STAGE}",
            token_url=f"{base_url}/oauth2/token",
            client_id=client.id,
            client_secret=client.secret,
            s3_endpoint=s3_endpoint,
            source_bucket=self._buckets["source"],
            target_bucket=self._buckets["target"],
            claims_table=create_claims_table(dynamodb, self._run),
            rekognition_endpoint=rekognition_endpoint,
            state_machine_arn=STATE_MACHINE_ARN,
            **asdict(self.people),
            **asdict(self.jobs),
        )
        settings = function_settings(
            Settings, PeopleSettings, JobsSettings, log_level=self._log_level, **asdict(self.info)
        )
        self.enter_context(environment(aws_variables(s3_endpoint, rekognition_endpoint) | settings))
        self.step_functions.variables = dict(os.environ)
        events = PhotoEvents(new_handler("indexing_function"), self.people, s3=self._s3, sqs=sqs)
        self.enter_context(events.delivered())
        self.enter_context(expiry_schedule(new_handler("people_function")))
        self.enter_context(ServerThread(self._application(pool), listener))

    def _application(self, pool: UserPool) -> Starlette:
        """The gateway in front of new handlers, with tokens and page beside it."""
        issuer = TokenIssuer(pool, f"{self.page_url}{pool.id}")
        gateway = Gateway(
            by_route(*map(new_handler, ("lambda_function", "people_function", "jobs_function"))),
            CognitoAuthorizer(pool, issuer.issuer, issuer.key_set),
            stage=STAGE,
            routes=ROUTES,
            throttle=self._throttle,
        )
        self.callback(gateway.close)
        api, origin = StackApi(self.info, self._s3), self.page_url.rstrip("/")
        site = OwnSite(origin, origin.replace(HOST, "localhost"))
        evaluation = EvaluationRoutes(self.info, site)
        self.callback(evaluation.close)
        pages = (PageRoutes(api, site), PeopleRoutes(api, site), JobsRoutes(api, site), evaluation)
        routes = [*(route for page in pages for route in page.routes()), site.files()]
        where = {"stage": STAGE, "pool_id": pool.id, "rekognition_endpoint": self.info.rekognition_endpoint}
        return application(gateway, issuer, routes, **where)

    def _make_buckets(self) -> None:
        for side in ("source", "target"):
            self._buckets[side] = f"face-validation-{side}-{self._run}"
            self._s3.create_bucket(Bucket=self._buckets[side])
            self.images[side] = self._put_folder(side, self._data / side) if self._data else 0

    def _put_folder(self, side: str, folder: Path) -> int:
        """Put the images below a folder into a bucket, their paths there as keys; how many."""
        images, others, hidden = files_below(folder, IMAGE_ENDINGS)
        put = [image for image in images if is_utf8(image.relative_to(folder))]
        for image in put:
            self.put_image(side, image.relative_to(folder).as_posix(), image.read_bytes())
        self.left_out += [f"{printable(image)}: its name is not UTF-8" for image in images if image not in put]
        self.left_out += [f"{printable(other)}: the buckets take JPG and PNG; save it as a JPG" for other in others]
        self.left_out += [f"{folder}: {hidden} hidden files"] * bool(hidden)
        return len(put)


def by_route(validation: Handler, people: Handler, jobs: Handler) -> Handler:
    """The function behind each route, as API Gateway's integrations name it."""
    behind = ((VALIDATION_ROUTES, validation), (PEOPLE_ROUTES, people), (JOB_ROUTES, jobs))
    handlers = {(route.method, route.resource): handler for routes, handler in behind for route in routes}

    def invoke(event: dict[str, Any], context: Any) -> Any:
        return handlers[event["httpMethod"], event["resource"]](event, context)

    return invoke


def new_handler(module_name: str) -> Handler:
    """A Lambda handler as a new execution environment has it: its module is loaded again, with no client made yet."""
    found = importlib.util.find_spec(f"face_validation_function.{module_name}")
    if found is None or found.loader is None:
        raise RuntimeError("The package face_validation_function is not installed.")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    handler: Handler = module.lambda_handler
    return handler
