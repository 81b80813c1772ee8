"""Other programs' SDKs, unchanged: told where Rekognition is by the environment alone, they get the answers they know.

They are installed in the test, at the versions that docs/rekognition.md names; without a network the tests say so.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from rekognition_local.operations.image_sources import ImageSource
from rekognition_local.operations.service import Service
from rekognition_local.storage.database import Store
from rekognition_local.storage.gallery import Gallery
from tests.rekognition_local.fakes import FakeEngine, FakeS3, Scene, descriptor, face, picture
from tests.rekognition_local.servers import serving

OLDEST_BOTO3, AWS_CLI, JAVASCRIPT_SDK = "1.28.0", "1.46.3", "3.1142.0"
PAGE = Path(__file__).parents[2] / "docs" / "rekognition.md"
SELFIE = picture(160, 120)

pytestmark = [pytest.mark.slow, pytest.mark.long]

PYTHON = """
import base64, json, os, boto3
rekognition = boto3.client("rekognition")
image = {"Bytes": base64.b64decode(os.environ["IMAGE"])}
rekognition.create_collection(CollectionId="staff")
rekognition.index_faces(CollectionId="staff", Image=image, ExternalImageId="ana")
found = rekognition.search_faces_by_image(CollectionId="staff", Image=image)["FaceMatches"]
compared = rekognition.compare_faces(SourceImage=image, TargetImage=image)["FaceMatches"]
faces = rekognition.detect_faces(Image=image, Attributes=["ALL"])["FaceDetails"]
try:
    rekognition.describe_collection(CollectionId="missing")
except rekognition.exceptions.ResourceNotFoundException:
    error = "ResourceNotFoundException"
rekognition.delete_collection(CollectionId="staff")
print(json.dumps([found[0]["Face"]["ExternalImageId"], compared[0]["Similarity"], len(faces[0]["Emotions"]), error]))
"""

JAVASCRIPT = """
const sdk = require("@aws-sdk/client-rekognition");
(async () => {
  const rekognition = new sdk.RekognitionClient({});
  const ask = (name, input) => rekognition.send(new sdk[name + "Command"](input));
  const image = {Bytes: Buffer.from(process.env.IMAGE, "base64")};
  await ask("CreateCollection", {CollectionId: "staff"});
  await ask("IndexFaces", {CollectionId: "staff", Image: image, ExternalImageId: "ana"});
  const found = (await ask("SearchFacesByImage", {CollectionId: "staff", Image: image})).FaceMatches;
  const compared = (await ask("CompareFaces", {SourceImage: image, TargetImage: image})).FaceMatches;
  const faces = (await ask("DetectFaces", {Image: image, Attributes: ["ALL"]})).FaceDetails;
  let error;
  try { await ask("DescribeCollection", {CollectionId: "missing"}); } catch (refused) { error = refused.name; }
  await ask("DeleteCollection", {CollectionId: "staff"});
  const answers = [found[0].Face.ExternalImageId, compared[0].Similarity, faces[0].Emotions.length, error];
  console.log(JSON.stringify(answers));
})();
"""

EXPECTED = ["ana", 100, 8, "ResourceNotFoundException"]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What a user sets for a program of theirs, and an image of one person for the programs here."""
    engine = FakeEngine({(160, 120): Scene([face(0.4)], [descriptor(1)])})
    with serving(Service(engine, ImageSource(FakeS3({})), Gallery(Store(None), engine))) as endpoint:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL_REKOGNITION": endpoint,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
            "IMAGE": base64.b64encode(SELFIE).decode(),
        }


def located(program: str) -> str | None:
    """Where a program is: beside this Python, or on the path."""
    return shutil.which(program, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))


def installed(command: list[str], folder: Path) -> None:
    """Install a program, or skip the test where that is not possible."""
    program = located(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed here")
    try:
        subprocess.run([program, *command[1:]], cwd=folder, check=True, capture_output=True, timeout=200)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{command[-1]} cannot be installed here: {error}")


def said(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The oldest boto3 and the AWS CLI, in an environment each."""
    folder = tmp_path_factory.mktemp("programs")
    for name, package in (("oldest", f"boto3=={OLDEST_BOTO3}"), ("cli", f"awscli=={AWS_CLI}")):
        installed(["uv", "venv", "--quiet", "--python", "3.11", name], folder)
        installed(["uv", "pip", "install", "--quiet", "--python", f"{name}/bin/python", package], folder)
    return folder


def test_the_newest_boto3(environment: dict[str, str], tmp_path: Path) -> None:
    assert json.loads(said([sys.executable, "-c", PYTHON], tmp_path, environment)) == EXPECTED


def test_the_oldest_boto3_that_obeys_the_variable(environment: dict[str, str], python_packages: Path) -> None:
    python = str(python_packages / "oldest" / "bin" / "python")

    assert json.loads(said([python, "-c", PYTHON], python_packages, environment)) == EXPECTED


def test_the_aws_cli(environment: dict[str, str], python_packages: Path) -> None:
    (python_packages / "selfie.png").write_bytes(SELFIE)
    aws = [str(python_packages / "cli" / "bin" / "python"), str(python_packages / "cli" / "bin" / "aws"), "rekognition"]

    def ask(*arguments: str) -> str:
        return said([*aws, *arguments, "--output", "json"], python_packages, environment)

    ask("create-collection", "--collection-id", "staff")
    collections = json.loads(ask("list-collections"))
    faces = json.loads(ask("detect-faces", "--image-bytes", "fileb://selfie.png", "--attributes", "ALL"))
    ask("delete-collection", "--collection-id", "staff")

    assert collections["CollectionIds"] == ["staff"]
    assert len(faces["FaceDetails"][0]["Emotions"]) == 8


def test_the_javascript_sdk(environment: dict[str, str], tmp_path: Path) -> None:
    package = f"@aws-sdk/client-rekognition@{JAVASCRIPT_SDK}"
    installed(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), package], tmp_path)

    assert json.loads(said([located("node") or "node", "-e", JAVASCRIPT], tmp_path, environment)) == EXPECTED


def test_the_documentation_names_the_versions_that_are_tried() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for version in (OLDEST_BOTO3, boto3.__version__, AWS_CLI, JAVASCRIPT_SDK):
        assert version in page, f"docs/rekognition.md does not name {version}"
