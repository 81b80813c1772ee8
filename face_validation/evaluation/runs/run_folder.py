"""A run's folder: run.json beside results.csv, its lock, and the run that is read from it again."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from face_validation.evaluation.runs.asking import RunError
from face_validation.evaluation.runs.machine import describe_machine, describe_versions
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.runs.results import RESULTS_FILE, read_results

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of asking without interruption.

    Attributes:
        started: UTC, ISO 8601.
        asked: number of cases.
        jobs: requests under way at once.
        seconds: wall time from the first upload to the last answer.
    """

    started: str
    asked: int
    jobs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """All answers of a run in the order of the cases, and what they were made with.

    Attributes:
        cases_name: name of the case file or folder.
        root: the folder that image paths are relative to.
        service: who answered: an API's address, or the local stack's version.
        machine: where the evaluation ran (for the local stack: also the service).
        versions: Python's and the packages' versions there.
        sessions: the stretches of asking.
        results: one answer per case.
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


class RunRecord:
    """run.json of a run under way: noted again after each session, so that it is true however the run ends."""

    def __init__(self, out: Path, service: str) -> None:
        """Take up the sessions that are noted in `out`.

        Raises:
            RunError: they asked another service.
        """
        self._path = out / RUN_FILE
        self._service = service
        self._machine, self._versions = describe_machine(), describe_versions()
        self.sessions = sessions_of_the_same_service(out, service)

    def note(self, session: Session) -> None:
        """Write run.json with one session more."""
        described = [asdict(one) for one in (*self.sessions, session)]
        record = {
            "service": self._service,
            "machine": self._machine,
            "versions": self._versions,
            "sessions": described,
        }
        write_json(self._path, record)

    def run(self, cases_path: Path, results: list[Result], notices: list[str]) -> Run:
        """The whole run."""
        return Run(
            cases_name=cases_path.name,
            root=root_of(cases_path),
            service=self._service,
            machine=self._machine,
            versions=self._versions,
            sessions=self.sessions,
            results=results,
            notices=notices,
        )


def root_of(cases_path: Path) -> Path:
    """The folder that image paths are relative to."""
    return cases_path if cases_path.is_dir() else cases_path.parent


def read_run(out: Path, cases_path: Path) -> Run:
    """A finished run from its folder; `cases_path` tells where its images are.

    Raises:
        RunError: there is no run in that folder.
        ResultsError: its results are damaged.
    """
    root = root_of(cases_path)
    if not (out / RUN_FILE).is_file():
        raise RunError(f"{out} holds no run: there is no {RUN_FILE}.")
    record = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    return Run(
        cases_name=cases_path.name,
        root=root,
        service=record["service"],
        machine=record["machine"],
        versions=record["versions"],
        sessions=[Session(**session) for session in record["sessions"] if session["asked"]],
        results=read_results(out / RESULTS_FILE, root),
        notices=[],
    )


def sessions_of_the_same_service(out: Path, service: str) -> list[Session]:
    """The stretches of asking that are noted in `out`; none in a new folder.

    Raises:
        RunError: they asked another service.
    """
    path = out / RUN_FILE
    if not path.is_file():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["service"] != service:
        raise RunError(
            f"{out} holds answers of another service ({record['service']}) than this one ({service}). "
            "Scores of two services must not be mixed: give another --out, or --restart to throw the old answers away."
        )
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


def write_json(path: Path, record: Mapping[str, object]) -> None:
    """Put a JSON file in the place of the one that is there, in one step."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    new.replace(path)
