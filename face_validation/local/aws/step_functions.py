"""AWS Step Functions and the functions that a job's state machine calls: moto's interpreter, in a process of its own.

moto's interpreter calls AWS at one address, `localhost:$MOTO_PORT`. The process listens there: moto answers Step
Functions, the very handlers answer Lambda's Invoke, and all else is passed on to the server that has S3.
"""

import http.client
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from face_validation.local.aws.post_object import Answer
from face_validation.local.gateway.proxy_event import ACCOUNT_ID, REGION, LambdaContext
from rekognition_local.server.process import listening

STATE_MACHINE = "face-validation-jobs"
STATE_MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{STATE_MACHINE}"
# How long one invocation of a step may take; the lines that it leaves are the next one's. On AWS it is ten minutes.
STEP_S = 60.0
STOP_S = 5.0
_INVOKE = "/2015-03-31/functions/"
# moto's workers call themselves for each next batch.
_RECURSION = 100_000

Step = Callable[[Mapping[str, Any], Any], Any]


def definition() -> str:
    """The state machine that is deployed, with the names of the functions on this machine."""
    text = files("face_validation_function").joinpath("jobs.asl.json").read_text("utf-8")
    return Template(text).safe_substitute(SplitFunction="split", LinesFunction="lines", GatherFunction="gather")


class StepFunctions:
    """The process, and how requests for it get there from `server`, which has everything else.

    The process is started when it is first asked for, with the `variables` that the stack set when it started. When it
    has died it is started anew: its executions are lost, and nothing else.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self.variables: Mapping[str, str] = {}
        self._lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self._endpoint = ""

    def in_front_of(self, others: Answer) -> Answer:
        """A server, with Step Functions beside it."""

        def answer(environ: dict[str, Any]) -> Response:
            is_ours = environ.get("HTTP_X_AMZ_TARGET", "").startswith("AWSStepFunctions.")
            return passed_on(environ, self._running()) if is_ours else others(environ)

        return answer

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            with self.process as ended:  # which closes its pipes
                ended.terminate()
                try:
                    ended.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    ended.kill()

    def _running(self) -> str:
        with self._lock:
            if self.process is None or self.process.poll() is not None:
                self.close()
                command = [sys.executable, "-m", __name__, self._server, str(STEP_S)]
                pipe = subprocess.PIPE
                self.process = subprocess.Popen(  # noqa: S603 - our own module, by a list of words and no shell
                    command, stdin=pipe, stdout=pipe, text=True, start_new_session=True, env=self.variables
                )
                self._endpoint = (self.process.stdout.readline() if self.process.stdout else "").strip()
                if not self._endpoint:
                    raise RuntimeError("Step Functions did not start; its reason is above.")
            return self._endpoint


def passed_on(environ: dict[str, Any], endpoint: str) -> Response:
    """The answer of another server of this machine."""
    request = Request(environ)
    headers = {name: value for name, value in request.headers if name != "Host"}
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    try:
        connection.request(request.method, environ["RAW_URI"], request.get_data(), headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    of_the_connection = ("connection", "date", "transfer-encoding")
    kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in of_the_connection]
    return Response(content, answer.status, kept)


def _invoked(steps: Mapping[str, Step], others: Answer, timeout_s: float) -> Answer:
    """Lambda's Invoke, for the functions that are there; all else is `others`' to answer."""

    def answer(environ: dict[str, Any]) -> Response:
        if not environ["PATH_INFO"].startswith(_INVOKE):
            return others(environ)
        step = steps[environ["PATH_INFO"].removeprefix(_INVOKE).partition("/")[0]]
        headers = {}
        try:
            said = step(json.loads(Request(environ).get_data()), LambdaContext(timeout_s))
        except Exception as error:  # noqa: BLE001 - stands in for Lambda, which answers with any error
            headers["X-Amz-Function-Error"] = "Unhandled"
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return Response(json.dumps(said), headers=headers, mimetype="application/json")

    return answer


def main(server: str, timeout_s: float) -> None:
    """Serve until the parent ends, or until this process is told to."""
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import create_backend_app

    from face_validation.local.aws.moto_services import as_asgi, aws_client
    from face_validation.local.gateway.server_thread import ServerThread
    from face_validation_function.job_steps_function import gather_handler, lines_handler, split_handler

    listener = listening("127.0.0.1", 0)
    host, port = listener.getsockname()
    os.environ["MOTO_PORT"] = str(port)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    sys.setrecursionlimit(_RECURSION)
    # It warns that tolerated failures have no effect: the workers judge them, on AWS too.
    logging.getLogger("moto").setLevel(logging.ERROR)
    interpreter = create_backend_app("stepfunctions")

    def others(environ: dict[str, Any]) -> Response:
        is_ours = "HTTP_X_AMZ_TARGET" in environ
        return Response.from_app(interpreter, environ, buffered=True) if is_ours else passed_on(environ, server)

    steps: dict[str, Step] = {"split": split_handler, "lines": lines_handler, "gather": gather_handler}
    with ServerThread(as_asgi(_invoked(steps, others, timeout_s)), listener):
        client = aws_client("stepfunctions", f"http://{host}:{port}")
        role = f"arn:aws:iam::{ACCOUNT_ID}:role/jobs"
        client.create_state_machine(name=STATE_MACHINE, definition=definition(), roleArn=role)
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()
        os.dup2(2, 1)  # what the handlers log goes where the stack's own log goes
        sys.stdin.read()  # until the parent has ended
        os._exit(0)  # a step that is under way has nobody to answer any more


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
