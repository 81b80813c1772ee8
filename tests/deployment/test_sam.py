"""The synthesised template under `sam local`, in real containers: `make sam-check`."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from face_validation.local.stack import LocalStack
from infra.bundling import MACHINE_ARCHITECTURE, PYTHON, ROOT
from tests.containers.runtime import BASE_IMAGE, ContainerRuntime, NoContainersError, Podman, docker, podman
from tests.deployment.emulated_aws import CDK, run_cdk
from tests.infra.emulator import runtime_files
from tests.people import event_of, outcome, people_stores
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment"), pytest.mark.timeout(900)]

REQUIREMENTS = ROOT / "requirements" / "sam.txt"
LAMBDA_IMAGE = f"public.ecr.aws/lambda/python:{PYTHON}-{MACHINE_ARCHITECTURE}"
HOST = "127.0.0.1"

DOCKERFILE = f"""
FROM {BASE_IMAGE}
COPY runtime /var/runtime
COPY entrypoint.sh /lambda-entrypoint.sh
ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime PATH=/usr/local/bin:/usr/bin:/bin
WORKDIR /var/task
ENTRYPOINT ["/lambda-entrypoint.sh"]
"""
ENTRY_POINT = """#!/bin/sh
export _HANDLER="$1"
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
"""
BOOTSTRAP = """#!/bin/sh
cd /var/task
export PYTHONPATH=/var/task:/var/runtime
exec /usr/bin/python3.13 -m awslambdaric "$_HANDLER"
"""


@dataclass(frozen=True)
class Sam:
    """`python -m infra.sam` with all that it needs to run here."""

    program: Path
    assembly: Path
    info: Path
    runtime: ContainerRuntime

    def command(self, *arguments: str) -> list[str]:
        options = [] if self.runtime.can_pull else ["--skip-pull-image"]
        files = ["--sam", str(self.program), "--assembly", str(self.assembly), "--info", str(self.info)]
        return [sys.executable, "-m", "infra.sam", *files, *arguments, *options]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.runtime.variables}

    def invoke(self, function: str, event: dict[str, Any], folder: Path) -> Any:
        """What the function answers to the event, by `sam local invoke`."""
        file = folder / "event.json"
        file.write_text(json.dumps(event))
        run = subprocess.run(
            self.command("invoke", function, str(file)),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-3000:]
        return json.loads(run.stdout.strip().splitlines()[-1])

    @contextmanager
    def api(self, log: Path) -> Iterator[str]:
        """The API's address, by `sam local start-api`."""
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command("start-api", "--host", HOST, "--port", str(port)),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:

                def listens() -> bool:
                    assert process.poll() is None, log.read_text()[-3000:]
                    with socket.socket() as probe:
                        return probe.connect_ex((HOST, port)) == 0

                until(listens)
                yield f"http://{HOST}:{port}"
            finally:
                # `infra.sam` and the sam that it runs.
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=60)


@pytest.fixture(scope="session")
def container_runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerRuntime]:
    """Docker, or podman with Lambda's base image made of Debian and AWS's own runtime client."""
    found = docker()
    if found:
        yield found
        return
    try:
        made = podman()
    except NoContainersError as error:
        pytest.skip(str(error))
    _lambda_image(made, tmp_path_factory.mktemp("lambda"))
    with made.serving() as served:
        yield served


@pytest.fixture(scope="session")
def sam(
    container_runtime: ContainerRuntime, local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sam]:
    """sam on a fresh synth, the local stack with the sample images behind it."""
    if not CDK.exists():
        pytest.skip("the CDK command line is not installed: `make sam-check` does it")
    folder = tmp_path_factory.mktemp("sam")
    synth = run_cdk("synth", "-q", "-c", f"arch={MACHINE_ARCHITECTURE}", "-o", str(folder / "assembly"))
    assert synth.returncode == 0, synth.stdout[-3000:]
    local_stack.put_samples()
    info = local_stack.info
    container_runtime.reach(*(httpx.URL(url).port or 80 for url in (info.s3_endpoint, info.rekognition_endpoint)))
    with people_stores(local_stack) as stores:
        (folder / "stack.json").write_text(json.dumps(asdict(info) | asdict(stores)))
        yield Sam(_program(), folder / "assembly", folder / "stack.json", container_runtime)


def test_the_validation_function_answers_under_sam_local_invoke(sam: Sam, tmp_path: Path) -> None:
    event = json.loads((ROOT / "events" / "id_to_face_match.json").read_text())

    answer = sam.invoke("validation", event, tmp_path)

    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["matched"] is True


def test_the_people_and_indexing_functions_answer_under_sam_local_invoke(sam: Sam, tmp_path: Path) -> None:
    enrolled = sam.invoke("people", event_of("enrol"), tmp_path)
    found = sam.invoke("people", event_of("search_found"), tmp_path)
    indexed = sam.invoke("indexing", event_of("s3_photo_encoded_key"), tmp_path)

    assert enrolled["statusCode"] == 201, enrolled
    assert outcome(json.loads(found["body"])) == ["Eileen Collins"]
    assert indexed == {"enrolled": 1, "known": 0, "refused": 0}


def test_the_api_answers_under_sam_local_start_api(sam: Sam, tmp_path: Path) -> None:
    event = json.loads((ROOT / "events" / "face_to_face_match.json").read_text())

    with sam.api(tmp_path / "log") as url, httpx.Client(timeout=300, trust_env=False) as http:
        answer = http.post(f"{url}/validation", json=json.loads(event["body"]))
        refused = http.post(f"{url}/validation", json={})

    assert answer.status_code == 200, answer.text
    assert answer.json()["matched"] is True
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "RequestError"


def _lambda_image(podman: Podman, folder: Path) -> None:
    """Lambda's base image for Python, as sam names it: Debian's Python and AWS's runtime client."""
    if podman.run("image", "exists", LAMBDA_IMAGE).returncode == 0:
        return
    _, runtime = runtime_files(PYTHON)
    shutil.copytree(runtime, folder / "runtime")
    for path, text in ((folder / "runtime" / "bootstrap", BOOTSTRAP), (folder / "entrypoint.sh", ENTRY_POINT)):
        path.write_text(text)
        path.chmod(0o755)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    podman.build(LAMBDA_IMAGE, folder)


def _program() -> Path:
    """The sam program, installed once for each set of pins in an environment of its own."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = ROOT / "build" / f"sam-{pins}"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--require-hashes", "--no-deps", "-r", REQUIREMENTS], check=True)
        (folder / "installed").touch()
    return folder / "bin" / "sam"
