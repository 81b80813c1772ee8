"""`face-validation evaluate` and `compare`, against an API over HTTP that answers by the target's key."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from face_validation.cli.app import app
from face_validation.cli.evaluated_service import code_digest
from tests.face_validation.client.fake_api import FakeApi, Reply, envelope


class ScoringApi(FakeApi):
    """Finds the similarity in the target's content: its first number."""

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().answer(request)
        similarity = float(self.objects[f"the-target/{request['target_path']}"].split()[0])
        return answer | {"similarity": similarity, "matched": similarity >= request["threshold"]}


@pytest.fixture
def api() -> Iterator[ScoringApi]:
    found = ScoringApi()
    with found.running():
        yield found


@pytest.fixture
def folder(tmp_path: Path, api: ScoringApi) -> Path:
    """Ten pairs, one wrong at 80, and the profile that leads to the API."""
    rows = ["case_id,type,source,target,expected,note"]
    (tmp_path / "trusted.jpg").write_bytes(b"trusted")
    for number in range(10):
        similarity = 50 if number == 9 else 90 + number if number % 2 else number
        (tmp_path / f"{number}.jpg").write_text(f"{similarity} percent")
        rows.append(f"c{number},FACE_TO_FACE,trusted.jpg,{number}.jpg,{'match' if number % 2 else 'no_match'},lfw")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    (tmp_path / "stack.json").write_text(json.dumps(api.settings))
    (tmp_path / "stack.json").chmod(0o600)
    return tmp_path


def evaluate(folder: Path, *more: str, out: str = "out") -> Result:
    arguments = ["evaluate", str(folder / "cases.csv"), "--out", str(folder / out)]
    return CliRunner().invoke(app, [*arguments, "--profile", str(folder / "stack.json"), *more])


def test_a_run_writes_results_metrics_report_and_plots_and_says_where(folder: Path, api: ScoringApi) -> None:
    done = evaluate(folder)

    assert done.exit_code == 0, done.output
    assert {"results.csv", "metrics.json", "report.html", "scores_face_to_face.svg"} <= {
        one.name for one in (folder / "out").iterdir()
    }
    assert json.loads((folder / "out" / "metrics.json").read_text())["overall"]["accuracy"]["hits"] == 9
    assert "report.html" in done.output
    assert {call.json["threshold"] for call in api.validations} == {0.0}
    assert len(api.validations) == 10


def test_prepared_images_are_sent_as_jpgs_and_what_no_decoder_opens_is_counted_as_refused(
    folder: Path, api: ScoringApi
) -> None:
    Image.new("RGB", (200, 100), "grey").save(folder / "trusted.jpg", "WEBP")

    done = evaluate(folder, "--prepare")

    assert done.exit_code == 0, done.output
    assert [sent[:3] for sent in api.objects.values()] == [b"\xff\xd8\xff"]
    overall = json.loads((folder / "out" / "metrics.json").read_text())["overall"]
    assert (overall["cases"], overall["failures"]) == (10, 0)
    assert "prepared images" in evaluate(folder).output  # answers of both ways are not mixed in one run


def test_another_threshold_is_arithmetic_on_the_scores_that_are_there(folder: Path, api: ScoringApi) -> None:
    evaluate(folder)

    done = evaluate(folder, "--threshold", "45")

    assert done.exit_code == 0, done.output
    assert len(api.validations) == 10
    assert json.loads((folder / "out" / "metrics.json").read_text())["overall"]["accuracy"]["hits"] == 10


def test_a_run_on_the_local_stack_that_has_all_its_answers_starts_no_stack(folder: Path) -> None:
    evaluate(folder)
    run = folder / "out" / "run.json"
    run.write_text(json.dumps(json.loads(run.read_text()) | {"service": f"local stack, code {code_digest()}"}))

    done = CliRunner().invoke(
        app, ["evaluate", str(folder / "cases.csv"), "--out", str(folder / "out"), "--threshold", "45"]
    )

    assert done.exit_code == 0, done.output
    assert "Taken up: 10 cases" in done.output
    assert "Starting the local stack" not in done.output


@pytest.mark.parametrize(
    ("minimum", "code"),
    [("accuracy=0.9", 0), ("accuracy=0.95", 1), ("lfw.recall=0.8", 0), ("FACE_TO_FACE.recall=0.81", 1), ("x.f1=0", 1)],
)
def test_a_rate_below_its_bar_ends_with_1(folder: Path, minimum: str, code: int) -> None:
    done = evaluate(folder, "--fail-under", minimum)

    assert done.exit_code == code, done.output


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("fnmr=0.2", 0),
        ("fnmr=0.19", 1),
        ("FACE_TO_FACE.eer=0.2", 0),
        ("fmr=0", 0),
        ("failure_to_enrol=0", 0),
        ("lfw.fnmr=0.1", 1),
        ("fnmr@fmr=0.001=0.5", 1),  # five non-matches cannot say
    ],
)
def test_a_rate_above_its_limit_ends_with_1(folder: Path, limit: str, code: int) -> None:
    done = evaluate(folder, "--fail-above", limit)

    assert done.exit_code == code, done.output


@pytest.mark.parametrize("limit", ["fnmr", "accuracy=0.5", "fnmr@fmr=0.5=0.1", "fmr@fmr=0.01=0.1", "fnmr@fmr=0.01"])
def test_a_limit_that_makes_no_sense_is_refused_before_anything_is_asked(
    folder: Path, api: ScoringApi, limit: str
) -> None:
    done = evaluate(folder, "--fail-above", limit)

    assert done.exit_code == 3
    assert not api.calls


@pytest.mark.parametrize("minimum", ["accuracy", "accuracy=2", "luck=0.5", "accuracy=90%"])
def test_a_bar_that_makes_no_sense_is_refused_before_anything_is_asked(
    folder: Path, api: ScoringApi, minimum: str
) -> None:
    done = evaluate(folder, "--fail-under", minimum)

    assert done.exit_code == 3
    assert not api.calls


def test_a_bad_row_is_named_and_nothing_is_asked(folder: Path, api: ScoringApi) -> None:
    with (folder / "cases.csv").open("a") as cases:
        cases.write("\nbad,FACE_TO_FACE,trusted.jpg,none.jpg,match,\n")

    done = evaluate(folder)

    assert done.exit_code == 3
    assert "row 12, column target" in done.output
    assert not api.calls


def test_a_5xx_is_counted_and_not_hidden_by_a_second_try(folder: Path, api: ScoringApi) -> None:
    api.script.append(Reply(500, envelope("InternalServerError")))

    done = evaluate(folder, "--jobs", "1")

    assert done.exit_code == 0, done.output
    assert len(api.validations) == 10
    assert json.loads((folder / "out" / "metrics.json").read_text())["overall"]["failures"] == 1


def test_a_throttled_case_is_asked_again(folder: Path, api: ScoringApi) -> None:
    api.script.append(Reply(429, envelope("TooManyRequestsError")))

    evaluate(folder, "--jobs", "1")

    assert len(api.validations) == 11
    assert json.loads((folder / "out" / "metrics.json").read_text())["overall"]["failures"] == 0


def test_a_refused_client_ends_the_run_with_3(folder: Path, api: ScoringApi) -> None:
    api.token_script.extend([Reply(400, {"error": "invalid_client"})] * 20)

    done = evaluate(folder)

    assert done.exit_code == 3
    assert "Cannot run" in done.output


def test_answers_of_another_api_are_not_mixed_in(folder: Path, api: ScoringApi) -> None:
    evaluate(folder)
    run = json.loads((folder / "out" / "run.json").read_text())
    (folder / "out" / "run.json").write_text(json.dumps(run | {"service": "https://another.example/prod"}))

    refused = evaluate(folder)
    restarted = evaluate(folder, "--restart")

    assert refused.exit_code == 3
    assert "https://another.example/prod" in refused.output
    assert restarted.exit_code == 0
    assert len(api.validations) == 20


def test_two_runs_are_compared_in_words_and_as_json(folder: Path) -> None:
    evaluate(folder)
    (folder / "9.jpg").write_text("99 percent")
    evaluate(folder, out="other")

    same = CliRunner().invoke(app, ["compare", str(folder / "out"), str(folder / "out")])
    found = CliRunner().invoke(app, ["compare", str(folder / "out"), str(folder / "other"), "--json"])
    missing = CliRunner().invoke(app, ["compare", str(folder / "out"), str(folder)])

    assert same.exit_code == 0
    assert "The same cases are right in both" in same.output
    assert "…" not in same.output  # nothing is cut off at 80 columns
    assert json.loads(found.output)["other_questions"] == ["c9"]
    assert json.loads(found.output)["groups"][0]["cases"] == 9
    assert missing.exit_code == 3


def test_a_case_that_changed_is_shown_with_both_scores(folder: Path) -> None:
    evaluate(folder)
    evaluate(folder, out="other")
    results = folder / "other" / "results.csv"
    results.write_text(results.read_text().replace(",50.0,", ",93.0,"))

    shown = CliRunner().invoke(app, ["compare", str(folder / "out"), str(folder / "other")], env={"COLUMNS": "200"})

    assert "c9" in shown.output
    assert "no_match 50.00" in shown.output
    assert "match 93.00" in shown.output
    assert "B has more right, which may be chance" in shown.output


def test_a_deployed_api_is_given_by_its_address_and_the_rest_by_the_environment(folder: Path, api: ScoringApi) -> None:
    settings = {f"FACE_VALIDATION_{name.upper()}": str(value) for name, value in api.settings.items()}
    del settings["FACE_VALIDATION_API_URL"]
    arguments = ["evaluate", str(folder / "cases.csv"), "--out", str(folder / "out")]

    done = CliRunner().invoke(app, [*arguments, "--api", api.settings["api_url"]], env=settings)

    assert done.exit_code == 0, done.output
    assert json.loads((folder / "out" / "run.json").read_text())["service"] == api.settings["api_url"]
    assert api.settings["client_secret"] not in "".join(
        path.read_text(errors="replace") for path in (folder / "out").glob("*")
    )


def all_pairs(folder: Path, *more: str, typed: str = "") -> Result:
    arguments = ["evaluate", str(folder / "photos.csv"), "--all-pairs", "--out", str(folder / "pairs"), *more]
    return CliRunner().invoke(app, [*arguments, "--profile", str(folder / "stack.json")], input=typed)


@pytest.fixture
def photos(folder: Path) -> Path:
    """Three photographs of two persons."""
    (folder / "photos.csv").write_text("person,path,group\nAna,1.jpg,a\nAna,3.jpg,a\nBo,2.jpg,b\n")
    return folder


def test_all_pairs_through_an_api_say_what_they_cost_and_ask_first(photos: Path, api: ScoringApi) -> None:
    refused, agreed = all_pairs(photos, typed="n\n"), all_pairs(photos, typed="y\n")

    assert refused.exit_code == 3
    assert "3 validations, 9 Rekognition calls: about 0.01 USD" in refused.output
    assert agreed.exit_code == 0, agreed.output
    assert len(api.validations) == 3
    scores = json.loads((photos / "pairs" / "metrics.json").read_text())["scores"][0]
    assert (scores["matches"], scores["non_matches"], scores["persons"]) == (1, 2, 2)
    assert scores["intervals"] == "wilson over persons"


def test_fewer_non_matches_can_be_drawn_and_agreed_to_beforehand(photos: Path, api: ScoringApi) -> None:
    done = all_pairs(photos, "--yes", "--non-matches", "1")

    assert done.exit_code == 0, done.output
    assert len(api.validations) == 2


def test_groups_of_persons_come_from_a_file(folder: Path) -> None:
    cases = (folder / "cases.csv").read_text().splitlines()
    rows = [f"{row},Ana,{'Ana' if ',match,' in row else 'Bo'}" for row in cases[1:]]
    (folder / "cases.csv").write_text("\n".join([f"{cases[0]},source_person,target_person", *rows]))
    (folder / "groups.csv").write_text("person,group\nAna,one\nBo,two\n")

    done = evaluate(folder, "--groups", str(folder / "groups.csv"))

    assert done.exit_code == 0, done.output
    differentials = json.loads((folder / "out" / "metrics.json").read_text())["scores"][0]["differentials"]
    assert differentials["groups"] == []
    assert differentials["too_small"] == ["one", "two"]
