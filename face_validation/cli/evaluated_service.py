"""Whom an evaluation asks: a deployed API, the local stack, which is started for it, or the engine of this machine."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from face_validation.cli.connection_options import percent
from face_validation.cli.output import ExitCode, progress_of, say
from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import FaceValidationError
from face_validation.client.profiles import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from face_validation.evaluation.report.summary import Summary
    from face_validation.evaluation.runs.cases import Photograph
    from rekognition_local.engine import Engine

# What decides the local stack's scores: a change in here is another service.
SCORING_PACKAGES = ("face_validation_function", "rekognition_local")

ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api", help="The API's address, with its stage. Without it and --profile, the local stack is started."
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="A name in the profile file, or a local stack's --info file.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=64, help="Requests sent at the same time.")]
Threshold = Annotated[float, percent("Threshold for the counts; the report has every threshold.")]


@contextlib.contextmanager
def saying_what_cannot_run() -> Iterator[None]:
    """Leave with REQUEST_FAILED, and say why, where an evaluation cannot be run."""
    from face_validation.evaluation.runs.cases import EvaluationError

    try:
        yield
    except (EvaluationError, FaceValidationError) as error:
        say(f"[bold red]Cannot run[/]: {escape(str(error))}")
        raise typer.Exit(ExitCode.REQUEST_FAILED) from error


@contextlib.contextmanager
def service_of(
    api: str | None, profile: str | None, *, prepare: bool = False
) -> Iterator[tuple[Callable[[], FaceValidationClient], str]]:
    """What makes a client, and what names the service it asks: answers of two services are not mixed in one run.

    The local stack starts with the client: a run that has all its answers needs none. The client asks once only: a 5xx
    that a second try would hide is what an evaluation is there to count. Files are sent as they are, unless `prepare`:
    what an evaluation measures is the service on the caller's own images.
    """
    options: dict[str, Any] = {"attempts": 1, "prepare_images": prepare}
    new: Callable[[], contextlib.AbstractContextManager[FaceValidationClient]]
    if api is None and profile is None:
        new, service = partial(_client_of_new_stack, **options), f"local stack, code {code_digest()}"
    else:
        connection = Connection.resolve(profile, api_url=api)
        new, service = partial(connection.client, **options), connection.api_url
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(new()), service + ", prepared images" * prepare


@contextlib.contextmanager
def _client_of_new_stack(**options: Any) -> Iterator[FaceValidationClient]:
    # Here: a deployed API is evaluated without this package's needs.
    from face_validation.local.demo import client_of
    from face_validation.local.stack import LocalStack

    say("[dim]Starting the local stack...[/]")
    # Every answer of the function is in results.csv: its log would say the same again, across the progress line.
    with LocalStack(log_level="ERROR") as stack, client_of(stack.info, **options) as client:
        yield client


def all_pairs_by_engine(
    photographs: "list[Photograph]", photos: Path, out: Path, threshold: float, **how: Any
) -> "Summary":
    """The summary of all pairs, described and compared without a request each; `how` as `run_all_pairs` takes it."""
    from face_validation.evaluation.report.summary import summarise_all_pairs
    from face_validation.evaluation.runs.all_pairs import run_all_pairs
    from rekognition_local.engine import Engine, images

    engine = Engine.load()

    service = f"engine {engine.model_id}, code {code_digest()}"
    with progress_of("describing", len(photographs)) as update:

        def describe(photo: Path) -> "NDArray[np.float32] | None":
            update()
            return prominent_descriptor(engine, images.decode(photo.read_bytes()))

        run, all_pairs = run_all_pairs(photographs, photos, out, describe, engine.similarity, service=service, **how)
    return summarise_all_pairs(run, all_pairs, threshold)


def prominent_descriptor(engine: "Engine", image: "NDArray[np.uint8]") -> "NDArray[np.float32] | None":
    """The descriptor (d,) of the most prominent face of an upright RGB image (h, w, 3); None where no face is found."""
    from face_validation_function.faces import BoundingBox, Face, most_prominent

    found = engine.detect(image)
    if not found:
        return None
    faces = [Face(BoundingBox(face.left, face.top, face.width, face.height), face.confidence) for face in found]
    descriptor: NDArray[np.float32] = engine.embed(image, [found[most_prominent(faces, central=True)]])[0]
    return descriptor


def code_digest() -> str:
    """Hash of the code that decides the local stack's scores."""
    digest = hashlib.sha256()
    for package in SCORING_PACKAGES:
        folder = Path(str(resources.files(package)))
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
