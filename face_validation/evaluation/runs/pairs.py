"""Answers as arrays: the scored pairs of a run, with their persons and groups."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from face_validation.evaluation.runs.result import Outcome, Result
from face_validation.evaluation.statistics.confusion import Answer, Expected, Scores, answers
from face_validation.evaluation.statistics.scored_pairs import UNKNOWN, Indices, ScoredPairs


def similarities(results: Iterable[Result]) -> Scores:
    """(n,) percent 0-100, NaN where there is no score."""
    return np.array([math.nan if result.similarity is None else result.similarity for result in results], np.float64)


def answers_at(results: Sequence[Result], threshold: float) -> list[Answer]:
    """The answer to each case at `threshold` (0-100)."""
    failed = np.array([result.outcome is Outcome.FAILED for result in results], np.bool_)
    return answers(similarities(results), failed, threshold)


def scored_places(results: Sequence[Result]) -> NDArray[np.intp]:
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
    source_persons = [one.case.source_person for one in scored]
    target_persons = [one.case.target_person for one in scored]
    of_person = groups or {}
    source_groups = [of_person.get(one.case.source_person, one.case.group) for one in scored]
    target_groups = [of_person.get(one.case.target_person, one.case.group) for one in scored]
    persons, names = numbers_of([*source_persons, *target_persons]), sorted({*source_groups, *target_groups} - {""})
    group_numbers = numbers_of([*source_groups, *target_groups])
    return ScoredPairs(
        similarity=similarities(scored),
        is_match=np.array([one.case.expected is Expected.MATCH for one in scored], np.bool_),
        source_person=persons[: len(scored)],
        target_person=persons[len(scored) :],
        source_group=group_numbers[: len(scored)],
        target_group=group_numbers[len(scored) :],
        group_names=tuple(names),
    )


def numbers_of(names: Sequence[str]) -> Indices:
    """Each name's place among all different names, sorted; `UNKNOWN` for an empty one."""
    places = {name: place for place, name in enumerate(sorted(set(names) - {""}))}
    return np.array([places.get(name, UNKNOWN) for name in names], np.int32)
