"""Many requests at once are answered exactly as each is alone."""

import json
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import httpx
import pytest

from face_validation.local.samples.questions import IMAGES, sample_jpeg
from face_validation.local.stack import LocalStack

pytestmark = pytest.mark.slow

REQUESTS = 200
# Reading a document takes ten times as long as comparing two faces: a few are among the others.
DOCUMENTS = 6


@pytest.fixture(scope="module")
def questions(stack: LocalStack) -> tuple[list[Any], list[Any]]:
    """Bodies of every kind, those with documents apart: match and not, refusals, arrays, boxes, bad JSON.

    `ID` becomes a new id.
    """
    for name in IMAGES:
        for side in ("source", "target"):
            stack.put_image(side, f"{name}.jpg", sample_jpeg(name))
    stack.put_image("source", "text.jpg", b"no image at all")

    def ask(kind: str, source: str, target: str, **more: Any) -> dict[str, Any]:
        return {"id_request": "ID", "type": kind, "source_path": source, "target_path": target, **more}

    face = ask("FACE_TO_FACE", "hopper.jpg", "hopper-again.jpg")
    documents = [
        ask("ID_TO_FACE", "passport-collins.jpg", "collins-again.jpg"),
        ask("ID_TO_FACE", "licence-hopper.jpg", "collins.jpg", include=["boxes"]),
        ask("ID_TO_FACE", "collins.jpg", "collins-again.jpg"),
    ]
    others = [
        face,
        ask("FACE_TO_FACE", "collins.jpg", "hopper.jpg"),
        ask("FACE_TO_FACE", "collins.jpg", "collins-again.jpg", threshold=100),
        ask("FACE_TO_FACE", "collins.jpg", "hopper.jpg", threshold=0, include=["boxes"]),
        ask("FACE_TO_FACE", "missing.jpg", "hopper.jpg"),
        ask("FACE_TO_FACE", "text.jpg", "hopper.jpg"),
        ask("FACE_TO_FACE", "hopper.jpg", "hopper.jpg", threshold="80"),
        [face, ask("FACE_TO_FACE", "missing.jpg", "hopper.jpg")],
        "not an object",
    ]
    return documents, others


@pytest.mark.long
def test_two_hundred_at_once_answer_as_one_by_one(stack: LocalStack, questions: tuple[list[Any], list[Any]]) -> None:
    documents, others = questions
    asked = [*islice(cycle(documents), DOCUMENTS), *islice(cycle(others), REQUESTS - DOCUMENTS)]
    random.Random(1).shuffle(asked)

    with _client(stack) as client, ThreadPoolExecutor(REQUESTS) as pool:
        alone = {json.dumps(question): _answer(client, question) for question in (*documents, *others)}
        at_once = list(pool.map(lambda question: _answer(client, question), asked))

    assert sorted({status for status, _ in alone.values()}) == [200, 400, 422]
    assert len(at_once) == REQUESTS
    for question, answer in zip(asked, at_once, strict=True):
        assert answer == alone[json.dumps(question)], question


def _answer(client: httpx.Client, question: Any) -> tuple[int, Any]:
    """Status and body; every id sent must come back, and is then put aside."""
    sent: list[str] = []

    def new_id() -> str:
        sent.append(str(uuid.uuid4()))
        return sent[-1]

    text = json.dumps(question)
    while '"ID"' in text:
        text = text.replace('"ID"', json.dumps(new_id()), 1)
    response = client.post("/validation", content=text)
    body = response.json()
    answers = body if isinstance(body, list) else [body]
    came_back = [answer.pop("id_request") for answer in answers]
    assert not sent or came_back == sent
    return response.status_code, body


def _client(stack: LocalStack) -> httpx.Client:
    found = stack.info
    form = {"grant_type": "client_credentials", "client_id": found.client_id, "client_secret": found.client_secret}
    token = httpx.post(found.token_url, data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=REQUESTS)
    return httpx.Client(base_url=found.api_url, headers=headers, timeout=240, limits=limits)
