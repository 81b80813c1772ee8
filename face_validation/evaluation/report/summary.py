"""All figures of a run at one threshold, as its reader asks for them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import PlainSerializer

from face_validation.evaluation.report.gallery import GalleryItem, gallery_of_all_pairs, gallery_of_results
from face_validation.evaluation.report.groups import Group, groups_of
from face_validation.evaluation.report.study import Study, study_of
from face_validation.evaluation.runs.all_pairs import AllPairs
from face_validation.evaluation.runs.results import Outcome, Result, scored_pairs
from face_validation.evaluation.runs.run import Run
from face_validation.evaluation.statistics.error_rates import ErrorAgainstRejection, error_against_rejection
from face_validation.evaluation.statistics.intervals import Rate
from face_validation.evaluation.statistics.pairs import RIGHT_ANSWER, Answer, Confusion, Expected, Scores

STARTING_FNMR = 0.02  # of the error-against-rejection curves: there are errors to take away, and few
FACE_HEIGHT = "face_height"
Seconds = Annotated[float, PlainSerializer(lambda seconds: round(seconds, 4), return_type=float)]


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall time of the requests in seconds."""

    requests: int
    p50: Seconds
    p95: Seconds
    p99: Seconds
    longest: Seconds


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A case that was answered wrong; `distance` (0-1, failures 2) is how far its score is on the wrong side."""

    result: Result
    answer: Answer
    distance: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What metrics.json and the report say; all decisions are counted at `threshold` (0-100).

    Attributes:
        studies: of each type, the first one of all where there are several.
        failure_to_enrol: sources (of all pairs: photographs) in which nothing was found to compare although they show a
            face (ISO/IEC 19795-1), each distinct image counted once; likewise `failure_to_acquire`, targets. None for
            all pairs, where each photograph is both.
        overall: all labelled cases; all pairs have no decisions, refusals and times, and none of what follows.
        latency: by type, and of all where there are several.
        throughput: cases a second over all sessions; None when nothing was asked.
        wrong: every wrong answer, the worst first.
        rejection: error-against-rejection curves of the quality measures, the most useful first.
        rejection_threshold: 0-100, where these curves' errors are counted: 2 % of the matches are below it.
    """

    run: Run
    threshold: float
    studies: list[Study]
    gallery: list[GalleryItem]
    failure_to_enrol: Rate
    failure_to_acquire: Rate | None = None
    overall: Confusion | None = None
    groups: list[Group] = field(default_factory=list)
    latency: dict[str, Latency] = field(default_factory=dict)
    throughput: float | None = None
    wrong: list[WrongAnswer] = field(default_factory=list)
    rejection: list[ErrorAgainstRejection] = field(default_factory=list)
    rejection_threshold: float | None = None

    @property
    def doubtful_labels(self) -> list[GalleryItem]:
        """The pairs of the gallery whose label looks wrong."""
        return [item for item in self.gallery if item.label_is_doubtful]

    def study(self, name: str) -> Study | None:
        """The study of that name; `all` is the first, also where there is one type only."""
        return self.studies[0] if name == "all" else next((one for one in self.studies if one.name == name), None)

    def confusion_of(self, name: str) -> Confusion | None:
        """The group of that name, whatever its dimension; `all` is every case."""
        return self.overall if name == "all" else next((group for group in self.groups if group.name == name), None)


def summarise(run: Run, threshold: float, groups: Mapping[str, str] | None = None) -> Summary:
    """All figures of `run` at `threshold` (0-100); `groups` is the group of each person."""
    results, answers = run.results, [result.answer(threshold) for result in run.results]
    types = sorted({result.case.type for result in results})
    subsets = {"all": results} if len(types) != 1 else {}
    subsets |= {type_.value: [result for result in results if result.case.type is type_] for type_ in types}
    studies = [study_of(name, scored_pairs(subset, groups), threshold) for name, subset in subsets.items()]
    matches = studies[0].pairs.match_scores
    at = float(np.quantile(matches, STARTING_FNMR, method="higher")) if matches.size else threshold
    seconds = sum(session.seconds for session in run.sessions)
    wrong = [
        WrongAnswer(result, answer, _distance(result, answer, threshold))
        for result, answer in zip(results, answers, strict=True)
        if answer is not RIGHT_ANSWER[result.case.expected]
    ]
    return Summary(
        run,
        threshold,
        studies,
        gallery_of_results(results, studies[0].pairs, threshold),
        *_failures(results),
        overall=Confusion.of((one.case.expected, answer) for one, answer in zip(results, answers, strict=True)),
        groups=groups_of(results, answers),
        latency={
            name: Latency(len(subset), *np.percentile([one.seconds for one in subset], [50, 95, 99, 100]).tolist())
            for name, subset in subsets.items()
        },
        throughput=sum(session.asked for session in run.sessions) / seconds if seconds else None,
        wrong=sorted(wrong, key=lambda one: (-one.distance, one.result.case.case_id)),
        rejection=_rejection(results, at),
        rejection_threshold=at,
    )


def summarise_all_pairs(run: Run, all_pairs: AllPairs, threshold: float) -> Summary:
    """All figures of photographs against each other at `threshold` (0-100)."""
    study = study_of("all", all_pairs.pairs, threshold)
    without_face, total = len(all_pairs.without_face), len(all_pairs.photos) + len(all_pairs.without_face)
    gallery = gallery_of_all_pairs(all_pairs, study.pairs, threshold)
    return Summary(run, threshold, [study], gallery, Rate(without_face, total))


def _failures(results: Sequence[Result]) -> tuple[Rate, Rate]:
    """A refusal's details begin with the side that is to blame; the source's is told where both are."""
    sources: dict[str, bool] = {}
    targets: dict[str, bool] = {}
    for result in results:
        if result.case.expected is Expected.ERROR or result.outcome is Outcome.FAILED:
            continue
        source_failed = result.outcome is Outcome.REFUSED and not result.details.startswith("target")
        sources[result.source_sha256] = source_failed
        if not source_failed:
            targets[result.target_sha256] = result.outcome is Outcome.REFUSED
    return Rate(sum(sources.values()), len(sources)), Rate(sum(targets.values()), len(targets))


def _rejection(results: Sequence[Result], threshold: float) -> list[ErrorAgainstRejection]:
    matches = [result for result in results if result.is_scored_pair and result.case.expected is Expected.MATCH]
    errors = np.array([one.similarity for one in matches], np.float64) < threshold
    values: dict[str, Scores] = defaultdict(lambda: np.full(len(matches), np.nan))
    for place, result in enumerate(matches):
        for measure, scores in result.qualities.items():
            values[measure][place] = min(scores)
        if result.least_sizes is not None:
            values[FACE_HEIGHT][place] = result.least_sizes[0]
    curves = [error_against_rejection(measure, column, errors) for measure, column in values.items()]
    return sorted((one for one in curves if one is not None), key=lambda one: (-one.gain, one.measure != FACE_HEIGHT))


def _distance(result: Result, answer: Answer, threshold: float) -> float:
    """0-1, of failures 2."""
    if answer is Answer.FAILED:
        return 2.0
    if result.similarity is None or result.case.expected is Expected.ERROR:
        return 1.0  # a pair refused, or a decision where none was possible
    if answer is Answer.MATCH:
        return (result.similarity - threshold) / (100 - threshold) if threshold < 100 else 1.0
    return (threshold - result.similarity) / threshold
