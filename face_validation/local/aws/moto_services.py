"""AWS on this machine: S3, Cognito user pools, DynamoDB, SQS, events and Step Functions by moto; and its clients."""

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_to_bytes, urlsplit

from botocore.config import Config
from moto.core.common_models import BaseModel
from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeKey
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response as StarletteResponse
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.wrappers import Response

from face_validation.client.buckets import client_on_this_machine
from face_validation.local.aws.environment import SECRET_ACCESS_KEY
from face_validation.local.aws.post_object import Answer, with_forms
from face_validation.local.aws.step_functions import StepFunctions
from face_validation.local.gateway.server_thread import ServerThread
from rekognition_local.server.connections import LOCAL_NAMES

# moto's CompareFaces says 100 % for any two images and its other Rekognition answers are canned: it never answers one.
# EventBridge takes the functions' events, and KMS has the key of an audit trail's HMACs.
SERVICES = frozenset({"s3", "cognitoidp", "dynamodb", "sqs", "events", "kms"})
_NOT_SERVED = {
    "__type": "UnknownOperationException",
    "Message": "This endpoint answers S3, Cognito, DynamoDB, SQS, KMS, events and Step Functions, nothing else.",
}


@contextmanager
def moto_server(listener: socket.socket, step_functions: StepFunctions | None = None) -> Iterator[str]:
    """Serve them on a socket that listens already; the value is the endpoint's URL."""

    def create_app(service: Any) -> Any:
        return create_backend_app(service) if service in SERVICES else refused

    refused = Response(json.dumps(_NOT_SERVED), 400, content_type="application/x-amz-json-1.1")
    host, port = listener.getsockname()[:2]
    moto = partial(Response.from_app, DomainDispatcherApplication(create_app), buffered=True)
    answer: Answer = partial(with_forms, moto, SECRET_ACCESS_KEY)
    answer = answer if step_functions is None else step_functions.in_front_of(answer)
    with ServerThread(as_asgi(answer), listener), nothing_kept_of_what_is_erased():
        yield f"http://{host}:{port}"


def aws_client(service: str, endpoint: str) -> Any:
    """A boto3 client of any AWS service on this machine, with credentials of no account."""
    return client_on_this_machine(service, endpoint, Config(retries={"mode": "standard"}, max_pool_connections=32))


def _is_this_machine(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return host in LOCAL_NAMES or host.endswith(".localhost")


def as_asgi(server: Answer) -> ASGIApp:
    """A server as uvicorn serves it: each request in a thread once its whole body is there.

    What other sites ask through a browser on this machine is refused. moto allows every origin and looks at no
    signature: a page from anywhere could read the photographs in the buckets, under this machine's own address or, by
    DNS rebinding, under a name of its own.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return None
        asked = f"//{request.headers.get('host', '')}"
        if not all(map(_is_this_machine, (asked, request.headers.get("origin", asked)))):
            refused = StarletteResponse("Only programs and pages of this machine may ask this.", 403)
            return await refused(scope, receive, send)
        path, query = scope["raw_path"], scope["query_string"].decode("latin-1")
        target = f"{path.decode('latin-1')}?{query}" if query else path.decode("latin-1")
        # The caller's own Host goes along in the headers.
        environ = BackendRequest.from_primitives(request.method, "http://localhost/", request.headers, body).environ
        environ |= {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query}
        environ |= {"RAW_URI": target, "REQUEST_URI": target}
        made = await run_in_threadpool(server, environ)
        if content := made.get_data():
            made.headers.setdefault("Content-Length", len(content))
        response = StarletteResponse(content, made.status_code)
        response.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in made.headers]
        return await response(scope, receive, send)

    return Router(default=answer, redirect_slashes=False)


@contextmanager
def nothing_kept_of_what_is_erased() -> Iterator[None]:
    """Within it, an object that is erased leaves the memory, and a list of versions copies no contents.

    moto notes every instance of its models in a list for its own tests, and ListObjectVersions copies all objects of
    the bucket, whatever prefix is asked for: each enrolment and erasure kept another copy of the faces bucket.
    """
    without_content = patch.multiple(FakeKey, create=True, __del__=FakeKey.dispose, __deepcopy__=_without_content)
    with patch.object(BaseModel, "__new__", _untracked), without_content:
        yield


def _untracked(cls: type[Any], *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _without_content(key: Any, memo: dict[int, Any]) -> Any:
    """What a list needs of an object: all but its bytes, which its tag is made of when it is first asked for."""
    del memo
    tag = key.etag.strip('"')
    empty = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - moto's key owns it, and closes it
    copied = object.__new__(type(key))
    copied.__dict__.update(key.__dict__, _etag=tag, _value_buffer=empty, lock=threading.Lock(), multipart=None)
    return copied
