"""What the command line says and how it leaves: verdicts, errors with the next step, exit codes."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import IntEnum
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from face_validation.client.errors import FaceValidationError, Language, advice
from face_validation.client.validation_result import ValidationResult

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


class ExitCode(IntEnum):
    """How a command ends, for scripts; REFUSED means that other images or another request are needed."""

    MATCH = 0
    NO_MATCH = 1
    REFUSED = 2
    REQUEST_FAILED = 3


_REFUSALS = (400, 404, 409, 413, 422)
_NEXT_STEP = {
    "RequestError": "Correct the request: the details name the fault.",
    "ImageTooLargeError": "Use images of 80 to 4096 pixels a side and at most 15 MB.",
    "InvalidS3ObjectError": "Check that the key is right and that the service reads the bucket the image was put into.",
    "ImageValidationError": "Use a sharp JPG or PNG that shows the face, and for ID_TO_FACE the whole document.",
    "LivenessError": "Start a new session: `liveness create`.",
    "NotFoundError": "Check the name or the id: `people` lists who is enrolled.",
    "ConflictError": "The details say what to do.",
    "PayloadTooLargeError": "Send fewer requests at a time.",
    "UnauthorizedError": "Check the client's id and secret, and that token_url belongs to this API.",
    "ForbiddenError": "Ask the operator of the service for the scope that this request needs.",
    "TooManyRequestsError": "Wait a little, then try again with fewer --jobs.",
    "ConnectionFailedError": "Check the address. `face-validation local --background` starts a stack on this machine.",
    "InternalServerError": "Try again in a moment. If it fails again, give the request id to the service's operator.",
}


def leave_with(error: FaceValidationError, *, as_json: bool = False, language: Language = "en") -> typer.Exit:
    """Say what went wrong and what to do next; gives the exit to raise."""
    is_refusal = error.usual_status in _REFUSALS
    leave = typer.Exit(ExitCode.REFUSED if is_refusal else ExitCode.REQUEST_FAILED)
    if as_json:
        print_json(error.to_answer())
        return leave
    lead = "Refused" if is_refusal else "Request failed"
    say(f"[bold red]{lead}[/]: {escape(error.code)}. {escape(str(error))}")
    for sentence in advice(error.reasons, language):
        say(f"- {escape(sentence)}")
    if error.code in _NEXT_STEP:
        say(f"[bold]Next[/]: {_NEXT_STEP[error.code]}")
    if error.id_request:
        say(f"[dim]Request id: {escape(error.id_request)}[/]")
    return leave


def print_verdict(result: ValidationResult, *, as_json: bool, language: Language = "en") -> typer.Exit:
    """Say whether the two are one person; gives the exit to raise."""
    if as_json:
        print_json(result.to_answer())
    else:
        verdict, sign = ("[bold green]Match[/]", ">=") if result.matched else ("[bold red]No match[/]", "<")
        stdout = Console(highlight=False, emoji=False)
        stdout.print(f"{verdict}  similarity {result.similarity_text} {sign} threshold {result.threshold:g}")
        if result.decision == "review":
            stdout.print("[bold yellow]Review[/]: a human must look at both images.")
        for sentence in advice(result.reasons or (), language):
            stdout.print(f"- {escape(sentence)}")
        for claim, verdict in (result.claims or {}).items():
            stdout.print(f"{escape(claim)}: {escape(verdict)}")
        if result.document is not None:
            for name, read in (result.document.fields or {}).items():
                stdout.print(f"{escape(name):18}{escape(read.value)}")
        if result.quality is not None:
            for measure, found in result.quality.target.items():
                before = result.quality.source.get(measure)
                told = "" if before is None else f"source {before.score:5.1f}  "
                stdout.print(f"{escape(measure):28}{told}target {found.score:5.1f}")
        if result.boxes is not None and (document := result.boxes.source.document) is not None:
            stdout.print(f"Document: {escape(document.label)} ({document.confidence:.0f} % sure)")
        stdout.print(f"[dim]Request id: {escape(result.id_request)}[/]")
    return typer.Exit(ExitCode.MATCH if result.matched else ExitCode.NO_MATCH)


def check_annotated(path: Path) -> None:
    """What could spoil the picture of --annotate is said before anything is asked; raises typer.BadParameter."""
    if path.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{path} must end in one of {', '.join(PICTURES)}.", param_hint="--annotate")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"The folder of {path} does not exist.", param_hint="--annotate")


def print_json(answer: Any) -> None:
    """One JSON document on stdout, without colours or line breaks of the terminal's."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False, default=asdict))


@cache
def _stderr() -> Console:
    """One console: what is said while a progress line is shown must stand above it."""
    return Console(stderr=True, highlight=False, emoji=False)


def say(markup: str) -> None:
    """One message, of any length, on standard error."""
    _stderr().print(markup, soft_wrap=True)


@contextmanager
def progress_of(step: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress line on standard error; what is yielded takes it a step on, or updates it (`Progress.update`)."""
    told, trouble, left = TextColumn("{task.description}"), TextColumn("{task.fields[trouble]}"), TextColumn("left")
    columns = (told, BarColumn(), MofNCompleteColumn(), trouble, TimeElapsedColumn(), left, TimeRemainingColumn())
    with Progress(*columns, console=_stderr()) as progress:
        yield partial(progress.update, progress.add_task(step, total=total, trouble=""), advance=1)


def tell(answer: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the service's answer, as JSON or in these lines."""
    if as_json:
        print_json(answer)
    else:
        for line in lines:
            typer.echo(line)
