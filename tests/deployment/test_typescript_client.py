"""The TypeScript client, built from the OpenAPI document, run by node on the local stack: `make typescript-check`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from face_validation.local.samples.questions import eileen_collins, jpeg
from face_validation.local.stack import LocalStack
from infra.bundling import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment"), pytest.mark.timeout(600)]

CLIENT = ROOT / "clients" / "typescript"


def npm(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """npm of the Python environment, in the client's folder."""
    binaries = Path(sys.executable).parent
    return subprocess.run(
        [binaries / "npm", "--silent", *arguments],
        cwd=CLIENT,
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built() -> None:
    """The client's dist/ folder, built from the OpenAPI document as it is."""
    for arguments in (("ci", "--no-audit", "--no-fund"), ("run", "build")):
        run = npm(*arguments)
        assert run.returncode == 0, run.stdout[-3000:]


def test_the_client_gets_tokens_uploads_and_validates(built: None, local_stack: LocalStack, tmp_path: Path) -> None:
    local_stack.info.write(tmp_path / "stack.json")
    (tmp_path / "photo.jpg").write_bytes(jpeg(eileen_collins()))

    run = npm("test", STACK=str(tmp_path / "stack.json"), PHOTO=str(tmp_path / "photo.jpg"))

    assert run.returncode == 0, run.stdout[-5000:]


def test_the_package_holds_what_its_users_import_and_nothing_else(built: None) -> None:
    (package,) = json.loads(npm("pack", "--dry-run", "--json", "--ignore-scripts").stdout)

    names = {file["path"] for file in package["files"]}

    assert names == {
        "README.md",
        "package.json",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/schema.js",
        "dist/schema.d.ts",
    }
