"""Every case is asked once, whatever happens on the way."""

import fcntl
import re
from pathlib import Path
from threading import Semaphore
from typing import cast

import pytest

from face_validation.client.client import FaceValidationClient
from face_validation.client.errors import (
    ConnectionFailedError,
    FaceValidationError,
    ImageValidationError,
    InternalServerError,
    UnauthorizedError,
)
from face_validation.evaluation.runs.cases import EvaluationError, read_cases
from face_validation.evaluation.runs.results import COLUMNS, Outcome
from face_validation.evaluation.runs.run import Run, read_run, run_cases
from face_validation.evaluation.statistics.pairs import Expected
from tests.face_validation.evaluation.fakes import SIDE, FakeApi


@pytest.fixture
def cases_csv(tmp_path: Path) -> Path:
    """Twelve cases; all share one source image, and each has a target of its own."""
    (tmp_path / "trusted.jpg").write_bytes(b"trusted")
    rows = ["case_id,type,source,target,expected,note"]
    for number in range(12):
        (tmp_path / f"{number}.jpg").write_bytes(f"face {number}".encode())
        rows.append(f"c{number},FACE_TO_FACE,trusted.jpg,{number}.jpg,{'match' if number % 2 else 'no_match'},made up")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def similarity_of(source: bytes, target: bytes) -> float:
    return float(target.split()[1]) * 5 + 0.123456789


def run(cases_csv: Path, api: FakeApi, *, service: str = "one", restart: bool = False, jobs: int = 4) -> Run:
    client, out = cast("FaceValidationClient", api), cases_csv.parent / "out"
    return run_cases(read_cases(cases_csv), cases_csv, out, lambda: client, service=service, jobs=jobs, restart=restart)


def test_each_case_is_asked_once_with_threshold_0_and_each_image_is_uploaded_once(cases_csv: Path) -> None:
    api = FakeApi(similarity_of)

    found = run(cases_csv, api)

    assert len(api.asked) == 12
    assert set(api.asked.values()) == {1}
    assert set(api.uploads.values()) == {1}
    assert len(api.uploads) == 13
    assert api.thresholds == {0.0}
    assert [result.case.case_id for result in found.results] == [f"c{number}" for number in range(12)]
    assert found.results[3].similarity == 15.123456789
    assert found.results[3].id_request == "request of face 3"
    assert found.results[3].seen is not None
    assert found.results[3].seen.source == SIDE
    assert found.results[3].qualities == {"sharpness": (61.2, 30.0)}
    assert found.results[3].reasons == ("TARGET_FACE_SMALL",)


def test_a_finished_run_is_read_again_to_the_last_digit_without_asking(cases_csv: Path) -> None:
    first = run(cases_csv, FakeApi(similarity_of))
    api = FakeApi(similarity_of)

    again = run(cases_csv, api)

    assert not api.asked
    assert [result.similarity for result in again.results] == [result.similarity for result in first.results]
    assert sorted(
        read_run(cases_csv.parent / "out", cases_csv.parent).results, key=lambda r: int(r.case.case_id[1:])
    ) == (again.results)


def test_an_interrupted_run_goes_on_where_it_stopped_and_asks_nothing_twice(cases_csv: Path) -> None:
    def interrupt(source: bytes, target: bytes) -> float:
        if target == b"face 7":
            raise KeyboardInterrupt
        return similarity_of(source, target)

    first = FakeApi(interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(cases_csv, first, jobs=1)
    second = FakeApi(similarity_of)

    found = run(cases_csv, second)

    answered_before = {target for _, target in first.asked} - {b"face 7"}
    assert answered_before
    assert answered_before.isdisjoint({target for _, target in second.asked})
    assert len(found.results) == 12
    assert "Taken up" in found.notices[0]


@pytest.mark.parametrize(
    "last", [pytest.param(b"made u", id="word"), pytest.param("made \u00fc".encode()[:-1], id="letter")]
)
def test_a_row_that_was_cut_off_in_the_middle_is_asked_again(cases_csv: Path, last: bytes) -> None:
    run(cases_csv, FakeApi(similarity_of), jobs=1)
    results = cases_csv.parent / "out" / "results.csv"
    written = results.read_bytes()
    results.write_bytes(written[: written.rindex(b"made up")] + last)
    api = FakeApi(similarity_of)

    found = run(cases_csv, api)

    assert len(api.asked) == 1
    assert len(found.results) == 12


def test_refusals_and_failures_are_kept_apart_and_none_is_dropped(cases_csv: Path) -> None:
    def answer(source: bytes, target: bytes) -> float | FaceValidationError:
        errors = {
            b"face 1": ImageValidationError(
                "The image is not valid.", details="target: no face\nwas found", status=422
            ),
            b"face 2": InternalServerError("The service failed.", status=500),
            b"face 3": ConnectionFailedError("No answer in time."),
        }
        return errors.get(target, similarity_of(source, target))

    found = {result.case.case_id: result for result in run(cases_csv, FakeApi(answer)).results}

    assert len(found) == 12
    assert (found["c1"].outcome, found["c1"].status, found["c1"].code) == (Outcome.REFUSED, 422, "ImageValidationError")
    assert found["c1"].details == "target: no face\nwas found"
    assert (found["c2"].outcome, found["c2"].status) == (Outcome.FAILED, 500)
    assert (found["c3"].outcome, found["c3"].status) == (Outcome.FAILED, None)


def test_a_5xx_stands_but_a_case_without_answer_is_asked_again(cases_csv: Path) -> None:
    def answer(source: bytes, target: bytes) -> float | FaceValidationError:
        if target == b"face 2":
            return InternalServerError("The service failed.", status=500)
        return ConnectionFailedError("Lost.") if target == b"face 3" else similarity_of(source, target)

    run(cases_csv, FakeApi(answer))
    api = FakeApi(similarity_of)

    found = {result.case.case_id: result for result in run(cases_csv, api).results}

    assert list(api.asked) == [(b"trusted", b"face 3")]
    assert found["c3"].outcome is Outcome.SCORED
    assert found["c2"].outcome is Outcome.FAILED


def test_a_changed_image_is_noticed_said_and_asked_again(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of))
    (cases_csv.parent / "5.jpg").write_bytes(b"face 19")
    api = FakeApi(similarity_of)

    found = run(cases_csv, api)

    assert list(api.asked) == [(b"trusted", b"face 19")]
    assert found.results[5].similarity == pytest.approx(95.123456789)
    assert any("c5" in notice and "asked again" in notice for notice in found.notices)


def test_a_changed_type_is_asked_again(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of))
    lines = cases_csv.read_text().splitlines(keepends=True)
    lines[5] = lines[5].replace("FACE_TO_FACE", "ID_TO_FACE")
    cases_csv.write_text("".join(lines))
    api = FakeApi(similarity_of)

    found = run(cases_csv, api)

    assert len(api.asked) == 1
    assert any("c4" in notice and "asked again" in notice for notice in found.notices)


def test_a_changed_label_is_noticed_and_keeps_its_score(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of))
    cases_csv.write_text(cases_csv.read_text().replace("4.jpg,no_match", "4.jpg,error"))
    api = FakeApi(similarity_of)

    found = run(cases_csv, api)

    assert not api.asked
    assert found.results[4].case.expected is Expected.ERROR
    assert any("c4" in notice and "scores are kept" in notice for notice in found.notices)


def test_a_case_that_was_taken_out_is_said_and_its_answer_dropped(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of))
    cases_csv.write_text("".join(cases_csv.read_text().splitlines(keepends=True)[:-1]))

    found = run(cases_csv, FakeApi(similarity_of))

    assert len(found.results) == 11
    assert any("c11" in notice and "dropped" in notice for notice in found.notices)


def test_answers_of_two_services_are_never_mixed(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of), service="old")
    api = FakeApi(similarity_of)

    with pytest.raises(EvaluationError, match="another service"):
        run(cases_csv, api, service="new")

    assert not api.asked
    assert len(run(cases_csv, api, service="new", restart=True).results) == len(api.asked) == 12


def test_two_runs_never_share_a_folder_at_the_same_time(cases_csv: Path) -> None:
    out = cases_csv.parent / "out"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(EvaluationError, match="Another run"):
            run(cases_csv, FakeApi(similarity_of))


@pytest.mark.parametrize("jobs", [1, 4])
def test_wrong_credentials_end_the_run_at_once(cases_csv: Path, jobs: int) -> None:
    api = FakeApi(lambda source, target: UnauthorizedError("Unknown client."))

    with pytest.raises(EvaluationError, match="Unknown client"):
        run(cases_csv, api, jobs=jobs)

    assert 1 <= len(api.asked) <= jobs


def test_when_nobody_answers_any_more_the_run_stops_and_says_how_to_go_on(cases_csv: Path) -> None:
    api = FakeApi(lambda source, target: ConnectionFailedError("The API cannot be reached."))

    with pytest.raises(EvaluationError, match="run the same command again"):
        run(cases_csv, api)


def test_cases_without_an_answer_among_others_do_not_stop_the_run(cases_csv: Path) -> None:
    recorded = Semaphore()  # each case is asked when the one before it has been recorded: "in a row" is their order

    def answer(source: bytes, target: bytes) -> float | FaceValidationError:
        assert recorded.acquire(timeout=60)
        return similarity_of(source, target) if target == b"face 6" else ConnectionFailedError("No answer in time.")

    found = run_cases(
        read_cases(cases_csv),
        cases_csv,
        cases_csv.parent / "out",
        lambda: cast("FaceValidationClient", FakeApi(answer)),
        service="one",
        jobs=1,
        on_answer=lambda _: recorded.release(),
    )

    assert len(found.results) == 12


def test_results_of_another_version_are_refused_not_misread(cases_csv: Path) -> None:
    run(cases_csv, FakeApi(similarity_of))
    results = cases_csv.parent / "out" / "results.csv"
    results.write_text(results.read_text().replace(",".join(COLUMNS), "case_id,score"))

    with pytest.raises(EvaluationError, match="another version"):
        run(cases_csv, FakeApi(similarity_of))


def test_results_saved_by_a_spreadsheet_in_another_encoding_are_refused_in_words(cases_csv: Path) -> None:
    cases_csv.write_text(cases_csv.read_text().replace("made up", "añadido"), encoding="utf-8")
    run(cases_csv, FakeApi(similarity_of))
    results = cases_csv.parent / "out" / "results.csv"
    results.write_bytes(results.read_text(encoding="utf-8").encode("latin-1"))

    with pytest.raises(EvaluationError, match="no longer UTF-8"):
        run(cases_csv, FakeApi(similarity_of))


def test_images_may_lie_outside_the_folder_of_the_cases(cases_csv: Path) -> None:
    inner = cases_csv.parent / "inner" / "cases.csv"
    inner.parent.mkdir()
    text = cases_csv.read_text().replace("trusted.jpg", str(cases_csv.parent / "trusted.jpg"))
    inner.write_text(re.sub(r",(\d+\.jpg)", r",../\1", text))

    run(inner, FakeApi(similarity_of))
    api = FakeApi(similarity_of)
    again = run(inner, api)

    assert not api.asked
    assert again.results[0].case.source.read_bytes() == b"trusted"


def test_one_image_of_a_person_with_the_document_goes_into_the_target_bucket_alone(tmp_path: Path) -> None:
    (tmp_path / "both.jpg").write_bytes(b"face 3")
    path = tmp_path / "cases.csv"
    path.write_text("case_id,type,source,target,expected\n1,ID_IN_FACE,,both.jpg,match\n")
    api = FakeApi(similarity_of)

    run(path, api)

    assert set(api.uploads) == {("target", b"face 3")}
    assert set(api.asked) == {(b"face 3", b"face 3")}
