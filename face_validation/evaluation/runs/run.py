"""One run in its folder: every case is asked once, and a run that was interrupted is taken up where it stopped.

The folder holds results.csv and, in run.json, what the answers were made with.
"""

import fcntl
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from face_validation.client.client import FaceValidationClient
from face_validation.evaluation.runs.asking import OneJob, Requests, ask_all, digests_of
from face_validation.evaluation.runs.cases import Case, EvaluationError
from face_validation.evaluation.runs.results import RESULTS_FILE, Outcome, Result, read_results, written

RUN_FILE = "run.json"
PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "rapidocr", "boto3", "moto", "httpx")


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of asking cases without interruption, `jobs` at once; `started` is UTC, ISO 8601."""

    started: str
    asked: int
    jobs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """All answers of a run in the order of the cases, and what they were made with.

    Attributes:
        root: the folder that image paths are relative to.
        service: who answered: an API's address, or the local stack's version.
        machine: where the evaluation ran (for the local stack: also the service); likewise `versions`.
        notices: what a reader must know of how this run came about.
    """

    cases_name: str
    root: Path
    service: str
    machine: str
    versions: dict[str, str]
    sessions: list[Session]
    results: list[Result]
    notices: list[str]

    @contextmanager
    def session(self, out: Path, jobs: int, asked: Callable[[], int]) -> Iterator[None]:
        """One session more, noted in run.json when it begins and however it ends; `asked` counts its cases."""
        started, begin = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        self._note(out, Session(started, 0, jobs, 0.0))
        try:
            yield
        finally:
            session = Session(started, asked(), jobs, round(time.perf_counter() - begin, 3))
            self._note(out, session)
            if session.asked:
                self.sessions.append(session)

    def _note(self, out: Path, session: Session) -> None:
        """Put run.json with one session more in the place of the one that is there, in one step."""
        record: dict[str, object] = {name: getattr(self, name) for name in ("service", "machine", "versions")}
        record["sessions"] = [asdict(one) for one in (*self.sessions, session)]
        new = (out / RUN_FILE).with_suffix(".new")
        new.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        new.replace(out / RUN_FILE)


@contextmanager
def opened(out: Path, cases_path: Path, service: str, results: str, *, restart: bool) -> Iterator[Run]:
    """A run without results, on this machine, in its locked folder `out`; it takes up the sessions noted there.

    `restart` throws these away, and the file `results`. Raises EvaluationError where they asked another service, or
    another run is writing there: two would ask, and count, cases twice.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EvaluationError(f"Another run is writing to {out}: wait for it, or give another --out.") from error
        if restart:
            (out / results).unlink(missing_ok=True)
            (out / RUN_FILE).unlink(missing_ok=True)
        root = cases_path if cases_path.is_dir() else cases_path.parent
        run = Run(cases_path.name, root, service, describe_machine(), describe_versions(), [], [], [])
        if (out / RUN_FILE).is_file():
            before = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
            if before["service"] != service:
                raise EvaluationError(
                    f"{out} holds answers of another service ({before['service']}) than this one ({service}). Scores "
                    "of two services must not be mixed: give another --out, or --restart to throw the old answers away."
                )
            run.sessions.extend(_sessions(before))
        yield run


def read_run(out: Path, root: Path = Path()) -> Run:
    """A finished run from its folder, images relative to `root`; EvaluationError where it is missing or damaged."""
    if not (out / RUN_FILE).is_file():
        raise EvaluationError(f"{out} holds no run: there is no {RUN_FILE}.")
    record = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    record["sessions"] = _sessions(record)
    return Run(out.name, root, **record, results=read_results(out / RESULTS_FILE, root), notices=[])


def _sessions(record: dict[str, list[dict[str, Any]]]) -> list[Session]:
    return [Session(**session) for session in record["sessions"] if session["asked"]]


def run_cases(
    cases: Sequence[Case],
    cases_path: Path,
    out: Path,
    connect: Callable[[], FaceValidationClient],
    *,
    service: str,
    jobs: int,
    by_job: bool = False,
    restart: bool = False,
    on_answer: Callable[[Result | None], None] = lambda _: None,
) -> Run:
    """Ask every case, read from `cases_path`, that has no answer in `out` yet, the run's folder (see `opened`).

    `connect` is called once, where there is something to ask. `service` names the API and its version. `jobs` requests
    are under way at once, or one bulk job asks `by_job`. `on_answer` hears of each answer as it comes, and once with
    None of each that was there already. Raises EvaluationError as `opened`, `read_results` and `ask_all` do.
    """
    results_path = out / RESULTS_FILE
    with opened(out, cases_path, service, RESULTS_FILE, restart=restart) as run:
        digests = digests_of(cases, jobs)
        answers, notices = _take_up(read_results(results_path, run.root), cases, digests)
        taken_up = len(answers)
        for _ in answers:
            on_answer(None)

        def record(result: Result) -> None:
            # On the disk before anybody hears of it.
            append([result])
            answers[result.case.case_id] = result
            on_answer(result)

        missing = [case for case in cases if case.case_id not in answers]
        new = results_path.with_suffix(".new")
        with written(new, run.root) as append:
            append(answers.values())
            new.replace(results_path)
            with run.session(out, jobs, lambda: len(answers) - taken_up):
                if missing:
                    client = connect()
                    asked = OneJob(client, digests, missing, out, jobs) if by_job else Requests(client, digests)
                    ask_all(missing, digests, asked, jobs, record)
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


def describe_machine() -> str:
    """Processor, cores, memory and system, in one line."""
    names, memory = [platform.processor() or "unknown processor"], ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")] or names
    with suppress(ValueError, OSError, AttributeError):
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB, "
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{names[0]}, {cores} cores, {memory}{platform.system()} {platform.machine()}"


def describe_versions() -> dict[str, str]:
    """Python and the packages that decide scores and speed; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions
