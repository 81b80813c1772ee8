"""A run's folder: run.json beside results.csv, with the machine it ran on; its lock; the run that is read again."""

import fcntl
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from face_validation.evaluation.runs.cases import EvaluationError
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.runs.results import RESULTS_FILE, read_results

RUN_FILE = "run.json"
PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "rapidocr", "boto3", "moto", "httpx")


class RunError(EvaluationError):
    """The run cannot go on, or must not; the message says what to do."""


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
        record = {
            "service": self.service,
            "machine": self.machine,
            "versions": self.versions,
            "sessions": [asdict(one) for one in (*self.sessions, session)],
        }
        new = (out / RUN_FILE).with_suffix(".new")
        new.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        new.replace(out / RUN_FILE)


def new_run(out: Path, cases_path: Path, service: str) -> Run:
    """A run without results, on this machine; it takes up the sessions that are noted in `out`.

    Raises:
        RunError: they asked another service.
    """
    root = cases_path if cases_path.is_dir() else cases_path.parent
    run = Run(cases_path.name, root, service, describe_machine(), describe_versions(), [], [], [])
    if (out / RUN_FILE).is_file():
        before = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
        if before["service"] != service:
            raise RunError(
                f"{out} holds answers of another service ({before['service']}) than this one ({service}). Scores of "
                "two services must not be mixed: give another --out, or --restart to throw the old answers away."
            )
        run.sessions.extend(_sessions(before))
    return run


def read_run(out: Path, root: Path = Path()) -> Run:
    """A finished run from its folder; image paths are relative to `root`.

    Raises:
        RunError: there is no run in that folder.
        ResultsError: its results are damaged.
    """
    if not (out / RUN_FILE).is_file():
        raise RunError(f"{out} holds no run: there is no {RUN_FILE}.")
    record = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    made_with = (record["service"], record["machine"], record["versions"], _sessions(record))
    return Run(out.name, root, *made_with, read_results(out / RESULTS_FILE, root), [])


def _sessions(record: dict[str, list[dict[str, Any]]]) -> list[Session]:
    return [Session(**session) for session in record["sessions"] if session["asked"]]


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Two runs in one folder would ask, and count, cases twice."""
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"Another run is writing to {out}: wait for it, or give another --out.") from error
        yield


def describe_machine() -> str:
    """Processor, cores, memory and system, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {cores} cores, {_memory_gib()}{platform.system()} {platform.machine()}"


def describe_versions() -> dict[str, str]:
    """Python and the packages that decide scores and speed; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or "unknown processor"


def _memory_gib() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB, "
    except (ValueError, OSError, AttributeError):
        return ""
