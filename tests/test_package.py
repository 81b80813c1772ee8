"""What `pip install` brings: every data file of the packages, and the extras that the commands name."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from face_validation.cli.app import EXTRAS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("face_validation", "face_validation_function", "rekognition_local", "person_verifier")


def test_every_data_file_is_in_the_wheel() -> None:
    everywhere = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    deployed = ROOT / "person_verifier" / "deploy"
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]

    left_out = [
        path
        for path in files
        if path.suffix not in {".py", ".pyc"}
        and path.parent != deployed
        and not any(fnmatch(path.name, pattern) for pattern in everywhere)
    ]

    assert left_out == []


def test_only_our_packages_are_installed_and_each_is_typed() -> None:
    included = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]

    assert included == [f"{package}*" for package in PACKAGES]
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []


def test_an_extra_that_a_command_names_exists() -> None:
    extras = PROJECT["project"]["optional-dependencies"]

    assert {extra for names in EXTRAS.values() for extra in names.split(",")} <= set(extras)
