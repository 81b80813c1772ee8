"""The asset's hash, and so a deployment, changes exactly when code or dependencies change."""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from face_validation_function.integrations.aws_client import aws_client
from infra import bundling
from infra.bundling import AWS_SERVICES, MACHINE_ARCHITECTURE, PACKAGE, PYTHON, bundle, interpreter_of

pytestmark = [pytest.mark.slow, pytest.mark.long]


def fingerprint(folder: Path) -> str:
    """Of every file's path, mode and content; CDK's hash of an asset leaves the mode out."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        digest.update(f"{stat.S_IMODE(file.stat().st_mode):o}\n".encode())
        if file.is_file():
            digest.update(f"{file.relative_to(folder)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def test_bundling_under_any_umask_gives_the_same_bytes_and_modes_and_a_changed_line_others(
    asset: tuple[Path, Path], runtime: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, again, other = asset[0], tmp_path / "again", tmp_path / "other"
    changed = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, changed)
    with (changed / "routes.py").open("a") as routes:
        routes.write("\n# One line more.\n")

    before = os.umask(0o077)
    try:
        again.mkdir()
        bundle(again, MACHINE_ARCHITECTURE, python=runtime[1])
    finally:
        os.umask(before)
    monkeypatch.setattr(bundling, "PACKAGE", changed)
    other.mkdir()
    bundle(other, MACHINE_ARCHITECTURE, python=runtime[1])

    assert fingerprint(once) == fingerprint(again)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (again, *again.rglob("*"))} == {0o755, 0o644}
    assert fingerprint(other) != fingerprint(once)


def test_the_asset_describes_the_services_that_clients_are_made_of_and_no_others() -> None:
    assert set(get_args(get_type_hints(aws_client)["service"])) == set(AWS_SERVICES)


def test_the_asset_holds_the_package_its_dependencies_and_nothing_of_this_machine(asset: tuple[Path, Path]) -> None:
    folder, _ = asset

    names = {path.name for path in folder.iterdir()}

    assert {"face_validation_function", "boto3", "PIL", "pydantic", "aws_lambda_powertools"} <= names
    assert not names & {"bin", "infra", "local", "rekognition_local", "tests", "numpy", "moto"}
    services = {path.name for path in (folder / "botocore" / "data").iterdir() if path.is_dir()}
    assert services == set(AWS_SERVICES)
    assert all(list(folder.glob(f"{name}*.dist-info/licenses/*")) for name in ("pillow", "pydantic-"))


@pytest.mark.skipif(interpreter_of() is None, reason=f"no python{PYTHON} here: nothing is compiled")
def test_every_module_ships_compiled_and_under_the_path_that_it_has_on_aws(asset: tuple[Path, Path]) -> None:
    folder, _ = asset

    compiled = list(folder.rglob("*.pyc"))

    assert len(compiled) == len(list(folder.rglob("*.py")))
    # Flags 1: by hash, never checked (PEP 552).
    assert {file.read_bytes()[4:8] for file in compiled} == {b"\x01\0\0\0"}
    handler = next((folder / "face_validation_function" / "__pycache__").glob("lambda_function.*.pyc"))
    assert b"/var/task/face_validation_function/lambda_function.py" in handler.read_bytes()


def test_the_asset_fits_its_budget(asset: tuple[Path, Path], archive: Path) -> None:
    folder, _ = asset

    assert archive.stat().st_size <= 30e6
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 250e6
