"""The whole way: `face-validation evaluate` starts the local stack, asks it about real photographs, and reports."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import skimage
from matplotlib import cbook
from PIL import Image, ImageOps
from playwright.sync_api import Page, sync_playwright
from typer.testing import CliRunner

from face_validation.cli.app import app
from face_validation.evaluation.runs.results import read_results

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on four cases: two photographs of two persons, one of nobody."""
    folder = tmp_path_factory.mktemp("served")
    photographs: Any = skimage.data
    astronaut = Image.fromarray(photographs.astronaut())
    astronaut.save(folder / "astronaut.png")
    ImageOps.mirror(astronaut).resize((300, 300)).save(folder / "mirrored.jpg", quality=85)
    shutil.copy(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), folder / "hopper.jpg")
    Image.new("RGB", (200, 200), "grey").save(folder / "grey.png")
    (folder / "cases.csv").write_text(
        "case_id,type,source,target,expected,note\n"
        "same,FACE_TO_FACE,astronaut.png,mirrored.jpg,match,public domain\n"
        "other,FACE_TO_FACE,astronaut.png,hopper.jpg,no_match,public domain\n"
        "nobody,FACE_TO_FACE,astronaut.png,grey.png,error,no face: grey\n"
        "no-document,ID_TO_FACE,hopper.jpg,hopper.jpg,error,no document: portrait\n"
    )

    done = CliRunner().invoke(app, ["evaluate", str(folder / "cases.csv"), "--out", str(folder / "out")])

    assert done.exit_code == 0, done.output
    return folder / "out"


def test_real_photographs_are_told_apart_and_refusals_come_as_expected(run: Path) -> None:
    overall = json.loads((run / "metrics.json").read_text())["overall"]

    assert overall["accuracy"]["hits"] == overall["cases"] == 4
    assert overall["failures"] == 0


def test_the_answers_say_which_face_was_compared(run: Path) -> None:
    results = {result.case.case_id: result for result in read_results(run / "results.csv", run.parent)}

    boxes = results["same"].seen
    assert boxes is not None
    assert (boxes.source.width, boxes.source.height) == (512, 512)
    face = boxes.source.faces[boxes.source.compared].box
    assert 0.3 < face.left + face.width / 2 < 0.6
    assert results["no-document"].code == "ImageValidationError"


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the report's layout is not checked: there is no chromium on this machine")
    flags = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags.split())
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_report_fits_the_width_of_a_phone_and_a_screen(run: Path, browser_page: Page, width: int) -> None:
    browser_page.set_viewport_size({"width": width, "height": 800})
    browser_page.goto(f"file://{run / 'report.html'}")

    assert browser_page.evaluate("document.documentElement.scrollWidth") <= width
    assert browser_page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert browser_page.locator("h1").inner_text() == "Which threshold, and may I trust it?"


def test_persons_who_were_enrolled_are_named_and_others_are_not(run: Path) -> None:
    folder = run.parent
    (folder / "enrolled.csv").write_text("person_id,image\nThe Astronaut,astronaut.png\n")
    (folder / "probes.csv").write_text(
        "probe_id,image,expected_person\n1,mirrored.jpg,The Astronaut\n2,hopper.jpg,NONE\n3,grey.png,NONE\n"
    )
    arguments = ["identify", str(folder / "enrolled.csv"), str(folder / "probes.csv"), "--out", str(folder / "who")]

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 0, done.output
    found = json.loads((folder / "who" / "metrics.json").read_text())
    assert (found["rank_one"]["hits"], found["fpir"]["hits"], found["refused"]["hits"]) == (1, 0, 1)
