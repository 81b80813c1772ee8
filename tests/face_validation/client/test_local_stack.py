"""Client and command line against the local stack: the real handler, real tokens, real models."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import face_validation.client
from face_validation.cli.app import app
from face_validation.client import (
    FaceValidationClient,
    FaceValidationError,
    ImageTooLargeError,
    UnauthorizedError,
    ValidationRequest,
    ValidationResult,
)
from face_validation.client.annotation import DOCUMENT, MATCH, NO_MATCH
from face_validation.client.profiles import Connection
from face_validation.local.samples.questions import IMAGES, SAMPLES, Sample, sample_jpeg
from tests.waiting import until

pytestmark = pytest.mark.slow

# A reindex waits half a minute for requests that ask the old collection; one second shows that it waits.
COMMAND = """
from face_validation.cli.app import app
from face_validation_function.services.reindex import ReindexService
ReindexService.__init__.__defaults__ = (1,)
app()
"""


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The info file of a stack that `face-validation local` started, as a user would, but for the wait of a reindex."""
    folder = tmp_path_factory.mktemp("stack")
    info, log = folder / "stack.json", folder / "stack.log"
    command = [sys.executable, "-c", COMMAND, "local", "--port", "0", "--info", str(info)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as stack:
        try:
            until(lambda: info.is_file() or stack.poll() is not None)
            assert info.is_file(), log.read_text()
            yield info
        finally:
            stack.terminate()
            stack.wait(30)


@pytest.fixture(scope="module")
def stack_client(info: Path) -> Iterator[FaceValidationClient]:
    with Connection.resolve(str(info)).client(prepare_images=False) as client:
        yield client


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The sample images as files: name -> path."""
    folder = tmp_path_factory.mktemp("photos")
    for name in IMAGES:
        (folder / f"{name}.jpg").write_bytes(sample_jpeg(name))
    return {name: str(folder / f"{name}.jpg") for name in IMAGES}


def run(info: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--profile", str(info)], env={"COLUMNS": "300", "NO_COLOR": "1"})


def question(sample: Sample) -> ValidationRequest:
    source = None if sample.source is None else f"samples/{sample.source}.jpg"
    return ValidationRequest(source, f"samples/{sample.target}.jpg", sample.type)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_script_learns_the_answer_from_the_exit_code(info: Path, photos: dict[str, str], sample: Sample) -> None:
    images = [photos[name] for name in (sample.source, sample.target) if name is not None]

    result = run(info, "validate", *images, "--type", sample.type, "--json")

    assert result.exit_code == {"match": 0, "no match": 1, "refusal": 2}[sample.expected], result.output
    answer = json.loads(result.stdout)
    assert answer.keys() == (
        {"id_request", "error"} if result.exit_code == 2 else {"id_request", "matched", "similarity"}
    )


@pytest.mark.parametrize(
    ("source", "target", "colours"),
    [("passport-collins", "collins-again", {MATCH, DOCUMENT}), ("passport-collins", "hopper", {NO_MATCH, DOCUMENT})],
)
def test_the_annotated_picture_shows_what_was_seen(
    info: Path, photos: dict[str, str], tmp_path: Path, source: str, target: str, colours: set[tuple[int, int, int]]
) -> None:
    out = tmp_path / "out.png"

    run(info, "validate", photos[source], photos[target], "--type", "ID_TO_FACE", "--annotate", str(out))

    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    found = {colour for colour in (MATCH, NO_MATCH, DOCUMENT) if (pixels == colour).all(axis=-1).sum() > 400}
    assert found == colours


def test_uploaded_images_can_be_asked_about_by_key(info: Path, photos: dict[str, str]) -> None:
    source = run(info, "upload", photos["hopper"], "--to", "source").stdout.strip()
    target = run(info, "upload", photos["hopper-again"], "--to", "target").stdout.strip()

    result = run(info, "validate", "--keys", source, target, "--type", "FACE_TO_FACE")

    assert result.exit_code == 0, result.output


def test_local_files_do_not_stay_in_the_stacks_buckets(
    stack_client: FaceValidationClient, photos: dict[str, str]
) -> None:
    with stack_client.uploaded(photos["hopper"], "source") as source:
        assert stack_client.validate(source, "samples/hopper-again.jpg", "FACE_TO_FACE").matched

    with pytest.raises(face_validation.client.InvalidS3ObjectError, match="source"):
        stack_client.validate(source, "samples/hopper-again.jpg", "FACE_TO_FACE")


@pytest.fixture(scope="module")
def alone(stack_client: FaceValidationClient) -> list[ValidationResult | FaceValidationError]:
    """What each sample is answered when nothing else is asked."""
    return [next(stack_client.validate_many([question(sample)])) for sample in SAMPLES]


def test_many_at_once_are_answered_as_one_by_one(
    stack_client: FaceValidationClient, alone: list[ValidationResult | FaceValidationError]
) -> None:
    together = list(stack_client.validate_many([question(sample) for sample in SAMPLES], jobs=6))

    assert [verdict(outcome) for outcome in together] == [verdict(outcome) for outcome in alone]
    assert [verdict(outcome)[0] for outcome in alone] == [_CODES[sample.expected] for sample in SAMPLES]


_CODES = {"match": "matched", "no match": "not matched", "refusal": "ImageValidationError"}


def verdict(outcome: ValidationResult | FaceValidationError) -> tuple[str, float | str]:
    if isinstance(outcome, ValidationResult):
        return "matched" if outcome.matched else "not matched", outcome.similarity
    return outcome.code, outcome.details


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        (b"this is not an image", "ImageValidationError", "source"),
        (b"", "InvalidS3ObjectError", "source"),
        ((79, 200), "ImageTooLargeError", "79"),
        ((4097, 100), "ImageTooLargeError", "4097"),
        ((200, 200), "ImageValidationError", "source"),
    ],
    ids=["text", "empty", "too-small", "too-large", "no-face"],
)
def test_each_refusal_of_an_image_is_its_exception_and_names_the_image(
    stack_client: FaceValidationClient, source: bytes | tuple[int, int], code: str, said: str
) -> None:
    content = source if isinstance(source, bytes) else _plain(source)

    with pytest.raises(getattr(face_validation.client, code), match=said) as caught:
        stack_client.validate_files(content, sample_jpeg("hopper"), "FACE_TO_FACE")

    assert caught.value.status == 422
    assert caught.value.id_request


def _plain(size: tuple[int, int]) -> bytes:
    content = BytesIO()
    Image.new("RGB", size, "grey").save(content, "JPEG")
    return content.getvalue()


def test_a_small_target_is_said_to_be_the_target(stack_client: FaceValidationClient) -> None:
    with pytest.raises(ImageTooLargeError, match="target"):
        stack_client.validate_files(sample_jpeg("hopper"), _plain((79, 79)), "FACE_TO_FACE")


@pytest.mark.parametrize(
    "wrong", [{"threshold": 101}, {"type": "SELFIE"}, {"include": ["faces"]}, {"id_request": "7"}], ids=str
)
def test_a_request_that_does_not_validate_is_a_request_error(
    stack_client: FaceValidationClient, wrong: dict[str, object]
) -> None:
    asked = {"source_path": "a.jpg", "target_path": "b.jpg", "type": "FACE_TO_FACE"} | wrong

    with pytest.raises(face_validation.client.RequestError) as caught:
        stack_client.validate(**asked)  # type: ignore[arg-type]  # wrong on purpose

    assert next(iter(wrong)) in caught.value.details
    assert caught.value.status == 400


def test_wrong_credentials_are_refused_by_the_token_endpoint(info: Path) -> None:
    connection = replace(Connection.resolve(str(info)), client_secret="wrong")

    with (
        connection.client() as client,
        pytest.raises(UnauthorizedError, match="invalid_client"),
    ):
        client.token()


def test_the_answer_without_boxes_is_exactly_the_contracts(stack_client: FaceValidationClient) -> None:
    answer = stack_client.validate("samples/hopper.jpg", "samples/hopper-again.jpg", "FACE_TO_FACE").to_answer()

    assert answer.keys() == {"id_request", "matched", "similarity"}


def test_a_person_is_enrolled_found_and_forgotten(info: Path, photos: dict[str, str]) -> None:
    enrolled = run(info, "enrol", photos["collins"], "--full-name", "Eileen Collins")
    assert enrolled.exit_code == 0, enrolled.output

    assert "Eileen Collins" in run(info, "search", photos["collins-again"]).stdout
    assert run(info, "search", photos["hopper"]).exit_code == 1
    assert run(info, "people").stdout.count("Eileen Collins") == 1

    assert run(info, "enrol", photos["collins-again"], "--full-name", "Somebody Else").exit_code == 2

    shown = run(info, "show", "--full-name", "Eileen Collins").stdout
    assert shown.count("Eileen Collins") == 1
    assert "1 photos moved" in run(info, "rename", "Eileen Collins", "Eileen M. Collins").stdout
    assert "Eileen M. Collins" in run(info, "search", photos["collins-again"]).stdout
    reindexed = run(info, "people", "reindex")
    assert "answers now" in reindexed.stdout, reindexed.output
    assert "Eileen M. Collins" in run(info, "search", photos["collins-again"]).stdout
    assert "1 faces, 1 photo versions, 1 rows" in run(info, "erase", "--full-name", "Eileen M. Collins", "--yes").stdout
    assert run(info, "search", photos["collins-again"]).exit_code == 1
