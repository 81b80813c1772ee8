"""One run: every case is asked once, in parallel, and a run that was interrupted is taken up where it stopped."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from face_validation.evaluation.runs.asking import Api, RunError, Uploads, ask
from face_validation.evaluation.runs.cases import Case
from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.runs.results import RESULTS_FILE, ResultsFile, read_results, write_results
from face_validation.evaluation.runs.run_folder import RUN_FILE, Run, RunRecord, Session, locked, root_of

UNANSWERED_IN_A_ROW = 10


def run_cases(
    cases: Sequence[Case],
    cases_path: Path,
    out: Path,
    api: Api,
    *,
    service: str,
    jobs: int,
    restart: bool = False,
    on_answer: Callable[[Result | None], None] | None = None,
) -> Run:
    """Ask every case that has no answer in `out` yet.

    Args:
        cases: what to ask; case ids are unique.
        cases_path: where they were read from.
        out: the run's folder; made when missing.
        api: whom to ask.
        service: names the API and its version; answers of two services are never mixed in one run.
        jobs: requests under way at once.
        restart: throw away the answers that are there.
        on_answer: told of each answer as it comes, and once with None for each that was there already.

    Raises:
        RunError: `out` holds answers of another service or is in use, or the API cannot be asked at all.
        ResultsError: `out` holds a damaged file.
    """
    root = root_of(cases_path)
    tell = on_answer or (lambda _: None)
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        if restart:
            (out / RESULTS_FILE).unlink(missing_ok=True)
            (out / RUN_FILE).unlink(missing_ok=True)
        record = RunRecord(out, service)
        digests = _digests(cases, jobs)
        kept, notices = _take_up(read_results(out / RESULTS_FILE, root), cases, digests)
        write_results(kept.values(), out / RESULTS_FILE, root)
        for _ in kept:
            tell(None)
        unanswered = [case for case in cases if case.case_id not in kept]
        rows = ResultsFile(out / RESULTS_FILE, root)
        answered, session = _ask_in_one_session(unanswered, digests, api, jobs, rows, record.note, tell)
    if answered:
        record.sessions.append(session)
    results = {**kept, **answered}
    return record.run(cases_path, [results[case.case_id] for case in cases], notices)


def _digests(cases: Sequence[Case], jobs: int) -> dict[Path, str]:
    """SHA-256 of each distinct image file."""
    paths = list(dict.fromkeys(path for case in cases for path in (case.source, case.target)))
    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(paths, pool.map(_digest, paths), strict=True))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def _ask_in_one_session(
    cases: Sequence[Case],
    digests: dict[Path, str],
    api: Api,
    jobs: int,
    rows: ResultsFile,
    note: Callable[[Session], None],
    tell: Callable[[Result], None],
) -> tuple[dict[str, Result], Session]:
    """The answers by case id; each is in `rows` before `tell` hears of it, and the session noted however it ends."""
    started, begin = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    answered: dict[str, Result] = {}

    def record(result: Result) -> None:
        rows.append(result)
        answered[result.case.case_id] = result
        tell(result)

    note(Session(started, 0, jobs, 0.0))
    try:
        _ask_all(cases, digests, api, jobs, record)
    finally:
        rows.close()
        session = Session(started, len(answered), jobs, round(time.perf_counter() - begin, 3))
        note(session)
    return answered, session


def _ask_all(
    cases: Sequence[Case], digests: dict[Path, str], api: Api, jobs: int, record: Callable[[Result], None]
) -> None:
    """Record answers as they come; on Ctrl-C, or when nobody answers any more, also those still under way."""
    uploads = Uploads(api, digests)
    over = threading.Event()

    def ask_unless_over(case: Case) -> Result | None:
        if over.is_set():
            return None
        try:
            return ask(case, uploads, api, digests)
        except BaseException:
            # Said here, not by the thread that collects the answers: until it hears of it, others would ask in vain.
            over.set()
            raise

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="evaluation")
    pending = {pool.submit(ask_unless_over, case) for case in cases}
    unanswered = 0
    try:
        for done in as_completed(tuple(pending)):
            pending.remove(done)
            result = done.result()
            if result is None:
                continue
            record(result)
            unanswered = unanswered + 1 if result.outcome is Outcome.FAILED and result.status is None else 0
            if unanswered == UNANSWERED_IN_A_ROW:
                raise RunError(
                    f"{unanswered} cases in a row got no answer: {result.details} "
                    "What was answered is kept; run the same command again to go on."
                )
    finally:
        over.set()
        pool.shutdown(cancel_futures=True)
        for late in pending:
            if not late.cancelled() and late.exception() is None and (result := late.result()) is not None:
                record(result)
