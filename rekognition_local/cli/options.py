"""The server's options; most are also an environment variable, REKOGNITION_LOCAL_ and their name."""

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from rekognition_local.engine.faces.recognition import Channels


def _option(name: str, help_: str, **bounds: Any) -> Any:
    return typer.Option(envvar=f"REKOGNITION_LOCAL_{name}", help=help_, **bounds)


_FILE = {"exists": True, "dir_okay": False}

Port = Annotated[int, _option("PORT", "0 chooses a free port.", min=0, max=65535)]
Host = Annotated[str, _option("HOST", "Address to listen on. 0.0.0.0 lets other machines call.")]
_ALLOW_HOST = "A host name to accept, such as a compose service's; repeat for more. IP addresses are accepted."
AllowHost = Annotated[list[str] | None, _option("ALLOW_HOST", _ALLOW_HOST)]
_ALLOW_ORIGIN = "A page whose scripts may call, such as http://localhost:3000; repeat for more. Default: none."
AllowOrigin = Annotated[list[str] | None, _option("ALLOW_ORIGIN", _ALLOW_ORIGIN)]
_ANSWERS = "A JSON file of answers to give in place of the models'; opens POST /answers."
AnswersFile = Annotated[Path | None, _option("ANSWERS", _ANSWERS, **_FILE)]
_INFO = 'Write {"endpoint": URL, "pid": N} to this file when the server is ready; removed at the end.'
Info = Annotated[Path | None, typer.Option(help=_INFO)]
S3Endpoint = Annotated[
    str | None,
    typer.Option(
        envvar=["REKOGNITION_LOCAL_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"],
        help="Where S3Object images are read, for example a moto server. Default: AWS's own S3.",
    ),
]
Data = Annotated[Path | None, _option("DATA", "Folder for collections. Default: in memory.", file_okay=False)]
_RECOGNISER = "An ONNX file (ArcFace-style, 112 px) in place of the built-in recogniser."
RecogniserFile = Annotated[Path | None, _option("RECOGNISER", _RECOGNISER, **_FILE)]
DetectorFile = Annotated[Path | None, _option("DETECTOR", "An ONNX file in place of the built-in detector.", **_FILE)]
RecogniserChannels = Annotated[Channels, _option("RECOGNISER_CHANNELS", "Colour order of that recogniser's training.")]
SimilarityMiddle = Annotated[float, _option("SIMILARITY_MIDDLE", "The cosine whose similarity is 50.", min=-1, max=1)]
SimilaritySlope = Annotated[float, _option("SIMILARITY_SLOPE", "Slope of the similarity there.", min=0)]
Threads = Annotated[int | None, _option("THREADS", "Requests processed at once. Default: the cores.", min=1)]
LatencyMs = Annotated[float, _option("LATENCY_MS", "For tests: delay of every operation.", min=0)]
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
