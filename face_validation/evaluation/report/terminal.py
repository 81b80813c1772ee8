"""What `evaluate`, `identify` and `compare` say on a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.evaluation.report.comparison import ChangedCase, Comparison
from face_validation.evaluation.report.groups import Group
from face_validation.evaluation.report.summary import Summary
from face_validation.evaluation.report.texts import percent, render
from face_validation.evaluation.runs.identification import Identification
from face_validation.evaluation.statistics.pairs import Confusion

STYLE: dict[str, Any] = {"title_justify": "left", "box": box.SIMPLE_HEAD}
STDOUT: dict[str, Any] = {"highlight": False, "emoji": False}


def print_summary(summary: Summary) -> None:
    """The decisions by type, origin and document level, the thresholds, the verdict, and the worst answers."""
    stdout = Console(**STDOUT, soft_wrap=True)
    if summary.overall is not None:
        _print_cases(summary.overall, summary.groups, summary.threshold, stdout)
    stdout.print(render("terminal_summary.txt", summary=summary), end="")


def print_identification(run: Identification) -> None:
    """The rates of an identification run at its threshold."""
    Console(**STDOUT, soft_wrap=True).print(render("terminal_identification.txt", run=run), end="")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], padding: Any) -> Table:
    """Numbers to the right; the first column holds names."""
    table = Table(title=title or None, padding=padding, pad_edge=False, **STYLE)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=bool(place))
    for row in rows:
        table.add_row(*map(str, row))
    return table


def _print_cases(overall: Confusion, groups: Sequence[Group], at: float, stdout: Console) -> None:
    shown = [one for one in groups if one.dimension in ("type", "origin", "document level")]
    rows = []
    for name, one in (("all", overall), *((one.name, one) for one in shown)):
        low, high = one.accuracy.interval or (0.0, 0.0)
        right = (one.cases, percent(one.accuracy), f"{low * 100:.1f}-{high * 100:.1f}")
        counts = (one.true_positives, one.true_negatives, one.false_positives, one.false_negatives, one.expected_errors)
        rows.append((escape(name), *right, *counts, one.unexpected_errors + one.missing_errors, one.failures))
    columns = ("", "cases", "right", "95 %", "TP", "TN", "FP", "FN", "+", "-", "failed")
    table = _table(f"Right answers at threshold {at:g}, with their 95 % interval", columns, rows, padding=(0, 1, 0, 0))
    table.caption, table.caption_justify = "+ rightly refused, - refused or answered when it should not", "left"
    stdout.print(table, soft_wrap=False)


def print_comparison(comparison: Comparison, folders: Sequence[Path], thresholds: Sequence[float]) -> None:
    """Both runs by type, whether the difference is chance, and each case that changed."""
    stdout = Console(**STDOUT)
    runs = zip("AB", folders, thresholds, strict=True)
    stdout.print(", ".join(f"{name} = {escape(str(folder))} at {at:g}" for name, folder, at in runs))
    rows = []
    for group in comparison.groups:
        right = (*map(percent, group.accuracy), group.only_second_right, group.only_first_right)
        areas = [f"{auc:.4f}" for auc in group.auc] if group.auc else ("", "")
        rows.append((group.name, group.cases, *right, *areas, *map(percent, group.eer or ())))
    columns = ("", "cases", "right A", "right B", "better", "worse", "AUC A", "AUC B", "EER A", "EER B")
    stdout.print(_table("", columns, rows, padding=0))  # so it fits into the 80 columns of a log
    stdout.print(render("terminal_comparison.txt", comparison=comparison), end="")
    _print_changed(comparison.changed, stdout)
    stdout.print(render("terminal_comparison_end.txt", comparison=comparison), end="")


def _print_changed(cases: Sequence[ChangedCase], stdout: Console, most: int = 50) -> None:
    if not cases:
        return
    changed = Table(*("case", "expected", "A", "B", "note"), title="Cases that only one run has right", **STYLE)
    for case in cases[:most]:
        name = f"[{'green' if case.is_better else 'red'}]{escape(case.case_id)}[/]"
        answers = zip(case.answers, case.similarities, strict=True)
        said = [answer if score is None else f"{answer} {score:.2f}" for answer, score in answers]
        changed.add_row(name, case.expected, *said, escape(case.note))
    stdout.print(changed)
    if len(cases) > most:
        stdout.print(f"{len(cases) - most} more cases changed: --json lists all of them.")
