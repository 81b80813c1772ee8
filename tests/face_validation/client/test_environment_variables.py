"""What a shell has set for other programs, proxies, certificates or an account, breaks nothing on this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from face_validation.client import FaceValidationClient, SettingsError
from face_validation.client.buckets import Buckets

BROKEN = [
    pytest.param("ALL_PROXY", "socks5://127.0.0.1:9", id="socks"),
    pytest.param("https_proxy", "no-scheme://127.0.0.1:9", id="unknown-scheme"),
    pytest.param("HTTPS_PROXY", "http://proxy:port", id="no-address"),
    pytest.param("NO_PROXY", "localhost,127.0.0.1,[::1]", id="bracketed-ipv6"),
    pytest.param("no_proxy", "localhost,fe80::/10", id="ipv6-network"),
    pytest.param("SSL_CERT_FILE", "/no/such.pem", id="certificates-gone"),
    pytest.param("SSL_CERT_FILE", __file__, id="no-certificates"),
]
AWS_SETTINGS = [
    pytest.param({"AWS_PROFILE": "nobody"}, id="stale-profile"),
    pytest.param({"AWS_CONFIG_FILE": "broken"}, id="broken-file"),
    pytest.param({"AWS_SHARED_CREDENTIALS_FILE": "broken"}, id="broken-credentials"),
    pytest.param({"AWS_MAX_ATTEMPTS": "many", "AWS_RETRY_MODE": "hope"}, id="no-numbers"),
    pytest.param({"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_USE_FIPS_ENDPOINT": "true"}, id="other-endpoints"),
    pytest.param({"AWS_REQUEST_CHECKSUM_CALCULATION": "hope", "AWS_DEFAULTS_MODE": "hope"}, id="unknown-modes"),
]


class Recorder(ThreadingHTTPServer):
    """Answers as a token endpoint and as S3, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = json.dumps({"access_token": "a.b.c", "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_PUT(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[Recorder, Recorder]]:
    """The one that is meant, and a proxy."""
    made = Recorder(), Recorder()
    for server in made:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def client_of(url: str, s3_endpoint: str | None = None) -> FaceValidationClient:
    return FaceValidationClient(
        f"{url}/dev", f"{url}/oauth2/token", "id", "secret", attempts=1, s3_endpoint=s3_endpoint
    )


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_is_sent_what_is_meant_for_this_machine(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    meant, proxy = servers
    monkeypatch.setenv(name, proxy.url)

    with client_of(meant.url) as client:
        client.token()
    Buckets({"source": "photos"}, endpoint=meant.url, region=None, timeout_s=5).store("source", b"image", "a.jpg")

    assert proxy.asked == []
    assert meant.asked == ["POST /oauth2/token", "PUT /photos/a.jpg"]


def test_beside_an_api_elsewhere_the_token_endpoint_of_this_machine_is_asked_directly(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    meant, proxy = servers
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)

    with FaceValidationClient("https://api.example.com", f"{meant.url}/token", "id", "secret", attempts=1) as client:
        client.token()

    assert (meant.asked, proxy.asked) == (["POST /token"], [])


def test_a_proxy_is_used_for_what_is_elsewhere(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", servers[1].url)

    with client_of("https://api.example.com") as client, pytest.raises(Exception, match="cannot be reached"):
        client.token()


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_what_is_set_for_others_breaks_nothing_on_this_machine(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with client_of(servers[0].url) as client:
        client.token()

    assert servers[0].asked == ["POST /oauth2/token"]


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_what_cannot_be_used_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as said:
        client_of("https://api.example.com")

    assert str(said.value).startswith(f"{name} is {value!r}, which cannot be used")


@pytest.mark.parametrize("settings", AWS_SETTINGS)
def test_a_bucket_of_this_machine_is_used_whatever_an_account_has_set(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, str]
) -> None:
    (tmp_path / "broken").write_text("[oops")
    monkeypatch.chdir(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    Buckets({"source": "photos"}, endpoint=servers[0].url, region=None, timeout_s=5).store("source", b"image", "a.jpg")

    assert servers[0].asked == ["PUT /photos/a.jpg"]


def test_an_endpoint_that_awss_own_variable_names_on_this_machine_is_asked_directly(
    servers: tuple[Recorder, Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    meant, proxy = servers
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", meant.url)

    Buckets({"source": "photos"}, endpoint=None, region="eu-west-1", timeout_s=5).store("source", b"image", "a.jpg")

    assert (meant.asked, proxy.asked) == (["PUT /photos/a.jpg"], [])


def test_photographs_do_not_travel_in_the_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"s3_endpoint is 'http://10\.0\.0\.1:9000': use https://"):
        client_of("https://api.example.com", s3_endpoint="http://10.0.0.1:9000")

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example.com")
    buckets = Buckets({"source": "photos"}, endpoint=None, region="eu-west-1", timeout_s=5)
    with pytest.raises(SettingsError, match="use https://"):
        buckets.store("source", b"image", "a.jpg")


def test_an_upload_form_does_not_send_a_photograph_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    def api(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "a.b.c", "expires_in": 3600, "token_type": "Bearer"})
        assert request.url.host == "api.example.com"
        return httpx.Response(200, json={"key": "k", "url": "http://s3.example.com/b", "fields": {}, "expires_in": 300})

    client = FaceValidationClient(
        "https://api.example.com",
        "https://api.example.com/token",
        "id",
        "secret",
        prepare_images=False,
        transport=httpx.MockTransport(api),
    )
    with client, pytest.raises(SettingsError, match="use https://"):
        client.people.upload(b"\xff\xd8\xff photo", "source")
