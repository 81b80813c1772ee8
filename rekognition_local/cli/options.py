"""The server's options, each also an environment variable."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from rekognition_local.engine.faces.user_models import Channels

Port = Annotated[int, typer.Option(envvar="REKOGNITION_LOCAL_PORT", min=0, max=65535, help="0 chooses a free port.")]
Host = Annotated[
    str,
    typer.Option(envvar="REKOGNITION_LOCAL_HOST", help="Address to listen on. 0.0.0.0 lets other machines call."),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        envvar="REKOGNITION_LOCAL_ALLOW_HOST",
        help="A host name to accept, such as a compose service's; repeat for more. IP addresses are accepted.",
    ),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        envvar="REKOGNITION_LOCAL_ALLOW_ORIGIN",
        help="A page whose scripts may call, such as http://localhost:3000; repeat for more. Default: none.",
    ),
]
AnswersFile = Annotated[
    Path | None,
    typer.Option(
        "--answers",
        envvar="REKOGNITION_LOCAL_ANSWERS",
        exists=True,
        dir_okay=False,
        help="A JSON file of answers to give in place of the models'; opens POST /answers.",
    ),
]
Info = Annotated[
    Path | None,
    typer.Option(help='Write {"endpoint": URL, "pid": N} to this file when the server is ready; removed at the end.'),
]
S3Endpoint = Annotated[
    str | None,
    typer.Option(
        envvar=["REKOGNITION_LOCAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"],
        help="Where S3Object images are read, for example a moto server. Default: AWS's own S3.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(envvar="REKOGNITION_LOCAL_DATA", file_okay=False, help="Folder for collections. Default: in memory."),
]
RecogniserFile = Annotated[
    Path | None,
    typer.Option(
        envvar="REKOGNITION_LOCAL_RECOGNISER",
        exists=True,
        dir_okay=False,
        help="An ONNX file (ArcFace-style, 112 px) in place of the built-in recogniser.",
    ),
]
DetectorFile = Annotated[
    Path | None,
    typer.Option(
        envvar="REKOGNITION_LOCAL_DETECTOR",
        exists=True,
        dir_okay=False,
        help="An ONNX file in place of the built-in detector.",
    ),
]
RecogniserChannels = Annotated[
    Channels,
    typer.Option(envvar="REKOGNITION_LOCAL_RECOGNISER_CHANNELS", help="Colour order of that recogniser's training."),
]
SimilarityMiddle = Annotated[
    float,
    typer.Option(
        envvar="REKOGNITION_LOCAL_SIMILARITY_MIDDLE", min=-1, max=1, help="The cosine whose similarity is 50."
    ),
]
SimilaritySlope = Annotated[
    float,
    typer.Option(envvar="REKOGNITION_LOCAL_SIMILARITY_SLOPE", min=0, help="Slope of the similarity there."),
]
Threads = Annotated[
    int | None,
    typer.Option(envvar="REKOGNITION_LOCAL_THREADS", min=1, help="Requests processed at once. Default: the cores."),
]
LatencyMs = Annotated[
    float,
    typer.Option(envvar="REKOGNITION_LOCAL_LATENCY_MS", min=0, help="For tests: delay of every operation."),
]
FaultsOpen = Annotated[
    bool, typer.Option("--faults", help="For tests: open POST /faults, which makes operations fail.")
]
ParentPid = Annotated[int | None, typer.Option(help="Stop when the process with this id has ended.")]


def log_level_of(word: str) -> str:
    """A level of Python's. The variable is everybody's: a word that only others know must not stop the server."""
    level = word.strip().upper()
    return level if level in logging.getLevelNamesMapping() else "WARNING"


LogLevel = Annotated[
    str,
    typer.Option(
        envvar="LOG_LEVEL",
        parser=log_level_of,
        metavar="DEBUG|INFO|WARNING|ERROR|CRITICAL",
        help="Level of the log; an unknown word means WARNING.",
    ),
]
