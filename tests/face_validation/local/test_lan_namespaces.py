"""Two machines on one wire, as network namespaces: what a phone can reach of the machine that serves it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.long]

MACHINE = "10.77.0.1"
# Run on the phone: opens the link, compares two samples, then knocks at every port where the machine listens.
PHONE = """
import json, socket, sys
import httpx
link, ports = sys.argv[1], json.loads(sys.argv[2])
origin = link.partition("/open")[0]
with httpx.Client(verify=False, base_url=origin, timeout=120, trust_env=False) as phone:
    before = phone.get("/").status_code
    phone.get(link)
    samples = [phone.get(f"/page/samples/{name}.jpg").content for name in ("hopper", "hopper-again")]
    answer = phone.post(
        "/page/validation",
        data={"type": "FACE_TO_FACE", "threshold": "80"},
        files=dict(zip(("source", "target"), samples)),
        headers={"Origin": origin},
    ).json()
    elsewhere = [phone.get(path).status_code for path in ("/docs", "/dev/faces", "/oauth2/token", "/people")]
def is_open(port):
    with socket.socket() as knock:
        knock.settimeout(2)
        return knock.connect_ex(("10.77.0.1", port)) == 0
print(json.dumps({
    "before": before, "answer": answer, "elsewhere": elsewhere, "open": [port for port in ports if is_open(port)]
}))
"""


@dataclass(frozen=True, slots=True)
class Wire:
    """The names of both namespaces."""

    machine: str
    phone: str

    def on(self, namespace: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", namespace, *command]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


@pytest.fixture
def wire() -> Iterator[Wire]:
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and the command `ip`")
    made = Wire(f"machine-{os.getpid()}", f"phone-{os.getpid()}")
    with ExitStack() as cleanup:
        try:
            for namespace in (made.machine, made.phone):
                _ip("netns", "add", namespace)
                cleanup.callback(_ip, "netns", "del", namespace)
            _ip("link", "add", "tw0", "netns", made.machine, "type", "veth", "peer", "name", "tw1", "netns", made.phone)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this kernel gives no network namespaces: {error.stderr.decode()}")
        for namespace, device, address in ((made.machine, "tw0", MACHINE), (made.phone, "tw1", "10.77.0.2")):
            _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", device)
            _ip("-n", namespace, "link", "set", device, "up")
            _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", made.machine, "route", "add", "default", "via", "10.77.0.2")
        yield made


def test_a_phone_reaches_the_page_and_no_other_port_of_the_machine(wire: Wire, tmp_path: Path) -> None:
    log = tmp_path / "stack.log"
    command = wire.on(wire.machine, sys.executable, "-m", "face_validation.cli.app", "local", "--lan", "--port", "0")
    own_file = {"FACE_VALIDATION_STACK": str(tmp_path / "stack.json")}
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **own_file}) as run,
    ):
        try:
            until(lambda: "fingerprint" in log.read_text() or run.poll() is not None, timeout_s=120)
            link = re.search(rf"https://{MACHINE}:(\d+)/open/\S+", log.read_text())
            assert link is not None, log.read_text()
            listening = subprocess.run(
                wire.on(wire.machine, "cat", "/proc/net/tcp", "/proc/net/tcp6"),
                capture_output=True,
                text=True,
                timeout=9,
            ).stdout
            ports = sorted({int(port, 16) for port in re.findall(r":([0-9A-F]{4}) \S+:0000 0A ", listening)})

            phone = subprocess.run(
                wire.on(wire.phone, sys.executable, "-c", PHONE, link[0], json.dumps(ports)),
                capture_output=True,
                text=True,
                timeout=150,
            )
        finally:
            run.terminate()
    assert phone.returncode == 0, phone.stderr
    seen = json.loads(phone.stdout)
    assert seen["before"] == 403
    assert seen["answer"]["answer"]["matched"] is True
    assert set(seen["elsewhere"]) == {404}
    assert len(ports) >= 4  # the gateway, S3, Rekognition, and the page for the phone
    assert seen["open"] == [int(link[1])]
