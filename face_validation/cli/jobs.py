"""The commands about bulk jobs: `face-validation jobs submit|list|show|stop|redrive|results`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from face_validation.cli.connection_options import ConnectedCommand, connection_of, percent
from face_validation.cli.output import AsJson, ExitCode, progress_of, tell
from face_validation.client.client import FaceValidationClient
from face_validation.client.jobs import Job

app = typer.Typer(
    name="jobs",
    no_args_is_help=True,
    help="Many requests from one file: each line is asked once, paid for once, and has one outcome.",
)


Kind = Literal["validation", "enrolment", "search"]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, which `submit` prints.")]
Kinds = Annotated[Kind, typer.Option("--kind", help="What the job repeats: it decides the scope of the token.")]
Watch = Annotated[bool, typer.Option("--watch", help="Show the progress until the job has ended.")]


@app.command(cls=ConnectedCommand)
def submit(
    context: typer.Context,
    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            exists=True,
            dir_okay=False,
            help="JSONL with a request in each line, or CSV with a header (source, target, type...). Paths are keys "
            "of images that are in the buckets.",
        ),
    ],
    kind: Kinds = "validation",
    default: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="For every line that has no such field. May be repeated."),
    ] = None,
    max_concurrency: Annotated[int | None, typer.Option(min=1, max=1000, help="The most lines asked at once.")] = None,
    tolerate: Annotated[float | None, percent("Stop when more percent of the lines fail; 5 by default.")] = None,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Create a job from a file and start it; with --watch, wait for its end."""
    with connection_of(context).client() as client:
        job = client.jobs.submit(
            manifest,
            kind,
            defaults=dict(_field(one) for one in default or ()),
            max_concurrency=max_concurrency,
            tolerated_failure_percentage=tolerate,
        )
        if watch:
            typer.echo(job.job_id, err=True)
        _told(client, job, watch=watch, as_json=as_json)


@app.command("list", cls=ConnectedCommand)
def list_(context: typer.Context, kind: Kinds = "validation", as_json: AsJson = False) -> None:
    """List this client's jobs, newest first."""
    with connection_of(context).client() as client:
        jobs = list(client.jobs.all(kind))
    lines = (f"{one.job_id}  {one.created_at}  {one.kind:10}  {one.state:9}  {one.lines or '-'} lines" for one in jobs)
    tell(jobs, lines, as_json=as_json)
    if not jobs and not as_json:
        typer.echo("This client has no jobs. `face-validation jobs submit` creates one.", err=True)


@app.command(cls=ConnectedCommand)
def show(
    context: typer.Context, job: JobId, kind: Kinds = "validation", watch: Watch = False, as_json: AsJson = False
) -> None:
    """Show how far a job is."""
    with connection_of(context).client() as client:
        _told(client, client.jobs.show(job, kind), watch=watch, as_json=as_json)


@app.command(cls=ConnectedCommand)
def stop(context: typer.Context, job: JobId, kind: Kinds = "validation", as_json: AsJson = False) -> None:
    """Ask no more lines of a job; what was paid for is kept."""
    with connection_of(context).client() as client:
        _said(client.jobs.stop(job, kind), as_json=as_json)


@app.command(cls=ConnectedCommand)
def redrive(
    context: typer.Context, job: JobId, kind: Kinds = "validation", watch: Watch = False, as_json: AsJson = False
) -> None:
    """Ask the lines again that have neither an answer nor a refusal."""
    with connection_of(context).client() as client:
        _told(client, client.jobs.redrive(job, kind), watch=watch, as_json=as_json)


@app.command(cls=ConnectedCommand)
def results(
    context: typer.Context,
    job: JobId,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file, in place of standard output.")] = None,
    kind: Kinds = "validation",
) -> None:
    """Write what became of every line, as JSONL in the manifest's order."""
    with connection_of(context).client() as client:
        lines = client.jobs.raw_results(job, kind)
        if out is None:
            for line in lines:
                typer.echo(line)
            return
        with out.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    typer.echo(f"Written: {out}", err=True)


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--default {text!r}: write it as FIELD=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _watched(states: Iterable[Job]) -> Job:
    """Show a job's progress on standard error until it has ended."""
    with progress_of("splitting", None) as update:
        for job in states:
            counts = job.counts
            rate = "" if job.lines_per_second is None else f"{job.lines_per_second:.1f} lines/s  "
            update(
                description=job.state if job.lines else "splitting",
                total=job.lines,
                completed=counts.answered + counts.refused + counts.failed,
                trouble=f"{rate}{counts.refused} refused, {counts.failed} failed, {job.cost_usd:.2f} USD",
            )
    return job


def _told(client: FaceValidationClient, job: Job, *, watch: bool, as_json: bool) -> None:
    """Say how far the job is, or how it ended; leaves with an error when it was refused or has failed."""
    if watch:
        job = _watched(client.jobs.watch(job.job_id, job.kind))
    _said(job, as_json=as_json)
    if job.state in {"failed", "refused"}:
        raise typer.Exit(ExitCode.REQUEST_FAILED if job.state == "failed" else ExitCode.REFUSED)


def _said(job: Job, *, as_json: bool) -> None:
    counts = job.counts
    state = f"{job.job_id}  {job.kind}  {job.state}{f': {job.error}' if job.error else ''}"
    lines = f"{counts.answered} answered, {counts.refused} refused, {counts.failed} failed, {counts.waiting} waiting"
    tell(job, [state, f"{lines}; {job.paid_calls} Rekognition calls, about {job.cost_usd:.2f} USD"], as_json=as_json)
