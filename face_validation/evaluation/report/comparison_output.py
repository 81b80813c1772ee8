"""What `compare` says: two runs side by side, in words and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.evaluation.report.comparison import ChangedCase, Comparison, GroupComparison
from face_validation.evaluation.report.templates import percent
from face_validation.evaluation.runs.result import Result
from face_validation.evaluation.statistics.paired import PairedDifference


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
        auc = (f"{group.auc[0]:.4f}", f"{group.auc[1]:.4f}") if group.auc else ("", "")
        eer = (percent(group.eer[0]), percent(group.eer[1])) if group.eer else ("", "")
        table.add_row(
            group.name,
            str(group.first.of),
            percent(group.first),
            percent(group.second),
            str(group.own.only_second),
            str(group.own.only_first),
            *auc,
            *eer,
        )
    stdout.print(table)
    for group in comparison.groups:
        _print_tests(group, stdout)
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


def _print_tests(group: GroupComparison, stdout: Console) -> None:
    stdout.print(f"{group.name}: {group.own.verdict}")
    for test in group.at_targets:
        stdout.print(f"  at FMR {test.target_fmr:g}: {test.verdict}")
    for difference in group.fnmr:
        stdout.print(f"[dim]  {_difference_text(difference)}[/]")


def _print_changed(cases: Sequence[ChangedCase], stdout: Console, most: int = 50) -> None:
    if not cases:
        return
    changed = Table(title="Cases that only one run has right", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("case", "expected", "A", "B", "note"):
        changed.add_column(column)
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
    if difference.first == difference.second and difference.low == difference.high == 0:
        return f"FNMR at FMR {difference.target_fmr:g}: {percent(difference.first)} in both"
    chance = "more than chance" if difference.is_more_than_chance else "may be chance"
    drawn = "over persons" if difference.over_persons else "over pairs"
    return (
        f"FNMR at FMR {difference.target_fmr:g}: {percent(difference.first)}, {percent(difference.second)} "
        f"({(difference.second - difference.first) * 100:+.2f}; 95 % {difference.low * 100:+.2f} to "
        f"{difference.high * 100:+.2f}, {drawn}): {chance}"
    )


def _answer_text(result: Result, answer: str) -> str:
    return answer if result.similarity is None else f"{answer} {result.similarity:.2f}"


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """The same for scripts; rates are ratios 0-1."""
    return {
        "groups": [_group_json(group) for group in comparison.groups],
        "changed": [_changed_json(case) for case in comparison.changed],
        "only_in_first": comparison.only_in_first,
        "only_in_second": comparison.only_in_second,
        "other_questions": comparison.other_questions,
        "median_seconds": list(comparison.median_seconds),
    }


def _group_json(group: GroupComparison) -> dict[str, object]:
    return {
        "name": group.name,
        "cases": group.first.of,
        "accuracy": [group.first.value, group.second.value],
        "only_first_right": group.own.only_first,
        "only_second_right": group.own.only_second,
        "p_value": group.own.p_value,
        "verdict": group.own.verdict,
        "at_targets": [{**asdict(test), "verdict": test.verdict} for test in group.at_targets],
        "auc": group.auc,
        "eer": group.eer,
        "fnmr": [
            {**asdict(difference), "more_than_chance": difference.is_more_than_chance} for difference in group.fnmr
        ],
    }


def _changed_json(case: ChangedCase) -> dict[str, object]:
    return {
        "case_id": case.first.case.case_id,
        "expected": case.first.case.expected.value,
        "answers": [case.first_answer.value, case.second_answer.value],
        "similarities": [case.first.similarity, case.second.similarity],
        "note": case.first.case.note,
    }
