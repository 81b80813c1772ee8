"""Hand-written doubles of what lies outside the service: they record and answer as told, they compute nothing."""

import gc
import json
import socket
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image

from face_validation_function.faces import BoundingBox, Document, Face, TextLine
from face_validation_function.integrations.rekognition_service import FaceMatch
from face_validation_function.integrations.s3_service import StoredPhoto
from tests.waiting import until

FACE = Face(BoundingBox(0.4, 0.3, 0.2, 0.3), 99.9)
# For requests without a liveness session.
NO_LIVENESS: Any = None
MIDDLE = BoundingBox(0.25, 0.25, 0.5, 0.5)
PASSPORT = Document("Passport", 97.0, BoundingBox(0.1, 0.1, 0.8, 0.8))


def picture(size: tuple[int, int] = (200, 160), colour: str = "teal", mode: str = "RGB") -> Image.Image:
    """A plain picture, with one white corner so that a turn or a mirror shows."""
    image = Image.new("RGB", size, colour)
    image.paste("white", (0, 0, size[0] // 4, size[1] // 4))
    return image.convert(mode)


def file_of(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """An image file in memory."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(size: tuple[int, int] = (200, 160), colour: str = "teal", orientation: int | None = None) -> bytes:
    """A JPG file; different colours give different bytes."""
    if orientation is None:
        return file_of(picture(size, colour))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(picture(size, colour), exif=exif)


def opened(data: bytes) -> Image.Image:
    """What a file shows."""
    return Image.open(BytesIO(data))


@contextmanager
def nothing_left_of_pictures(size: tuple[int, int]) -> Iterator[None]:
    """Whatever decodes pictures of this size lets go of them by itself: Python looks for no cycles meanwhile."""

    def is_one(kept: object) -> bool:
        return isinstance(kept, Image.Image) and kept.size == size

    gc.collect()
    gc.disable()
    try:
        yield
        # A thread that has given its answer needs a moment to end.
        until(lambda: not any(map(is_one, gc.get_objects())))
    finally:
        gc.enable()


class FakeS3:
    """Objects by key, whatever the bucket; an exception as value is raised."""

    def __init__(self, **objects: bytes | Exception) -> None:
        self.objects = {"source.jpg": jpeg(), "target.jpg": jpeg(colour="olive")}
        self.objects |= {f"{name}.jpg": value for name, value in objects.items()}  # type: ignore[misc]  # exceptions too
        self.read: list[tuple[str, str]] = []

    def photo(self, bucket: str, key: str) -> StoredPhoto:
        self.read.append((bucket, key))
        found: object = self.objects[key]
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, bytes)
        return StoredPhoto(found, "1", None)


class FakeRekognition:
    """Answers every call with what it was given, and keeps what it was sent."""

    def __init__(
        self,
        *,
        faces: Iterable[Face] | Exception = (FACE,),
        labels: Iterable[Document] = (PASSPORT,),
        similarity: float = 97.2,
        matches: list[FaceMatch | list[FaceMatch] | Exception] | None = None,
        faces_of: Mapping[bytes, list[Face] | Exception] | None = None,
        text: Iterable[TextLine] = (),
    ) -> None:
        self._text = list(text)
        self._faces = faces
        self._faces_of = faces_of or {}
        self._labels = labels
        self._matches = matches or [FaceMatch(MIDDLE, similarity)]
        self.calls: list[str] = []
        self.labelled: list[bytes] = []
        self.detected: list[bytes] = []
        self.compared: list[tuple[bytes, bytes]] = []
        self.read: list[bytes] = []

    def detect_labels(self, image: bytes) -> list[Document]:
        self.calls.append("detect_labels")
        self.labelled.append(image)
        return list(self._labels)

    def detect_faces(self, image: bytes) -> list[Face]:
        self.calls.append("detect_faces")
        self.detected.append(image)
        found = self._faces_of.get(image, self._faces)
        if isinstance(found, Exception):
            raise found
        return list(found)

    def detect_text(self, image: bytes) -> list[TextLine]:
        self.calls.append("detect_text")
        self.read.append(image)
        return self._text

    def compare_faces(self, source: bytes, target: bytes) -> list[FaceMatch]:
        self.calls.append("compare_faces")
        self.compared.append((source, target))
        answer = self._matches[min(len(self.compared), len(self._matches)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, list) else [answer]


class FakeContext:
    """What AWS Lambda tells a function of its invocation."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000000"
    function_name = "face-validation"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:face-validation"

    def __init__(self, remaining_s: float = 28.0) -> None:
        self._ends = time.monotonic() + remaining_s

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


def event(body: object, **more: Any) -> dict[str, Any]:
    """A proxy event of POST /validation; a string is sent as it is."""
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return {"httpMethod": "POST", "resource": "/validation", "body": text, "isBase64Encoded": False, **more}


def request_body(**fields: Any) -> dict[str, Any]:
    """A valid request, with `fields` changed."""
    return {"source_path": "source.jpg", "target_path": "target.jpg", "type": "FACE_TO_FACE", **fields}


@dataclass
class FakeAws:
    """S3 and Rekognition on 127.0.0.1, over HTTP as boto3 speaks it, failing where and how a test says.

    `faults` maps a call ("GetObject source", "DetectFaces target", "CompareFaces") to a fault: hang, reset, malformed,
    truncated, or (HTTP status, error code). `calls` lists every call as it came in.
    """

    objects: dict[str, bytes]
    faults: dict[str, str | tuple[int, str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "FakeAws":
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                name = self.path.split("?")[0].rsplit("/", 1)[-1].removesuffix(".jpg")
                fake.answer(self, f"GetObject {name}", fake.objects[name], "image/jpeg")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].removeprefix("RekognitionService.")
                call = operation
                if operation == "DetectFaces":
                    image = b64decode(body["Image"]["Bytes"])
                    call += " target" if image == fake.objects["target"] else " source"
                answer = json.dumps(ANSWERS[operation]).encode()
                fake.answer(self, call, answer, "application/x-amz-json-1.1")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Nothing on the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def release(self) -> None:
        """End every call that hangs; later ones hang again."""
        self.released.set()
        self.released = threading.Event()

    def __exit__(self, *reason: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler, call: str, body: bytes, kind: str) -> None:
        self.calls.append(call)
        fault = self.faults.get(call)
        status = 200
        sent_length = len(body)
        if fault == "hang":
            self.released.wait()
            handler.close_connection = True
            return
        if fault == "reset":
            # Linger 0: the kernel sends RST instead of FIN.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        if fault == "malformed":
            body = b'{"FaceDetails": "none"' if "json" in kind else b""
            sent_length = len(body)
        elif fault == "wrong shape":
            body = b'{"FaceDetails": [{}], "Labels": [{}], "FaceMatches": [{}]}'
            sent_length = len(body)
        elif isinstance(fault, tuple):
            status, code = fault
            if "json" in kind:
                body = json.dumps({"__type": code, "Message": "told to"}).encode()
            else:
                body = f"<Error><Code>{code}</Code><Message>told to</Message></Error>".encode()
                kind = "application/xml"
            sent_length = len(body)
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(sent_length))
        handler.end_headers()
        handler.wfile.write(body)


_BOX = {"Left": 0.4, "Top": 0.3, "Width": 0.2, "Height": 0.3}
_MIDDLE = {"Left": 0.25, "Top": 0.25, "Width": 0.5, "Height": 0.5}
ANSWERS: dict[str, dict[str, Any]] = {
    "DetectFaces": {"FaceDetails": [{"BoundingBox": _BOX, "Confidence": 99.9}]},
    "DetectLabels": {
        "Labels": [
            {"Name": "Passport", "Confidence": 97.0, "Instances": [{"BoundingBox": _MIDDLE, "Confidence": 96.0}]},
            {"Name": "Person", "Confidence": 99.0, "Instances": []},
        ]
    },
    "CompareFaces": {
        "SourceImageFace": {"BoundingBox": _MIDDLE, "Confidence": 99.9},
        "FaceMatches": [{"Similarity": 98.5, "Face": {"BoundingBox": _MIDDLE, "Confidence": 99.9}}],
        "UnmatchedFaces": [],
    },
}
