"""`--fail-under` and `--fail-above`: figures that a run must reach, or must not exceed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from face_validation.evaluation.report.summary import Summary

LEAST_RATES = ("accuracy", "pair_accuracy", "error_accuracy", "precision", "recall", "f1")
MOST_RATES = ("fmr", "fnmr", "eer", "failure_to_enrol", "failure_to_acquire")
_FORMS = {
    "--fail-under": (LEAST_RATES, "RATE=0..1 or GROUP.RATE=0..1"),
    "--fail-above": (MOST_RATES, "RATE=0..1, GROUP.RATE=0..1 or fnmr@fmr=0.001=0..1"),
}
_AT_FMR = {"0.01": 0.01, "0.001": 0.001, "0.0001": 0.0001, "0.00001": 0.00001}


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate of a group and the value (0-1) that it must reach (`LEAST_RATES`), or must not exceed (`MOST_RATES`).

    `text` is as it was given. `group` is `all`, a type, an origin or another group. FNMR is taken at the report's
    threshold, or at the one for the FMR `at_fmr` (0-1).
    """

    text: str
    group: str
    rate: str
    value: float
    at_fmr: float | None = None

    @classmethod
    def read(cls, option: str, text: str) -> "Limit":
        """What was given for it: `accuracy=0.95`, `lfw.fmr=0.01`, `fnmr@fmr=0.001=0.02`; or typer.BadParameter."""
        rates, forms = _FORMS[option]
        parts = re.fullmatch(
            rf"(?:(?P<group>.+)\.)?(?P<rate>{'|'.join(rates)})(?:@fmr=(?P<at>[\d.e-]+))?=(?P<limit>[01](?:\.\d+)?)",
            text.strip(),
        )
        if parts is None or float(parts["limit"]) > 1:
            raise typer.BadParameter(
                f"{text!r} is not {forms}, RATE being one of {', '.join(rates)}.", param_hint=option
            )
        at_fmr = _AT_FMR.get(parts["at"])
        if parts["at"] is not None and (parts["rate"] != "fnmr" or at_fmr is None):
            raise typer.BadParameter(
                f"{text!r}: only fnmr can be taken at an FMR, which is one of {', '.join(_AT_FMR)}.", param_hint=option
            )
        return cls(text, parts["group"] or "all", parts["rate"], float(parts["limit"]), at_fmr)


def complaints(limits: Sequence[Limit], summary: "Summary") -> list[str]:
    """One sentence for each broken limit, and for each limit on a figure that was not measured."""
    found = []
    for limit in limits:
        value, is_least = _value(limit, summary), limit.rate in LEAST_RATES
        if value is None:
            found.append(
                f"{limit.text} cannot be checked: there is no type, origin or other group {limit.group!r}, no case to "
                "count, or too few non-matches for that FMR"
            )
        elif value < limit.value if is_least else value > limit.value:
            at = "" if limit.at_fmr is None else f" at FMR {limit.at_fmr:g}"
            than = "less" if is_least else "more"
            found.append(f"{limit.rate} of {limit.group}{at} is {value:.4f}, {than} than {limit.value:g}")
    return found


def _value(limit: Limit, summary: "Summary") -> float | None:
    study = summary.study(limit.group)
    if limit.at_fmr is not None:
        choices = () if study is None else study.choices
        choice = next((one for one in choices if one.target_fmr == limit.at_fmr), None)
        return None if choice is None or choice.support == "not_enough_data" else choice.fnmr.value
    if limit.rate == "eer":
        return None if study is None or study.eer is None else study.eer.rate
    if study is not None and limit.rate in ("fmr", "fnmr"):
        rate = getattr(next(one for one in study.choices if one.threshold == summary.threshold), limit.rate)
    elif limit.group == "all" and limit.rate.startswith("failure_to_"):
        rate = getattr(summary, limit.rate)
    else:
        rate = getattr(summary.confusion_of(limit.group), limit.rate, None)
    return None if rate is None else rate.value
