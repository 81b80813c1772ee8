"""What callers of POST /verify and GET /healthz are answered."""

import asyncio
import io
import logging
import threading
import time
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest
from PIL import Image

from person_verifier.serving.application import Application, prefers_spanish
from person_verifier.serving.settings import ServerSettings
from person_verifier.serving.verifier import Verdict, Verifier
from person_verifier.training.model import VerifierModel
from person_verifier.training.project import VerifierProject
from rekognition_local.engine import DetectedFace
from tests.person_verifier.fakes import FakeEngine, png, striped

MAX_BYTES = 200_000
BLACK = png(np.zeros((96, 96, 3), np.uint8))


@pytest.fixture
def judge(trained: VerifierProject) -> Verifier:
    return Verifier(FakeEngine(), VerifierModel.load(trained.model_path))


class Client:
    """Asks the application without a socket."""

    def __init__(self, application: Application) -> None:
        self._transport = httpx.ASGITransport(application)

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost") as client:
                return await client.request(method, path, **sent)

        return asyncio.run(ask())


def client_of(judge: Verifier | None, **settings: Any) -> Client:
    return Client(Application(judge, ServerSettings(max_bytes=MAX_BYTES, **settings)))


@pytest.fixture
def client(judge: Verifier) -> Client:
    return client_of(judge)


def verify(client: Client, image: bytes | None, field: str = "image", **headers: str) -> httpx.Response:
    files = None if image is None else {field: ("photo.png", image)}
    sent = {name: value.encode("utf-8") for name, value in headers.items()}
    return client.request("POST", "/verify", files=files, headers=sent)


def test_the_person_is_me(client: Client) -> None:
    answer = verify(client, striped("Me", 900))

    assert answer.status_code == 200
    assert list(answer.json()) == ["model_version", "is_me", "score", "threshold", "timing_ms"]
    assert answer.json()["model_version"] == "me-verifier-v1"
    assert answer.json()["is_me"] is True
    assert 0.75 <= answer.json()["score"] <= 1
    assert answer.json()["threshold"] == 0.75
    assert answer.json()["timing_ms"] > 0


def test_somebody_else_is_not_me(client: Client) -> None:
    answer = verify(client, striped("A stranger", 1))

    assert answer.status_code == 200
    assert answer.json()["is_me"] is False
    assert 0 <= answer.json()["score"] < 0.75


def test_a_score_at_the_threshold_is_me(trained: VerifierProject) -> None:
    model = VerifierModel.load(trained.model_path)
    image = striped("Me", 900)
    score = Verifier(FakeEngine(), model).judge(image).score

    at = Verifier(FakeEngine(), model.model_copy(update={"threshold": score})).judge(image)
    above = Verifier(FakeEngine(), model.model_copy(update={"threshold": np.nextafter(score, 2)})).judge(image)

    assert at.is_me
    assert not above.is_me


@pytest.mark.parametrize(
    ("image", "status", "error"),
    [
        pytest.param(None, 400, "Send the image as a file in the multipart field 'image'", id="no-file"),
        pytest.param(b"", 400, "Send the image as a file in the multipart field 'image'", id="empty-file"),
        pytest.param(b"not an image", 400, "The file is not a readable JPG or PNG image", id="text"),
        pytest.param(striped("Me", 1)[:300], 400, "The file is not a readable JPG or PNG image", id="cut-short"),
        pytest.param(
            bytes(MAX_BYTES + 1), 413, "The image is too large: the limit is 0.191 MB", id="one-byte-too-many"
        ),
        pytest.param(bytes(2 * MAX_BYTES), 413, "The image is too large: the limit is 0.191 MB", id="far-too-many"),
        pytest.param(BLACK, 422, "No face was found in the image", id="no-face"),
        pytest.param(
            png(np.ones((79, 96, 3), np.uint8)),
            422,
            "The image is too small: each side needs at least 80 pixels",
            id="79-pixels",
        ),
    ],
)
def test_refusals_are_json_with_their_reason(client: Client, image: bytes | None, status: int, error: str) -> None:
    answer = verify(client, image)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_an_image_of_exactly_the_limit_is_judged(client: Client) -> None:
    # Readers of PNG stop at its end: what follows makes the file large, not the image.
    assert verify(client, striped("Me", 1).ljust(MAX_BYTES, b"\0")).status_code == 200


@pytest.mark.parametrize("pillow_format", ["GIF", "WEBP", "BMP", "TIFF"])
def test_other_formats_are_no_image_whatever_their_name(client: Client, pillow_format: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (100, 100), "white").save(buffer, pillow_format)

    assert verify(client, buffer.getvalue()).status_code == 400


def test_a_bomb_is_refused_by_its_header(client: Client) -> None:
    buffer = io.BytesIO()
    Image.new("1", (12000, 12000)).save(buffer, "PNG")

    answer = verify(client, buffer.getvalue())

    assert (answer.status_code, answer.json()) == (413, {"error": "The image has too many pixels"})


def test_exif_orientation_is_applied(client: Client) -> None:
    upright = Image.open(io.BytesIO(striped("Me", 900))).resize((192, 192), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", quality=95, exif=exif)
    untagged = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(untagged, "JPEG", quality=95)

    assert verify(client, turned.getvalue()).json()["is_me"] is True
    assert verify(client, untagged.getvalue()).json()["is_me"] is False


def test_the_field_must_be_called_image(client: Client) -> None:
    assert verify(client, striped("Me", 1), field="photo").status_code == 400


@pytest.mark.parametrize(
    ("accepted", "spanish"),
    [
        ("", False),
        ("es", True),
        ("es-MX,es;q=0.9,en;q=0.8", True),
        ("ES-es", True),
        ("es-419", True),
        ("en;q=0.8, es;q=0.9", True),
        ("fr, es;q=0.5, en;q=0.4", True),
        ("es;q=0.4, en;q=0.5", False),
        ("en-GB,en;q=0.9,es;q=0.8", False),
        ("en, es", False),
        ("es, en", True),
        ("fr", False),
        ("*", False),
        ("es;q=0.5, *", False),
        ("es, *;q=0.5", True),
        ("es;q=0", False),
        ("est", False),
        ("nonsense;;q=x", False),
    ],
)
def test_spanish_is_answered_to_who_prefers_it(accepted: str, spanish: bool) -> None:
    assert prefers_spanish(accepted) is spanish


def test_no_face_in_spanish(client: Client) -> None:
    answer = verify(client, BLACK, **{"Accept-Language": "es-ES,es;q=0.9,en;q=0.5"})

    assert (answer.status_code, answer.json()) == (422, {"error": "No se detectó ninguna cara en la imagen"})
    assert "No se detectó" in answer.text
    assert answer.headers["Content-Language"] == "es"


@pytest.mark.parametrize(
    "image", [None, b"text", bytes(MAX_BYTES * 2), BLACK], ids=["none", "text", "large", "faceless"]
)
def test_every_refusal_has_its_spanish(client: Client, image: bytes | None) -> None:
    english = verify(client, image).json()["error"]
    spanish = verify(client, image, **{"Accept-Language": "es"}).json()["error"]

    assert spanish != english


def test_without_a_model_every_answer_is_503() -> None:
    client = client_of(None)

    assert verify(client, striped("Me", 1)).status_code == 503
    assert verify(client, None, **{"Accept-Language": "es"}).json() == {"error": "No hay ningún modelo cargado"}
    assert client.request("GET", "/healthz").status_code == 503
    assert client.request("GET", "/healthz").json() == {"status": "unhealthy", "model_loaded": False}


def test_health(client: Client) -> None:
    answer = client.request("GET", "/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "model_loaded": True})
    assert client.request("HEAD", "/healthz").status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/verify", "GET", 405), ("/healthz", "POST", 405)]
)
def test_other_addresses_and_methods_are_refused_in_json(client: Client, path: str, method: str, status: int) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.json().keys() == {"error"}
    assert ("Allow" in answer.headers) is (status == 405)


TOKEN = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param(f"Bearer {TOKEN}", 200, id="right"),
        pytest.param(f"bearer {TOKEN}", 200, id="scheme-in-small-letters"),
        pytest.param(f"Bearer {TOKEN}x", 401, id="longer"),
        pytest.param(f"Bearer {TOKEN[:-1]}", 401, id="shorter"),
        pytest.param(f"Basic {TOKEN}", 401, id="other-scheme"),
        pytest.param("Bearer", 401, id="no-token"),
        pytest.param("Bearer contrase\u00f1a-contrase\u00f1a", 401, id="not-ascii"),
    ],
)
def test_the_bearer_token_is_asked_for(judge: Verifier, given: str | None, status: int) -> None:
    client = client_of(judge, token=TOKEN)

    answer = verify(client, striped("Me", 1), **({} if given is None else {"Authorization": given}))

    assert answer.status_code == status
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") is (status == 401)
    assert client.request("GET", "/healthz").status_code == 200


def test_a_request_id_is_kept_when_it_is_one(client: Client) -> None:
    kept = verify(client, BLACK, **{"X-Request-Id": "abc-123"})
    replaced = verify(client, BLACK, **{"X-Request-Id": 'x" injected'})

    assert kept.headers["X-Request-Id"] == "abc-123"
    assert len(replaced.headers["X-Request-Id"]) == 36


class BrokenEngine(FakeEngine):
    """Fails as only a defect of ours can."""

    def detect(self, *_: object, **__: object) -> list[DetectedFace]:
        raise ZeroDivisionError("secret detail")


def test_a_defect_is_answered_500_without_detail(
    stored_model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(Verifier(BrokenEngine(), VerifierModel.load(stored_model)))
    monkeypatch.setattr(logging.getLogger("person_verifier"), "propagate", True)

    answer = verify(client, striped("Me", 1))

    assert (answer.status_code, answer.json()) == (500, {"error": "The request failed"})
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8090", 200),
        ("localhost", 200),
        ("host.docker.internal:8090", 200),
        ("192.168.1.20:8090", 200),
        ("[::1]:8090", 200),
        ("faces.example.org", 200),
        ("FACES.example.org:443", 200),
        ("rebound.example", 403),
        ("127.0.0.1.rebound.example", 403),
        ("[broken", 403),
    ],
)
def test_only_its_own_names_and_addresses_are_answered(judge: Verifier, host: str, status: int) -> None:
    """A page whose name is made to resolve to this machine asks in its own name."""
    client = client_of(judge, allowed_hosts="Faces.example.org, other.example.org")

    assert client.request("GET", "/healthz", headers={"Host": host}).status_code == status
    assert verify(client, striped("Me", 900), Host=host).status_code == status


class CountingVerifier:
    """Answers slowly, and knows how many images it was given at once."""

    model_version = "me-verifier-v1"

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def judge(self, image: bytes) -> Verdict:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        return Verdict(True, 1.0, 0.5)


@pytest.mark.parametrize(("size", "most"), [(2 * 2**20, 5), (4 * 2**20, 3)], ids=["small", "large"])
def test_few_large_uploads_are_in_memory_at_once(size: int, most: int) -> None:
    judge = CountingVerifier()
    application = Application(cast(Verifier, judge), ServerSettings(max_bytes=5 * 2**20))

    async def ask_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await asyncio.gather(
                *(client.post("/verify", files={"image": b"x" * size}, timeout=60) for _ in range(5))
            )

    answers = asyncio.run(ask_all())

    assert [answer.status_code for answer in answers] == [200] * 5
    assert judge.most <= most
