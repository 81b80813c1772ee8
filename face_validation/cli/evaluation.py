"""The commands `face-validation evaluate`, `compare` and `identify`."""

import contextlib
import hashlib
import importlib.util
import json
import operator
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import FaceValidationError, SettingsError
from face_validation.client.profiles import Connection
from face_validation.client.validation_result import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from face_validation.evaluation.report.summary import Summary

RATES = ("accuracy", "pair_accuracy", "error_accuracy", "precision", "recall", "f1")
# What decides the local stack's scores: a change in here is another service.
SCORING_PACKAGES = ("face_validation_function", "rekognition_local")


class ExitCode(IntEnum):
    """How a command ends, for scripts."""

    DONE = 0
    BELOW_MINIMUM = 1
    CANNOT_RUN = 3


ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api", help="The API with its stage. Without it, and without --profile, the local stack is started."
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="Name in the profile file, or the local stack's --info file.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=64, help="Requests under way at once.")]


@dataclass(frozen=True, slots=True)
class MinimumRate:
    """A rate that must be reached: `accuracy` of `all` cases, or of one type or origin."""

    group: str
    rate: str
    least: float

    @classmethod
    def parse(cls, text: str) -> "MinimumRate":
        """`accuracy=0.95`, or of a group: `FACE_TO_FACE.accuracy=0.99`, `lfw.accuracy=0.99`.

        Raises:
            typer.BadParameter: it is none of these.
        """
        found = re.fullmatch(r"(?:(?P<group>.+)\.)?(?P<rate>\w+)=(?P<least>[01](?:\.\d+)?)", text.strip())
        if found is None or found["rate"] not in RATES or not 0 <= float(found["least"]) <= 1:
            raise typer.BadParameter(
                f"{text!r} is not RATE=0..1 or GROUP.RATE=0..1, RATE being one of {', '.join(RATES)}.",
                param_hint="--fail-under",
            )
        return cls(found["group"] or "all", found["rate"], float(found["least"]))


def evaluate(
    cases: Annotated[
        Path,
        typer.Argument(
            metavar="CASES",
            exists=True,
            help="CSV (case_id,type,source,target,expected[,note]; paths relative to it), or a folder with "
            "face_to_face/001/{true_face,target_face}.* and id_to_face/001/{dni,target_face}.*.",
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the run; an interrupted run is taken up.")],
    api: ApiUrl = None,
    profile: Profile = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Where decisions are counted; every threshold is in the report.")
    ] = DEFAULT_THRESHOLD,
    jobs: Jobs = 4,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[GROUP.]RATE=0..1", help="Leave with 1 when a rate is lower: accuracy=0.95, lfw.accuracy=0.99."
        ),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away the answers that are in the folder.")] = False,
) -> None:
    """Run labelled cases through the API once, then tell which threshold to trust.

    Writes results.csv, metrics.json, report.html and PNG plots. Exit codes: 0 done, 1 below --fail-under, 3 could not
    run.
    """
    from face_validation.evaluation.report.html_report import REPORT_FILE, write_report
    from face_validation.evaluation.report.summary import summarise
    from face_validation.evaluation.report.terminal import print_summary
    from face_validation.evaluation.runs.asking import RunError
    from face_validation.evaluation.runs.cases import CasesError, read_cases
    from face_validation.evaluation.runs.results import Outcome, Result, ResultsError
    from face_validation.evaluation.runs.runner import run_cases

    minimums = [MinimumRate.parse(text) for text in fail_under or ()]
    stderr = Console(stderr=True, highlight=False)
    try:
        labelled = read_cases(cases)
        with _service(api, profile, stderr) as (client, service), _progress(stderr) as progress:
            task = progress.add_task("asking", total=len(labelled), trouble="")
            counts = dict.fromkeys(Outcome, 0)

            def show(result: Result | None) -> None:
                if result is not None:
                    counts[result.outcome] += 1
                trouble = f"{counts[Outcome.REFUSED]} refused, {counts[Outcome.FAILED]} failed"
                progress.update(task, advance=1, trouble=trouble)

            run = run_cases(labelled, cases, out, client, service=service, jobs=jobs, restart=restart, on_answer=show)
        summary = summarise(run, threshold)
        write_report(summary, out)
    except (CasesError, RunError, ResultsError, SettingsError) as error:
        stderr.print(f"[bold red]Cannot run[/]: {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(ExitCode.CANNOT_RUN) from error
    except KeyboardInterrupt as stop:
        stderr.print("Stopped. What was answered is kept: run the same command again to go on.")
        raise typer.Exit(ExitCode.CANNOT_RUN) from stop
    for notice in run.notices:
        stderr.print(f"[yellow]{escape(notice)}[/]", soft_wrap=True)
    print_summary(summary)
    typer.echo(f"Report: {out / REPORT_FILE}")
    below = [complaint for minimum in minimums if (complaint := _below(minimum, summary)) is not None]
    for complaint in below:
        stderr.print(f"[bold red]Below the minimum[/]: {escape(complaint)}", soft_wrap=True)
    raise typer.Exit(ExitCode.BELOW_MINIMUM if below else ExitCode.DONE)


def identify(
    enrolled: Annotated[
        Path, typer.Argument(metavar="ENROLLED", exists=True, dir_okay=False, help="CSV: person_id,image.")
    ],
    probes: Annotated[
        Path,
        typer.Argument(
            metavar="PROBES",
            exists=True,
            dir_okay=False,
            help="CSV: probe_id,image,expected_person, or NONE.",
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the run.")],
    root: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="What paths are relative to: the CSVs."),
    ] = None,
    api: ApiUrl = None,
    profile: Profile = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Where persons count as found; every threshold is in the report.")
    ] = DEFAULT_THRESHOLD,
    jobs: Jobs = 4,
) -> None:
    """Enrol persons, search photographs of them and of strangers, and tell how many are named right and wrongly.

    Every person stays enrolled: use a stack or a stage of its own. Exit codes: 0 done, 3 could not run.
    """
    from face_validation.evaluation.report.html_report import REPORT_FILE
    from face_validation.evaluation.report.identification_report import write_identification
    from face_validation.evaluation.report.terminal import print_identification
    from face_validation.evaluation.runs.cases import CasesError
    from face_validation.evaluation.runs.identification import identify as run_identification
    from face_validation.evaluation.runs.identification import (
        never_enrolled,
        read_enrolments,
        read_probes,
    )

    stderr = Console(stderr=True, highlight=False)
    try:
        known = read_enrolments(enrolled, root or enrolled.parent)
        searched = read_probes(probes, root or probes.parent)
        if unknown := never_enrolled(known, searched):
            stderr.print(
                f"[yellow]{escape(probes.name)} expects {len(unknown)} persons whom {escape(enrolled.name)} does not "
                f"enrol ({escape(', '.join(unknown[:5]))}): they cannot be named right. A stranger is NONE.[/]",
                soft_wrap=True,
            )
        with _service(api, profile, stderr) as (client, service), _progress(stderr) as progress:
            task = progress.add_task("enrolling, searching", total=len(known) + len(searched), trouble="")
            found = run_identification(
                known,
                searched,
                client.people,
                threshold=threshold,
                jobs=jobs,
                on_answer=lambda: progress.update(task, advance=1),
            )
        write_identification(found, out, root or probes.parent, service)
    except (CasesError, FaceValidationError) as error:
        stderr.print(f"[bold red]Cannot run[/]: {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(ExitCode.CANNOT_RUN) from error
    print_identification(found)
    typer.echo(f"Report: {out / REPORT_FILE}")


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", exists=True, file_okay=False, help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", exists=True, file_okay=False, help="Folder of another.")],
    threshold: Annotated[
        float | None, typer.Option(min=0, max=100, help="For both; by default each run's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Two evaluation runs side by side: what changed, and whether it is more than chance."""
    from face_validation.evaluation.report.comparison import ComparisonError, compare_runs
    from face_validation.evaluation.report.terminal import comparison_json, print_comparison
    from face_validation.evaluation.runs.asking import RunError
    from face_validation.evaluation.runs.results import ResultsError
    from face_validation.evaluation.runs.runner import read_run

    try:
        runs = [read_run(folder, Path()) for folder in (first, second)]
        thresholds = [_threshold_of(folder) if threshold is None else threshold for folder in (first, second)]
        comparison = compare_runs(runs[0].results, runs[1].results, *thresholds)
    except (RunError, ResultsError, ComparisonError) as error:
        Console(stderr=True, highlight=False).print(f"[bold red]Cannot compare[/]: {escape(str(error))}")
        raise typer.Exit(ExitCode.CANNOT_RUN) from error
    if as_json:
        typer.echo(json.dumps(comparison_json(comparison), indent=2))
    else:
        print_comparison(comparison, (first, second), (thresholds[0], thresholds[1]))


@contextlib.contextmanager
def _service(api: str | None, profile: str | None, stderr: Console) -> Iterator[tuple[FaceValidationClient, str]]:
    """A client, and what names the service it asks: answers of different services are not mixed in one run.

    The client asks once only: a 5xx that a second try would hide is what an evaluation is there to count. Files are
    sent as they are: what an evaluation measures is the service on the caller's own images.
    """
    if api is not None or profile is not None:
        connection = Connection.resolve(profile, api_url=api)
        with connection.client(attempts=1, prepare_images=False) as client:
            yield client, connection.api_url
        return
    from face_validation.local.stack import (
        LocalStack,  # here: a deployed API is evaluated without the local stack's packages
    )

    stderr.print("[dim]Starting the local stack...[/]")
    # Every answer of the function is in results.csv: its log would say the same again, across the progress minimum.
    with LocalStack(log_level="ERROR") as stack:
        settings = {name: str(value) for name, value in asdict(stack.info).items() if name in _CONNECTION_FIELDS}
        with Connection(**settings).client(attempts=1, prepare_images=False) as client:
            yield client, f"local stack, code {_code_digest()}"


_CONNECTION_FIELDS = frozenset(Connection.__dataclass_fields__)


def _code_digest() -> str:
    """Hash of the code that decides the local stack's scores."""
    digest = hashlib.sha256()
    for package in SCORING_PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _progress(stderr: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[trouble]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=stderr,
    )


def _below(minimum: MinimumRate, summary: "Summary") -> str | None:
    confusion = summary.confusion_of(minimum.group)
    if confusion is None:
        return f"there is no type, origin or other group {minimum.group!r}, so {minimum.rate} cannot be checked"
    value = operator.attrgetter(f"{minimum.rate}.value")(confusion)
    if value is None:
        return f"{minimum.rate} of {minimum.group} has no value: there is no case to count"
    return (
        f"{minimum.rate} of {minimum.group} is {value:.4f}, less than {minimum.least:g}"
        if value < minimum.least
        else None
    )


def _threshold_of(folder: Path) -> float:
    from face_validation.evaluation.report.html_report import METRICS_FILE

    path = folder / METRICS_FILE
    if not path.is_file():
        return DEFAULT_THRESHOLD
    return float(json.loads(path.read_text(encoding="utf-8"))["threshold"])
