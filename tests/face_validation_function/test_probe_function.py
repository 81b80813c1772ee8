"""The probe, against the local stack: a question as any caller asks it, and what it says when that goes wrong."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.stack import LocalStack
from face_validation_function.probe_function import IMAGES, Probe, ProbeFailedError
from face_validation_function.settings import PROBE_KEYS, ProbeSettings
from face_validation_function.utils.logging_config import service_logger
from tests.fakes import jpeg
from tests.user_pools import user_pool_of


@pytest.fixture(scope="module")
def probe(local_stack: LocalStack) -> Probe:
    info = local_stack.info
    cognito, pool = aws_client("cognito-idp", info.s3_endpoint), user_pool_of(info)
    settings = ProbeSettings(info.api_url, info.token_url, pool, info.client_id, info.source_bucket, info.target_bucket)
    return Probe(settings, aws_client("s3", info.s3_endpoint), cognito, service_logger("INFO"))


@pytest.fixture
def counted() -> Iterator[tuple[str, list[str]]]:
    """A server that refuses every question, and lists them."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            status, answer = 500, {"error": {"code": "InternalServerError"}}
            if self.path == "/token":
                status, answer = 200, {"access_token": "t", "expires_in": 3600}  # type: ignore[dict-item]  # as OAuth
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_the_drawn_passport_matches_its_holder_at_99(probe: Probe) -> None:
    answer = probe()

    assert answer["matched"] is True
    assert answer["similarity"] >= 99


@pytest.mark.slow
def test_an_image_that_was_removed_is_put_again(probe: Probe) -> None:
    probe.s3.delete_object(Bucket=probe.settings.source_bucket, Key=PROBE_KEYS[0])

    assert probe()["matched"] is True


@pytest.mark.slow
def test_another_answer_than_a_match_is_a_failure(probe: Probe, tmp_path: Path) -> None:
    (tmp_path / "passport.jpg").write_bytes((IMAGES / "passport.jpg").read_bytes())
    (tmp_path / "photograph.jpg").write_bytes(jpeg())

    with pytest.raises(ProbeFailedError, match=r"answered 422: .*ImageValidationError"):
        replace(probe, images=tmp_path)()


@pytest.mark.slow
def test_a_refusal_is_told_with_its_words_and_the_token_is_kept(probe: Probe, counted: tuple[str, list[str]]) -> None:
    url, asked = counted
    failing = replace(probe, settings=replace(probe.settings, api_url=url, token_url=f"{url}/token"), _token_ends=0.0)

    for _ in range(3):
        with pytest.raises(ProbeFailedError, match=r"answered 500: .*InternalServerError"):
            failing()

    assert asked == ["/token", *["/validation"] * 3]


@pytest.mark.slow
def test_an_api_that_is_not_there_is_a_failure(probe: Probe) -> None:
    gone = replace(probe, settings=replace(probe.settings, api_url="http://127.0.0.1:9"))

    with pytest.raises(ProbeFailedError, match="gave no answer that can be read"):
        gone()


def test_its_images_are_small_and_within_the_limits() -> None:
    for key in PROBE_KEYS:
        file = IMAGES / Path(key).name
        assert file.stat().st_size < 150_000
        with Image.open(file) as image:
            assert min(image.size) >= 80
