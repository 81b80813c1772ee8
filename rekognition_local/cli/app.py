"""The command `rekognition-local`: without a subcommand it serves."""

import logging
from contextlib import closing

import cv2
import numpy as np
import typer

from rekognition_local.cli import options
from rekognition_local.cli.calibrate import calibrate
from rekognition_local.cli.models import models
from rekognition_local.engine import Engine, EngineSettings
from rekognition_local.engine.weights.carriers import ModelError
from rekognition_local.memory import give_large_blocks_back
from rekognition_local.operations.image_sources import ImageSource, s3_client
from rekognition_local.operations.service import Service
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.application import application
from rekognition_local.server.faults import Faults
from rekognition_local.server.process import listening, serve_until_told
from rekognition_local.server.reach import Reach
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.storage_errors import StorageError

_DEFAULTS = EngineSettings()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(models)
app.command()(calibrate)


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    port: options.Port = 4567,
    host: options.Host = "127.0.0.1",
    allow_host: options.AllowHost = None,
    allow_origin: options.AllowOrigin = None,
    info: options.Info = None,
    s3_endpoint: options.S3Endpoint = None,
    data: options.Data = None,
    recogniser: options.RecogniserFile = None,
    detector: options.DetectorFile = None,
    recogniser_channels: options.RecogniserChannels = _DEFAULTS.recogniser_channels,
    similarity_middle: options.SimilarityMiddle = _DEFAULTS.similarity_middle,
    similarity_slope: options.SimilaritySlope = _DEFAULTS.similarity_slope,
    threads: options.Threads = None,
    latency_ms: options.LatencyMs = 0.0,
    answers: options.AnswersFile = None,
    faults: options.FaultsOpen = False,
    parent_pid: options.ParentPid = None,
    log_level: options.LogLevel = "WARNING",
) -> None:
    """Amazon Rekognition on this machine, for any program that uses boto3.

    Start it, and set one environment variable for your program:

        rekognition-local --port 4567

        AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:4567 python your_program.py

    GET /healthz answers {"status": "healthy", "model_loaded": true} once the models are loaded. Ctrl-C stops it.
    """
    if context.invoked_subcommand is not None:
        return
    # Requests run side by side: threads inside OpenCV gain none of them anything and cost a third more processor time.
    cv2.setNumThreads(1)
    give_large_blocks_back()
    logging.basicConfig(level=log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    reach = Reach(host, tuple(allow_host or ()), tuple(allow_origin or ()))
    if not reach.is_this_machine:
        typer.echo(
            f"Warning: whoever reaches {host} can read the collections and call all operations: it ignores signatures.",
            err=True,
        )
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
        declared = None if answers is None else Answers.of_file(answers)
        listener = listening(host, port)
        engine = loaded(settings)
        with closing(Store(data)) as store:
            service = Service(engine, ImageSource(s3_client(s3_endpoint)), Gallery(store, engine))
            server = application(service, latency_ms, threads, Faults() if faults else None, declared, reach)
            serve_until_told(server, listener, info, parent_pid)
    except (OSError, ModelError, StorageError, DeclarationError) as error:
        typer.echo(f"rekognition-local cannot start on port {port}: {error}", err=True)
        raise typer.Exit(1) from error


def loaded(settings: EngineSettings) -> Engine:
    """The engine with all its models: those of text, too, which it opens only when first asked."""
    engine = Engine.load(settings)
    engine.read_documents(np.full((80, 80, 3), 255, np.uint8), [])
    return engine
