"""What `evaluate` and `identify` say: a run's tables."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.evaluation.report.summary import CaseFigures, Summary, WrongAnswer
from face_validation.evaluation.report.templates import percent, similarity, threshold
from face_validation.evaluation.runs.identification import Identification
from face_validation.evaluation.statistics.confusion import Answer


def print_summary(summary: Summary) -> None:
    """The decisions by type, origin and document level, the thresholds, the verdict, and the worst answers."""
    stdout = Console(highlight=False)
    if summary.cases is not None:
        _print_cases(summary.cases, summary.threshold, stdout)
    for study in summary.studies:
        if study.auc is not None and study.eer is not None:
            stdout.print(f"{study.name}: AUC {study.auc:.5f}, EER {percent(study.eer.rate)}")
    _print_thresholds(summary, stdout)
    if summary.cases is not None:
        for wrong in summary.cases.wrong[:5]:
            stdout.print(f"[dim]{escape(wrong.result.case.case_id)}: {escape(_sentence_of(wrong))}[/]", soft_wrap=True)


def _sentence_of(wrong: WrongAnswer) -> str:
    result = wrong.result
    if wrong.answer is Answer.FAILED:
        return f"Failed ({result.status or 'no answer'}): {result.details}"
    if wrong.answer is Answer.REFUSED:
        return f"Refused: {result.details}"
    said = "the same person" if wrong.answer is Answer.MATCH else "different persons"
    wanted = {"match": "the same person", "no_match": "different persons", "error": "a refusal"}[result.case.expected]
    return f"Said {said} at {similarity(result.similarity)}; expected {wanted}."


def _print_cases(cases: CaseFigures, at: float, stdout: Console) -> None:
    table = Table(
        title=f"Right answers at threshold {at:g}, with their 95 % interval",
        caption="+ rightly refused, - refused or answered when it should not",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("", "cases", "right", "95 %", "TP", "TN", "FP", "FN", "+", "-", "failed"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=bool(column))
    groups = [("all", cases.overall)]
    groups += [
        (one.name, one.confusion) for one in cases.groups if one.dimension in ("type", "origin", "document level")
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
    stdout.print(table)
    for name, latency in cases.latency.items():
        stdout.print(
            f"{name}: p50 {latency.p50 * 1000:.0f} ms, p95 {latency.p95 * 1000:.0f} ms, p99 {latency.p99 * 1000:.0f} ms"
        )


def _print_thresholds(summary: Summary, stdout: Console) -> None:
    first = summary.studies[0]
    for choice in first.choices:
        for_what = f"FMR {choice.target_fmr:g}" if choice.target_fmr is not None else choice.reason.replace("_", " ")
        stdout.print(
            f"threshold {threshold(choice.threshold):>7} ({for_what}): FMR {percent(choice.fmr)}, "
            f"FNMR {percent(choice.fnmr)}{'' if choice.support in (None, 'steady') else ', ' + choice.support}",
            soft_wrap=True,
        )
    for assessment in first.assessments:
        stdout.print(
            f"NIST SP 800-63A-4 at {threshold(assessment.threshold)}: {assessment.verdict.replace('_', ' ')}",
            soft_wrap=True,
        )
    if first.safe is None:
        stdout.print("The data cannot show that any threshold is safe.")
        return
    stdout.print(
        f"[bold]Safe threshold: {threshold(first.safe.threshold)}[/] (at most 1 stranger in "
        f"{round(1 / first.safe.most_fmr):,} passes, with 95 % confidence; FNMR {percent(first.safe.fnmr)})",
        soft_wrap=True,
    )


def print_identification(run: Identification) -> None:
    """The rates of an identification run at its threshold."""
    stdout = Console(highlight=False)
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
        stdout.print(f"{percent(rate):>9}  {rate.hits} of {rate.of} {words}; {interval}", soft_wrap=True)
