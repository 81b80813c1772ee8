"""`--fail-under` and `--fail-above`: figures that a run must reach, or must not exceed."""

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from face_validation.evaluation.report.summary import Summary

LEAST_RATES = ("accuracy", "pair_accuracy", "error_accuracy", "precision", "recall", "f1")
MOST_RATES = ("fmr", "fnmr", "eer", "failure_to_enrol", "failure_to_acquire")
_GROUP = r"(?:(?P<group>.+)\.)?"
_AT_FMR = {"0.01": 0.01, "0.001": 0.001, "0.0001": 0.0001, "0.00001": 0.00001}
_SHARE = r"(?P<limit>[01](?:\.\d+)?)"


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure and the value (0-1) that it must reach, or must not exceed.

    Attributes:
        text: as it was given.
        group: `all`, a type, an origin or another group; of FNMR at an FMR and of EER: `all` or a type.
        rate: the figure's name.
        value: 0-1.
        at_fmr: of FNMR, the FMR (0-1) at whose threshold it is taken; None at the report's threshold.
    """

    text: str
    group: str
    rate: str
    value: float
    at_fmr: float | None = None

    @classmethod
    def least(cls, text: str) -> "Limit":
        """`accuracy=0.95`, or of a group: `FACE_TO_FACE.accuracy=0.99`, `lfw.accuracy=0.99`.

        Raises:
            typer.BadParameter: it is not one of these.
        """
        parts = re.fullmatch(rf"{_GROUP}(?P<rate>{'|'.join(LEAST_RATES)})={_SHARE}", text.strip())
        if parts is None or not 0 <= float(parts["limit"]) <= 1:
            raise typer.BadParameter(
                f"{text!r} is not RATE=0..1 or GROUP.RATE=0..1, RATE being one of {', '.join(LEAST_RATES)}.",
                param_hint="--fail-under",
            )
        return cls(text, parts["group"] or "all", parts["rate"], float(parts["limit"]))

    @classmethod
    def most(cls, text: str) -> "Limit":
        """`fmr=0.01`, `eer=0.02`, or FNMR at the threshold for an FMR: `fnmr@fmr=0.001=0.02`; each also of a group.

        Raises:
            typer.BadParameter: it is not one of these, or the report has no threshold for that FMR.
        """
        parts = re.fullmatch(
            rf"{_GROUP}(?P<rate>{'|'.join(MOST_RATES)})(?:@fmr=(?P<at>[\d.e-]+))?={_SHARE}", text.strip()
        )
        if parts is None or not 0 <= float(parts["limit"]) <= 1:
            raise typer.BadParameter(
                f"{text!r} is not RATE=0..1, GROUP.RATE=0..1 or fnmr@fmr=0.001=0..1, RATE being one of "
                f"{', '.join(MOST_RATES)}.",
                param_hint="--fail-above",
            )
        at_fmr = None if parts["at"] is None else _AT_FMR.get(parts["at"])
        if parts["at"] is not None and (parts["rate"] != "fnmr" or at_fmr is None):
            raise typer.BadParameter(
                f"{text!r}: only fnmr can be taken at an FMR, which is one of {', '.join(_AT_FMR)}.",
                param_hint="--fail-above",
            )
        return cls(text, parts["group"] or "all", parts["rate"], float(parts["limit"]), at_fmr)


def complaints(least: Sequence[Limit], most: Sequence[Limit], summary: "Summary") -> list[str]:
    """What is below its least or above its most value, in words; a figure that there is none of is a complaint too."""
    found = [_complaint(limit, _least_value(limit, summary), is_least=True) for limit in least]
    found += [_complaint(limit, _most_value(limit, summary), is_least=False) for limit in most]
    return [complaint for complaint in found if complaint is not None]


def _complaint(limit: Limit, value: float | None, *, is_least: bool) -> str | None:
    if value is None:
        return (
            f"{limit.text} cannot be checked: there is no type, origin or other group {limit.group!r}, no case to "
            "count, or too few non-matches for that FMR"
        )
    if is_least and value < limit.value:
        return f"{limit.rate} of {limit.group} is {value:.4f}, less than {limit.value:g}"
    if not is_least and value > limit.value:
        at = "" if limit.at_fmr is None else f" at FMR {limit.at_fmr:g}"
        return f"{limit.rate} of {limit.group}{at} is {value:.4f}, more than {limit.value:g}"
    return None


def _least_value(limit: Limit, summary: "Summary") -> float | None:
    confusion = None if summary.cases is None else summary.cases.confusion_of(limit.group)
    return None if confusion is None else operator.attrgetter(f"{limit.rate}.value")(confusion)


def _most_value(limit: Limit, summary: "Summary") -> float | None:
    if limit.rate in ("failure_to_enrol", "failure_to_acquire") and limit.group == "all":
        acquisition = summary.acquisition
        rate = acquisition.enrol if limit.rate == "failure_to_enrol" else acquisition.acquire
        return None if rate is None else rate.value
    study = summary.study(limit.group)
    if limit.at_fmr is not None:
        choice = None if study is None else study.choice(limit.at_fmr)
        return None if choice is None or choice.support == "not_enough_data" else choice.fnmr.value
    if limit.rate == "eer":
        return None if study is None or study.eer is None else study.eer.rate
    if study is not None and limit.rate in ("fmr", "fnmr"):
        choice = next(one for one in study.choices if one.threshold == summary.threshold)
        return choice.fmr.value if limit.rate == "fmr" else choice.fnmr.value
    return _least_value(limit, summary)
