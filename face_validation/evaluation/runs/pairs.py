"""Answers as arrays: the scored pairs of a run, with their persons and groups."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.statistics.confusion import Answer, Expected, Scores, answers
from face_validation.evaluation.statistics.scored_pairs import Places, ScoredPairs


def similarities(results: Iterable[Result]) -> Scores:
    """(n,) percent 0-100, NaN where there is no score."""
    return np.array([math.nan if result.similarity is None else result.similarity for result in results], np.float64)


def answers_at(results: Sequence[Result], threshold: float) -> list[Answer]:
    """The answer to each case at `threshold` (0-100)."""
    failed = np.array([result.outcome is Outcome.FAILED for result in results], np.bool_)
    return answers(similarities(results), failed, threshold)


def scored_places(results: Sequence[Result]) -> Places:
    """Places of the pairs of two faces that got a score."""
    return np.flatnonzero(
        np.array([one.similarity is not None and one.case.expected is not Expected.ERROR for one in results], np.bool_)
    )


def scored_pairs(results: Sequence[Result], groups: Mapping[str, str] | None = None) -> ScoredPairs:
    """The pairs of two faces that got a score, in the order of `results`.

    Args:
        results: the answers.
        groups: the group of each person; a case's own `group` where a person is not among them.
    """
    scored = [results[place] for place in scored_places(results)]
    of_person = groups or {}
    persons = [one.case.source_person for one in scored] + [one.case.target_person for one in scored]
    of_case = [one.case.group for one in scored] * 2
    return ScoredPairs.of_images(
        similarities(scored),
        np.array([one.case.expected is Expected.MATCH for one in scored], np.bool_),
        (np.arange(len(scored)), np.arange(len(scored), 2 * len(scored))),
        persons,
        [of_person.get(person, group) for person, group in zip(persons, of_case, strict=True)],
    )
