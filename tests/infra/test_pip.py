"""Whatever the user's pip is configured to do, what this project installs goes where it belongs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import pip as script
from infra.pip import pip_environment

CONFIGURED = """
[global]
user = true
target = /no/such/place
constraint = /no/such/constraints.txt
require-virtualenv = true
no-binary = :all:
index-url = the-users-index
extra-index-url =
    another-index
    a-third-index
[install]
prefix = /no/such/prefix
"""


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with one package, `anything`."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "anything-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("anything.py", "")
        wheel.writestr("anything-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: anything\nVersion: 1.0\n")
        wheel.writestr("anything-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("anything-1.0.dist-info/RECORD", "")
    return folder


@pytest.fixture(params=["variables", "file", "broken-file"])
def _configured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    if request.param == "variables":
        for name in ("USER", "REQUIRE_VIRTUALENV"):
            monkeypatch.setenv(f"PIP_{name}", "1")
        for name in ("TARGET", "PREFIX", "CONSTRAINT"):
            monkeypatch.setenv(f"PIP_{name}", "/no/such/place")
        return
    file = tmp_path / "pip.conf"
    file.write_text(CONFIGURED if request.param == "file" else "[oops")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))


@pytest.mark.usefixtures("_configured")
def test_a_package_goes_into_the_folder_that_is_named(wheels: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    command = [sys.executable, script.__file__, "install", "-q", "--no-index", "--find-links", str(wheels)]

    done = subprocess.run([*command, "--target", str(target), "anything"], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert (target / "anything.py").is_file()


def test_how_packages_are_reached_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(CONFIGURED)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example.com:3128")

    found = {name: value for name, value in pip_environment().items() if name.startswith("PIP_")}

    expected = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_INDEX_URL": "the-users-index",
        "PIP_EXTRA_INDEX_URL": "\nanother-index\na-third-index",
        "PIP_PROXY": "http://proxy.example.com:3128",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert not {f"PIP_{name}" for name in ("USER", "TARGET", "PREFIX", "CONSTRAINT", "NO_BINARY")} & set(found)
