"""The commands `face-validation evaluate`, `identify` and `compare`."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from face_validation.cli import evaluated_service
from face_validation.cli.connection_options import percent
from face_validation.cli.evaluation_limits import Limit, complaints
from face_validation.cli.output import AsJson, ExitCode, print_json, progress_of, say
from face_validation.client.validation_result import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from face_validation.evaluation.runs.results import Result

# FACE_TO_FACE: DetectFaces of both images, CompareFaces. The price of the first million images a month.
CALLS_OF_A_VALIDATION, DOLLARS_OF_A_CALL = 3, 0.001
Via = Literal["requests", "jobs"]


def evaluate(
    cases: Annotated[
        Path,
        typer.Argument(
            metavar="CASES",
            exists=True,
            help="CSV (case_id,type,source,target,expected[,note,source_person,target_person,group]; paths relative "
            "to it), or a folder with face_to_face/001/{true_face,target_face}.* and "
            "id_to_face/001/{dni,target_face}.*. With --all-pairs: CSV (person,path[,group]), or a folder per person.",
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the run. An interrupted run continues.")],
    api: evaluated_service.ApiUrl = None,
    profile: evaluated_service.Profile = None,
    threshold: evaluated_service.Threshold = DEFAULT_THRESHOLD,
    jobs: evaluated_service.Jobs = 4,
    groups: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV: person,group. The report then has error rates by group."),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[GROUP.]RATE=0..1", help="Exit with 1 if a rate is lower: accuracy=0.95, lfw.accuracy=0.99."
        ),
    ] = None,
    fail_above: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[GROUP.]RATE=0..1",
            help="Exit with 1 if a rate is higher: fmr=0.01, eer=0.02, fnmr@fmr=0.001=0.02.",
        ),
    ] = None,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare", help="Send each image as the other commands do: upright, in sRGB, within the limits."
        ),
    ] = False,
    via: Annotated[Via, typer.Option(help="One request for each case, or one bulk job for all.")] = "requests",
    restart: Annotated[bool, typer.Option("--restart", help="Delete the answers that are in the folder.")] = False,
    all_pairs: Annotated[
        bool,
        typer.Option(
            "--all-pairs",
            help="Compare all pairs of photographs: with the local engine, or with --api or --profile through "
            "the API, which costs a validation for each pair.",
        ),
    ] = False,
    non_matches: Annotated[
        int | None,
        typer.Option(min=1, help="With --all-pairs through an API: a random sample of this many non-matches."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --all-pairs: do not ask about the cost.")] = False,
) -> None:
    """Send labelled cases to the API once, and report error rates and thresholds.

    Writes results.csv, metrics.json, report.html and charts. Exit codes: 0 done, 1 below --fail-under or above
    --fail-above, 3 could not run.
    """
    from face_validation.evaluation.report.output import REPORT_FILE, write_report
    from face_validation.evaluation.report.summary import summarise
    from face_validation.evaluation.report.terminal import print_summary
    from face_validation.evaluation.runs.all_pairs import cases_of_all_pairs, read_photographs
    from face_validation.evaluation.runs.cases import read_cases, read_groups
    from face_validation.evaluation.runs.run import run_cases

    limits = [Limit.read("--fail-under", text) for text in fail_under or ()]
    limits += [Limit.read("--fail-above", text) for text in fail_above or ()]
    how: dict[str, Any] = {"jobs": jobs, "restart": restart}
    with evaluated_service.saying_what_cannot_run():
        try:
            group_of = {} if groups is None else read_groups(groups)
            photographs = read_photographs(cases, group_of) if all_pairs else []
            if all_pairs and api is None and profile is None:
                summary = evaluated_service.all_pairs_by_engine(photographs, cases, out, threshold, **how)
            else:
                labelled = cases_of_all_pairs(photographs, non_matches) if all_pairs else read_cases(cases)
                if all_pairs:
                    _ask_to_pay(len(labelled), yes=yes)
                    group_of = {one.person: one.group for one in photographs if one.group}
                with (
                    evaluated_service.service_of(api, profile, prepare=prepare) as (connect, service),
                    _answers_shown(len(labelled)) as show,
                ):
                    how |= {"service": service, "by_job": via == "jobs", "on_answer": show}
                    run = run_cases(labelled, cases, out, connect, **how)
                summary = summarise(run, threshold, group_of)
            write_report(summary, out)
        except KeyboardInterrupt as stop:
            say("Stopped. The answers so far are kept: run the same command again to continue.")
            raise typer.Exit(ExitCode.REQUEST_FAILED) from stop
    for notice in summary.run.notices:
        say(f"[yellow]{escape(notice)}[/]")
    print_summary(summary)
    typer.echo(f"Report: {out / REPORT_FILE}")
    broken = complaints(limits, summary)
    for complaint in broken:
        say(f"[bold red]Limit broken[/]: {escape(complaint)}")
    raise typer.Exit(1 if broken else 0)


@contextmanager
def _answers_shown(total: int) -> "Iterator[Callable[[Result | None], None]]":
    """A progress line; what is yielded is told each answer."""
    from face_validation.evaluation.runs.results import Outcome

    counts = dict.fromkeys(Outcome, 0)
    with progress_of("asking", total) as update:

        def show(result: "Result | None") -> None:
            if result is not None:
                counts[result.outcome] += 1
            update(trouble=f"{counts[Outcome.REFUSED]} refused, {counts[Outcome.FAILED]} failed")

        yield show


def _ask_to_pay(validations: int, *, yes: bool) -> None:
    calls = CALLS_OF_A_VALIDATION * validations
    say(
        f"{validations:,} validations, {calls:,} Rekognition calls: about {calls * DOLLARS_OF_A_CALL:,.2f} USD on AWS. "
        "Answers that are already in the folder are not paid for again; --non-matches reduces the number."
    )
    if not yes and not typer.confirm("Ask them?", err=True):
        raise typer.Exit(ExitCode.REQUEST_FAILED)


def identify(
    enrolled: Annotated[
        Path, typer.Argument(metavar="ENROLLED", exists=True, dir_okay=False, help="CSV: person_id,image.")
    ],
    probes: Annotated[
        Path,
        typer.Argument(
            metavar="PROBES", exists=True, dir_okay=False, help="CSV: probe_id,image,expected_person, or NONE."
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the run.")],
    root: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Base folder of the paths. Default: the CSVs'.")
    ] = None,
    api: evaluated_service.ApiUrl = None,
    profile: evaluated_service.Profile = None,
    threshold: evaluated_service.Threshold = DEFAULT_THRESHOLD,
    jobs: evaluated_service.Jobs = 4,
) -> None:
    """Enrol persons, search photographs of them and of strangers, and report how many are named correctly.

    The persons stay enrolled: use a separate stack or stage. Exit codes: 0 done, 3 could not run.
    """
    from face_validation.evaluation.report.output import REPORT_FILE, write_identification
    from face_validation.evaluation.report.terminal import print_identification
    from face_validation.evaluation.runs import identification

    with evaluated_service.saying_what_cannot_run():
        known = identification.read_enrolments(enrolled, root or enrolled.parent)
        searched = identification.read_probes(probes, root or probes.parent)
        if unknown := identification.never_enrolled(known, searched):
            say(
                f"[yellow]{escape(probes.name)} expects {len(unknown)} persons whom {escape(enrolled.name)} does not "
                f"enrol ({escape(', '.join(unknown[:5]))}): they cannot be found. For a stranger, write NONE.[/]"
            )
        with (
            evaluated_service.service_of(api, profile) as (connect, service),
            progress_of("enrolling, searching", len(known) + len(searched)) as update,
        ):
            people = connect().people
            run = identification.identify(known, searched, people, threshold=threshold, jobs=jobs, on_answer=update)
        write_identification(run, out, root or probes.parent, service)
    print_identification(run)
    typer.echo(f"Report: {out / REPORT_FILE}")


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", exists=True, file_okay=False, help="Folder of one run.")],
    second: Annotated[Path, typer.Argument(metavar="B", exists=True, file_okay=False, help="Folder of the other run.")],
    threshold: Annotated[float | None, percent("Threshold for both runs. Default: each run's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two evaluation runs: what changed, and whether the change is significant."""
    from pydantic import TypeAdapter

    from face_validation.evaluation.report.comparison import Comparison, compare_runs
    from face_validation.evaluation.report.terminal import print_comparison
    from face_validation.evaluation.runs.run import read_run

    with evaluated_service.saying_what_cannot_run():
        # Answers hold no cycles: looking for some among 200,000 of them takes a third of the whole comparison.
        gc.disable()
        try:
            runs = [read_run(folder) for folder in (first, second)]
            thresholds = [_threshold_of(folder) if threshold is None else threshold for folder in (first, second)]
            comparison = compare_runs(runs[0].results, runs[1].results, *thresholds)
        finally:
            gc.enable()
    if as_json:
        print_json(TypeAdapter(Comparison).dump_python(comparison, mode="json"))
    else:
        print_comparison(comparison, (first, second), thresholds)


def _threshold_of(folder: Path) -> float:
    from face_validation.evaluation.report.output import METRICS_FILE

    path = folder / METRICS_FILE
    return float(json.loads(path.read_text("utf-8"))["threshold"]) if path.is_file() else DEFAULT_THRESHOLD
