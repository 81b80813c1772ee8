"""`--lan`: a phone on the network gets the validation page by its link, over TLS, and nothing else of this machine."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Iterator
from io import StringIO
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from rich.console import Console
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from face_validation.local import lan
from face_validation.local.lan import COOKIE, LanSite
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation.local.web.own_site import OwnSite

ORIGIN = "https://192.0.2.7:8443"


class Site:
    """The site with one page, and who opened it."""

    def __init__(self) -> None:
        async def page(_: Request) -> Response:
            return PlainTextResponse("the page")

        site = OwnSite(ORIGIN)
        self.opened: list[str] = []
        routes = [site.route("/", page), site.route("/page/validation", page, "POST")]
        self.lan = LanSite(ORIGIN, routes, self.opened.append)


class Phone:
    """A browser with its cookies."""

    def __init__(self, site: Site) -> None:
        self._transport, self._cookies = httpx.ASGITransport(site.lan, client=("192.0.2.9", 5000)), httpx.Cookies()

    def ask(self, method: str, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url=ORIGIN, cookies=self._cookies) as http:
                answer = await http.request(method, address, headers=headers)
                self._cookies.update(http.cookies)
                return answer

        return asyncio.run(ask())


def test_the_link_opens_the_page_and_its_token_becomes_a_cookie_that_no_script_and_no_other_site_can_use() -> None:
    site = Site()
    phone = Phone(site)

    opened = phone.ask("GET", site.lan.link)

    attributes = {part.strip().lower() for part in opened.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"secure", "httponly", "samesite=strict", "path=/"}
    assert phone.ask("GET", "/").text == "the page"
    assert site.opened == ["192.0.2.9"]


def test_a_link_works_once_and_the_next_one_for_another_device() -> None:
    site = Site()
    first = site.lan.link
    Phone(site).ask("GET", first)
    second = Phone(site)

    again = second.ask("GET", first)

    assert again.status_code == 403
    assert "used before" in again.text
    assert second.ask("GET", "/").status_code == 403
    assert second.ask("GET", site.lan.link).status_code == 200
    assert second.ask("GET", "/").status_code == 200


@pytest.mark.parametrize("cookie", [None, "", "x" * 43])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/page/validation"), ("POST", "/open/x")])
def test_without_a_session_nothing_is_answered(cookie: str | None, method: str, path: str) -> None:
    headers = {"Origin": ORIGIN} | ({} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"})

    assert Phone(Site()).ask(method, path, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://example.org"}, {"Host": "rebound.example"}, {}])
def test_with_a_session_only_the_page_itself_may_ask(headers: dict[str, str]) -> None:
    site = Site()
    phone = Phone(site)
    phone.ask("GET", site.lan.link)

    assert phone.ask("POST", "/page/validation", headers=headers).status_code == 403
    assert phone.ask("POST", "/page/validation", headers={"Origin": ORIGIN}).status_code == 200


def test_the_qr_code_on_the_terminal_is_read_by_a_reader() -> None:
    link = f"{ORIGIN}/open/AbCdEfGhIjKlMnOpQrStUv"

    rows = [row for line in lan.qr_lines(link) for row in _modules(line)]

    picture = np.kron(255 * ~np.array(rows), np.ones((6, 6))).astype(np.uint8)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == link
    assert not np.array(rows)[:4].any()  # the light border that phones need


def _modules(line: str) -> Iterator[list[bool]]:
    yield [sign in "█▀" for sign in line]
    yield [sign in "█▄" for sign in line]


@pytest.fixture
def served(local_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The page of a real stack on another address of this machine: its link, and all that the terminal shows."""
    monkeypatch.setattr(lan, "own_address", lambda: "127.0.0.2")
    shown = StringIO()
    with lan.lan_page(local_stack.info, Console(file=shown, width=200)):
        found = re.search(r"https://127\.0\.0\.2:\d+/open/\S+", shown.getvalue())
        assert found is not None
        yield found[0], shown.getvalue()


@pytest.mark.slow
def test_a_phone_compares_two_pictures_over_tls(served: tuple[str, str]) -> None:
    link, shown = served
    origin = link.partition("/open")[0]
    with httpx.Client(verify=False, timeout=90, base_url=origin) as phone:
        phone.get(link)

        answer = phone.post(
            "/page/validation",
            data={"type": "FACE_TO_FACE", "threshold": "80"},
            files={"source": sample_jpeg("hopper"), "target": sample_jpeg("hopper-again")},
            headers={"Origin": origin},
        )

        assert answer.json()["answer"]["matched"] is True
        assert "SHA-256" in shown


@pytest.mark.slow
def test_the_certificate_is_of_the_address_and_its_fingerprint_is_the_one_shown(served: tuple[str, str]) -> None:
    link, shown = served
    port = int(link.split(":")[2].partition("/")[0])
    pem = ssl.get_server_certificate(("127.0.0.2", port))

    trusting = ssl.create_default_context(cadata=pem)
    with httpx.Client(verify=trusting) as phone:
        assert phone.get(link).status_code == 200
    fingerprint = re.sub(r"(..)(?!$)", r"\1:", _sha256(ssl.PEM_cert_to_DER_cert(pem)))
    assert fingerprint in shown


def _sha256(content: bytes) -> str:

    return hashlib.sha256(content).hexdigest().upper()


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["docs", "openapi.json", "healthz", "oauth2/token", "dev/validation", "dev/faces", "people", "evaluation"]
)
def test_nothing_but_the_page_is_served_to_the_network(served: tuple[str, str], path: str) -> None:
    link, _ = served
    origin = link.partition("/open")[0]
    with httpx.Client(verify=False, base_url=origin) as phone:
        phone.get(link)

        answered: Any = phone.get(f"/{path}")

    assert answered.status_code == 404
