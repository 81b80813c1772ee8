"""The page's own JavaScript without a browser: the tests in `page/`, run by node."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "page"


def test_the_modules_of_the_page_pass_their_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine: the page's modules are tested in the browser only")
    tests = sorted(str(path) for path in FOLDER.glob("*.test.mjs"))

    ran = subprocess.run(
        [node, "--import", str(FOLDER / "addresses.mjs"), "--test", *tests],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ran.returncode == 0, ran.stdout
    assert tests


def test_no_file_of_the_page_is_longer_than_250_lines_or_left_out_of_the_addresses() -> None:
    from face_validation.local.web import evaluation_routes, jobs_routes, page_routes, people_routes
    from face_validation.local.web.own_site import FOLDER as PAGE

    served = {"docs.js", *page_routes.FILES, *people_routes.FILES, *evaluation_routes.FILES, *jobs_routes.FILES}
    files = {path.name: len(path.read_text("utf-8").splitlines()) for path in PAGE.iterdir()}

    assert {name for name, lines in files.items() if lines > 250} == set()
    assert set(files) - served == {name for name in files if name.endswith(".html")}
