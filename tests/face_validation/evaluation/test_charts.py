"""Charts as SVG: where points land, what is said in both languages, and that a screen reader is told."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from face_validation.evaluation.report.charts import HEIGHT, WIDTH, Axis, Chart, det_curve, rejection_curves, standalone
from face_validation.evaluation.report.study import study_of
from face_validation.evaluation.report.texts import Text, text
from face_validation.evaluation.statistics.error_rates import ErrorAgainstRejection
from tests.face_validation.evaluation.fakes import pairs_of_scores

SVG = "{http://www.w3.org/2000/svg}"
NAME = Text("a line", "una línea")


def linear(low: float, high: float) -> Axis:
    return Axis(Text("x", "x"), low, high, [low, high])


def points_of(svg: str) -> list[tuple[float, float]]:
    path = re.search(r'<path class="curve match" d="M([^"]*)"', svg)
    assert path is not None
    return [(float(x), float(y)) for x, y in (one.split() for one in path.group(1).split("L"))]


def test_the_ends_of_both_axes_are_the_corners_of_the_plot() -> None:
    chart = Chart(linear(0, 10), linear(0, 1))
    chart.curve(np.array([0.0, 5.0, 10.0, 99.0]), np.array([0.0, 0.5, 1.0, 1.0]), "match", NAME)

    (left, bottom), middle, (right, top), outside = points_of(chart.svg(NAME))

    assert middle[0] == pytest.approx((left + right) / 2)
    assert middle[1] == pytest.approx((top + bottom) / 2)
    assert 0 < left < right < WIDTH
    assert 0 < top < bottom < HEIGHT
    assert outside == (right, top)  # what lies outside is kept at the edge


def test_a_staircase_holds_a_value_down_to_the_point_below() -> None:
    chart = Chart(linear(0, 2), linear(0, 2))
    chart.steps(np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 0.0]), "match", NAME)

    points = points_of(chart.svg(NAME))

    ys = sorted({y for _, y in points})
    assert [y for _, y in points] == [ys[0], ys[1], ys[1], ys[2], ys[2]]


def test_every_word_is_there_in_both_languages_and_escaped() -> None:
    chart = Chart(linear(0, 1), linear(0, 1))
    chart.curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "match", Text("<a> & b", "<á>"))

    root = ElementTree.fromstring(standalone(chart.svg(Text('says "this"', "dice"))))

    texts = [(one.get("lang"), one.text) for one in root.iter(f"{SVG}text")]
    assert ("en", "<a> & b") in texts
    assert ("es", "<á>") in texts
    assert root.get("aria-label") == 'says "this"'


def test_the_det_curve_shades_what_the_rule_of_three_forbids() -> None:
    random = np.random.default_rng(1)
    many = pairs_of_scores(random.normal(80, 5, 300).clip(0, 100), random.normal(30, 15, 20_000).clip(0, 100))
    few = pairs_of_scores(np.array([90.0, 80.0]), np.array([10.0, 85.0]))

    assert 'class="unsupported"' in det_curve(study_of("all", many, 80.0))
    for pairs in (many, few):
        ElementTree.fromstring(det_curve(study_of("all", pairs, 80.0)))


def test_curves_without_an_error_are_drawn_too() -> None:
    flat = ErrorAgainstRejection("sharpness", 100, (0.0, 0.1), (0.0, 0.0))

    ElementTree.fromstring(rejection_curves([flat]))


def test_a_text_within_a_text_keeps_its_language() -> None:
    words = text("det_words", name=text("all_of_them"))

    assert (words.en.split(":")[0], words.es.split(":")[0]) == (
        "Detection error trade-off of all pairs",
        "Curva DET de todos los pares",
    )
