"""What the commands say: tables of a run and of two runs side by side."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.evaluation.report.comparison import ChangedCase, Comparison, Difference
from face_validation.evaluation.report.html_report import percent, sentence_of
from face_validation.evaluation.report.summary import Summary
from face_validation.evaluation.runs.identification import Identification
from face_validation.evaluation.runs.results import Result


def print_summary(summary: Summary) -> None:
    """The confusions by type, origin and document level, and the worst answers."""
    table = Table(
        title=f"Right answers at threshold {summary.threshold:g}, with their 95 % interval",
        caption="+ rightly refused, - refused or answered when it should not",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("", "cases", "right", "95 %", "TP", "TN", "FP", "FN", "+", "-", "failed"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=bool(column))
    groups = [("all", summary.overall)]
    groups += [
        (one.name, one.confusion) for one in summary.groups if one.dimension in ("type", "origin", "document level")
    ]
    for name, confusion in groups:
        interval = confusion.accuracy.interval or (0.0, 0.0)
        table.add_row(
            escape(name),
            str(confusion.count()),
            percent(confusion.accuracy),
            f"{interval[0] * 100:.1f}-{interval[1] * 100:.1f}",
            *(str(n) for n in (confusion.true_positives, confusion.true_negatives, confusion.false_positives)),
            str(confusion.false_negatives),
            str(confusion.expected_errors),
            str(confusion.unexpected_errors + confusion.missing_errors),
            str(confusion.failures),
        )
    stdout = Console(highlight=False)
    stdout.print(table)
    for study in summary.studies:
        if study.auc is not None and study.eer is not None:
            stdout.print(f"{study.name}: AUC {study.auc:.5f}, EER {percent(study.eer.rate)}")
    for name, latency in summary.latency.items():
        stdout.print(
            f"{name}: p50 {latency.p50 * 1000:.0f} ms, p95 {latency.p95 * 1000:.0f} ms, p99 {latency.p99 * 1000:.0f} ms"
        )
    for wrong in summary.wrong[:5]:
        stdout.print(f"[dim]{escape(wrong.result.case.case_id)}: {escape(sentence_of(wrong))}[/]", soft_wrap=True)


def print_identification(found: Identification) -> None:
    """The rates of an identification run at its threshold."""
    stdout = Console(highlight=False)
    stdout.print(f"{found.enrolled} photographs enrolled, {len(found.answers)} searched, threshold {found.threshold:g}")
    for rate, words in (
        (found.rank_one, "of enrolled persons are named right (rank 1)"),
        (found.fnir, "are not (FNIR)"),
        (found.misidentified, "are given another person's name"),
        (found.rank_one_any, "are named right without a threshold"),
        (found.fpir, "of strangers are given a name (FPIR)"),
        (found.refused, "of the photographs are refused"),
    ):
        low, high = rate.interval or (0.0, 1.0)
        interval = f"95 %: {low * 100:.1f} to {high * 100:.1f}"
        stdout.print(f"{percent(rate):>9}  {rate.hits} of {rate.of} {words}; {interval}", soft_wrap=True)


def print_comparison(comparison: Comparison, folders: tuple[Path, Path], thresholds: tuple[float, float]) -> None:
    """Both runs by type, whether the difference is chance, and each case that changed."""
    stdout = Console(highlight=False)
    stdout.print(
        f"A = {escape(str(folders[0]))} at {thresholds[0]:g}, B = {escape(str(folders[1]))} at {thresholds[1]:g}"
    )
    # Without padding all of it fits into the 80 columns of a log.
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for column in ("", "cases", "right A", "right B", "better", "worse", "AUC A", "AUC B", "EER A", "EER B"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    for group in comparison.groups:
        auc = (f"{group.auc.first:.4f}", f"{group.auc.second:.4f}") if group.auc else ("", "")
        eer = (percent(group.eer.first), percent(group.eer.second)) if group.eer else ("", "")
        table.add_row(
            group.name,
            str(group.first.of),
            percent(group.first),
            percent(group.second),
            str(group.only_second),
            str(group.only_first),
            *auc,
            *eer,
        )
    stdout.print(table)
    for group in comparison.groups:
        stdout.print(f"{group.name}: {group.verdict}")
        for name, difference in (("AUC", group.auc), ("EER", group.eer)):
            if difference is not None:
                stdout.print(f"[dim]  {_difference_text(name, difference)}[/]")
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


def _print_changed(cases: Sequence[ChangedCase], stdout: Console) -> None:
    if not cases:
        return
    changed = Table(title="Cases that only one run has right", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("case", "expected", "A", "B", "note"):
        changed.add_column(column)
    for case in cases:
        changed.add_row(
            f"[{'green' if case.is_better else 'red'}]{escape(case.first.case.case_id)}[/]",
            case.first.case.expected.value,
            _answer_text(case.first, case.first_answer),
            _answer_text(case.second, case.second_answer),
            escape(case.first.case.note),
        )
    stdout.print(changed)


def _difference_text(name: str, difference: Difference) -> str:
    if difference.first == difference.second and difference.low == difference.high == 0:
        return f"{name} {difference.first:.5f} in both"
    chance = "more than chance" if difference.is_more_than_chance else "may be chance"
    return (
        f"{name} {difference.second - difference.first:+.5f} "
        f"(95 % {difference.low:+.5f} to {difference.high:+.5f}): {chance}"
    )


def _answer_text(result: Result, answer: str) -> str:
    return answer if result.similarity is None else f"{answer} {result.similarity:.2f}"


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """The same for scripts; accuracies are ratios 0-1."""
    return {
        "groups": [
            {
                "name": group.name,
                "cases": group.first.of,
                "accuracy": [group.first.value, group.second.value],
                "only_first_right": group.only_first,
                "only_second_right": group.only_second,
                "p_value": group.p_value,
                "verdict": group.verdict,
                "auc": None if group.auc is None else asdict(group.auc),
                "eer": None if group.eer is None else asdict(group.eer),
            }
            for group in comparison.groups
        ],
        "changed": [_changed_json(case) for case in comparison.changed],
        "only_in_first": comparison.only_in_first,
        "only_in_second": comparison.only_in_second,
        "other_questions": comparison.other_questions,
        "median_seconds": list(comparison.median_seconds),
    }


def _changed_json(case: ChangedCase) -> dict[str, object]:
    return {
        "case_id": case.first.case.case_id,
        "expected": case.first.case.expected.value,
        "answers": [case.first_answer.value, case.second_answer.value],
        "similarities": [case.first.similarity, case.second.similarity],
        "note": case.first.case.note,
    }
