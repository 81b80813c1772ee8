"""A run's figures, by type, origin, document and size; what is written, and whether a bar is reached."""

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from string import Formatter, ascii_lowercase
from xml.etree import ElementTree

import jsonschema
import pytest
from PIL import Image

from face_validation.client import Box, Boxes, Face, ImageAnalysis
from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.report.gallery import thumbnail
from face_validation.evaluation.report.output import Metrics, report_page, schema_text, write_report
from face_validation.evaluation.report.study import Reason
from face_validation.evaluation.report.summary import Summary, summarise
from face_validation.evaluation.report.texts import percent
from face_validation.evaluation.runs.results import Outcome, Result
from face_validation.evaluation.runs.run import Run, Session
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.operating_points import Support
from face_validation.evaluation.statistics.pairs import Answer, Expected
from tests.face_validation.evaluation.fakes import SIDE, boxes_to_json, case

ROOT = Path(__file__).parents[3]


def scored(
    case_id: str, expected: Expected, similarity: float, note: str = "lfw", side: ImageAnalysis = SIDE
) -> Result:
    return Result(
        case(case_id, expected, note),
        "source hash",
        "target hash",
        Outcome.SCORED,
        0.25,
        similarity=similarity,
        status=200,
        boxes=boxes_to_json(Boxes(side, side)),
    )


def refused(case_id: str, expected: Expected, note: str = "no face: cat") -> Result:
    return Result(
        case(case_id, expected, note),
        "source hash",
        "target hash",
        Outcome.REFUSED,
        0.05,
        status=422,
        code="ImageValidationError",
        details="source, detect_faces: no face <b>was</b> found",
    )


def run_of(*results: Result) -> Run:
    return Run(
        cases_name="cases.csv",
        root=Path("/cases"),
        service="a service",
        machine="a machine",
        versions={"python": "3"},
        sessions=[Session("2026-01-01T00:00:00+00:00", len(results), 4, 2.0)],
        results=list(results),
        notices=[],
    )


@pytest.fixture
def mixed() -> Summary:
    id_match = scored("i1", Expected.MATCH, 85.0, "composite td1_a scan A")
    id_match = replace(id_match, case=replace(id_match.case, type=ValidationType.ID_TO_FACE))
    failed = Result(case("x", Expected.MATCH, "lfw"), "a", "b", Outcome.FAILED, 9.0, status=500, details="broke")
    return summarise(
        run_of(
            scored("a", Expected.MATCH, 99.0),
            scored("b", Expected.MATCH, 79.9),
            scored("c", Expected.NO_MATCH, 3.0),
            scored("d", Expected.NO_MATCH, 95.0, "web celebrity A"),
            refused("e", Expected.ERROR),
            refused("f", Expected.MATCH),
            scored("g", Expected.ERROR, 1.0, "no face: dog"),
            failed,
            id_match,
        ),
        80.0,
    )


def test_groups_are_by_type_origin_document_and_size(mixed: Summary) -> None:
    names = {(group.dimension, group.name): group.cases for group in mixed.groups}

    assert names == {
        ("type", "FACE_TO_FACE"): 8,
        ("type", "ID_TO_FACE"): 1,
        ("origin", "lfw"): 4,
        ("origin", "web celebrity"): 1,
        ("origin", "no face"): 3,
        ("origin", "composite"): 1,
        ("document level", "scan"): 1,
        ("document template", "td1_a"): 1,
        ("document and condition", "td1_a, scan"): 1,
        ("height of the smaller face", "200 px and more"): 6,
        ("size of the smaller image", "0.1 to 0.5 megapixels"): 6,
    }


def test_each_case_is_in_one_group_also_where_a_small_one_is_called_others() -> None:
    origins = [f"origin {first}{letter}" for first in "xy" for letter in ascii_lowercase[:16]]
    notes = [*origins * 3, "others", "others"]

    found = summarise(run_of(*(scored(f"c{n}", Expected.MATCH, 99.0, note) for n, note in enumerate(notes))), 80.0)

    assert sum(group.cases for group in found.groups if group.dimension == "origin") == len(notes)


@pytest.mark.parametrize(
    ("height", "name"), [(39, "under 40 px"), (40, "40 to 60 px"), (199, "120 to 200 px"), (200, "200 px and more")]
)
def test_the_smaller_of_both_faces_decides_its_size_class(height: int, name: str) -> None:
    small = ImageAnalysis(100, 1000, (Face(Box(0, 0, 1, 0.9), 99), Face(Box(0, 0, 1, height / 1000), 99)), compared=1)
    result = scored("a", Expected.MATCH, 90)

    found = summarise(
        run_of(replace(result, boxes=boxes_to_json(Boxes(ImageAnalysis(9, 900, SIDE.faces, 0), small)))), 80
    )

    assert name in [group.name for group in found.groups if group.dimension == "height of the smaller face"]


def test_the_smaller_of_both_images_decides_its_size_class() -> None:
    large, small = replace(SIDE, width=4000, height=3000), replace(SIDE, width=200, height=200)
    boxes = [boxes_to_json(Boxes(large, small)), boxes_to_json(Boxes(small, large))]

    found = summarise(run_of(*(replace(scored("a", Expected.MATCH, 90), boxes=both) for both in boxes)), 80)

    names = [group.name for group in found.groups if group.dimension == "size of the smaller image"]
    assert names == ["under 0.05 megapixels"]


def test_the_worst_errors_are_failures_then_whats_furthest_on_the_wrong_side(mixed: Summary) -> None:
    assert [(one.result.case.case_id, one.answer) for one in mixed.wrong] == [
        ("x", Answer.FAILED),
        ("f", Answer.REFUSED),
        ("g", Answer.NO_MATCH),
        ("d", Answer.MATCH),
        ("b", Answer.NO_MATCH),
    ]


def test_how_far_wrong_a_score_is_counts_by_how_far_wrong_it_could_be() -> None:
    results = [
        scored("missed", Expected.MATCH, 40.0),
        scored("let through", Expected.NO_MATCH, 95.0),
        scored("should have been refused", Expected.ERROR, 81.0),
    ]

    found = summarise(run_of(*results), 80)

    assert [(one.result.case.case_id, one.distance) for one in found.wrong] == [
        ("should have been refused", 1.0),
        ("let through", 0.75),
        ("missed", 0.5),
    ]


def test_throughput_and_latency_are_of_all_requests(mixed: Summary) -> None:
    assert mixed.throughput == 4.5
    assert mixed.latency["all"].requests == 9
    assert mixed.latency["all"].longest == 9.0
    assert mixed.latency["all"].p50 == 0.25
    assert mixed.latency["ID_TO_FACE"].requests == 1


def test_the_thresholds_to_choose_from_say_what_each_costs(mixed: Summary) -> None:
    choices = {(choice.reason, choice.target_fmr): choice for choice in mixed.studies[0].choices}

    assert choices[Reason.DEFAULT, None].fmr.hits == 1
    assert choices[Reason.IDENTITY_CHECKS, None].fnmr.hits == 2
    assert choices[Reason.TARGET_FMR, 0.01].threshold == 99.0
    assert choices[Reason.TARGET_FMR, 0.01].support is Support.NOT_ENOUGH_DATA
    assert choices[Reason.TARGET_FMR, 0.01].needed == 300


def test_a_threshold_to_choose_costs_what_decisions_at_it_cost() -> None:
    pairs = {Expected.MATCH: (70.0, 80.0, 99.0, 100.0), Expected.NO_MATCH: (0.0, 70.0, 79.0, 80.0)}
    run = run_of(
        *(scored(f"{expected} {score}", expected, score) for expected, scores in pairs.items() for score in scores)
    )

    choices = summarise(run, 75.0).studies[0].choices

    fixed = [Reason.REPORT, Reason.DEFAULT, Reason.IDENTITY_CHECKS, Reason.EQUAL_ERROR]
    assert [choice.reason for choice in choices[:4]] == fixed
    assert [choice.reason for choice in summarise(run, 80.0).studies[0].choices[:3]] == fixed[1:]
    for choice in choices:
        decided = summarise(run, choice.threshold).overall
        assert decided is not None
        assert (choice.fmr, choice.fnmr) == (decided.fmr, decided.fnmr), choice.reason
    equal = choices[3]
    assert equal.fmr.value == equal.fnmr.value


def test_metrics_json_keeps_to_its_published_schema_and_holds_every_wrong_answer(mixed: Summary) -> None:
    found = json.loads(Metrics.model_validate(mixed).model_dump_json())

    jsonschema.validate(found, json.loads((ROOT / "docs" / "metrics.schema.json").read_text()))
    assert found["schema"] == 2
    assert found["overall"]["cases"] == 9
    assert found["overall"]["accuracy"]["hits"] == 4
    assert found["overall"]["failures"] == 1
    assert [one["case_id"] for one in found["wrong"]] == ["x", "f", "g", "d", "b"]


def test_the_published_schema_is_the_codes() -> None:
    assert (ROOT / "docs" / "metrics.schema.json").read_text() == schema_text()


TIES = [scored("a", Expected.MATCH, 50.0), scored("b", Expected.NO_MATCH, 50.0)]


@pytest.mark.parametrize(
    ("results", "threshold"),
    [
        pytest.param([scored("a", Expected.MATCH, 99.0)], 80.0, id="matches-only"),
        pytest.param([scored("a", Expected.NO_MATCH, 100.0)], 80.0, id="non-matches-only"),
        pytest.param([refused("a", Expected.ERROR)], 80.0, id="refusals-only"),
        pytest.param(TIES, 0.0, id="ties-at-0"),
        pytest.param(TIES, 100.0, id="ties-at-100"),
    ],
)
def test_a_report_is_written_whatever_is_missing(tmp_path: Path, results: list[Result], threshold: float) -> None:
    write_report(summarise(run_of(*results), threshold), tmp_path)

    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["overall"]["cases"] == len(results)
    assert "</html>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_report_needs_no_other_file_and_escapes_what_others_wrote(mixed: Summary, tmp_path: Path) -> None:
    write_report(mixed, tmp_path)

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "&lt;b&gt;was&lt;/b&gt;" in page
    assert "<b>was</b>" not in page
    assert all(re.search(r'aria-label="[^"]{10,}"', figure) for figure in page.split("<figure>")[1:])
    assert str(tmp_path) not in page
    charts = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert charts == [
        f"{kind}_{name}.svg"
        for kind, names in (("det", ["all", "face_to_face"]), ("error_rates", ALL_THREE), ("scores", ALL_THREE))
        for name in names
    ]
    for path in tmp_path.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


ALL_THREE = ["all", "face_to_face", "id_to_face"]


def test_everything_that_the_report_says_is_there_in_english_and_in_spanish(mixed: Summary, tmp_path: Path) -> None:
    write_report(mixed, tmp_path)

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('lang="en">') == page.count('lang="es">') + 1  # the page itself begins in English
    assert "Which threshold, and may I trust it?" in page
    assert "¿Qué umbral elijo, y puedo fiarme de él?" in page


def test_a_catalogue_text_takes_the_same_values_in_both_languages() -> None:
    catalogue = json.loads(files("face_validation.evaluation.report").joinpath("texts.json").read_text("utf-8"))

    for key, (english, spanish) in catalogue.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, spanish)]
        assert fields[0] == fields[1], key
        assert english.strip(), key


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (None, "\N{EN DASH}"),
        (0.12345, "12.35 %"),
        (Rate(1, 8), "12.5 %"),
        (Rate(57, 572_166), "0.010 %"),
        (Rate(1, 572_166), "0.0002 %"),
    ],
)
def test_percent_has_as_many_decimals_as_the_data_can_carry(value: Rate | float | None, printed: str) -> None:
    assert percent(value) == printed


@pytest.mark.parametrize(
    ("highest_stranger", "printed"), [(87.21849, "87.219"), (99.99999, "100"), (100.0, "&gt; 100"), (50.0, "50.001")]
)
def test_a_printed_threshold_never_lets_the_highest_stranger_through(highest_stranger: float, printed: str) -> None:
    summary = summarise(run_of(scored("a", Expected.NO_MATCH, highest_stranger)), 80.0)

    page = report_page(summary, {"FACE_TO_FACE": []})

    assert re.search(rf'<th scope="row">{printed} <span class="why"><span lang="en">FMR at most 1:100<', page)


def test_a_label_that_looks_wrong_is_shown_before_worse_errors() -> None:
    results = [scored(f"m{n}", Expected.MATCH, 95.0 + n / 20) for n in range(60)]
    results += [scored(f"n{n}", Expected.NO_MATCH, n / 4) for n in range(60)]
    flipped, hard = scored("flipped", Expected.MATCH, 3.0), scored("hard", Expected.MATCH, 40.0)

    summary = summarise(run_of(hard, flipped, *results), 80.0)

    assert [(item.name, item.label_is_doubtful) for item in summary.gallery] == [("flipped", True), ("hard", False)]


def test_images_that_cannot_be_used_are_counted_once_each_as_source_or_target() -> None:
    def refusal(case_id: str, source: str, target: str, side: str) -> Result:
        one = refused(case_id, Expected.MATCH)
        return replace(one, source_sha256=source, target_sha256=target, details=f"{side}, detect_faces: no face")

    good = replace(scored("good", Expected.MATCH, 90.0), source_sha256="s1", target_sha256="t1")
    run = run_of(
        good, refusal("a", "s2", "t1", "source"), refusal("b", "s2", "t2", "source"), refusal("c", "s1", "t3", "target")
    )

    found = summarise(run, 80.0)

    assert found.failure_to_enrol == Rate(1, 2)
    assert found.failure_to_acquire == Rate(1, 2)


def test_a_useful_quality_measure_is_told_from_a_useless_one() -> None:
    results = []
    for n in range(200):
        scores = {"sharpness": float(n), "noise": float(n % 2)}
        quality = json.dumps({"source": scores, "target": scores})
        result = scored(f"{n:03}", Expected.MATCH, 20.0 if n < 4 else 95.0)
        results.append(replace(result, quality=quality))

    curves = {curve.measure: curve for curve in summarise(run_of(*results), 80.0).rejection}

    assert curves["sharpness"].fnmr[:2] == (0.02, 0.0)  # the worst twentieth holds all errors
    assert curves["noise"].gain < 0.2 < curves["sharpness"].gain


def test_a_thumbnail_is_upright_small_and_framed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "green").save(path, exif=exif)
    side = ImageAnalysis(200, 400, (Face(Box(0.25, 0.25, 0.5, 0.5), 99.0),), compared=0)

    plain, framed = thumbnail(path, None), thumbnail(path, side)

    assert plain is not None
    assert framed is not None
    assert plain != framed
    assert framed.startswith("data:image/jpeg;base64,")


def test_what_is_no_image_or_a_bomb_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    Image.new("1", (8000, 8000)).save(tmp_path / "bomb.png")
    Image.new("RGB", (90, 90)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])

    assert [thumbnail(tmp_path / name, None) for name in ("text.jpg", "bomb.png", "cut.png")] == [None] * 3
