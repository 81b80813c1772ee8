"""A manifest, line by line: what is wrong with one line is that line's outcome, what is wrong with all is the job's."""

import json
from io import BytesIO, RawIOBase
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.exceptions.exceptions import RequestError
from face_validation_function.integrations.jobs_on_aws import JobFiles
from face_validation_function.jobs import Job, Line
from face_validation_function.services import job_manifest
from face_validation_function.services.job_manifest import check_defaults, lines_of

GOOD = {"type": "FACE_TO_FACE", "source_path": "a.jpg", "target_path": "b.jpg"}


def job(kind: str = "validation", path: str = "m.jsonl", **defaults: Any) -> Job:
    asked = {"kind": kind, "manifest_path": path, "defaults": defaults, "tolerated_failure_percentage": 5}
    return Job("ann", "7b0a3f0e-59f7-4b0f-9a43-0d8c9b5a1d11", asked, "etag", 0.0, 0.0)


class Parted(RawIOBase):
    """An S3 client whose object comes in these parts."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts, self._length = [part for part in parts if part], sum(map(len, parts))

    def get_object(self, **_: str) -> dict[str, StreamingBody]:
        stream: Any = self
        return {"Body": StreamingBody(stream, self._length)}

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._parts.pop(0) if self._parts else b""
        buffer[: len(part)] = part
        return len(part)


def read(data: bytes | str, of: Job | None = None) -> list[Line]:
    content = data.encode() if isinstance(data, str) else data
    return list(lines_of(of or job(), BytesIO(content)))


def test_each_line_is_a_request_with_an_id_that_is_the_same_when_it_is_read_again() -> None:
    text = f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD | {'threshold': 95})}"

    first, second = read(text)

    assert (first.number, second.number) == (1, 3)
    assert second.request["threshold"] == 95
    assert first.id_request != second.id_request
    assert read(text) == [first, second]


def test_an_id_of_the_lines_own_is_kept_and_defaults_give_way() -> None:
    own = "11111111-1111-4111-8111-111111111111"
    (line,) = read(json.dumps(GOOD | {"id_request": own, "threshold": 0}), job(threshold=95, include=["boxes"]))

    assert line.id_request == line.request["id_request"] == own
    assert line.request["threshold"] == 0
    assert line.request["include"] == ["boxes"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[1]", "a line is a JSON object"),
        (json.dumps(GOOD | {"treshold": 9}), "treshold: this field is not known"),
        (json.dumps(GOOD | {"threshold": "95"}), "threshold"),
        (json.dumps(GOOD | {"claims": {"nationality": "D"}}), "claims: this field is not for jobs"),
        (json.dumps(GOOD | {"include": ["document"]}), "document is not for jobs"),
        (json.dumps({"type": "FACE_TO_FACE", "target_path": "b"}), "source_path"),
        (b'{"type": "FACE_TO_FACE", "source_path": "\xff", "target_path": "b"}', "source_path"),
    ],
)
def test_a_broken_line_is_refused_by_its_number_and_the_others_go_on(text: str | bytes, reason: str) -> None:
    raw = text.encode() if isinstance(text, str) else text
    good = json.dumps(GOOD).encode()

    before, broken, after = read(good + b"\n" + raw + b"\n" + good)

    assert before.refusal is None is after.refusal
    assert broken.refusal is not None
    assert broken.refusal.startswith("line 2: ")
    assert reason in broken.refusal


def test_a_csv_as_labelled_cases_are_written_is_a_manifest() -> None:
    text = (
        "\ufeffcase_id,type,source,target,threshold,expected,note\r\n"
        'one,FACE_TO_FACE,a.jpg,"b,c.jpg",95.5,true,"a ""note"""\r\n'
        "two,FACE_TO_FACE,a.jpg,b.jpg,,false,\r\n"
        "three,FACE_TO_FACE,a.jpg\r\n"
    )

    one, two, three = read(text, job(path="cases.csv"))

    assert one.request == {
        "id_request": one.id_request,
        "type": "FACE_TO_FACE",
        "source_path": "a.jpg",
        "target_path": "b,c.jpg",
        "threshold": 95.5,
    }
    assert "threshold" not in two.request
    assert three.refusal == "line 4: it has 3 values, and the header 7 columns."


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("validation", "type,source,target,treshold\n", "'treshold' is not known"),
        ("validation", "type,source,source\n", "twice"),
        ("validation", "source,target\n", "there is no column type"),
        ("search", "image_path,image\n", "'image' is not known"),
        ("enrolment", "image_path\n", "there is no column full_name"),
        ("validation", "", "there is no column"),
        ("validation", "type,source,target\n", "no line to ask"),
    ],
)
def test_a_header_that_is_not_right_refuses_the_job(kind: str, text: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        read(text, job(kind, "m.csv"))


def test_a_manifest_without_a_line_or_with_too_many_or_too_long_ones_refuses_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RequestError, match="no line to ask"):
        read("\n \n")
    with pytest.raises(RequestError, match="line 2: it has more than 65536 bytes"):
        read("{}\n" + "x" * 70_000)
    monkeypatch.setattr(job_manifest, "MOST_LINES", 2)
    with pytest.raises(RequestError, match="line 3: the manifest has more than 2 lines"):
        read("{}\n{}\n{}\n")


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)), st.data())
def test_however_a_manifest_comes_in_parts_its_lines_are_the_same(texts: list[str], data: st.DataObject) -> None:
    content = "\n".join([*texts, "{}"]).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]

    files = JobFiles(Parted(parts), "jobs", "source")

    assert list(files.manifest("m.jsonl", "etag")) == list(BytesIO(content))


def test_defaults_of_another_kind_are_refused_by_name() -> None:
    check_defaults(job().kind, {"threshold": 95, "type": "ID_TO_FACE"})
    with pytest.raises(RequestError, match=r"defaults\.full_name"):
        check_defaults(job().kind, {"full_name": "Ana"})
    with pytest.raises(RequestError, match=r"defaults\.image"):
        check_defaults(job("search").kind, {"image": "aaaa"})
