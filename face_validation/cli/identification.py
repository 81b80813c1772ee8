"""The command `face-validation identify`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from face_validation.cli.evaluated_service import (
    ApiUrl,
    Jobs,
    Profile,
    evaluated_service,
    saying_what_cannot_run,
)
from face_validation.cli.output import new_stderr, progress_of
from face_validation.client.validation_result import DEFAULT_THRESHOLD


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
        typer.Option(exists=True, file_okay=False, help="Base folder of the paths. Default: the CSVs'."),
    ] = None,
    api: ApiUrl = None,
    profile: Profile = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Threshold for the counts; the report has every threshold.")
    ] = DEFAULT_THRESHOLD,
    jobs: Jobs = 4,
) -> None:
    """Enrol persons, search photographs of them and of strangers, and report how many are named correctly.

    The persons stay enrolled: use a separate stack or stage. Exit codes: 0 done, 3 could not run.
    """
    from face_validation.evaluation.report.output import REPORT_FILE, write_identification
    from face_validation.evaluation.report.terminal import print_identification
    from face_validation.evaluation.runs import identification

    stderr = new_stderr()
    with saying_what_cannot_run(stderr):
        known = identification.read_enrolments(enrolled, root or enrolled.parent)
        searched = identification.read_probes(probes, root or probes.parent)
        if unknown := identification.never_enrolled(known, searched):
            stderr.print(
                f"[yellow]{escape(probes.name)} expects {len(unknown)} persons whom {escape(enrolled.name)} does not "
                f"enrol ({escape(', '.join(unknown[:5]))}): they cannot be found. For a stranger, write NONE.[/]",
                soft_wrap=True,
            )
        with evaluated_service(api, profile, stderr) as (client, service), progress_of(stderr) as progress:
            task = progress.add_task("enrolling, searching", total=len(known) + len(searched), trouble="")
            run = identification.identify(
                known,
                searched,
                client.people,
                threshold=threshold,
                jobs=jobs,
                on_answer=lambda: progress.update(task, advance=1),
            )
        write_identification(run, out, root or probes.parent, service)
    print_identification(run)
    typer.echo(f"Report: {out / REPORT_FILE}")
