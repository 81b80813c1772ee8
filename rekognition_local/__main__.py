"""`python -m rekognition_local`: the server's command line."""

import logging
import socket
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import typer

from rekognition_local.engine import Engine, EngineSettings
from rekognition_local.engine.faces.user_models import Channels
from rekognition_local.engine.weights.models import ModelError
from rekognition_local.operations.image_sources import ImageSource, s3_client
from rekognition_local.operations.service import Service
from rekognition_local.server.application import application
from rekognition_local.server.faults import Faults
from rekognition_local.server.process import serve_until_told
from rekognition_local.storage.database import FolderInUseError, Store
from rekognition_local.storage.gallery import Gallery

HOST = "127.0.0.1"
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
        with closing(Store(data)) as store:
            service = Service(engine, ImageSource(s3_client(s3_endpoint)), Gallery(store, engine))
            answers = application(service, latency_ms, threads, Faults() if faults else None)
            serve_until_told(answers, listener, info, parent_pid)
    except (OSError, ModelError, FolderInUseError) as error:
        typer.echo(f"rekognition_local cannot start on port {port}: {error}", err=True)
        raise typer.Exit(1) from error


def loaded(settings: EngineSettings) -> Engine:
    """The engine with all its models: those of text, too, which it opens only when first asked."""
    engine = Engine.load(settings)
    engine.read_documents(np.full((80, 80, 3), 255, np.uint8), [])
    return engine


if __name__ == "__main__":
    app()
