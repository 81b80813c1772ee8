"""The gateway's HTTP server, in a thread of its own."""

import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

import uvicorn

from rekognition_local.server.connections import BoundedProtocol, PatientServer

# How long the end waits for requests under way; the others are refused with 503.
GRACE_S = 5


class ServerThread:
    """uvicorn in a thread, on a socket that listens already; entered once it answers.

    `certificate`: a PEM file with a key and its certificate, for TLS.
    """

    def __init__(self, app: Any, listener: socket.socket, certificate: Path | None = None) -> None:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            lifespan="on",
            ssl_certfile=certificate,
        )
        self._server = PatientServer(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="gateway", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The gateway did not start; its reason is above.")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
