"""The page that evaluates: labelled cases in, progress, the report of `face-validation evaluate` out; one at a time."""

import contextlib
import json
import shutil
import tempfile
import threading
from collections import Counter
from functools import cached_property
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from face_validation.client.image_preparation import MAX_FILE_BYTES
from face_validation.local.demo import client_of
from face_validation.local.gateway.api_gateway import read_body
from face_validation.local.stack_info import StackInfo
from face_validation.local.web.own_site import OwnSite, PageRefusedError

JOBS = 2
# The report holds its styles, its script and its pictures; in a sandbox it is a page of no site, and may ask nothing.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-scripts allow-modals"
)


class EvaluationRoutes:
    """The page at `/evaluation`, and the addresses that it asks.

    An evaluation is new, then its files come one by one, then it runs in a thread: new, running, and at the end done,
    stopped or failed.
    """

    def __init__(self, stack: StackInfo, site: OwnSite) -> None:
        self._stack, self._site = stack, site
        self._made = contextlib.ExitStack()
        self._state, self._message, self._total = "new", "", 0
        self._outcomes: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._thread = threading.Thread()

    def routes(self) -> list[Route]:
        """The addresses, to be mounted at the root."""
        route = self._site.route
        return [
            self._site.page("/evaluation", "evaluation.html"),
            route("/page/evaluation", self._progress),
            route("/page/evaluation", self._new, "POST"),
            route("/page/evaluation", self._stop, "DELETE"),
            route("/page/evaluation/files", self._add, "POST"),
            route("/page/evaluation/start", self._start, "POST"),
            route("/page/evaluation/report.html", self._report),
        ]

    @cached_property
    def _folder(self) -> Path:
        """Made when files come, so that a stack that is killed before leaves none behind."""
        return Path(self._made.enter_context(tempfile.TemporaryDirectory(prefix="face-validation-evaluation-")))

    @property
    def _cases(self) -> Path:
        return self._folder / "cases"

    @property
    def _out(self) -> Path:
        return self._folder / "out"

    def close(self) -> None:
        """Stop what runs, and delete all files."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._made.close()

    async def _new(self, request: Request) -> Response:
        if self._thread.is_alive():
            raise PageRefusedError(HTTPStatus.CONFLICT, "ConflictError", "An evaluation is running: stop it first.")
        for folder in (self._cases, self._out):
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        self._state, self._message, self._total = "new", "", 0
        self._outcomes.clear()
        return await self._progress(request)

    async def _add(self, request: Request) -> Response:
        """Keep one file of the folder that the user chose, at its `path` there."""
        path, content = PurePosixPath(request.query_params.get("path", "")), await read_body(request, MAX_FILE_BYTES)
        if content is None or path.is_absolute() or ".." in path.parts or self._state != "new":
            details = f"{path} is too large, or not a path in a folder."
            raise PageRefusedError(HTTPStatus.BAD_REQUEST, "RequestError", details)
        kept = self._cases / path
        kept.parent.mkdir(parents=True, exist_ok=True)
        await run_in_threadpool(kept.write_bytes, content)
        return await self._progress(request)

    async def _start(self, request: Request) -> Response:
        asked = json.loads(await read_body(request, 1024) or b"{}")
        if self._state == "new":
            self._state = "running"
            self._stopping.clear()
            arguments = (float(asked["threshold"]), asked["prepare"] is True)
            self._thread = threading.Thread(target=self._run, args=arguments, name="evaluation", daemon=True)
            self._thread.start()
        return await self._progress(request)

    async def _stop(self, request: Request) -> Response:
        self._stopping.set()
        return await self._progress(request)

    async def _progress(self, _: Request) -> Response:
        overall = None
        if self._state == "done":
            overall = json.loads((self._out / "metrics.json").read_text("utf-8"))["overall"]
        shown = {"state": self._state, "message": self._message, "total": self._total, "outcomes": self._outcomes}
        return JSONResponse({**shown, "overall": overall})

    async def _report(self, _: Request) -> Response:
        if self._state != "done":
            raise PageRefusedError(HTTPStatus.NOT_FOUND, "RequestError", "There is no report yet.")
        return FileResponse(self._out / "report.html", headers={"Content-Security-Policy": REPORT_POLICY})

    def _run(self, threshold: float, prepare: bool) -> None:
        try:
            self._evaluate(threshold, prepare=prepare)
            self._state = "done"
        except Exception as error:  # noqa: BLE001 - else lost with the thread: the page shows it
            self._state = "stopped" if self._stopping.is_set() else "failed"
            self._message = str(error)

    def _evaluate(self, threshold: float, *, prepare: bool) -> None:
        # Here: the local stack is installed without the evaluation's packages, too.
        from face_validation.evaluation.report.output import write_report
        from face_validation.evaluation.report.summary import summarise
        from face_validation.evaluation.runs.cases import read_cases
        from face_validation.evaluation.runs.results import Result
        from face_validation.evaluation.runs.run import run_cases

        table = self._cases / "cases.csv"
        path = table if table.is_file() else self._cases
        cases = read_cases(path)
        self._total = len(cases)

        def note(result: Result | None) -> None:
            if self._stopping.is_set():
                raise InterruptedError("The evaluation was stopped.")
            if result is not None:
                self._outcomes[str(result.outcome)] += 1

        with client_of(self._stack, attempts=1, prepare_images=prepare) as client:
            run = run_cases(cases, path, self._out, lambda: client, service="local stack", jobs=JOBS, on_answer=note)
        write_report(summarise(run, threshold), self._out)
