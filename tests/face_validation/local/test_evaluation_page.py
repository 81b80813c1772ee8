"""The page that evaluates, in a real browser: a folder in, progress, figures and the report out."""

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

PAIRS = [("hopper", "hopper-again", "match"), ("hopper", "collins", "no_match"), ("collins", "hopper", "match")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pairs, one with a wrong label, under a CSV of the user's own name."""
    cases = tmp_path / "my pairs"
    (cases / "pictures").mkdir(parents=True)
    for name in ("hopper", "hopper-again", "collins"):
        (cases / "pictures" / f"{name}.jpg").write_bytes(sample_jpeg(name))
    (cases / ".DS_Store").write_bytes(b"hidden")
    rows = [f"{i},FACE_TO_FACE,pictures/{one}.jpg,pictures/{two}.jpg,{is_}" for i, (one, two, is_) in enumerate(PAIRS)]
    (cases / "november.csv").write_text("\n".join(["case_id,type,source,target,expected", *rows]))
    return cases


@pytest.fixture
def page(tabs: Any, stack: LocalStack) -> Iterator[Any]:
    httpx.post(f"{stack.page_url}page/evaluation", headers={"Origin": stack.page_url.rstrip("/")})
    with tab(tabs, f"{stack.page_url}evaluation") as opened:
        opened.get_by_text("Choose a folder with labelled pairs.").wait_for()
        yield opened


def evaluate(page: Any, folder: Path) -> None:
    page.set_input_files("#folder", folder)
    page.get_by_text("Ready to evaluate.").wait_for()
    page.click("#evaluation .primary")


def test_a_folder_is_evaluated_and_its_report_is_opened(page: Any, folder: Path) -> None:
    evaluate(page, folder)

    page.wait_for_selector("#result:not([hidden])")
    assert page.inner_text("#accuracy") == "2 of 3 answers are right"
    assert "Same person, not recognised\t1" in page.inner_text("#figures")
    with page.expect_popup() as opened:
        page.click("#report")
    report = opened.value
    report.wait_for_load_state()
    assert report.inner_text("h1") == "Which threshold, and may I trust it?"
    # In its sandbox the report is of no origin: it can ask nothing of the page's addresses.
    assert report.evaluate("window.origin") == "null"
    report.close()


def test_an_evaluation_goes_on_while_the_page_is_closed(page: Any, folder: Path, browser: Any) -> None:
    evaluate(page, folder)
    page.get_by_text("of 3 pairs answered").wait_for()
    address = page.url
    page.goto("about:blank")

    page.goto(address)

    page.wait_for_selector("#result:not([hidden])")
    assert page.inner_text("#accuracy") == "2 of 3 answers are right"


def test_a_bad_row_is_told_with_its_column(page: Any, folder: Path) -> None:
    (folder / "november.csv").write_text("case_id,type,source,target,expected\n1,FACE_TO_FACE,a.jpg,b.jpg,match\n")

    evaluate(page, folder)

    page.get_by_text("there is no file 'a.jpg' beside the CSV").wait_for()
    assert not page.is_visible("#result")


def test_two_tables_are_asked_about_before_anything_is_sent(page: Any, folder: Path) -> None:
    (folder / "december.csv").write_text("case_id\n")

    page.set_input_files("#folder", folder)

    page.get_by_text("There are several CSV files").wait_for()


def test_a_running_evaluation_can_be_stopped(page: Any, folder: Path) -> None:
    rows = "\n".join(f"{i},FACE_TO_FACE,pictures/hopper.jpg,pictures/collins.jpg,no_match" for i in range(200))
    (folder / "november.csv").write_text(f"case_id,type,source,target,expected\n{rows}\n")
    evaluate(page, folder)
    page.get_by_text("of 200 pairs answered").wait_for()

    page.click("#stop")

    page.get_by_text("Stopped.").wait_for()
    assert not page.is_visible("#result")


@pytest.mark.parametrize(("width", "locale"), SCREENS)
def test_no_barrier_is_found_by_axe_and_nothing_is_wider_than_the_screen(
    browser: Any, stack: LocalStack, folder: Path, width: int, locale: str
) -> None:
    with screen(browser, width, locale, f"{stack.page_url}evaluation") as page:
        page.set_input_files("#folder", folder)
        page.click("#evaluation .primary")
        page.wait_for_selector("#result:not([hidden])")
        page.click("summary")

        assert_no_barrier(page)


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "../../x", "a/../../x"])
def test_a_file_outside_the_folder_is_not_written(stack: LocalStack, path: str) -> None:
    headers = {"Origin": stack.page_url.rstrip("/")}
    httpx.post(f"{stack.page_url}page/evaluation", headers=headers)

    refused = httpx.post(f"{stack.page_url}page/evaluation/files", params={"path": path}, content=b"x", headers=headers)

    assert refused.status_code == 400


@pytest.mark.parametrize("path", ["page/evaluation", "page/evaluation/files?path=a", "page/evaluation/start"])
def test_another_sites_page_cannot_start_one(stack: LocalStack, path: str) -> None:
    assert httpx.post(f"{stack.page_url}{path}", headers={"Origin": "https://example.org"}).status_code == 403
