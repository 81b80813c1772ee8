"""All figures of a run at one threshold, grouped as its reader asks: by type, origin, document and size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from face_validation.evaluation.runs.cases import Case, document_level, document_template, origin
from face_validation.evaluation.runs.results import Result, answers_at, face_height, similarities
from face_validation.evaluation.runs.runner import Run
from face_validation.evaluation.statistics.confusion import RIGHT_ANSWER, Answer, ConfusionMatrix, Expected, Scores
from face_validation.evaluation.statistics.error_rates import (
    FMR_TARGETS,
    EqualErrorRate,
    ErrorRates,
    area_under_curve,
    equal_error_rate,
    error_rates,
    operating_point,
)
from face_validation.evaluation.statistics.intervals import Rate

DEFAULT_THRESHOLD = 80.0
IDENTITY_CHECK_THRESHOLD = 99.0
WORST = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that have something in common, e.g. the origin (`dimension`) `lfw` (`name`), and how they were answered."""

    dimension: str
    name: str
    confusion: ConfusionMatrix


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold one might choose: why, what it lets through, whom it turns away, and how far to believe that."""

    reason: str
    threshold: float
    fmr: Rate
    fnmr: Rate
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ScoreStudy:
    """The scores of one type (or of all): what can be said for every threshold.

    `auc` and `eer` are None where matches or non-matches are absent.
    """

    name: str
    confusion: ConfusionMatrix
    match_scores: Scores
    non_match_scores: Scores
    rates: ErrorRates
    auc: float | None
    eer: EqualErrorRate | None
    choices: list[ThresholdChoice]


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall time of the requests in seconds, and how many cases were answered a second."""

    requests: int
    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A case that was answered wrong; `distance` (0-1, failures 2) is how far its score is on the wrong side."""

    result: Result
    answer: Answer
    distance: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What metrics.json and the report say.

    Attributes:
        run: the answers.
        threshold: 0-100, the one all decisions are counted at.
        overall: all cases.
        groups: all dimensions, in the order in which they are to be read.
        studies: one per type, and one of all where there are several.
        latency: by type, likewise.
        throughput: cases a second over all sessions; None when nothing was asked.
        wrong: every wrong answer, the worst first.
    """

    run: Run
    threshold: float
    overall: ConfusionMatrix
    groups: list[Group]
    studies: list[ScoreStudy]
    latency: dict[str, Latency]
    throughput: float | None
    wrong: list[WrongAnswer]

    def confusion_of(self, name: str) -> ConfusionMatrix | None:
        """The group of that name, whatever its dimension; `all` is every case."""
        if name == "all":
            return self.overall
        return next((group.confusion for group in self.groups if group.name == name), None)


def summarise(run: Run, threshold: float) -> Summary:
    """All figures of `run` at `threshold` (0-100)."""
    results = run.results
    answers = answers_at(results, threshold)
    types = sorted({result.case.type for result in results})
    subsets = {"all": results} if len(types) != 1 else {}
    subsets |= {type_.value: [result for result in results if result.case.type is type_] for type_ in types}
    seconds = sum(session.seconds for session in run.sessions)
    return Summary(
        run=run,
        threshold=threshold,
        overall=ConfusionMatrix.of([result.case.expected for result in results], answers),
        groups=_groups(results, answers),
        studies=[_study(name, subset, threshold) for name, subset in subsets.items()],
        latency={name: _latency(subset) for name, subset in subsets.items()},
        throughput=sum(session.asked for session in run.sessions) / seconds if seconds else None,
        wrong=_wrong(results, answers, threshold),
    )


def _groups(results: list[Result], answers: list[Answer]) -> list[Group]:
    members: dict[tuple[str, str], list[int]] = {}
    for dimension, name_of in _DIMENSIONS.items():
        names = {index: name for index, result in enumerate(results) if (name := name_of(result)) is not None}
        for name in sorted(set(names.values())):
            members[dimension, name] = [index for index, own in names.items() if own == name]
    return [
        Group(
            dimension,
            name.partition("|")[2] or name,
            ConfusionMatrix.of(
                [results[index].case.expected for index in indices], [answers[index] for index in indices]
            ),
        )
        for (dimension, name), indices in members.items()
    ]


def _by_case(name_of: Callable[[Case], str | None]) -> Callable[[Result], str | None]:
    return lambda result: name_of(result.case)


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    """The name of the half-open interval that holds `value`; what stands before the `|` only sorts it."""
    at = int(np.searchsorted(edges, value, side="right"))
    if at == 0:
        return f"{at}|under {edges[0]:g} {unit}"
    if at == len(edges):
        return f"{at}|{edges[-1]:g} {unit} and more"
    return f"{at}|{edges[at - 1]:g} to {edges[at]:g} {unit}"


def _smaller_face(result: Result) -> str | None:
    if result.boxes is None:
        return None
    height = min(face_height(result.boxes.source), face_height(result.boxes.target))
    return _bin(height, (40, 60, 80, 120, 200), "px")


def _smaller_image(result: Result) -> str | None:
    if result.boxes is None:
        return None
    pixels = min(side.width * side.height for side in (result.boxes.source, result.boxes.target))
    return _bin(pixels / 1e6, (0.05, 0.1, 0.5, 2), "megapixels")


_DIMENSIONS: dict[str, Callable[[Result], str | None]] = {
    "type": lambda result: result.case.type.value,
    "origin": lambda result: origin(result.case.note),
    "document level": _by_case(document_level),
    "document template": _by_case(document_template),
    "height of the smaller face": _smaller_face,
    "size of the smaller image": _smaller_image,
}


def _study(name: str, results: list[Result], threshold: float) -> ScoreStudy:
    scores = similarities(results)
    scored = ~np.isnan(scores)

    def scores_of(expected: Expected) -> Scores:
        return scores[scored & np.array([result.case.expected is expected for result in results], np.bool_)]

    matches, non_matches = scores_of(Expected.MATCH), scores_of(Expected.NO_MATCH)
    rates = error_rates(matches, non_matches)
    return ScoreStudy(
        name=name,
        confusion=ConfusionMatrix.of([result.case.expected for result in results], answers_at(results, threshold)),
        match_scores=matches,
        non_match_scores=non_matches,
        rates=rates,
        auc=area_under_curve(matches, non_matches),
        eer=equal_error_rate(rates),
        choices=_choices(matches, non_matches, rates, threshold),
    )


def _choices(matches: Scores, non_matches: Scores, rates: ErrorRates, threshold: float) -> list[ThresholdChoice]:
    def choice(reason: str, at: float, warning: str = "") -> ThresholdChoice:
        false_matches = Rate(int(np.count_nonzero(non_matches >= at)), int(non_matches.size))
        false_non_matches = Rate(int(np.count_nonzero(matches < at)), int(matches.size))
        return ThresholdChoice(reason, at, false_matches, false_non_matches, warning)

    fixed = {DEFAULT_THRESHOLD: "the service's default", IDENTITY_CHECK_THRESHOLD: "AWS's advice for identity checks"}
    choices = [choice("this report's", threshold)] if threshold not in fixed else []
    choices += [choice(reason, at) for at, reason in fixed.items()]
    eer = equal_error_rate(rates)
    if eer is not None:
        choices.append(choice("equal error rate", eer.threshold))
    for target in FMR_TARGETS:
        point = operating_point(matches, non_matches, target)
        if point is not None:
            choices.append(choice(f"FMR at most {target * 100:g} %", point.threshold, point.warning))
    return choices


def _latency(results: list[Result]) -> Latency:
    seconds = np.array([result.seconds for result in results])
    p50, p95, p99 = (float(value) for value in np.percentile(seconds, [50, 95, 99]))
    return Latency(len(results), p50, p95, p99, float(seconds.max()))


def _wrong(results: list[Result], answers: list[Answer], threshold: float) -> list[WrongAnswer]:
    wrong = [
        WrongAnswer(result, answer, _distance(result, answer, threshold))
        for result, answer in zip(results, answers, strict=True)
        if answer is not RIGHT_ANSWER[result.case.expected]
    ]
    return sorted(wrong, key=lambda one: (-one.distance, one.result.case.case_id))


def _distance(result: Result, answer: Answer, threshold: float) -> float:
    if answer is Answer.FAILED:
        return 2.0
    if result.similarity is None or result.case.expected is Expected.ERROR:
        return 1.0  # a pair refused, or a decision where none was possible
    if answer is Answer.MATCH:
        return (result.similarity - threshold) / (100 - threshold) if threshold < 100 else 1.0
    return (threshold - result.similarity) / threshold
