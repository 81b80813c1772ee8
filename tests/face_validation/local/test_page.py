"""The page in a real browser: pictures in, boxes and verdict out, by mouse and by keyboard; and who may not use it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation.local.web.page_routes import MAX_UPLOAD_BYTES

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ANSWER_TIMEOUT_MS = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH: the page is not tested in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, stack: LocalStack) -> Iterator[Any]:
    """The page, opened; whatever it writes to the console or asks of another host fails the test."""
    opened = browser.new_page(viewport={"width": 1100, "height": 900})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda sent: _check_address(sent.url, stack.page_url, complaints))
    opened.set_default_timeout(ANSWER_TIMEOUT_MS)
    opened.goto(stack.page_url)
    opened.wait_for_selector("#samples button img")
    yield opened
    opened.close()
    assert complaints == []


def _check_address(url: str, page_url: str, complaints: list[str]) -> None:
    if not url.startswith((page_url, "blob:")):
        complaints.append(f"asked {url}")


def try_sample(page: Any, title: str) -> None:
    page.get_by_role("button", name=title).click()
    page.wait_for_selector("#answer:not([hidden])")


def boxes_of(page: Any, side: str) -> list[str]:
    return [str(box.get_attribute("class")) for box in page.query_selector_all(f"[data-side={side}] .box")]


def test_a_match_is_green_with_the_document_outlined(page: Any) -> None:
    try_sample(page, "Passport, its holder")

    assert page.inner_text("#verdict") == "Match"
    assert boxes_of(page, "source") == ["box document", "box matched"]
    assert boxes_of(page, "target") == ["box matched"]
    assert "Passport" in page.inner_text("#source-seen")
    assert page.inner_text("#status").startswith("Answered in")


def test_a_box_lies_on_the_face_in_the_picture_as_it_is_shown(page: Any) -> None:
    try_sample(page, "Two pictures, two people")

    image = page.query_selector("[data-side=source] img").bounding_box()
    box = page.query_selector("[data-side=source] .box").bounding_box()
    middle_x = (box["x"] + box["width"] / 2 - image["x"]) / image["width"]
    middle_y = (box["y"] + box["height"] / 2 - image["y"]) / image["height"]
    assert middle_x == pytest.approx(0.435, abs=0.03)
    assert middle_y == pytest.approx(0.23, abs=0.04)


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_tag_covers_the_documents_heading_and_no_button_a_picture(
    browser: Any, stack: LocalStack, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(ANSWER_TIMEOUT_MS)
    page.goto(stack.page_url)
    page.wait_for_selector("#samples button img")

    try_sample(page, "Passport, its holder")

    document = page.query_selector(".box.document").bounding_box()
    tag = page.query_selector(".box.document .tag").bounding_box()
    assert tag["y"] + tag["height"] <= document["y"]
    for side in ("source", "target"):
        frame, image, button = (
            page.query_selector(f"[data-side={side}] {part}").bounding_box() for part in (".frame", "img", ".drop")
        )
        assert image["y"] + image["height"] <= button["y"]
        for seen in page.query_selector_all(f"[data-side={side}] .tag"):
            words = seen.bounding_box()
            assert frame["x"] <= words["x"] <= words["x"] + words["width"] <= frame["x"] + frame["width"]
            assert words["y"] >= frame["y"]
    page.close()


def test_an_answer_does_not_move_the_button_that_asked_for_it(page: Any, tmp_path: Path) -> None:
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(sample_jpeg("hopper"))
    page.check("input[value=FACE_TO_FACE]")
    for side in ("source", "target"):
        page.set_input_files(f"input[name={side}]", photograph)
        page.query_selector(f"[data-side={side}] img").evaluate("image => image.decode()")
    place = "document.querySelector('button.primary').getBoundingClientRect().top + scrollY"
    before = page.evaluate(place)

    page.click("button.primary")
    page.wait_for_selector("#answer:not([hidden])")

    assert page.evaluate(place) == before


def test_no_match_is_red_and_the_threshold_decides_again_without_another_call(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if sent.method == "POST" else None)
    try_sample(page, "Passport, someone else")
    assert page.inner_text("#verdict") == "No match"
    assert boxes_of(page, "target") == ["box unmatched"]

    page.focus("#threshold")
    page.keyboard.press("Home")

    assert page.inner_text("#verdict") == "Match"
    assert page.inner_text("#threshold-value") == "0 %"
    assert boxes_of(page, "target") == ["box matched"]
    page.get_by_role("button", name="99, advised").click()
    assert page.inner_text("#verdict") == "No match"
    assert len(asked) == 1


def test_a_refusal_is_in_plain_words_with_the_services_own_below(page: Any) -> None:
    try_sample(page, "No document in the picture")

    assert page.inner_text("#verdict") == "No identity document was recognised in the trusted picture"
    assert "detect_labels" in page.inner_text("#reason")
    assert not page.is_visible("#score")
    page.click("summary")
    assert "HTTP 422" in page.inner_text("#raw")
    assert "ImageValidationError" in page.inner_text("#raw")


def test_a_file_that_is_no_picture_is_said_to_be_none(page: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(sample_jpeg("hopper"))

    page.check("input[value=FACE_TO_FACE]")
    page.set_input_files("input[name=source]", photograph)
    page.set_input_files("input[name=target]", text)
    page.click("button.primary")
    page.wait_for_selector("#answer:not([hidden])")

    assert page.inner_text("#verdict") == "The picture to check is not a JPG or PNG that can be read"


PASTE = """async ([selector, url]) => {
  const picture = await (await fetch(url)).blob();
  const clipboard = new DataTransfer();
  clipboard.items.add(new File([picture], "pasted.jpg", { type: "image/jpeg" }));
  const target = selector ? document.querySelector(selector) : document.body;
  document.activeElement.blur();
  target.focus();
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true }));
}"""


def test_a_picture_can_be_pasted_where_the_focus_is_or_where_none_is_yet(page: Any) -> None:
    page.evaluate(PASTE, ["input[name=target]", "/page/samples/hopper.jpg"])
    assert page.inner_text("#status") == "Choose the other picture."
    assert page.is_visible("[data-side=target] img")

    page.evaluate(PASTE, ["", "/page/samples/collins.jpg"])

    assert page.inner_text("#status") == "Ready to compare."
    assert page.is_visible("[data-side=source] img")


def test_the_file_chosen_last_can_be_chosen_again_after_a_sample(page: Any, tmp_path: Path) -> None:
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(sample_jpeg("hopper"))

    def choose() -> None:
        with page.expect_file_chooser() as opened:
            page.click("[data-side=source] .drop")
        opened.value.set_files(photograph)

    choose()
    try_sample(page, "Passport, its holder")

    choose()

    assert "photograph.jpg" in page.query_selector("[data-side=source] img").get_attribute("alt")


def test_a_sample_that_cannot_be_loaded_is_said_so(browser: Any, stack: LocalStack) -> None:
    page = browser.new_page()
    page.set_default_timeout(ANSWER_TIMEOUT_MS)
    page.goto(stack.page_url)
    page.wait_for_selector("#samples button img")
    page.route("**/page/samples/*.jpg", lambda route: route.abort())

    page.get_by_role("button", name="Passport, its holder").click()

    page.get_by_text("The local stack does not answer. Is it still running?").wait_for()
    page.close()


def test_everything_can_be_done_by_keyboard(page: Any, tmp_path: Path) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "ID_TO_FACE"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#source-title") == "Trusted photograph"
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
    assert reached == ["source", "target", "Compare"]

    page.keyboard.press("Enter")

    assert "Choose the trusted picture first" in page.inner_text("#status")
    assert page.evaluate("document.activeElement.name") == "source"


def test_every_control_and_picture_has_a_name(page: Any) -> None:
    try_sample(page, "Two pictures, one person")

    for control in page.query_selector_all("button, input, summary, [tabindex]"):
        name = control.evaluate("e => e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim()")
        assert name, control.evaluate("e => e.outerHTML")
    assert "1 face" in page.query_selector("[data-side=target] img").get_attribute("alt")
    assert page.get_attribute("#status", "aria-live") == "polite"


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, stack: LocalStack) -> None:
    phone = browser.new_page(viewport={"width": 360, "height": 740})
    phone.set_default_timeout(ANSWER_TIMEOUT_MS)
    phone.goto(stack.page_url)
    phone.wait_for_selector("#samples button img")
    try_sample(phone, "Driving licence, its holder")

    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.close()


def ask(stack: LocalStack, headers: dict[str, str], size: int = 0, threshold: str = "80") -> httpx.Response:
    return httpx.post(
        f"{stack.page_url}page/validation",
        data={"type": "FACE_TO_FACE", "threshold": threshold},
        files={"source": b"x" * size or sample_jpeg("hopper"), "target": sample_jpeg("hopper-again")},
        headers=headers,
        timeout=90,
    )


def test_the_page_itself_is_answered_and_leaves_no_picture_in_the_buckets(stack: LocalStack) -> None:
    from face_validation.local.aws.moto_services import aws_client

    answered = ask(stack, {"Origin": stack.page_url.rstrip("/")})

    s3 = aws_client("s3", stack.info.s3_endpoint)
    left = [
        s3.list_objects_v2(Bucket=name, Prefix="page/") for name in (stack.info.source_bucket, stack.info.target_bucket)
    ]
    assert answered.json()["answer"]["matched"] is True
    assert [found["KeyCount"] for found in left] == [0, 0]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no-origin"),
        pytest.param({"Origin": "null"}, id="sandboxed-frame"),
        pytest.param({"Origin": "https://example.org"}, id="another-site"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="another-port"),
        pytest.param({"Origin": "http://rebound.example:80", "Host": "rebound.example:80"}, id="dns-rebinding"),
    ],
)
def test_another_sites_page_is_refused(stack: LocalStack, headers: dict[str, str]) -> None:
    refused = ask(stack, headers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ForbiddenError")


def test_under_another_host_name_not_even_the_page_is_served(stack: LocalStack) -> None:
    assert httpx.get(stack.page_url, headers={"Host": "rebound.example"}).status_code == 403


def test_more_than_two_pictures_may_have_is_refused(stack: LocalStack) -> None:
    refused = ask(stack, {"Origin": stack.page_url.rstrip("/")}, size=MAX_UPLOAD_BYTES)

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "PayloadTooLargeError")


@pytest.mark.parametrize("threshold", ["nan", "1e400", "eighty"])
def test_a_threshold_that_is_no_number_is_refused(stack: LocalStack, threshold: str) -> None:
    refused = ask(stack, {"Origin": stack.page_url.rstrip("/")}, threshold=threshold)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "RequestError")


def test_no_foreign_resource_may_be_loaded(stack: LocalStack) -> None:
    headers = httpx.get(stack.page_url).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
