"""One run: every case is asked once, in parallel, and a run that was interrupted is taken up where it stopped."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from face_validation.evaluation.runs.asking import Api, ask_all, digests_of
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.runs.results import RESULTS_FILE, appended, read_results, write_results
from face_validation.evaluation.runs.run_folder import RUN_FILE, Run, locked, new_run


def run_cases(
    cases: Sequence[Case],
    cases_path: Path,
    out: Path,
    api: Api,
    *,
    service: str,
    jobs: int,
    restart: bool = False,
    on_answer: Callable[[Result | None], None] = lambda _: None,
) -> Run:
    """Ask every case, read from `cases_path`, that has no answer in `out` yet, the run's folder.

    `service` names the API and its version: answers of two services are never mixed in one run, unless `restart` throws
    away those that are there. `jobs` requests are under way at once. `on_answer` hears of each answer as it comes, and
    once with None of each that was there already.

    Raises:
        RunError: `out` holds answers of another service or is in use, or the API cannot be asked at all.
        ResultsError: `out` holds a damaged file.
    """
    results_path = out / RESULTS_FILE
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        if restart:
            for path in (results_path, out / RUN_FILE):
                path.unlink(missing_ok=True)
        run = new_run(out, cases_path, service)
        digests = digests_of(cases, jobs)
        answers, notices = _take_up(read_results(results_path, run.root), cases, digests)
        write_results(answers.values(), results_path, run.root)
        taken_up = len(answers)
        for _ in answers:
            on_answer(None)

        def record(result: Result) -> None:
            # On the disk before anybody hears of it.
            append([result])
            answers[result.case.case_id] = result
            on_answer(result)

        with (
            appended(results_path, run.root) as append,
            run.session(out, jobs, lambda: len(answers) - taken_up),
        ):
            ask_all([case for case in cases if case.case_id not in answers], digests, api, jobs, record)
    run.results.extend(answers[case.case_id] for case in cases)
    run.notices.extend(notices)
    return run


def _take_up(
    previous: list[Result], cases: Sequence[Case], digests: dict[Path, str]
) -> tuple[dict[str, Result], list[str]]:
    """Which of the answers still hold, under today's labels, and what has changed since."""
    answers = {result.case.case_id: result for result in previous}
    kept: dict[str, Result] = {}
    asked_again: list[str] = []
    relabelled: list[str] = []
    for case in cases:
        result = answers.pop(case.case_id, None)
        if result is None:
            continue
        same_images = (result.source_sha256, result.target_sha256) == (digests[case.source], digests[case.target])
        if not same_images or result.case.type is not case.type:
            asked_again.append(case.case_id)
        elif result.outcome is not Outcome.FAILED or result.status is not None:
            if result.case.expected is not case.expected:
                relabelled.append(case.case_id)
            kept[case.case_id] = replace(result, case=case)
    notices = [f"Taken up: {len(kept)} cases had their answer already."] if kept else []
    for ids, what in (
        (asked_again, "changed in type or image content since they were answered, and are asked again"),
        (relabelled, "are expected to end otherwise than before; their scores are kept"),
        (list(answers), "are no longer among the cases; their answers are dropped"),
    ):
        if ids:
            shown = ", ".join(ids[:5]) + (" ..." if len(ids) > 5 else "")
            notices.append(f"The cases have changed: {len(ids)} {what} ({shown}).")
    return kept, notices
