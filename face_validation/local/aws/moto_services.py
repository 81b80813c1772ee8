"""AWS on this machine: S3, Cognito user pools, DynamoDB, SQS, events and Step Functions by moto; and its clients."""

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from werkzeug.wrappers import Response

from face_validation.client.buckets import client_on_this_machine
from face_validation.local.aws.environment import SECRET_ACCESS_KEY
from face_validation.local.aws.moto_memory import nothing_kept_of_what_is_erased
from face_validation.local.aws.post_object import PostObject, StartResponse, WsgiApp
from face_validation.local.aws.step_functions import StepFunctions
from face_validation.local.gateway.server_thread import ServerThread
from rekognition_local.server.connections import LOCAL_NAMES

# moto's CompareFaces says 100 % for any two images and its other Rekognition answers are canned, so it may never
# answer one; DynamoDB and SQS hold what the functions keep, EventBridge takes their
# events, and KMS has the key of an audit trail's HMACs.
SERVICES = frozenset({"s3", "cognitoidp", "dynamodb", "sqs", "events", "kms"})
_NOT_SERVED = {
    "__type": "UnknownOperationException",
    "Message": "This endpoint answers S3, Cognito, DynamoDB, SQS, KMS, events and Step Functions, nothing else.",
}


@contextmanager
def moto_server(listener: socket.socket, step_functions: StepFunctions | None = None) -> Iterator[str]:
    """Serve them on a socket that listens already; the value is the endpoint's URL."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from face_validation.local.aws.moto_application import as_asgi

    def create_app(service: Any) -> Any:
        return create_backend_app(service) if service in SERVICES else refused

    refused = Response(json.dumps(_NOT_SERVED), 400, content_type="application/x-amz-json-1.1")
    host, port = listener.getsockname()[:2]
    services = PostObject(DomainDispatcherApplication(create_app), SECRET_ACCESS_KEY)
    app = _for_this_machine(services if step_functions is None else step_functions.in_front_of(services))
    with ServerThread(as_asgi(app), listener), nothing_kept_of_what_is_erased():
        yield f"http://{host}:{port}"


def aws_client(service: str, endpoint: str) -> Any:
    """A boto3 client of any AWS service on this machine, with credentials of no account."""
    return client_on_this_machine(service, endpoint, Config(retries={"mode": "standard"}, max_pool_connections=32))


def _for_this_machine(app: WsgiApp) -> WsgiApp:
    """The application without what other sites ask through a browser on this machine.

    moto allows every origin and looks at no signature: a page from anywhere could read the photographs in the buckets,
    under this machine's own address or, by DNS rebinding, under a name of its own.
    """

    def guarded(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = f"//{environ.get('HTTP_HOST', '')}"
        if all(map(_is_this_machine, (asked, environ.get("HTTP_ORIGIN", asked)))):
            return app(environ, start_response)
        return Response("Only programs and pages of this machine may ask this.", 403)(environ, start_response)

    return guarded


def _is_this_machine(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return host in LOCAL_NAMES or host.endswith(".localhost")
