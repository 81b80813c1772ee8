"""All photographs against all others: pairs, persons, what is kept and taken up again."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from face_validation.evaluation.report.output import write_report
from face_validation.evaluation.report.summary import summarise_all_pairs
from face_validation.evaluation.runs.all_pairs import (
    AllPairs,
    cases_of_all_pairs,
    read_all_pairs,
    read_photographs,
    run_all_pairs,
)
from face_validation.evaluation.runs.cases import EvaluationError, Photograph
from face_validation.evaluation.runs.run import Run
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import Expected


class FakeMatcher:
    """A photograph's content is its descriptor; the similarity is 100 minus the distance."""

    def __init__(self) -> None:
        self.described: list[str] = []

    def describe(self, photo: Path) -> NDArray[np.float32] | None:
        self.described.append(photo.name)
        text = photo.read_text()
        return None if text == "no face" else np.array([float(text)], np.float32)

    def similarity(self, descriptors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(100 - np.abs(descriptors[:, None, 0] - others[None, :, 0]), np.float64)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ana twice, Bo twice, once without a face, and Cy once."""
    rows = ["person,path,group"]
    for name, person, content in (
        ("a1", "Ana", "10"),
        ("a2", "Ana", "14"),
        ("b1", "Bo", "50"),
        ("b2", "Bo", "no face"),
        ("c1", "Cy", "53"),
    ):
        (tmp_path / f"{name}.jpg").write_text(content)
        rows.append(f"{person},{name}.jpg,{'one' if person == 'Ana' else 'two'}")
    (tmp_path / "photos.csv").write_text("\n".join(rows))
    return tmp_path


def score(
    photos: Path, matcher: FakeMatcher, *, service: str = "a matcher", restart: bool = False
) -> tuple[Run, AllPairs]:
    path = photos / "photos.csv"
    photographs, how = read_photographs(path), (matcher.describe, matcher.similarity)
    return run_all_pairs(photographs, path, photos / "out", *how, service=service, jobs=2, restart=restart)


def test_every_two_photographs_are_scored_once_by_person(photos: Path) -> None:
    _, all_pairs = score(photos, FakeMatcher())

    pairs = all_pairs.pairs
    assert [photo.path.name for photo in all_pairs.photos] == ["a1.jpg", "a2.jpg", "b1.jpg", "c1.jpg"]
    values = {"a1": 10, "a2": 14, "b1": 50, "c1": 53}
    assert pairs.similarity.tolist() == [100 - abs(one - other) for one, other in combinations(values.values(), 2)]
    assert pairs.is_match.tolist() == [True, False, False, False, False, False]
    assert pairs.persons == 3
    assert pairs.group_names == ("one", "two")
    assert [photo.person for photo in all_pairs.without_face] == ["Bo"]


def test_scores_that_are_there_are_taken_up_and_nothing_is_described_again(photos: Path) -> None:
    score(photos, FakeMatcher())
    matcher = FakeMatcher()

    run, all_pairs = score(photos, matcher)

    assert matcher.described == []
    assert all_pairs.scores.size == 6
    assert "Taken up" in run.notices[0]


def test_a_photograph_more_or_a_changed_one_is_scored_anew(photos: Path) -> None:
    score(photos, FakeMatcher())
    (photos / "d1.jpg").write_text("90")
    (photos / "photos.csv").write_text((photos / "photos.csv").read_text() + "\nDi,d1.jpg,two\n")
    matcher = FakeMatcher()

    score(photos, matcher)

    assert len(matcher.described) == 6


def test_scores_of_another_matcher_are_refused_unless_thrown_away(photos: Path) -> None:
    score(photos, FakeMatcher())

    with pytest.raises(EvaluationError, match="another service"):
        score(photos, FakeMatcher(), service="another matcher")

    score(photos, FakeMatcher(), service="another matcher", restart=True)


def test_no_descriptor_is_kept(photos: Path) -> None:
    score(photos, FakeMatcher())

    kept = read_all_pairs(photos / "out")

    assert {path.name for path in (photos / "out").iterdir()} == {"photos.csv", "scores.npy", "run.json", ".lock"}
    assert kept.scores.shape == (6,)


def test_a_report_of_all_pairs_counts_failures_to_enrol_and_has_no_latency(photos: Path, tmp_path: Path) -> None:
    run, all_pairs = score(photos, FakeMatcher())
    summary = summarise_all_pairs(run, all_pairs, 95.0)

    write_report(summary, photos / "out")

    page = (photos / "out" / "report.html").read_text(encoding="utf-8")
    assert summary.failure_to_enrol == Rate(1, 5)
    assert summary.overall is None
    assert 'id="latency"' not in page
    assert "Bo / Cy" in page  # 97: the false match at 95


def test_an_api_is_asked_about_all_matches_and_as_many_non_matches_as_wanted(photos: Path) -> None:
    photographs = read_photographs(photos / "photos.csv")

    everything, some = cases_of_all_pairs(photographs), cases_of_all_pairs(photographs, 3)

    assert len(everything) == 10
    assert [case.expected for case in some].count(Expected.NO_MATCH) == 3
    assert [case.expected for case in some].count(Expected.MATCH) == 2
    assert len({case.case_id for case in everything}) == 10
    assert {case.group for case in everything} == {"one", "two", ""}


def test_a_folder_holds_one_folder_a_person(tmp_path: Path) -> None:
    for person in ("Ana", "Bo"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.jpg").write_text("1")
        (tmp_path / person / "notes.txt").write_text("no photograph")

    found = read_photographs(tmp_path, {"Bo": "two"})

    assert found == [
        Photograph("Ana", tmp_path / "Ana" / "1.jpg"),
        Photograph("Bo", tmp_path / "Bo" / "1.jpg", "two"),
    ]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("Ana,a1.jpg\nAna,a2.jpg", "fewer than two persons"),
        ("Ana,a1.jpg\nBo,none.jpg", "row 3"),
        (",a1.jpg", "row 2"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(photos: Path, rows: str, complaint: str) -> None:
    (photos / "bad.csv").write_text(f"person,path\n{rows}\n")

    with pytest.raises(EvaluationError, match=complaint):
        read_photographs(photos / "bad.csv")
