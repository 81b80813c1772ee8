"""The Lambda's asset: our package and its pinned dependencies in one folder, made without Docker."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import uv

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "face_validation_function"
REQUIREMENTS = ROOT / "requirements" / "function.txt"

PYTHON = "3.13"
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

# botocore carries the API descriptions of some 400 services, 90 % of its size; these are the clients that we create.
AWS_SERVICES = ("rekognition", "s3")


def bundle(target: Path, architecture: str, *, compiled: bool = True) -> None:
    """Fill the empty folder `target` with what runs at /var/task.

    The same code, dependencies and interpreter give the same bytes: the asset's hash, and so a deployment, changes
    with them alone.

    Args:
        target: an existing, empty folder.
        architecture: arm64 or x86_64.
        compiled: ship .pyc files, the largest cold-start lever: /var/task is read-only, without them every cold start
            compiles anew. Left out, with a warning, where no interpreter of the runtime's minor version is installed.

    Raises:
        subprocess.CalledProcessError: the dependencies cannot be had, or their hashes differ.
    """
    _install_dependencies(target, architecture)
    shutil.copytree(PACKAGE, target / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    _prune(target)
    if not compiled:
        return
    interpreter = runtime_interpreter()
    if interpreter is None:
        print(f"No python{PYTHON} here: the asset ships without .pyc, cold starts take longer.", file=sys.stderr)  # noqa: T201 (a command's own output)
        return
    compile_all(target, interpreter)


def compile_all(folder: Path, interpreter: Path) -> None:
    """Write the .pyc files of `folder` as /var/task will see them, never to be checked against their sources."""
    subprocess.run(  # noqa: S603 (our own command line)
        [
            interpreter,
            "-I",
            "-m",
            "compileall",
            "-q",
            "-j",
            "1",
            "--invalidation-mode",
            "unchecked-hash",
            "-s",
            folder,
            "-p",
            "/var/task",
            folder,
        ],
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )


def runtime_interpreter() -> Path | None:
    """An interpreter of the runtime's minor version: on the PATH, of pyenv's or of uv's; None when there is none."""
    for candidate in _interpreters():
        answer = subprocess.run(  # noqa: S603 (an interpreter of the user's own)
            [candidate, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode == 0 and answer.stdout.strip() == PYTHON:
            return candidate
    return None


def _interpreters() -> Iterator[Path]:
    name = f"python{PYTHON}"
    yield Path(sys.executable)
    yield from (Path(folder) / name for folder in os.get_exec_path() if os.access(Path(folder) / name, os.X_OK))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    managed = Path.home() / ".local/share/uv/python"
    for versions in (pyenv / "versions", managed):
        yield from sorted(versions.glob(f"*{PYTHON}.*/bin/{name}"), reverse=True)


def _install_dependencies(target: Path, architecture: str) -> None:
    command: list[str | Path] = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--target", target, "--link-mode", "copy",
        "--python-platform", PLATFORMS[architecture], "--python-version", PYTHON,
        "--only-binary", ":all:", "--require-hashes", "--no-deps", "--requirement", REQUIREMENTS,
    ]  # fmt: skip
    # The cache first: a synth that has all it needs asks no network.
    cached = subprocess.run([*command, "--offline"], capture_output=True, check=False)  # noqa: S603 (our own command line)
    if cached.returncode != 0:
        subprocess.run(command, check=True)  # noqa: S603 (our own command line)


def _prune(target: Path) -> None:
    """Leave out what the function cannot use: command line scripts and the descriptions of AWS's other services."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for service in (target / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)
