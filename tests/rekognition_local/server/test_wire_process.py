"""The server as its users run it: a process with the real models."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from csv import DictReader
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from moto.server import ThreadedMotoServer
from PIL import Image, ImageDraw, ImageFont

from rekognition_local.operations.image_sources import s3_client
from rekognition_local.server.connections import BoundedProtocol
from tests.callers import asked_without_pause
from tests.rekognition_local.fakes import file_of, picture
from tests.rekognition_local.servers import client, process
from tests.waiting import fastest_ms

pytestmark = pytest.mark.slow


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "rekognition_local", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_help_shows_how_a_program_is_pointed_at_it() -> None:
    shown = run("--help")

    assert shown.returncode == 0
    assert "AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:4567" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [("--port", "65536"), ("--recogniser", "no-such-file.onnx"), ("--latency-ms", "-1"), ("--no-such-option",)],
)
def test_a_wrong_option_is_refused_by_name(arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)

    assert refused.returncode == 2
    assert arguments[0] in refused.stderr


def test_what_keeps_it_from_starting_is_told_in_one_line(tmp_path: Path) -> None:
    no_model = tmp_path / "model.onnx"
    no_model.write_bytes(b"no model")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        attempts = [
            run("--port", port),
            run("--port", "0", "--recogniser", str(no_model)),
            run("--port", "0", "--info", str(tmp_path / "no-such-folder" / "info.json")),
            run("--port", "0", "--info", str(no_model / "info.json")),
        ]

    for attempt in attempts:
        assert attempt.returncode == 1
        assert attempt.stderr.startswith("rekognition-local cannot start")
        assert attempt.stderr.count("\n") <= 2
        assert "Traceback" not in attempt.stderr


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_when_ready_and_stops_at_a_signal(tmp_path: Path, stop: signal.Signals) -> None:
    with process(tmp_path) as (server, endpoint):
        assert httpx.get(f"{endpoint}/healthz").json() == {"status": "healthy", "model_loaded": True}

        server.send_signal(stop)

        assert server.wait(60) == 0
    assert not list(tmp_path.iterdir())


def test_half_a_body_keeps_no_process_alive_that_was_told_to_stop(tmp_path: Path) -> None:
    with process(tmp_path) as (server, endpoint):
        address = httpx.URL(endpoint)
        with socket.create_connection((address.host, address.port or 0), timeout=30) as caller:
            caller.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
            time.sleep(0.5)
            told = time.monotonic()

            server.send_signal(signal.SIGTERM)

            assert server.wait(60) == 0
            assert time.monotonic() - told < BoundedProtocol.body_s - 1
            assert b"The server is stopping" in caller.recv(4096)


@pytest.mark.parametrize(
    "keep_alive",
    [pytest.param(False, id="new-connections"), pytest.param(True, id="kept-alive", marks=pytest.mark.long)],
)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda stop: stop.name)
def test_a_stop_under_load_loses_no_request(tmp_path: Path, keep_alive: bool, stop: signal.Signals) -> None:
    with process(tmp_path) as (server, endpoint):
        target = {"X-Amz-Target": "RekognitionService.ListCollections"}
        question = httpx.Request("POST", endpoint, content=b"{}", headers=target)
        with asked_without_pause(question, keep_alive=keep_alive) as outcomes:
            server.send_signal(stop)

            assert server.wait(60) == 0

    assert set(outcomes) == {"200"}


def test_a_kept_connection_waits_for_no_acknowledgement(rekognition: Any) -> None:
    assert fastest_ms(rekognition.list_collections) < 35  # a delayed acknowledgement takes 40


def test_it_stops_when_its_parent_has_ended(tmp_path: Path) -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        process(tmp_path, ["--parent-pid", str(parent.pid)]) as (server, endpoint),
    ):
        assert httpx.get(f"{endpoint}/healthz").status_code == 200

        parent.kill()
        parent.wait()

        assert server.wait(60) == 0


def test_latency_is_added_to_each_call_and_holds_no_thread(tmp_path: Path) -> None:
    with process(tmp_path, ["--latency-ms", "1000", "--threads", "1"]) as (_, endpoint):
        rekognition = client(endpoint)
        started = time.perf_counter()
        with ThreadPoolExecutor(40) as pool:
            list(pool.map(lambda _: refused(rekognition), range(40)))

        assert 1 <= time.perf_counter() - started < 40  # what they take in turn, on however fast a machine


def refused(rekognition: Any) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        rekognition.detect_faces(Image={"Bytes": picture(10, 10)})


def test_errors_cannot_be_ordered_unless_asked_for(rekognition: Any) -> None:
    asked = httpx.post(f"{rekognition.meta.endpoint_url}/faults", json={"error": "ThrottlingException"})

    assert asked.status_code == 404


@contextmanager
def moto_s3() -> Iterator[Any]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
    finally:
        server.stop()


def test_objects_are_read_through_the_s3_endpoint(tmp_path: Path, astronaut: Image.Image) -> None:
    with moto_s3() as s3:
        s3.create_bucket(Bucket="photos")
        s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(Bucket="photos", Key="people/ä b.jpg", Body=file_of(astronaut))["VersionId"]
        s3.put_object(Bucket="photos", Key="people/ä b.jpg", Body=picture(200, 200))
        location = {"Bucket": "photos", "Name": "people/ä b.jpg"}

        with process(tmp_path, ["--s3-endpoint", s3.meta.endpoint_url]) as (_, endpoint):
            rekognition = client(endpoint)
            newest = rekognition.detect_faces(Image={"S3Object": location})
            older = rekognition.detect_faces(Image={"S3Object": {**location, "Version": first}})
            with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
                rekognition.detect_faces(Image={"S3Object": {**location, "Name": "missing.jpg"}})
            with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
                rekognition.detect_faces(Image={"S3Object": {**location, "Bucket": "missing"}})

    assert len(newest["FaceDetails"]) == 0
    assert len(older["FaceDetails"]) == 1


def test_s3_gets_the_credentials_of_the_environment_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    without = s3_client("http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    assert without._request_signer._credentials.access_key == "local"
    assert s3_client("http://127.0.0.1:1")._request_signer._credentials.access_key == "mine"


def test_an_s3_that_is_not_there_is_an_invalid_object_not_a_hang(rekognition: Any) -> None:
    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        rekognition.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": "a.jpg"}})


# --- against this server's real models, or against AWS itself (REKOGNITION_AWS_VERIFIED) ------------------------------


@pytest.mark.aws_verified
def test_the_same_person_is_similar_and_another_is_not(
    rekognition: Any, astronaut: Image.Image, hopper: Image.Image
) -> None:
    brighter = Image.eval(astronaut, lambda value: min(255, int(value * 1.3))).rotate(5)

    same = rekognition.compare_faces(
        SourceImage={"Bytes": file_of(astronaut)}, TargetImage={"Bytes": file_of(brighter)}, SimilarityThreshold=0
    )
    other = rekognition.compare_faces(
        SourceImage={"Bytes": file_of(astronaut)}, TargetImage={"Bytes": file_of(hopper)}, SimilarityThreshold=0
    )

    assert same["FaceMatches"][0]["Similarity"] > 99
    assert all(match["Similarity"] < 80 for match in other["FaceMatches"])


@pytest.mark.aws_verified
def test_a_face_is_found_where_it_is(rekognition: Any, astronaut: Image.Image) -> None:
    (found,) = rekognition.detect_faces(Image={"Bytes": file_of(astronaut)})["FaceDetails"]

    box, marks = found["BoundingBox"], {mark["Type"]: mark for mark in found["Landmarks"]}
    assert found["Confidence"] > 95
    assert 0.3 < box["Left"] < 0.42
    assert 0.1 < box["Top"] < 0.25
    assert marks["eyeLeft"]["X"] < marks["nose"]["X"] < marks["eyeRight"]["X"]
    assert marks["eyeLeft"]["Y"] < marks["nose"]["Y"] < marks["mouthLeft"]["Y"]
    assert abs(found["Pose"]["Roll"]) < 20


@pytest.mark.aws_verified
@pytest.mark.parametrize(("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)])
def test_boxes_refer_to_the_upright_image(
    rekognition: Any, astronaut: Image.Image, orientation: int, turn: Image.Transpose
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    (upright,) = rekognition.detect_faces(Image={"Bytes": file_of(astronaut)})["FaceDetails"]
    (stored,) = rekognition.detect_faces(Image={"Bytes": file_of(astronaut.transpose(turn), exif=exif)})["FaceDetails"]

    assert stored["BoundingBox"] == pytest.approx(upright["BoundingBox"], abs=0.02)


@pytest.mark.aws_verified
def test_an_image_without_a_face(rekognition: Any, astronaut: Image.Image) -> None:
    blank = file_of(Image.new("RGB", (300, 200), "grey"))

    assert rekognition.detect_faces(Image={"Bytes": blank})["FaceDetails"] == []
    for source, target in ((blank, file_of(astronaut)), (file_of(astronaut), blank)):
        with pytest.raises(rekognition.exceptions.InvalidParameterException):
            rekognition.compare_faces(SourceImage={"Bytes": source}, TargetImage={"Bytes": target})


@pytest.mark.aws_verified
@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(picture(79, 200), "InvalidParameterException", id="too-small"),
        pytest.param(picture(image_format="GIF"), "InvalidImageFormatException", id="gif"),
        pytest.param(b"no image at all", "InvalidImageFormatException", id="no-image"),
        pytest.param(b"\0" * 5_242_881, "ValidationException", id="five-megabytes-and-one"),
    ],
)
def test_what_is_no_image_is_refused_with_the_services_code(rekognition: Any, content: bytes, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        rekognition.detect_faces(Image={"Bytes": content})

    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.aws_verified
@pytest.mark.parametrize("threshold", [100.1, 1000])  # boto3 itself refuses what is below 0
def test_a_threshold_out_of_bounds_is_refused_with_the_services_code(
    rekognition: Any, astronaut: Image.Image, threshold: float
) -> None:
    image = {"Bytes": file_of(astronaut)}
    with pytest.raises(ClientError) as caught:
        rekognition.compare_faces(SourceImage=image, TargetImage=image, SimilarityThreshold=threshold)

    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.aws_verified
def test_a_photograph_of_a_person_has_the_labels_of_one(rekognition: Any, astronaut: Image.Image) -> None:
    found = rekognition.detect_labels(Image={"Bytes": file_of(astronaut)})

    names = {label["Name"] for label in found["Labels"]}
    assert {"Person", "Head", "Face"} <= names
    assert not names & {"Passport", "Driving License"}
    assert found["LabelModelVersion"].startswith("3.")


@pytest.mark.aws_verified
def test_a_passport_has_the_label_of_one(rekognition: Any, astronaut: Image.Image) -> None:
    found = rekognition.detect_labels(Image={"Bytes": file_of(drawn_passport(astronaut))})["Labels"]

    by_name = {label["Name"]: label for label in found}
    assert by_name["Passport"]["Confidence"] > 55
    assert {parent["Name"] for parent in by_name["Passport"]["Parents"]} == {"Document", "Id Cards", "Text"}


def drawn_passport(portrait: Image.Image) -> Image.Image:
    """A passport of the fictitious state of Utopia, whose machine readable zone is ICAO 9303's own specimen."""
    page = Image.new("RGB", (1250, 880), "#e8efe4")
    draw = ImageDraw.Draw(page)
    page.paste(portrait.crop((100, 0, 350, 320)).resize((320, 410)), (60, 180))
    draw.text((60, 60), "PASSPORT  PASSEPORT", "#203050", ImageFont.truetype("DejaVuSans-Bold.ttf", 52))
    fields = ["Type P   Code UTO   Passport No. L898902C3", "Surname", "ERIKSSON", "Given names", "ANNA MARIA"]
    fields += ["Nationality  UTOPIAN", "Date of birth  12 AUG 1974", "Sex F", "Date of expiry 15 APR 2012"]
    for row, text in enumerate(fields):
        draw.text((430, 180 + row * 48), text, "black", ImageFont.truetype("DejaVuSans.ttf", 30))
    for row, line in enumerate(
        ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
    ):
        draw.text((50, 700 + row * 70), line, "black", ImageFont.truetype("DejaVuSansMono.ttf", 42))
    return page


def test_requests_at_once_are_answered_as_they_are_one_by_one(
    rekognition: Any, astronaut: Image.Image, hopper: Image.Image
) -> None:
    files = [file_of(astronaut), file_of(hopper), file_of(astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT))]

    def ask(number: int) -> Any:
        if number % 2:
            return rekognition.detect_faces(Image={"Bytes": files[number % 3]})["FaceDetails"]
        answer = rekognition.compare_faces(
            SourceImage={"Bytes": files[0]}, TargetImage={"Bytes": files[number % 3]}, SimilarityThreshold=0
        )
        return answer["FaceMatches"]

    alone = [ask(number) for number in range(6)]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(ask, range(60)))

    assert together == [alone[number % 6] for number in range(60)]


def peak_memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak_kb) / 1024


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: the peak of memory cannot be read")
def test_large_images_at_once_are_decoded_one_by_one(tmp_path: Path) -> None:
    large = file_of(Image.new("RGB", (8600, 5800)), "PNG")

    with process(tmp_path, ["--threads", "4"]) as (server, endpoint):
        rekognition = client(endpoint)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: rekognition.detect_faces(Image={"Bytes": large}), range(4)))
        peak = peak_memory_mb(server.pid)

    assert all(answer["FaceDetails"] == [] for answer in answers)
    assert peak < 1400  # models and four threads at work take about 800 MB; every such image decoded adds 200


DEVELOPMENT_DATA = os.environ.get("FACE_DATA", "")


@pytest.mark.long
@pytest.mark.skipif(not DEVELOPMENT_DATA, reason="FACE_DATA is not set: the hostile files are not sent")
def test_every_hostile_file_is_answered_within_a_gigabyte(tmp_path: Path) -> None:
    folder = Path(DEVELOPMENT_DATA)
    with (folder / "hostile" / "hostile.csv").open(encoding="utf-8") as file:
        rows = list(DictReader(file))

    with process(tmp_path) as (server, endpoint):
        rekognition = client(endpoint)
        for row in rows:
            assert row["category"], row
            code = answered(rekognition, (folder / row["file"]).read_bytes())
            assert code in ACCEPTED.get(row["category"], {None}), (row, code)
        peak = peak_memory_mb(server.pid)

    assert peak < 1024


REFUSED = {"InvalidImageFormatException", "InvalidParameterException", "ImageTooLargeException", "ValidationException"}
ACCEPTED: dict[str, set[str | None]] = {
    "tiny": {"InvalidParameterException"},
    "unsupported_format": {"InvalidImageFormatException"},
    "decompression_bomb": {"ImageTooLargeException"},
    "corrupt": {*REFUSED, None},  # some are damaged in their metadata alone
    "corrupt_soft": {*REFUSED, None},
    "truncated": {*REFUSED, None},
}


def answered(rekognition: Any, content: bytes) -> str | None:
    """The error's name; None for an answer. An empty file cannot be sent as bytes by boto3."""
    try:
        rekognition.detect_faces(Image={"Bytes": content})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ParamValidationError:
        return "ValidationException"
    return None
