"""`python -m rekognition_local`: the server's command line."""

import json
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import boto3
import cv2
import numpy as np
import typer
import uvicorn
from botocore.config import Config
from botocore.credentials import EnvProvider

from rekognition_local.engine import Engine, EngineSettings
from rekognition_local.faults import Faults
from rekognition_local.gallery import Gallery
from rekognition_local.models import ModelError
from rekognition_local.server import application
from rekognition_local.service import Service
from rekognition_local.sources import ImageSource
from rekognition_local.store import FolderInUseError, Store
from rekognition_local.user_models import Channels

HOST = "127.0.0.1"
PARENT_POLL_S = 0.5
_DEFAULTS = EngineSettings()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def serve(
    port: Annotated[
        int, typer.Option(envvar="REKOGNITION_LOCAL_PORT", min=0, max=65535, help="0 picks a free one.")
    ] = 4567,
    info: Annotated[
        Path | None,
        typer.Option(help='Write {"endpoint": URL, "pid": N} here once the server is ready; removed at the end.'),
    ] = None,
    s3_endpoint: Annotated[
        str | None,
        typer.Option(
            envvar=["REKOGNITION_LOCAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"],
            help="Where S3Object images are read, for example a moto server. Default: AWS's own S3.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="REKOGNITION_LOCAL_DATA", file_okay=False, help="Keep collections here. Default: in memory."
        ),
    ] = None,
    recogniser: Annotated[
        Path | None,
        typer.Option(
            envvar="REKOGNITION_LOCAL_RECOGNISER",
            exists=True,
            dir_okay=False,
            help="An ONNX file (ArcFace-style, 112 px) in place of the built-in recogniser.",
        ),
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(
            envvar="REKOGNITION_LOCAL_DETECTOR",
            exists=True,
            dir_okay=False,
            help="An ONNX file in place of the built-in detector.",
        ),
    ] = None,
    recogniser_channels: Annotated[
        Channels,
        typer.Option(envvar="REKOGNITION_LOCAL_RECOGNISER_CHANNELS", help="The order that recogniser was trained on."),
    ] = _DEFAULTS.recogniser_channels,
    similarity_middle: Annotated[
        float,
        typer.Option(
            envvar="REKOGNITION_LOCAL_SIMILARITY_MIDDLE", min=-1, max=1, help="That recogniser's cosine for 50 %."
        ),
    ] = _DEFAULTS.similarity_middle,
    similarity_slope: Annotated[
        float,
        typer.Option(envvar="REKOGNITION_LOCAL_SIMILARITY_SLOPE", min=0, help="How fast the similarity rises there."),
    ] = _DEFAULTS.similarity_slope,
    threads: Annotated[
        int | None,
        typer.Option(envvar="REKOGNITION_LOCAL_THREADS", min=1, help="Requests worked on at once. Default: the cores."),
    ] = None,
    latency_ms: Annotated[
        float,
        typer.Option(
            envvar="REKOGNITION_LOCAL_LATENCY_MS", min=0, help="For tests: wait so long before every operation."
        ),
    ] = 0.0,
    faults: Annotated[
        bool, typer.Option("--faults", help="For tests: open POST /faults, where errors can be ordered.")
    ] = False,
    parent_pid: Annotated[int | None, typer.Option(help="Stop when the process with this id has ended.")] = None,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        typer.Option(envvar="LOG_LEVEL", case_sensitive=False, help="What is logged."),
    ] = "WARNING",
) -> None:
    """Amazon Rekognition on this machine, for any program that uses boto3.

    Start it, then tell your program where Rekognition is; nothing else changes:

        python -m rekognition_local --port 4567

        AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:4567 python your_program.py

    GET /healthz answers {"status": "healthy", "model_loaded": true} once the models are loaded. Ctrl-C stops it.
    """
    # Requests run side by side: threads inside OpenCV gain none of them anything and cost a third more processor time.
    cv2.setNumThreads(1)
    logging.basicConfig(level=log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = EngineSettings(
        recogniser=recogniser,
        recogniser_channels=recogniser_channels,
        similarity_middle=similarity_middle,
        similarity_slope=similarity_slope,
        detector=detector,
    )
    try:
        if info is not None:
            info.unlink(missing_ok=True)  # of a run that was killed: whoever waits for the file must not read that one
        listener = socket.create_server((HOST, port), backlog=512)
        engine = loaded(settings)
        store = Store(data)
    except (OSError, ModelError, FolderInUseError) as error:
        _give_up(port, error)
    service = Service(engine, ImageSource(s3_client(s3_endpoint)), Gallery(store, engine))
    endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        application(service, latency_ms, threads, Faults() if faults else None),
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
    )
    server = AnnouncingServer(config, endpoint, info)
    if parent_pid is not None:
        threading.Thread(target=_stop_without, args=(parent_pid, server), daemon=True).start()
    for stop in (signal.SIGINT, signal.SIGTERM):
        # uvicorn hands a signal that it obeyed back to these; Python's own would end the process as if it had failed.
        signal.signal(stop, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])
    store.close()
    if server.unannounced is not None:
        _give_up(port, server.unannounced)
    if info is not None:
        info.unlink(missing_ok=True)


def _give_up(port: int, error: Exception) -> NoReturn:
    typer.echo(f"rekognition_local cannot start on port {port}: {error}", err=True)
    raise typer.Exit(1) from error


def loaded(settings: EngineSettings) -> Engine:
    """The engine with all its models: those of text, too, which it opens only when first asked."""
    engine = Engine.load(settings)
    engine.read_documents(np.full((80, 80, 3), 255, np.uint8), [])
    return engine


class AnnouncingServer(uvicorn.Server):
    """Says where it is, on standard output and in the info file, as soon as it answers."""

    def __init__(self, config: uvicorn.Config, endpoint: str, info: Path | None) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self._info = info
        self.unannounced: OSError | None = None

    async def main_loop(self) -> None:
        """Serve, once announced; where the info file cannot be written nobody would find the server: it ends."""
        try:
            self._announce()
        except OSError as error:
            self.unannounced = error
        else:
            await super().main_loop()

    def _announce(self) -> None:
        typer.echo(f"Rekognition answers at {self._endpoint}")
        if self._info is not None:
            # Written beside and renamed, so that whoever waits for the file never reads half of it.
            draft = self._info.with_name(f"{self._info.name}.{os.getpid()}")
            draft.write_text(json.dumps({"endpoint": self._endpoint, "pid": os.getpid()}))
            draft.replace(self._info)


def s3_client(endpoint: str | None) -> Any:
    """The boto3 client that reads S3Object images; a local endpoint needs no credentials in the environment."""
    options: dict[str, Any] = {}
    if endpoint is not None:
        options["endpoint_url"] = endpoint
        if EnvProvider().load() is None:
            options |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    session = boto3.Session()
    config = Config(
        connect_timeout=2,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=32,
    )
    return session.client("s3", region_name=session.region_name or "us-east-1", config=config, **options)


def _stop_without(parent_pid: int, server: uvicorn.Server) -> None:
    was_our_parent = os.getppid() == parent_pid
    while _is_alive(parent_pid) and (os.getppid() == parent_pid or not was_our_parent):
        time.sleep(PARENT_POLL_S)
    server.should_exit = True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is another user's
        return True
    return True


if __name__ == "__main__":
    app()
