"""Who is this: enrolment, searches, and the rates that follow."""

import csv
import json
import re
from pathlib import Path
from typing import cast

import pytest

from face_validation.client import Box, Face
from face_validation.client.errors import ConnectionFailedError, FaceValidationError, ImageValidationError
from face_validation.client.people import People, PersonMatch, SearchResult
from face_validation.evaluation.report.output import write_identification
from face_validation.evaluation.runs import identification
from face_validation.evaluation.runs.cases import EvaluationError, Photograph
from face_validation.evaluation.runs.identification import (
    Probe,
    ProbeResult,
    count,
    never_enrolled,
    read_enrolments,
    read_probes,
)
from face_validation.evaluation.statistics.intervals import Rate


def found(*persons: tuple[str, float]) -> SearchResult:
    matches = tuple(PersonMatch(name, similarity, "a face") for name, similarity in persons)
    return SearchResult("a request", bool(matches), matches, Face(Box(0, 0, 1, 1), 99.0))


class FakeSearch:
    """Knows who is in a photograph by its file name: `<person>-<similarity>.jpg`."""

    def __init__(self) -> None:
        self.enrolled: list[tuple[str, str]] = []
        self.thresholds: set[float] = set()

    def enrol(self, photo: Path, full_name: str) -> None:
        if photo.stem == "lost":
            raise ConnectionFailedError("Nobody answers.")
        if photo.stem == "faceless":
            raise ImageValidationError("No face.", status=422)
        self.enrolled.append((photo.name, full_name))

    def search(self, photo: Path, *, threshold: float, max_faces: int) -> SearchResult:
        self.thresholds.add(threshold)
        person, _, similarity = photo.stem.partition("-")
        if person == "faceless":
            raise ImageValidationError("No face.", status=422)
        if person == "lost":
            raise ConnectionFailedError("Nobody answers.")
        return found((person, float(similarity)), ("Zoe", 1.0)) if similarity else found()


def identify(
    enrolments: list[Photograph], probes: list[Probe], api: FakeSearch, *, threshold: float, jobs: int
) -> identification.Identification:
    return identification.identify(enrolments, probes, cast("People", api), threshold=threshold, jobs=jobs)


def probe(name: str, person: str | None) -> Probe:
    return Probe(name, Path(f"{name}.jpg"), person)


PROBES = [
    probe("Ann-95", "Ann"),
    probe("Ann-70", "Ann"),
    probe("Bob-90", "Ann"),
    probe("faceless", "Bob"),
    probe("Ann-85", None),
    probe("Bob-20", None),
    probe("nobody", None),
    probe("faceless", None),
]


def test_known_persons_and_strangers_are_counted_apart() -> None:
    api = FakeSearch()

    found = identify(
        [Photograph("Ann", Path("a.jpg")), Photograph("Bob", Path("faceless.jpg"))], PROBES, api, threshold=80, jobs=2
    )

    assert api.enrolled == [("a.jpg", "Ann")]
    assert api.thresholds == {0.0}
    assert (found.enrolled, found.not_enrolled) == (1, ["faceless.jpg: ImageValidationError"])
    assert (found.rank_one, found.rank_one_any, found.misidentified) == (Rate(1, 4), Rate(2, 4), Rate(1, 4))
    assert (found.fpir, found.fnir, found.refused) == (Rate(1, 4), Rate(3, 4), Rate(2, 8))


def test_who_is_expected_but_never_enrolled_is_told() -> None:
    assert never_enrolled([Photograph("Ann", Path("a.jpg"))], PROBES) == ["Bob"]


def test_the_curve_holds_the_figures_of_every_threshold() -> None:
    answers = [
        ProbeResult(probe("p", "Ann"), "Ann", 95.0),
        ProbeResult(probe("q", "Ann"), None, None),
        ProbeResult(probe("r", None), "Ann", 85.0),
    ]

    at_80, at_90 = (count(answers, threshold, enrolled=1, not_enrolled=[]) for threshold in (80, 90))

    assert at_80.curve.thresholds[:2].tolist() == [85.0, 95.0]
    assert at_80.curve.rank_one[:2].tolist() == [at_80.rank_one.value, at_90.rank_one.value] == [0.5, 0.5]
    assert at_80.curve.fpir[:2].tolist() == [at_80.fpir.value, at_90.fpir.value] == [1.0, 0.0]


def test_a_similarity_at_the_threshold_names() -> None:
    found = count(
        [ProbeResult(probe("p", "Ann"), "Ann", 80.0), ProbeResult(probe("s", None), "Ann", 80.0)],
        80,
        enrolled=1,
        not_enrolled=[],
    )

    assert (found.rank_one, found.fpir) == (Rate(1, 1), Rate(1, 1))


@pytest.mark.parametrize(
    ("enrolments", "probes"),
    [
        pytest.param([], [probe("lost", "Ann")], id="search"),
        pytest.param([Photograph("Ann", Path("lost.jpg"))], [], id="enrolment"),
    ],
)
def test_when_nobody_answers_the_run_ends(enrolments: list[Photograph], probes: list[Probe]) -> None:
    with pytest.raises(FaceValidationError, match="Nobody answers"):
        identify(enrolments, probes, FakeSearch(), threshold=80, jobs=1)


def test_results_metrics_and_plot_are_written(tmp_path: Path) -> None:
    found = identify([], PROBES, FakeSearch(), threshold=85, jobs=2)

    write_identification(found, tmp_path / "out", Path(), "a service")

    with (tmp_path / "out" / "results.csv").open(newline="") as stream:
        rows = [(row["probe_id"], row["expected_person"]) for row in csv.DictReader(stream)]
    assert rows == [(one.probe_id, one.person or "NONE") for one in PROBES]
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["rank_one"]["hits"] == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "25.0 % of the enrolled are named right, 25.0 % of strangers are given a name" in page
    rows_of_tables = re.findall(r'<th scope="row">([^<]*)', page)
    assert rows_of_tables == ["80", "85", "90", "95", "99", "Ann-70", "Bob-90", "faceless", "Ann-85"]
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert {path.name for path in (tmp_path / "out").glob("*.svg")} == {"identification.svg", "dir_fpir.svg"}
    assert "Fewer than ten strangers were given a name" in page


def test_what_was_never_asked_has_no_rate(tmp_path: Path) -> None:
    found = identify([], [probe("Ann-95", "Ann")], FakeSearch(), threshold=80, jobs=1)

    write_identification(found, tmp_path, Path(), "a service")

    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures["curve"]["fpir"] == [None, None]


def test_the_lists_are_read_and_nobody_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"image")
    (tmp_path / "enroll.csv").write_text("person_id,image,origin\nAnn,a.jpg,web\n")
    (tmp_path / "probes.csv").write_text(
        "probe_id,image,expected_person,note\n1,a.jpg,Ann,known\n2,a.jpg,NONE,stranger\n"
    )

    assert read_enrolments(tmp_path / "enroll.csv", tmp_path) == [Photograph("Ann", tmp_path / "a.jpg")]
    assert [one.person for one in read_probes(tmp_path / "probes.csv", tmp_path)] == ["Ann", None]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("person_id,image\nAnn,b.jpg\n", "row 2, column image: there is no file 'b.jpg'"),
        ("person_id,image\n,a.jpg\n", "row 2, column person_id: is empty"),
        ("person,image\nAnn,a.jpg\n", "missing columns: person_id"),
        ("person_id,image\n", "holds no row"),
    ],
)
def test_a_bad_list_is_refused_by_row_and_column(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "a.jpg").write_bytes(b"image")
    (tmp_path / "enroll.csv").write_text(text)

    with pytest.raises(EvaluationError, match=complaint):
        read_enrolments(tmp_path / "enroll.csv", tmp_path)


def test_the_rank_of_the_right_person_is_counted_without_a_threshold() -> None:
    class ThreeCandidates(FakeSearch):
        def search(self, photo: Path, *, threshold: float, max_faces: int) -> SearchResult:
            return found(("Zoe", 60.0), ("Ann", 50.0), ("Bob", 40.0))

    run = identify(
        [], [probe("a", "Ann"), probe("b", "Bob"), probe("c", "Eve")], ThreeCandidates(), threshold=80, jobs=1
    )

    assert [rate.hits for rate in run.rank_k] == [0, 1, 2, 2, 2]
    assert {rate.of for rate in run.rank_k} == {3}


def test_a_larger_collection_is_only_extrapolated_from_ten_false_matches_on() -> None:
    named = [ProbeResult(probe(f"s{n}", None), "Ann", 90.0) for n in range(10)]
    unnamed = [ProbeResult(probe(f"u{n}", None), "Ann", 10.0) for n in range(90)]

    enough = count(named + unnamed, 80, enrolled=1000, not_enrolled=[])
    too_few = count(named[1:] + unnamed, 80, enrolled=1000, not_enrolled=[])

    assert [one.value for one in enough.extrapolations if one.enrolled == 1000] == [pytest.approx(0.1)]
    assert [one.value for one in enough.extrapolations if one.enrolled == 10_000] == [pytest.approx(1 - 0.9**10)]
    assert too_few.extrapolations == ()
