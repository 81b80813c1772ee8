"""A hand-written API on 127.0.0.1: tokens, validation and two buckets over HTTP; it plays scripts and keeps notes."""

import json
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLIENT_ID = "a-client"
CLIENT_SECRET = "a-secret-that-nobody-must-see"


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `lost` hangs up without a word, `hangs` stays silent until the API ends."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Call:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    came_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def envelope(code: str, details: str = "", id_request: str | None = None) -> dict[str, Any]:
    error = {"code": code, "message": f"The message of {code}.", "details": details}
    return {"id_request": id_request or str(uuid.uuid4()), "error": error}


class FakeApi:
    """Answers every validation by `answer`, unless `script` holds replies to give first."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: deque[Reply] = deque()
        self.token_script: deque[Reply] = deque()
        self.token_lifetime_s = 3600
        self.token_takes_s = 0.0
        self.revoked: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.s3_refusal: str | None = None
        self.meeting = threading.Barrier(1)
        self.ended = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._tokens = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def settings(self) -> dict[str, Any]:
        """What a client needs to know."""
        return {
            "api_url": f"{self.address}/dev",
            "token_url": f"{self.address}/oauth2/token",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "source_bucket": "the-source",
            "target_bucket": "the-target",
            "s3_endpoint": self.address,
        }

    def calls_to(self, path: str) -> list[Call]:
        with self._lock:
            return [call for call in self.calls if call.path.split("?")[0] == path]

    @property
    def validations(self) -> list[Call]:
        return self.calls_to("/dev/validation")

    @property
    def token_calls(self) -> list[Call]:
        return self.calls_to("/oauth2/token")

    def respond(self, call: Call) -> Reply:
        if call.path == "/oauth2/token":
            return self._token()
        if call.path.startswith("/dev/"):
            return self._api(call)
        return self._s3(call)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Similarity is the target's name where that is a number: an answer shows which question it belongs to."""
        number = re.search(r"(?:^|/)(\d+)\.jpg$", request.get("target_path", ""))
        similarity = float(number.group(1)) if number else 99.5
        answer: dict[str, Any] = {
            "id_request": request["id_request"],
            "matched": similarity >= request["threshold"],
            "similarity": similarity,
        }
        if "boxes" in request.get("include", ()):
            box = {"left": 0.3, "top": 0.2, "width": 0.3, "height": 0.4}
            side = {"width": 120, "height": 160, "faces": [{"box": box, "confidence": 99.0}], "compared": 0}
            document = {"label": "Passport", "confidence": 93.0, "box": box}
            answer["boxes"] = {"source": side | {"document": document}, "target": side}
        return answer

    def _api(self, call: Call) -> Reply:
        token = call.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token.startswith("token-") or token in self.revoked:
            return Reply(401, envelope("UnauthorizedError"))
        with self._lock:
            if self.script:
                return self.script.popleft()
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.meeting.wait(60)
        with self._lock:
            self._at_once -= 1
        asked = call.json
        return Reply(200, [self.answer(item) for item in asked] if isinstance(asked, list) else self.answer(asked))

    def _token(self) -> Reply:
        with self._lock:
            if self.token_script:
                return self.token_script.popleft()
            self._tokens += 1
            number = self._tokens
        time.sleep(self.token_takes_s)
        token = {"access_token": f"token-{number}", "expires_in": self.token_lifetime_s, "token_type": "Bearer"}
        return Reply(200, token)

    def _s3(self, call: Call) -> Reply:
        if self.s3_refusal is not None:
            return Reply(403, f"<Error><Code>{self.s3_refusal}</Code><Message>No.</Message></Error>")
        key = call.path.lstrip("/").split("?")[0]
        with self._lock:
            if call.method == "PUT":
                self.objects[key] = call.body
                self.content_types[key] = call.headers.get("Content-Type", "")
            elif call.method == "DELETE":
                self.objects.pop(key, None)
        return Reply(204 if call.method == "DELETE" else 200, "")

    @contextmanager
    def running(self) -> Iterator["FakeApi"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


def _handler_of(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = Call(self.command, self.path, dict(self.headers), body)
            with api._lock:
                api.calls.append(call)
            reply = api.respond(call)
            if reply.hangs:
                api.ended.wait()
            if reply.hangs or reply.lost:
                self.close_connection = True
                return
            content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            payload = b"" if reply.status == 204 else content.encode()
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """The notes are in `calls`."""

    verbs = {f"do_{method}": Handler.handle_any for method in ("GET", "POST", "PUT", "DELETE")}
    return type("FakeApiHandler", (Handler,), verbs)
