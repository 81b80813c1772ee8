"""The page in a real browser: pictures in, boxes and verdict out, by mouse and by keyboard; other sites are refused."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation.local.web.page_routes import MAX_UPLOAD_BYTES
from tests.face_validation.local.barriers import SCREENS, assert_no_barrier, screen
from tests.waiting import until

pytestmark = pytest.mark.slow

ANSWER_TIMEOUT_MS = 90_000


@pytest.fixture
def page(tabs: Any, stack: LocalStack) -> Iterator[Any]:
    """The page, opened; whatever it writes to the console or asks of another host fails the test."""
    opened = tabs.new_page()
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

    assert page.inner_text("#verdict") == "Same person"
    assert boxes_of(page, "source") == ["box document", "box match"]
    assert boxes_of(page, "target") == ["box match"]
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
def test_both_pictures_and_the_verdict_are_in_one_sight_and_no_picture_is_cut(
    browser: Any, stack: LocalStack, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(ANSWER_TIMEOUT_MS)
    page.goto(stack.page_url)
    page.wait_for_selector("#samples button img")

    try_sample(page, "Passport, its holder")

    shown = [page.query_selector(f"[data-side={side}] img").bounding_box() for side in ("source", "target")]
    frames = [page.query_selector(f"[data-side={side}] .frame").bounding_box() for side in ("source", "target")]
    verdict = page.query_selector("#verdict").bounding_box()
    assert verdict["y"] + verdict["height"] - min(frame["y"] for frame in frames) <= 844
    for image, frame in zip(shown, frames, strict=True):
        assert frame["x"] <= image["x"] and image["x"] + image["width"] <= frame["x"] + frame["width"]  # noqa: PT018
        assert frame["y"] <= image["y"] and image["y"] + image["height"] <= frame["y"] + frame["height"]  # noqa: PT018
    assert shown[0]["width"] / shown[0]["height"] == pytest.approx(1250 / 880, rel=0.02)
    page.close()


def test_an_answer_does_not_move_the_button_that_asked_for_it(page: Any, tmp_path: Path) -> None:
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(sample_jpeg("hopper"))
    page.check("input[value=FACE_TO_FACE]")
    for side, told in (("source", "Choose the other picture."), ("target", "Ready to compare.")):
        page.set_input_files(f"input[name={side}]", photograph)
        page.get_by_text(told).wait_for()
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
    assert page.inner_text("#verdict") == "Not the same person"
    assert boxes_of(page, "target") == ["box no_match"]
    page.click("summary")

    page.focus("#threshold")
    page.keyboard.press("Home")

    assert page.inner_text("#verdict") == "Same person"
    assert page.inner_text("#threshold-value") == "0"
    assert boxes_of(page, "target") == ["box match"]
    page.get_by_role("button", name="1 in 10,000").click()
    assert page.inner_text("#verdict") == "Not the same person"
    assert len(asked) == 1


def test_a_refusal_says_in_plain_words_what_to_do(page: Any) -> None:
    try_sample(page, "No document in the picture")

    assert page.inner_text("#verdict") == "These pictures cannot be compared"
    assert page.inner_text("#reason").startswith("No identity document was recognised")
    assert "The problem is in the trusted picture" in page.inner_text("#advice")
    assert not page.is_visible("#score")
    page.click("summary")
    assert "HTTP 422" in page.inner_text("#raw")
    assert "ImageValidationError" in page.inner_text("#raw")


def test_a_photograph_taken_for_a_document_is_compared_with_one_click(page: Any) -> None:
    try_sample(page, "No document in the picture")

    page.click("#other-type")
    page.wait_for_selector("#answer.match")

    assert page.inner_text("#source-title") == "Trusted photograph"


def test_a_file_that_is_no_picture_is_refused_by_its_name_before_anything_is_asked(page: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")

    page.set_input_files("input[name=target]", text)

    page.get_by_text("notes.jpg cannot be read").wait_for()
    assert not page.is_visible("[data-side=target] img")


@pytest.mark.parametrize(("ending", "kind"), [("webp", "WEBP"), ("tif", "TIFF"), ("pdf", "PDF"), ("heic", "HEIC")])
def test_a_picture_of_another_format_is_compared(page: Any, tmp_path: Path, ending: str, kind: str) -> None:
    photograph = tmp_path / f"photograph.{ending}"
    picture = Image.open(BytesIO(sample_jpeg("hopper")))
    if kind == "HEIC":
        pytest.importorskip("pillow_heif").from_pillow(picture).save(photograph)
    else:
        picture.save(photograph, kind)
    page.check("input[value=FACE_TO_FACE]")

    page.set_input_files("input[name=source]", photograph)
    page.get_by_text("Choose the other picture.").wait_for()
    page.set_input_files("input[name=target]", photograph)
    page.get_by_text("Ready to compare.").wait_for()
    page.click("button.primary")

    page.wait_for_selector("#answer.match")


def test_a_document_in_the_hand_of_the_person_is_compared_in_one_picture(page: Any) -> None:
    try_sample(page, "Holder with the passport")

    assert page.inner_text("#verdict") == "Same person"
    assert not page.is_visible("[data-side=source]")
    assert sorted(boxes_of(page, "target")) == ["box document", "box match", "box match"]


def test_two_files_dropped_together_fill_both_sides(page: Any) -> None:
    page.evaluate(DROP, ["main", ["/page/samples/collins.jpg", "/page/samples/hopper.jpg"]])

    page.get_by_text("Ready to compare.").wait_for()
    assert "0.jpg" in page.query_selector("[data-side=source] img").get_attribute("alt")
    assert "1.jpg" in page.query_selector("[data-side=target] img").get_attribute("alt")


def test_a_picture_is_taken_by_the_camera(page: Any) -> None:
    page.click("[data-side=target] [data-act=camera]")
    page.wait_for_selector("[data-act=shoot]:enabled")

    page.click("[data-act=shoot]")

    page.get_by_text("Choose the other picture.").wait_for()
    assert "camera.jpg" in page.query_selector("[data-side=target] img").get_attribute("alt")
    assert not page.is_visible("#camera")


def test_another_face_of_the_picture_is_compared_by_its_frame(page: Any, tmp_path: Path) -> None:
    both = tmp_path / "both.jpg"
    faces = [Image.open(BytesIO(sample_jpeg(name))).convert("RGB").resize((500, 600)) for name in ("hopper", "collins")]
    group = Image.new("RGB", (1000, 600))
    for place, face in enumerate(faces):
        group.paste(face, (500 * place, 0))
    group.save(both)
    alone = tmp_path / "alone.jpg"
    alone.write_bytes(sample_jpeg("collins"))
    page.check("input[value=FACE_TO_FACE]")
    page.set_input_files("input[name=source]", alone)
    page.get_by_text("Choose the other picture.").wait_for()
    page.set_input_files("input[name=target]", both)
    page.get_by_text("Ready to compare.").wait_for()
    page.click("button.primary")
    page.wait_for_selector("#answer:not([hidden])")
    first = page.inner_text("#verdict")
    assert "2 faces" in page.inner_text("#advice")

    page.click("[data-side=target] button.box")
    until(lambda: page.inner_text("#verdict") not in {"", first})

    assert {first, page.inner_text("#verdict")} == {"Same person", "Not the same person"}


@pytest.mark.parametrize(("sample", "wide"), [("Passport, its holder", True), ("Holder with the passport", False)])
def test_the_picture_with_the_result_can_be_saved(page: Any, tmp_path: Path, sample: str, wide: bool) -> None:
    try_sample(page, sample)

    with page.expect_download() as started:
        page.click("#download")

    started.value.save_as(tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as saved:
        assert (saved.format, saved.height) == ("PNG", 832)
        assert (saved.width > 1.5 * 720) == wide
        assert np.asarray(saved.convert("L"))[16:736, 16:200].std() > 5  # the picture is in it


@pytest.mark.parametrize(("width", "locale"), SCREENS)
def test_no_barrier_is_found_by_axe_and_nothing_is_wider_than_the_screen(
    browser: Any, stack: LocalStack, width: int, locale: str
) -> None:
    with screen(browser, width, locale, stack.page_url) as page:
        page.wait_for_selector("#samples button img")
        page.query_selector("#samples button").click()
        page.wait_for_selector("#answer.match")

        assert_no_barrier(page)


def test_the_page_speaks_the_browsers_language_and_the_chosen_one(browser: Any, stack: LocalStack) -> None:
    page = browser.new_page(locale="es-MX")
    page.set_default_timeout(ANSWER_TIMEOUT_MS)
    page.goto(stack.page_url)
    page.wait_for_selector("#samples button img")
    try_sample(page, "Sin documento en la imagen")
    assert page.inner_text("h1") == "¿Es la misma persona?"
    assert "documento" in page.inner_text("#reason")

    page.get_by_role("button", name="English").click()

    assert page.inner_text("h1") == "Is this the same person?"
    assert page.inner_text("#verdict") == "These pictures cannot be compared"
    assert page.evaluate("document.documentElement.lang") == "en"
    page.close()


DROP = """async ([selector, urls]) => {
  const dropped = new DataTransfer();
  for (const [index, url] of urls.entries()) {
    dropped.items.add(new File([await (await fetch(url)).blob()], `${index}.jpg`, { type: "image/jpeg" }));
  }
  document.querySelector(selector).dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true }));
}"""

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
    page.get_by_text("Choose the other picture.").wait_for()
    assert page.is_visible("[data-side=target] img")

    page.evaluate(PASTE, ["", "/page/samples/collins.jpg"])

    page.get_by_text("Ready to compare.").wait_for()
    assert page.is_visible("[data-side=source] img")


def test_the_file_chosen_last_can_be_chosen_again_after_a_sample(page: Any, tmp_path: Path) -> None:
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(sample_jpeg("hopper"))

    def choose() -> None:
        with page.expect_file_chooser() as opened:
            page.click("[data-side=source] [data-act=choose]")
        opened.value.set_files(photograph)
        until(lambda: "photograph.jpg" in page.query_selector("[data-side=source] img").get_attribute("alt"))

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
    page.focus("input[value=ID_TO_FACE]")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#source-title") == "Trusted photograph"
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
    assert reached == ["source", "Choose", "Camera", "target", "Choose", "Camera", "Compare"]

    page.keyboard.press("Enter")

    assert "Choose a picture first: Trusted photograph." in page.inner_text("#status")
    assert page.evaluate("document.activeElement.name") == "source"


def test_every_control_and_picture_has_a_name(page: Any) -> None:
    try_sample(page, "Two pictures, one person")

    for control in page.query_selector_all("main button:not([hidden]), main input, summary, [tabindex]"):
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
