"""Both images, built and run as compose.yaml says, asked from a container of another network: `make image-check`."""

import json
import logging
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from infra.bundling import ROOT
from tests.containers.runtime import BASE_IMAGE, NoContainersError, docker, package_access, podman

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment"), pytest.mark.timeout(1800)]

figures = logging.getLogger(__name__)

MOST_BYTES = {"rekognition-local": 700_000_000, "face-validation": 900_000_000}
START_TIMEOUT_S = 120
# What compose.yaml asks of a container.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp")

# Run in a container of its own, whose network is not the server's: `ADDRESS` is the server's there.
FACES = """
import boto3, importlib.resources, json, sys
picture = (importlib.resources.files("skimage.data") / "astronaut.png").read_bytes()
client = boto3.client("rekognition", endpoint_url=sys.argv[1], region_name="us-east-1",
                      aws_access_key_id="x", aws_secret_access_key="x")
same = client.compare_faces(SourceImage={"Bytes": picture}, TargetImage={"Bytes": picture}, SimilarityThreshold=0)
every = client.detect_faces(Image={"Bytes": picture}, Attributes=["ALL"])["FaceDetails"]
similarity = same["FaceMatches"][0]["Similarity"]
print(json.dumps({"similarity": similarity, "faces": len(every), "attributes": len(every[0])}))
"""
QUESTION = """
import json
from face_validation.client import FaceValidationClient
from face_validation.local.samples.questions import sample_files
images = sample_files()
with FaceValidationClient.local() as client:
    result = client.validate_files(images["samples/passport-collins.jpg"], images["samples/collins-again.jpg"],
                                   "ID_TO_FACE", threshold=99)
    print(json.dumps({"matched": result.matched, "similarity": result.similarity}))
"""


@dataclass(frozen=True)
class Containers:
    """Docker's command line, or podman's, which has the same words."""

    run: Callable[..., "subprocess.CompletedProcess[str]"]
    build: Callable[[str, str], None]

    def ask(self, *arguments: str) -> str:
        """What a command says; raises where it fails, with its words."""
        ran = self.run(*arguments)
        assert ran.returncode == 0, f"{' '.join(arguments[:3])}: {ran.stderr[-2000:]}{ran.stdout[-500:]}"
        return ran.stdout.strip()


@pytest.fixture(scope="module")
def containers() -> Containers:
    if docker() is not None:

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)

        def build(tag: str, target: str) -> None:
            subprocess.run(["docker", "build", "--quiet", "--target", target, "--tag", tag, str(ROOT)], check=True)

        return Containers(run, build)
    try:
        runtime = podman()
    except NoContainersError as error:
        pytest.skip(str(error))
    # No registry is asked: the base is a Debian's, under the public one's name.
    base = next(line.partition("=")[2] for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:4] == "ARG ")
    runtime.run("tag", BASE_IMAGE, base)
    options = ("--format", "docker", "--pull=never", *package_access())
    return Containers(runtime.run, lambda tag, target: runtime.build(tag, ROOT, "--target", target, *options))


@pytest.fixture(scope="module", params=sorted(MOST_BYTES))
def image(request: pytest.FixtureRequest, containers: Containers) -> str:
    tag = f"localhost/{request.param}"
    containers.build(tag, request.param)
    return tag


def configured(containers: Containers, image: str) -> dict[str, Any]:
    (found,) = json.loads(containers.ask("image", "inspect", image))
    config: dict[str, Any] = found["Config"]
    return config | {
        "Size": found["Size"],
        "Healthcheck": config.get("Healthcheck") or found.get("Healthcheck"),
    }


@pytest.fixture
def started(containers: Containers, image: str) -> Iterator[tuple[str, str, float]]:
    """A running container on a network of its own: its name, its address there, and the seconds until it answered."""
    name = f"image-check-{image.rpartition('/')[2]}"
    containers.run("rm", "--force", name)
    arguments = ("--allow-host", "rekognition") if "rekognition" in image else ()
    began = time.monotonic()
    containers.ask("run", "--detach", "--name", name, "--network", "bridge", *HARDENED, image, *arguments)
    try:
        health = configured(containers, image)["Healthcheck"]["Test"][1:]
        while containers.run("exec", name, *health).returncode != 0:
            assert time.monotonic() - began < START_TIMEOUT_S, containers.run("logs", name).stderr[-3000:]
            time.sleep(0.5)
        took_s = time.monotonic() - began
        address = containers.ask("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
        yield name, address, took_s
    finally:
        with suppress(AssertionError):
            containers.ask("rm", "--force", name)


def test_an_image_is_small_and_runs_as_nobody_with_a_health_check(containers: Containers, image: str) -> None:
    config = configured(containers, image)
    figures.info("%s: %.0f MB", image, config["Size"] / 1e6)

    assert config["Size"] < MOST_BYTES[image.rpartition("/")[2]]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_an_image_holds_its_models_and_needs_no_network_and_no_place_to_write(
    containers: Containers, image: str
) -> None:
    models = ("--entrypoint", "python3", image, "-m", "rekognition_local", "models", "--check")

    found = containers.ask("run", "--rm", "--network", "none", *HARDENED, *models)

    assert "missing" not in found
    assert "face_landmark.tflite" in found


def test_it_answers_a_container_of_another_network_namespace(
    containers: Containers, image: str, started: tuple[str, str, float]
) -> None:
    name, address, took_s = started
    figures.info("%s: first answer after %.1f s", image, took_s)
    if "rekognition" in image:
        containers.build("localhost/face-validation", "face-validation")
        asked = ("run", "--rm", "--network", "bridge", "--entrypoint", "python3", "localhost/face-validation", "-c")
        answer = json.loads(containers.ask(*asked, FACES, f"http://{address}:4567"))
        assert answer["similarity"] > 99
        assert answer["faces"] == 1
        assert answer["attributes"] > 10
        return
    # The page and the API, by their address; then a whole question with the stack's own credentials, from inside.
    health = f"import urllib.request as u; print(u.urlopen('http://{address}:8080/healthz').read().decode())"
    from_there = ("run", "--rm", "--network", "bridge", "--entrypoint", "python3", image, "-c", health)
    assert json.loads(containers.ask(*from_there)) == {"status": "healthy", "model_loaded": True}
    answer = json.loads(containers.ask("exec", name, "python3", "-c", QUESTION).splitlines()[-1])
    assert answer["matched"] is True


def test_compose_runs_the_images_as_they_were_tried() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    for name in ("rekognition", "stack"):
        assert services[name]["build"]["target"] in MOST_BYTES
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"])
