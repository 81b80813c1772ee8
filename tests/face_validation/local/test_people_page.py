"""The page about people, in a real browser: add, find, list and erase; and what its addresses refuse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from face_validation.local.demo import client_of
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from tests.face_validation.local.barriers import SCREENS, assert_no_barrier, screen
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.long]

ANSWER_TIMEOUT_MS = 90_000


@pytest.fixture
def page(tabs: Any, stack: LocalStack) -> Iterator[Any]:
    """The page, opened; whatever it writes to the console as an error fails the test. Nobody stays enrolled."""
    opened = tabs.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(ANSWER_TIMEOUT_MS)
    erase_all(stack)
    opened.goto(f"{stack.page_url}people")
    yield opened
    opened.close()
    erase_all(stack)
    assert complaints == []


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    for name in ("hopper", "hopper-again", "collins"):
        (tmp_path / f"{name}.jpg").write_bytes(sample_jpeg(name))
    return {path.stem: path for path in tmp_path.glob("*.jpg")}


def add(page: Any, name: str, *photos: Path) -> None:
    page.set_input_files("[data-side=enrol] input[type=file]", list(photos))
    page.get_by_text("ready").wait_for()
    page.fill("#full-name", name)
    page.keyboard.press("Enter")
    page.get_by_text(f"{name}: {len(photos)} photo").wait_for()


def test_a_person_is_added_listed_with_the_face_found_and_erased(
    page: Any, photos: dict[str, Path], stack: LocalStack
) -> None:
    before = keys_in_faces_bucket(stack)
    page.get_by_text("Nobody is enrolled yet").wait_for()
    add(page, "Grace Hopper", photos["hopper"])
    page.set_input_files("[data-side=search] input[type=file]", photos["hopper-again"])

    page.get_by_text("This is Grace Hopper.").wait_for()
    assert page.locator("[data-side=search] .box.match").count() == 1
    thumbnail = page.locator("#people li img").first
    until(lambda: thumbnail.evaluate("image => image.complete && image.naturalWidth > 0"))
    assert "1 photo" in page.inner_text("#people li")

    page.get_by_role("button", name="Erase Grace Hopper").click()
    page.keyboard.press("Escape")
    assert page.locator("#people li").count() == 1  # whoever does not confirm erases nobody
    page.get_by_role("button", name="Erase Grace Hopper").click()
    page.click("#erase [data-act=erase]")

    page.get_by_text("Grace Hopper was erased.").wait_for()
    page.get_by_text("Nobody is enrolled yet").wait_for()
    assert keys_in_faces_bucket(stack) == before


def test_details_show_what_is_kept_compare_a_photo_and_change_the_name(page: Any, photos: dict[str, Path]) -> None:
    add(page, "Grace Hoper", photos["hopper"])
    page.get_by_role("button", name="Details of Grace Hoper").click()
    page.get_by_text("Kept: 1 photo in 1 version.").wait_for()
    assert "sharpness" in page.inner_text("#kept li")

    page.set_input_files("#probe", photos["hopper-again"])
    page.get_by_text("Yes, this is Grace Hoper").wait_for()
    page.set_input_files("#probe", photos["collins"])
    page.get_by_text("No, this is not Grace Hoper.").wait_for()
    page.fill("#new-name", "Grace Hopper")
    page.keyboard.press("Enter")

    page.get_by_text("Grace Hoper is now called Grace Hopper.").wait_for()
    assert page.locator("#people strong").all_inner_texts() == ["Grace Hopper"]


def test_everybody_in_a_photo_is_named_beside_the_face(page: Any, photos: dict[str, Path], tmp_path: Path) -> None:
    from PIL import Image

    both = Image.new("RGB", (1000, 520), "white")
    for place, name in enumerate(("hopper-again", "collins")):
        portrait = Image.open(photos[name])
        portrait.thumbnail((480, 500))
        both.paste(portrait, (20 + 490 * place, 10))
    both.save(tmp_path / "both.jpg")
    add(page, "Grace Hopper", photos["hopper"])
    page.check("#everybody")

    page.set_input_files("[data-side=search] input[type=file]", tmp_path / "both.jpg")

    page.get_by_text("1 of 2 faces named").wait_for()
    assert sorted(page.locator("[data-side=search] .box b").all_inner_texts()) == ["?", "Grace Hopper"]
    page.uncheck("#everybody")  # the same photo is searched for again, for its most prominent face
    until(lambda: page.locator("[data-side=search] .box").count() == 1)
    assert page.locator("[data-side=search] .box b").count() == 0


def test_somebody_else_is_not_found(page: Any, photos: dict[str, Path]) -> None:
    add(page, "Grace Hopper", photos["hopper"])

    page.set_input_files("[data-side=search] input[type=file]", photos["collins"])

    page.get_by_text("Nobody who is enrolled looks like this.").wait_for()


def test_the_list_is_filtered_by_name_without_regard_to_accents(page: Any, photos: dict[str, Path]) -> None:
    add(page, "Ana García", photos["hopper"])
    add(page, "Eileen Collins", photos["collins"])

    page.fill("#filter", "garcia")

    assert page.locator("#people strong").all_inner_texts() == ["Ana García"]
    page.fill("#filter", "zz")
    page.get_by_text("Nobody's name has “zz” in it.").wait_for()


def test_a_photo_without_a_face_is_refused_by_its_name_and_not_kept(
    page: Any, photos: dict[str, Path], tmp_path: Path, stack: LocalStack
) -> None:
    from PIL import Image

    before = keys_in_faces_bucket(stack)
    grey = tmp_path / "grey.jpg"
    Image.new("RGB", (300, 300), "grey").save(grey)
    page.set_input_files("[data-side=enrol] input[type=file]", [grey, photos["hopper"]])
    page.get_by_text("2 photos are ready.").wait_for()
    page.fill("#full-name", "Grace Hopper")
    page.click("#enrol .primary")

    page.get_by_text("grey.jpg was not added").wait_for()
    assert "1 photo was added" in page.inner_text("#enrolled")
    assert len(keys_in_faces_bucket(stack)) == len(before) + 1


def test_a_name_and_a_photo_are_asked_for(page: Any) -> None:
    page.click("#enrol .primary")
    page.get_by_text("Write the person's full name.").wait_for()
    assert page.evaluate("document.activeElement.id") == "full-name"

    page.fill("#full-name", "Ana")
    page.keyboard.press("Enter")

    page.get_by_text("Choose a photo first.").wait_for()


def test_the_camera_takes_a_photo_to_add(page: Any) -> None:
    page.click("[data-side=enrol] [data-act=camera]")
    page.wait_for_selector("[data-act=shoot]:enabled")

    page.click("[data-act=shoot]")

    page.get_by_text("1 photo is ready.").wait_for()


@pytest.mark.parametrize(("width", "locale"), SCREENS)
def test_no_barrier_is_found_by_axe_and_nothing_is_wider_than_the_screen(
    browser: Any, stack: LocalStack, width: int, locale: str
) -> None:
    with client_of(stack.info) as client:
        client.people.enrol(sample_jpeg("hopper"), "Grace Hopper")
        with screen(browser, width, locale, f"{stack.page_url}people") as page:
            page.wait_for_selector("#people li")
            for pressed in ("", "Details", "Erase", "Detalles", "Borrar"):
                for button in page.locator("#people li button", has_text=pressed).all() if pressed else ():
                    button.click()
                assert_no_barrier(page)
                for dialog in page.locator("dialog[open]").all():
                    dialog.evaluate("dialog => dialog.close()")
        client.people.erase_person("Grace Hopper")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "page/people?full_name=Ana"),
        ("DELETE", "page/people/Ana"),
        ("POST", "page/search"),
        ("POST", "page/renames"),
    ],
)
def test_another_sites_page_can_neither_add_nor_find_nor_erase(stack: LocalStack, method: str, path: str) -> None:
    refused = httpx.request(method, f"{stack.page_url}{path}", headers={"Origin": "https://example.org"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ForbiddenError")


@pytest.mark.parametrize("body", [b"{bad", b"\xff", b"[" * 100_000], ids=["no-json", "no-utf-8", "too-deep"])
def test_a_question_that_is_not_json_is_refused(stack: LocalStack, body: bytes) -> None:
    headers = {"Origin": stack.page_url.rstrip("/")}

    refused = httpx.post(f"{stack.page_url}page/renames", content=body, headers=headers)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "RequestError")


@pytest.mark.parametrize("query", ["", "path=none.jpg&box=0,0,1,1", "box=1,2", "path=none.jpg&box=a,b,c,d"])
def test_a_face_that_is_not_there_has_no_thumbnail(stack: LocalStack, query: str) -> None:
    assert httpx.get(f"{stack.page_url}page/thumbnail?{query}").status_code == 404


def erase_all(stack: LocalStack) -> None:
    with client_of(stack.info) as client:
        for name in {face.full_name for face in client.people.faces()}:
            client.people.erase_person(name)


def keys_in_faces_bucket(stack: LocalStack) -> list[str]:
    from face_validation.local.aws.moto_services import aws_client

    listed = aws_client("s3", stack.info.s3_endpoint).list_objects_v2(Bucket=stack.info.faces_bucket, Prefix="photos/")
    return [found["Key"] for found in listed.get("Contents", [])]
