"""The minimum performance that NIST SP 800-63A-4 asks of a one-to-one comparison, as a verdict on measured rates."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import computed_field

from face_validation.evaluation.statistics.differentials import Differentials
from face_validation.evaluation.statistics.intervals import Rate, cases_needed

MOST_FMR = 0.0001
MOST_FNMR = 0.01
MOST_OVER_WHOLE = 1.25
MOST_TIMES_MORE = 100  # beyond it, the rate is so near to its limit that no collection decides it


Limit = Literal["fmr", "fnmr", "group_fmr", "group_fnmr"]


class Verdict(StrEnum):
    """Whether a limit is kept: shown, refuted, or left open by the data."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One limit beside what was measured.

    Attributes:
        group: the group of persons; empty for the whole.
        limit: the most that is allowed, 0-1; None where the whole has no rate to be compared with.
        verdict: from the rate's 95 % interval: below the limit, above it, or across.
        more_pairs: pairs still missing for a decision if the rate stays as it is; 0 where it is decided, None where the
            rate is at its limit, so that no number would decide it, or where nothing can be told.
    """

    name: Limit
    group: str
    limit: float | None
    rate: Rate
    verdict: Verdict
    more_pairs: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """All limits at one threshold (0-100). `groups_are_known`: without groups, nothing can be said of them."""

    threshold: float
    requirements: tuple[Requirement, ...]
    groups_are_known: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator above property; pydantic asks for it
    @property
    def verdict(self) -> Verdict:
        """Not met as soon as one limit is not; met when every limit is, those of the groups included."""
        verdicts = {one.verdict for one in self.requirements}
        if Verdict.NOT_MET in verdicts:
            return Verdict.NOT_MET
        return Verdict.MET if verdicts == {Verdict.MET} and self.groups_are_known else Verdict.NOT_ENOUGH_DATA


def assess(threshold: float, fmr: Rate, fnmr: Rate, differentials: Differentials | None) -> Assessment:
    """The verdict at `threshold` (0-100): FMR at most 1:10,000, FNMR at most 1:100, no group more than 25 % worse.

    A group's FMR is that of pairs within the group.

    Source: NIST SP 800-63A-4 (2025), section on biometric collection and comparison in identity proofing.
    """
    groups = () if differentials is None else differentials.groups
    most = [MOST_OVER_WHOLE * whole.value if whole.value else None for whole in (fmr, fnmr)]
    requirements = [_requirement("fmr", "", MOST_FMR, fmr), _requirement("fnmr", "", MOST_FNMR, fnmr)]
    for group in groups:
        requirements.append(_requirement("group_fmr", group.name, most[0], group.fmr))
        requirements.append(_requirement("group_fnmr", group.name, most[1], group.fnmr))
    return Assessment(threshold, tuple(requirements), len(groups) > 1)


def _requirement(name: Limit, group: str, limit: float | None, rate: Rate) -> Requirement:
    if limit is None or rate.interval is None or rate.value is None:
        return Requirement(name, group, limit, rate, Verdict.NOT_ENOUGH_DATA, None)
    low, high = rate.interval
    if high <= limit:
        return Requirement(name, group, limit, rate, Verdict.MET, 0)
    if low > limit:
        return Requirement(name, group, limit, rate, Verdict.NOT_MET, 0)
    independent = cases_needed(rate.value, limit)
    # A pair that shares its persons with others tells less than a whole case.
    more = None if independent is None else round(independent * rate.of / rate.independent) - rate.of
    is_told = more is not None and more <= MOST_TIMES_MORE * rate.of
    return Requirement(name, group, limit, rate, Verdict.NOT_ENOUGH_DATA, max(more or 1, 1) if is_told else None)
