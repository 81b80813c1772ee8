"""The Lambda's asset: our package and its pinned dependencies in one folder, made without Docker."""

import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "face_validation_function"
REQUIREMENTS = ROOT / "requirements" / "function.txt"
WHEELS = ROOT / "build" / "wheels"

PYTHON = "3.13"
MACHINE_ARCHITECTURE = "arm64" if platform.machine().lower() in ("aarch64", "arm64") else "x86_64"
# Lambda's Python 3.13 runs on Amazon Linux 2023, glibc 2.34; pip wants every platform that will do by name.
PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")

# botocore carries the API descriptions of some 400 services, 90 % of its size; these are the clients that we create.
AWS_SERVICES = ("cognito-idp", "dynamodb", "events", "kms", "rekognition", "s3", "sqs", "stepfunctions")


def bundle(target: Path, architecture: str, *, python: str = PYTHON) -> None:
    """Fill the empty folder `target` with what runs at /var/task.

    The same code, dependencies and interpreter give the same bytes: the asset's hash, and so a deployment, changes
    with them alone. It ships .pyc files, the largest cold-start lever: /var/task is read-only, without them every cold
    start compiles anew. They are left out, with a warning, where no interpreter of that version is installed.

    Args:
        target: an existing, empty folder.
        architecture: arm64 or x86_64.
        python: the interpreter's version, major and minor; another than the runtime's to try the asset without one.

    Raises:
        subprocess.CalledProcessError: the dependencies cannot be had, or their hashes differ.
    """
    install(target, REQUIREMENTS, architecture, python)
    shutil.copytree(PACKAGE, target / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    _prune(target)
    if interpreter := interpreter_of(python):
        compile_all(target, interpreter)
    else:
        warnings.warn(f"No python{python} here: the asset ships without .pyc, cold starts take longer.", stacklevel=2)
    _readable_by_all(target)


def compile_all(folder: Path, interpreter: Path) -> None:
    """Write the .pyc files of `folder` as /var/task will see them, never to be checked against their sources."""
    command: list[str | Path] = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # Fixed, for the order of a set's constants goes into the .pyc.
    seed = {"PYTHONHASHSEED": "0"}
    _run([*command, "-s", folder, "-p", "/var/task", folder], env=seed)


def interpreter_of(python: str = PYTHON) -> Path | None:
    """An interpreter of that version: this one, on the PATH, of pyenv's or of uv's; None when there is none."""
    name = f"python{python}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    managed = [
        found
        for versions in (pyenv, Path.home() / ".local/share/uv/python")
        for found in sorted(versions.glob(f"*/bin/{name}"), reverse=True)
    ]
    candidates = [Path(sys.executable), *(Path(folder, name) for folder in os.get_exec_path()), *managed]
    return next((one for one in candidates if os.access(one, os.X_OK) and version_of(one) == python), None)


def version_of(interpreter: Path) -> str | None:
    """Major and minor version, `3.13`; None if it is not a working interpreter."""
    answer = _run([interpreter, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], quiet=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def install(target: Path, requirements: Path, architecture: str, python: str = PYTHON) -> None:
    """Put pinned packages into the folder `target`: wheels for Lambda's Linux, each checked by its hash.

    The wheels are kept under build/, so that a later synth asks no network.

    Raises:
        subprocess.CalledProcessError: a package cannot be had, or its hash differs.
    """
    wheels, machine = WHEELS / f"{architecture}-{python}", "aarch64" if architecture == "arm64" else architecture
    wanted: list[str | Path] = [
        "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary", ":all:",
        *(f"--platform={platform}_{machine}" for platform in PLATFORMS),
        "--implementation", "cp", "--python-version", python, "--requirement", requirements,
    ]  # fmt: skip
    pip: list[str | Path] = [sys.executable, Path(__file__).with_name("pip.py")]
    offline = [*pip, "install", *wanted, "--no-compile", "--no-index", "--find-links", wheels, "--target", target]
    if _run(offline, quiet=True).returncode != 0:
        _run([*pip, "download", *wanted, "--dest", wheels])
        _run(offline)


def _run(
    command: Sequence[str | Path], *, quiet: bool = False, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end; `quiet` keeps the output, and failing is an answer then, not a CalledProcessError."""
    # A list without a shell, of this module's words and of paths on this machine: nothing in it comes from outside.
    return subprocess.run(command, capture_output=quiet, check=not quiet, text=True, env=env)  # noqa: S603 - no shell


def _readable_by_all(target: Path) -> None:
    """Set every mode, whatever this machine's umask is.

    The asset is zipped with its files' modes, Lambda runs it as another user, and CDK's hash does not see modes: an
    asset that was made under umask 077 would fail with a permission error, and stay.
    """
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _prune(target: Path) -> None:
    """Leave out what the function cannot use, and what says where the asset was made."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    for service in (target / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)
    # Written by the installer, of no use without it. Licences and metadata stay.
    for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        for file in target.glob(f"*.dist-info/{name}"):
            file.unlink()
