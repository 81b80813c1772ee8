"""Amazon S3, Cognito user pools, DynamoDB and SQS on this machine: moto's, and nothing else of moto's."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from local.environment import SECRET_ACCESS_KEY
from local.post_object import PostObject

# moto's CompareFaces says 100 % for any two images and its other Rekognition answers are canned, so it may never
# answer one; DynamoDB and SQS hold what the enrolled people's functions keep.
SERVICES = frozenset({"s3", "cognitoidp", "dynamodb", "sqs"})


@contextmanager
def moto_server(listener: socket.socket) -> Iterator[str]:
    """Serve them on a socket that listens already; the value is the endpoint's URL."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class QuietHandler(MotoRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    def create_app(service: Any) -> Any:
        return create_backend_app(service) if service in SERVICES else _refuse

    host, port = listener.getsockname()[:2]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(
        host,
        port,
        PostObject(DomainDispatcherApplication(create_app), SECRET_ACCESS_KEY),
        threaded=True,
        request_handler=QuietHandler,
        fd=listener.fileno(),
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="moto", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _refuse(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    del environ
    body = {
        "__type": "UnknownOperationException",
        "Message": "This endpoint answers S3, Cognito, DynamoDB and SQS; Rekognition has an endpoint of its own.",
    }
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(body).encode()]
