"""The page where a developer declares what becomes of a liveness session, in a real browser."""

from typing import Any

import pytest

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.stack import LocalStack

pytestmark = pytest.mark.slow


@pytest.fixture
def rekognition(stack: LocalStack) -> Any:
    return aws_client("rekognition", stack.info.rekognition_endpoint)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_camera_s_picture_and_the_outcome_chosen_are_what_the_session_answers(
    browser: Any, stack: LocalStack, rekognition: Any, width: int, scheme: str
) -> None:
    session = rekognition.create_face_liveness_session()["SessionId"]
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{stack.info.rekognition_endpoint}/liveness?session={session}")

    page.click("#camera")
    page.click("#take")
    page.get_by_text("This picture is the reference image").wait_for()
    page.fill("#confidence", "61.5")
    page.get_by_text("The light is too low.").click()
    page.click("button[type=submit]")
    page.get_by_text("Declared: SUCCEEDED").wait_for()

    assert page.get_by_text("Nothing is detected here.").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    found = rekognition.get_face_liveness_session_results(SessionId=session)
    assert (found["Status"], found["Confidence"]) == ("SUCCEEDED", 61.5)
    assert [one["Code"] for one in found["Feedback"]] == ["LOW_LIGHTING_DETECTED"]
    assert found["ReferenceImage"]["Bytes"].startswith(b"\xff\xd8\xff")
    assert complaints == []


def test_a_session_that_is_over_or_unknown_is_refused_in_words(browser: Any, stack: LocalStack) -> None:
    page = browser.new_page()
    page.goto(f"{stack.info.rekognition_endpoint}/liveness?session=00000000-0000-4000-8000-000000000000")

    page.click("button[type=submit]")

    page.get_by_text("There is no open session").wait_for()
    page.close()
