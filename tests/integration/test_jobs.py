"""Bulk jobs on the local stack, as their users have them: by the command line, the client and an evaluation."""

import csv
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from face_validation.cli.app import app
from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import ConflictError, NotFoundError
from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.runs.asking import OneJob, digests_of
from face_validation.evaluation.runs.cases import read_cases
from face_validation.local.demo import client_of
from face_validation.local.samples.questions import sample_files
from face_validation.local.stack import LocalStack

pytestmark = pytest.mark.slow

ROWS = [
    ("one", "FACE_TO_FACE", "samples/collins.jpg", "samples/collins-again.jpg"),
    ("two", "FACE_TO_FACE", "samples/collins.jpg", "samples/hopper.jpg"),
    ("three", "FACE_TO_FACE", "samples/collins.jpg", "samples/no-face.jpg"),
    ("four", "ID_TO_FACE", "samples/passport-collins.jpg", "samples/collins-again.jpg"),
]


@pytest.fixture(scope="module")
def stack(local_stack: LocalStack) -> LocalStack:
    local_stack.put_samples()
    return local_stack


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Iterator[FaceValidationClient]:
    with client_of(stack.info) as made:
        yield made


def manifest(folder: Path) -> Path:
    path = folder / "cases.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case_id", "type", "source", "target", "expected"))
        writer.writerows((*row, "match") for row in ROWS)
    return path


def test_the_command_line_submits_watches_lists_and_fetches_a_job(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_VALIDATION_STACK", str(tmp_path / "stack.json"))
    stack.info.write(tmp_path / "stack.json")
    runner = CliRunner()

    submitted = runner.invoke(app, ["jobs", "submit", str(manifest(tmp_path)), "--watch", "--json"])
    job = json.loads(submitted.stdout)
    out = tmp_path / "results.jsonl"
    fetched = runner.invoke(app, ["jobs", "results", job["job_id"], "--out", str(out)])
    listed = runner.invoke(app, ["jobs", "list"])

    assert (submitted.exit_code, fetched.exit_code, listed.exit_code) == (0, 0, 0)
    assert job["state"] == "succeeded"
    assert job["counts"] == {"answered": 3, "refused": 1, "failed": 0, "waiting": 0}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["line"] for row in rows] == [2, 3, 4, 5]
    assert [row.get("answer", {}).get("matched") for row in rows] == [True, False, None, True]
    assert rows[2]["error"]["code"] == "ImageValidationError"
    assert job["paid_calls"] == sum(row["paid_calls"] for row in rows) == 3 + 3 + 2 + 4
    assert job["job_id"] in listed.stdout


def test_what_a_job_answers_is_what_each_request_answers(client: FaceValidationClient, tmp_path: Path) -> None:
    (*_, job) = client.jobs.watch(client.jobs.submit(manifest(tmp_path)).job_id, poll_s=0.2)

    for row, line in zip(ROWS, client.jobs.results(job.job_id), strict=True):
        if not line.error:
            alone = client.validate(row[2], row[3], row[1], id_request=line.id_request)
            assert alone.similarity == pytest.approx(line.answer["similarity"])


def test_a_job_reads_the_stacks_buckets_whatever_this_process_sets_later(
    stack: LocalStack, client: FaceValidationClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_BUCKET", "of-another-stack")
    stack.step_functions.close()

    (*_, job) = client.jobs.watch(client.jobs.submit(manifest(tmp_path)).job_id, poll_s=0.2)

    assert (job.state, job.counts.answered) == ("succeeded", 3)


def test_people_are_enrolled_and_found_by_jobs(client: FaceValidationClient, tmp_path: Path) -> None:
    photo = tmp_path / "collins.jpg"
    photo.write_bytes(sample_files()["samples/collins.jpg"])
    key = client.people.upload(photo, "faces")
    enrolment, search = tmp_path / "enrolment.jsonl", tmp_path / "search.jsonl"
    # Another test may have enrolled the same face under another name.
    enrolment.write_text(json.dumps({"image_path": key, "full_name": "Job Collins", "allow_duplicate": True}) + "\n")
    search.write_text(json.dumps({"image_path": "samples/collins-again.jpg"}) + "\n")

    (*_, enrolled) = client.jobs.watch(client.jobs.submit(enrolment, "enrolment").job_id, poll_s=0.2)
    (*_, searched) = client.jobs.watch(client.jobs.submit(search, "search").job_id, "search", poll_s=0.2)

    (face,) = client.jobs.results(enrolled.job_id)
    (found,) = client.jobs.results(searched.job_id, "search")
    assert (face.status, face.answer["full_name"]) == (201, "Job Collins")
    assert "Job Collins" in {match["full_name"] for match in found.answer["matches"]}
    client.people.erase_person("Job Collins")


def test_an_evaluation_by_a_job_gives_each_case_its_outcome(client: FaceValidationClient, tmp_path: Path) -> None:
    for key, image in sample_files().items():
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_bytes(image)
    cases = read_cases(manifest(tmp_path))

    out = tmp_path / "run"
    out.mkdir()
    asked = OneJob(client, digests_of(cases, 4), cases, out, 4)

    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    first = asked.answer((lines[0]["source_path"], lines[0]["target_path"], ValidationType.FACE_TO_FACE))
    assert first.similarity > 90
    assert first.boxes is not None
    with pytest.raises(Exception, match="not valid"):
        asked.answer((lines[2]["source_path"], lines[2]["target_path"], ValidationType.FACE_TO_FACE))


def test_jobs_that_are_not_there_or_have_not_ended_say_so(client: FaceValidationClient, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        client.jobs.show(str(uuid.uuid4()))
    (*_, job) = client.jobs.watch(client.jobs.submit(manifest(tmp_path)).job_id, poll_s=0.2)
    with pytest.raises(ConflictError, match="no line to ask again"):
        client.jobs.redrive(job.job_id)
    assert asdict(client.jobs.stop(job.job_id)) == asdict(job)
