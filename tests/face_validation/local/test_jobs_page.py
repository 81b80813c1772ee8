"""The page about bulk jobs, in a real browser: a manifest with its pictures in, progress, outcomes and results."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from tests.face_validation.local.barriers import SCREENS, assert_no_barrier, screen
from tests.face_validation.local.under_test import tab

pytestmark = [pytest.mark.slow, pytest.mark.long]

HEADER = "type,source,target"
ROWS = ("FACE_TO_FACE,pictures/hopper.jpg,pictures/hopper-again.jpg", "FACE_TO_FACE,none.jpg,pictures/collins.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lines, the second of a picture that is not there."""
    requests = tmp_path / "requests"
    (requests / "pictures").mkdir(parents=True)
    for name in ("hopper", "hopper-again", "collins"):
        (requests / "pictures" / f"{name}.jpg").write_bytes(sample_jpeg(name))
    (requests / "november.csv").write_text("\n".join([HEADER, *ROWS]))
    return requests


@pytest.fixture
def page(tabs: Any, stack: LocalStack) -> Iterator[Any]:
    with tab(tabs, f"{stack.page_url}jobs") as opened:
        opened.wait_for_selector("#none:not([hidden]), #jobs li")
        yield opened


def submit(page: Any, folder: Path) -> Any:
    """Start a job; its card, the first of the list."""
    newest = "document.querySelector('#jobs li')?.id"
    before = page.evaluate(newest)
    page.set_input_files("#folder", folder)
    page.get_by_text("november.csv is ready.").wait_for()
    page.click("#job .primary")
    page.wait_for_function(f"before => {newest} && {newest} !== before", arg=before)
    return page.locator("#jobs li").first


def test_a_job_is_followed_to_its_end_and_its_results_are_saved(page: Any, folder: Path) -> None:
    card = submit(page, folder)

    card.get_by_text("Done").wait_for()
    assert "2 of 2 lines. 1 answered, 1 refused, 0 failed." in card.inner_text()
    with page.expect_download() as started:
        card.get_by_role("link").click()
    rows = [json.loads(line) for line in Path(started.value.path()).read_text().splitlines()]
    assert started.value.suggested_filename.startswith("results-")
    assert [row["outcome"] for row in rows] == ["answered", "refused"]
    assert rows[0]["answer"]["matched"] is True


def test_a_manifest_that_is_refused_says_which_line_and_why(page: Any, folder: Path) -> None:
    (folder / "november.csv").write_text(f"{HEADER},colour\n{ROWS[0]},blue\n")

    card = submit(page, folder)

    card.get_by_text("Refused", exact=True).wait_for()
    assert "colour" in card.inner_text()
    assert card.get_by_role("link").count() == 0


def test_a_running_job_can_be_stopped_and_the_lines_it_left_can_be_sent_again(page: Any, folder: Path) -> None:
    (folder / "november.csv").write_text("\n".join([HEADER, *[ROWS[0]] * 300]))
    card = submit(page, folder)

    card.get_by_role("button", name="Stop").click()

    card.get_by_text("Stopped", exact=True).wait_for()
    again = card.get_by_role("button", name="Send the failed lines again")
    assert again.is_visible()


def test_without_one_manifest_the_page_says_what_is_missing(page: Any, folder: Path) -> None:
    (folder / "december.csv").write_text(HEADER)

    page.set_input_files("#folder", folder)

    page.get_by_text("There must be one CSV or JSONL file").wait_for()
    page.click("#job .primary")
    assert page.locator("#folder").evaluate("input => input === document.activeElement")


@pytest.mark.parametrize(("width", "locale"), SCREENS)
def test_no_barrier_is_found_by_axe_and_nothing_is_wider_than_the_screen(
    browser: Any, stack: LocalStack, folder: Path, width: int, locale: str
) -> None:
    with screen(browser, width, locale, f"{stack.page_url}jobs") as page:
        page.set_input_files("#folder", folder)
        page.click("#job .primary")
        page.locator("#jobs li.succeeded").first.wait_for()
        page.click("summary")

        assert_no_barrier(page)


@pytest.mark.parametrize("path", ["page/jobs", "page/jobs/pictures?kind=search&path=a", "page/jobs/x/redrive"])
def test_another_sites_page_cannot_start_one(stack: LocalStack, path: str) -> None:
    assert httpx.post(f"{stack.page_url}{path}", headers={"Origin": "https://example.org"}).status_code == 403
