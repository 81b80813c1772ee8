"""The page's own JavaScript without a browser: the tests in `page/`, run by node."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from face_validation.local.web.own_site import FOLDER as PAGE
from face_validation.local.web.own_site import OwnSite

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


def test_no_file_of_the_page_is_longer_than_250_lines() -> None:
    files = {path.name: len(path.read_text("utf-8").splitlines()) for path in PAGE.iterdir()}

    assert {name for name, lines in files.items() if lines > 250} == set()


def test_the_files_of_the_pages_are_served_and_nothing_else() -> None:
    served = Starlette(routes=[OwnSite("http://testserver").files()])

    async def status(name: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://testserver") as client:
            return (await client.get(f"/page/{name}")).status_code

    refused = ("index.html", "none.js", "..%2fpage%2fpage.js", "..", "%00.js", f"{'a' * 300}.js")
    assert {asyncio.run(status(path.name)) for path in PAGE.iterdir() if path.suffix != ".html"} == {200}
    assert [asyncio.run(status(name)) for name in refused] == [404] * len(refused)
