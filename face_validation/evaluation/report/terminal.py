"""What `evaluate`, `identify` and `compare` say on a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.evaluation.report.comparison import ChangedCase, Comparison
from face_validation.evaluation.report.summary import CaseFigures, Summary, WrongAnswer
from face_validation.evaluation.report.texts import percent, threshold
from face_validation.evaluation.runs.identification import Identification
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.statistics.confusion import Answer
from face_validation.evaluation.statistics.paired import PairedDifference

STYLE: dict[str, Any] = {"title_justify": "left", "box": box.SIMPLE_HEAD}
_WANTED = {"match": "the same person", "no_match": "different persons", "error": "a refusal"}


def print_summary(summary: Summary) -> None:
    """The decisions by type, origin and document level, the thresholds, the verdict, and the worst answers."""
    stdout = Console(highlight=False, soft_wrap=True, emoji=False)
    if summary.cases is not None:
        _print_cases(summary.cases, summary.threshold, stdout)
    for study in summary.studies:
        if study.auc is not None and study.eer is not None:
            stdout.print(f"{study.name}: AUC {study.auc:.5f}, EER {percent(study.eer.rate)}")
    _print_thresholds(summary, stdout)
    for wrong in summary.cases.wrong[:5] if summary.cases is not None else ():
        stdout.print(f"[dim]{escape(wrong.result.case.case_id)}: {escape(_sentence_of(wrong))}[/]")


def _sentence_of(wrong: WrongAnswer) -> str:
    result = wrong.result
    if wrong.answer is Answer.FAILED:
        return f"Failed ({result.status or 'no answer'}): {result.details}"
    if wrong.answer is Answer.REFUSED:
        return f"Refused: {result.details}"
    return f"Said {_WANTED[wrong.answer]} at {result.similarity:.2f}; expected {_WANTED[result.case.expected]}."


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], **style: Any) -> Table:
    """Numbers to the right; the first column holds names."""
    table = Table(title=title or None, **STYLE, **style)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=bool(place))
    for row in rows:
        table.add_row(*map(str, row))
    return table


def _print_cases(cases: CaseFigures, at: float, stdout: Console) -> None:
    groups = [("all", cases.overall)]
    groups += [(one.name, one) for one in cases.groups if one.dimension in ("type", "origin", "document level")]
    rows = []
    for name, one in groups:
        low, high = one.accuracy.interval or (0.0, 0.0)
        right = (one.cases, percent(one.accuracy), f"{low * 100:.1f}-{high * 100:.1f}")
        counts = (one.true_positives, one.true_negatives, one.false_positives, one.false_negatives, one.expected_errors)
        rows.append((escape(name), *right, *counts, one.unexpected_errors + one.missing_errors, one.failures))
    stdout.print(
        _table(
            f"Right answers at threshold {at:g}, with their 95 % interval",
            ("", "cases", "right", "95 %", "TP", "TN", "FP", "FN", "+", "-", "failed"),
            rows,
            caption="+ rightly refused, - refused or answered when it should not",
            caption_justify="left",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        ),
        soft_wrap=False,
    )
    for name, latency in cases.latency.items():
        times = ", ".join(f"{p} {getattr(latency, p) * 1000:.0f} ms" for p in ("p50", "p95", "p99"))
        stdout.print(f"{name}: {times}")


def _print_thresholds(summary: Summary, stdout: Console) -> None:
    first = summary.studies[0]
    for choice in first.choices:
        for_what = f"FMR {choice.target_fmr:g}" if choice.target_fmr is not None else choice.reason.replace("_", " ")
        stdout.print(
            f"threshold {threshold(choice.threshold):>7} ({for_what}): FMR {percent(choice.fmr)}, "
            f"FNMR {percent(choice.fnmr)}{'' if choice.support in (None, 'steady') else ', ' + choice.support}"
        )
    for assessment in first.assessments:
        stdout.print(f"NIST SP 800-63A-4 at {threshold(assessment.threshold)}: {assessment.verdict.replace('_', ' ')}")
    if first.safe is None:
        stdout.print("The data cannot show that any threshold is safe.")
        return
    stdout.print(
        f"[bold]Safe threshold: {threshold(first.safe.threshold)}[/] (at most 1 stranger in "
        f"{round(1 / first.safe.most_fmr):,} passes, with 95 % confidence; FNMR {percent(first.safe.fnmr)})"
    )


def print_identification(run: Identification) -> None:
    """The rates of an identification run at its threshold."""
    stdout = Console(highlight=False, soft_wrap=True, emoji=False)
    stdout.print(f"{run.enrolled} photographs enrolled, {len(run.answers)} searched, threshold {run.threshold:g}")
    for rate, words in (
        (run.rank_one, "of enrolled persons are named right (rank 1)"),
        (run.fnir, "are not (FNIR)"),
        (run.misidentified, "are given another person's name"),
        (run.rank_one_any, "are named right without a threshold"),
        (run.fpir, "of strangers are given a name (FPIR)"),
        (run.refused, "of the photographs are refused"),
    ):
        low, high = rate.interval or (0.0, 1.0)
        interval = f"95 %: {low * 100:.1f} to {high * 100:.1f}"
        stdout.print(f"{percent(rate):>9}  {rate.hits} of {rate.of} {words}; {interval}")


def print_comparison(comparison: Comparison, folders: Sequence[Path], thresholds: Sequence[float]) -> None:
    """Both runs by type, whether the difference is chance, and each case that changed."""
    stdout = Console(highlight=False, emoji=False)
    runs = zip("AB", folders, thresholds, strict=True)
    stdout.print(", ".join(f"{name} = {escape(str(folder))} at {at:g}" for name, folder, at in runs))
    rows = [
        (
            group.name,
            group.first.of,
            percent(group.first),
            percent(group.second),
            group.own.only_second,
            group.own.only_first,
            *(f"{auc:.4f}" for auc in group.auc or ()),
            *([] if group.auc else ("", "")),
            *(percent(eer) for eer in group.eer or ()),
        )
        for group in comparison.groups
    ]
    columns = ("", "cases", "right A", "right B", "better", "worse", "AUC A", "AUC B", "EER A", "EER B")
    stdout.print(_table("", columns, rows, padding=0, pad_edge=False))  # so it fits into the 80 columns of a log
    for group in comparison.groups:
        stdout.print(f"{group.name}: {group.own.verdict}")
        for test in group.at_targets:
            stdout.print(f"  at FMR {test.target_fmr:g}: {test.verdict}")
        for difference in group.fnmr:
            stdout.print(f"[dim]  {_difference_text(difference)}[/]")
    _print_changed(comparison.changed, stdout)
    before, after = comparison.median_seconds
    stdout.print(f"Median request: A {before * 1000:.0f} ms, B {after * 1000:.0f} ms")
    for ids, what in (
        (comparison.only_in_first, "only in A"),
        (comparison.only_in_second, "only in B"),
        (comparison.other_questions, "with other images or another expectation, left out"),
    ):
        if ids:
            stdout.print(f"[yellow]{len(ids)} cases {what}: {escape(', '.join(ids[:5]))}{' ...' * (len(ids) > 5)}[/]")


def _print_changed(cases: Sequence[ChangedCase], stdout: Console, most: int = 50) -> None:
    if not cases:
        return
    changed = Table(*("case", "expected", "A", "B", "note"), title="Cases that only one run has right", **STYLE)
    for case in cases[:most]:
        changed.add_row(
            f"[{'green' if case.is_better else 'red'}]{escape(case.first.case.case_id)}[/]",
            case.first.case.expected.value,
            _answer_text(case.first, case.first_answer),
            _answer_text(case.second, case.second_answer),
            escape(case.first.case.note),
        )
    stdout.print(changed)
    if len(cases) > most:
        stdout.print(f"{len(cases) - most} more cases changed: --json lists all of them.")


def _difference_text(difference: PairedDifference) -> str:
    at = f"FNMR at FMR {difference.target_fmr:g}: {percent(difference.first)}"
    if difference.first == difference.second and difference.low == difference.high == 0:
        return f"{at} in both"
    chance = "more than chance" if difference.is_more_than_chance else "may be chance"
    drawn = "over persons" if difference.over_persons else "over pairs"
    return (
        f"{at}, {percent(difference.second)} ({(difference.second - difference.first) * 100:+.2f}; 95 % "
        f"{difference.low * 100:+.2f} to {difference.high * 100:+.2f}, {drawn}): {chance}"
    )


def _answer_text(result: Result, answer: str) -> str:
    return answer if result.similarity is None else f"{answer} {result.similarity:.2f}"
