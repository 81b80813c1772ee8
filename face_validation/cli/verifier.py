"""`face-validation verifier`: train a verifier of one person from photographs, judge photographs with it, serve it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from face_validation.cli.output import progress_of, say
from person_verifier.errors import VerifierError
from person_verifier.serving.settings import ServerSettings, keep_to_one_thread

if TYPE_CHECKING:
    from person_verifier.training.assessment import ThresholdRule
    from person_verifier.training.project import VerifierProject
    from person_verifier.training.reports import MetricsReport
    from rekognition_local.engine import Engine


class _Refusals(TyperGroup):
    """Says the verifier's own refusals in one readable line; exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except VerifierError as error:
            say(f"[bold red]Error:[/] {escape(str(error))}")
            raise typer.Exit(2) from error


app = typer.Typer(name="verifier", cls=_Refusals, help=__doc__, no_args_is_help=True)

Photos = Annotated[
    Path, typer.Option("--data", help="Folder with me/ (40-50 photos) and not_me/ (200-400 photos of others).")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for crops/, cache/, models/ and reports/.")]
Threshold = Annotated[
    str, typer.Option(help="The lowest score (0-1) of a photo of 'me', or 'auto' to choose it from validation scores.")
]
Fmr = Annotated[
    float, typer.Option("--fmr", help="With --threshold auto: the highest false match rate.", min=1e-6, max=0.5)
]
Version = Annotated[str, typer.Option("--model-version", help="Name of this model in every answer.")]
DATA, HERE, VERSION = Path("data"), Path(), "me-verifier-v1"


@app.command()
def crop(data: Photos = DATA, out: Out = HERE) -> None:
    """Find the face of every photo and write it, aligned, to crops/; list photos with no face or several."""
    _show_seen(_project(data, out), out)


@app.command()
def embed(data: Photos = DATA, out: Out = HERE) -> None:
    """Crop, then compute the descriptor of every face; descriptors are stored."""
    project = _project(data, out)
    _show_seen(project, out)
    collection = project.collection
    _warn(collection.warnings)
    Console(emoji=False).print(f"{len(collection.samples)} descriptors.")


@app.command()
def train(
    data: Photos = DATA, out: Out = HERE, threshold: Threshold = "0.75", fmr: Fmr = 0.01, version: Version = VERSION
) -> None:
    """Run all steps: crop, embed, evaluate on held-out photos, train on all. A second run does only what changed."""
    rule = _rule(threshold, fmr)
    project = _project(data, out)
    _show_seen(project, out)
    model, is_new = project.train(rule, version)
    _show_report(project.evaluate(rule, version), project.reports)
    stored = "Stored" if is_new else "Nothing changed; kept"
    Console(emoji=False).print(
        f"{stored}: {project.model_path} ({model.model_version}, threshold {model.threshold:.4g}, C {model.c:g})"
    )


@app.command()
def evaluate(
    data: Photos = DATA, out: Out = HERE, threshold: Threshold = "0.75", fmr: Fmr = 0.01, version: Version = VERSION
) -> None:
    """Test each half of the photos with a model trained on the other half; write reports/."""
    project = _project(data, out)
    _show_report(project.evaluate(_rule(threshold, fmr), version), project.reports)


@app.command()
def judge(
    photos: Annotated[list[Path], typer.Argument(help="Photos to check.", exists=True, dir_okay=False)],
    model: Annotated[Path, typer.Option(help="The trained verifier.")] = Path("models/verifier.json"),
) -> None:
    """Check photos with the trained verifier, without a server. Exit code 1 when one is not me or cannot be checked."""
    from person_verifier.serving.verifier import Verifier
    from person_verifier.training.model import VerifierModel
    from rekognition_local.engine.images import ImageError

    judge_of = Verifier(_engine(), VerifierModel.load(model))
    table = Table("photo", "is me", "score")
    everyone = True
    for photo in photos:
        try:
            verdict = judge_of.judge(photo.read_bytes())
            is_me, told = verdict.is_me, ("yes" if verdict.is_me else "no", f"{verdict.score:.4f}")
        except (VerifierError, ImageError) as error:
            is_me, told = False, ("?", escape(str(error)))
        everyone = everyone and is_me
        table.add_row(escape(str(photo)), *told)
    Console(emoji=False).print(table)
    raise typer.Exit(0 if everyone else 1)


@app.command()
def serve(
    model: Annotated[
        Path | None, typer.Option(help="The trained verifier [VERIFIER_MODEL, models/verifier.json].")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [VERIFIER_HOST, 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [VERIFIER_PORT, 8090].")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes: one per core [VERIFIER_WORKERS, 2].")] = None,
) -> None:
    """Serve POST /verify and GET /healthz. All settings: person_verifier/deploy/verifier.env.example."""
    settings = ServerSettings.from_environment(model=model, host=host, port=port, workers=workers)
    keep_to_one_thread()
    from person_verifier.serving.server import serve as serve_forever

    serve_forever(_engine, settings)


def _engine() -> "Engine":
    # The models are loaded when a command needs them, not when the command line is.
    from rekognition_local.engine import Engine

    return Engine.load()


def _project(data: Path, out: Path) -> "VerifierProject":
    keep_to_one_thread()  # photographs are worked on side by side: threads within one would only compete
    from person_verifier.training.project import VerifierProject

    return VerifierProject(data, out, _engine(), progress_of)


def _rule(threshold: str, fmr: float) -> "ThresholdRule":
    from person_verifier.training.assessment import ThresholdRule

    if threshold == "auto":
        return ThresholdRule(None, fmr)
    try:
        fixed = float(threshold)
    except ValueError:
        fixed = -1.0
    if not 0 <= fixed <= 1:
        raise VerifierError(f"--threshold is {threshold!r}; it must be a number from 0 to 1, or auto.")
    return ThresholdRule(fixed, fmr)


def _show_seen(project: "VerifierProject", out: Path) -> None:
    from person_verifier.dataset.photos import left_out
    from person_verifier.training.project import remark

    seen = project.seen
    console = Console(emoji=False)
    others, hidden = left_out(project.photos)
    if hidden:
        console.print(f"{hidden} hidden files were skipped.", style="dim")
    for name in others:
        reason = "the verifier takes JPG and PNG; save it as a JPG"
        console.print(f"[yellow]Left out:[/] {escape(name)}: {reason}.", highlight=False, soft_wrap=True)
    remarkable = [entry for entry in seen if remark(entry)]
    if remarkable:
        table = Table("photo", "remark", title="Photos to look at")
        for entry in remarkable[:20]:
            table.add_row(escape(entry.photo.name), escape(remark(entry)))
        console.print(table)
        if len(remarkable) > 20:
            console.print(f"... and {len(remarkable) - 20} more")
    used, all_of_them = sum(not entry.problem for entry in seen), len(seen) + len(others)
    console.print(
        f"{used} of {all_of_them} photos are used. All: {out / 'reports' / 'photos.csv'}; "
        f"crops to look through: {out / 'crops'}"
    )


def _show_report(report: "MetricsReport", folder: Path) -> None:
    _warn(report.warnings)
    table = Table("", "accuracy", "precision", "recall", "F1", "AUC", title="Held-out photos (95 % intervals)")
    for name, method in (("verifier", report.verifier), ("distance to the mean", report.baseline)):
        rates = method.rates
        cells = [
            f"{rate.value:.3f}\n{rate.low:.3f}-{rate.high:.3f}" if rate is not None else "-"
            for rate in (rates.accuracy, rates.precision, rates.recall, rates.f1)
        ]
        table.add_row(name, *cells, f"{rates.auc:.4f}" if rates.auc is not None else "-")
    Console(emoji=False).print(table)
    Console(emoji=False).print(f"Reports: {folder}")


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        say(f"[yellow]Warning:[/] {escape(warning)}")
