"""What a person looks at after training: metrics, pictures of the scores, and the photographs that went wrong."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

from face_validation.evaluation.statistics.error_rates import error_rates
from person_verifier.dataset.face_cache import PhotoRecord
from person_verifier.training.assessment import Counts, Judged
from person_verifier.training.model import ModelMetrics, Origin, StoredPart

BLUE, ORANGE, GREY = "#2b6cb0", "#dd6b20", "#718096"
MOST_ERRORS = 24
METRICS_FILE = "metrics.json"


class MethodReport(StoredPart):
    """One method's figures on the held-out photographs."""

    rates: ModelMetrics
    counts: Counts


class MetricsReport(Origin):
    """`metrics.json`: the verifier beside the plain baseline, with what was trained from."""

    threshold: float
    held_out: str
    verifier: MethodReport
    baseline: MethodReport
    warnings: list[str]


def write_reports(
    folder: Path, report: MetricsReport, verifier: Judged, baseline: Judged, entries: Sequence[PhotoRecord]
) -> None:
    """Write `metrics.json`, `confusion_matrix.png`, `roc.png`, `scores.png` and `errors.png` into `folder`.

    `entries` are the photographs behind the scores, in their order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in {
        "confusion_matrix": _confusion_matrix(verifier, report),
        "roc": _roc(verifier, baseline, report),
        "scores": _histogram(verifier, baseline, report),
        "errors": _errors(verifier, entries),
    }.items():
        FigureCanvasAgg(figure)
        figure.savefig(folder / f"{name}.png", dpi=120)
    # Last: it carries the recipe's hash, which says that all of these reports are up to date.
    (folder / METRICS_FILE).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _confusion_matrix(judged: Judged, report: MetricsReport) -> Figure:
    counts = judged.counts
    mine = (counts.true_positives, counts.false_negatives, counts.faceless_me)
    cells = np.array([mine, (counts.false_positives, counts.true_negatives, counts.faceless_not_me)])
    figure = Figure(figsize=(6.9, 4.2), layout="constrained")
    axes = figure.subplots()
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(cells.shape):
        ink = "white" if shares[row, column] > 0.5 else "black"
        text = f"{cells[row, column]}\n{shares[row, column]:.1%}"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=13)
    axes.set_xticks(range(3), ["me", "not me", "no face"])
    axes.set_yticks(range(2), ["me", "not me"])
    axes.set(xlabel="answer", ylabel="truth")
    axes.set_title(f"Held-out photographs at threshold {report.threshold:.2f}", fontsize=11)
    return figure


def _roc(verifier: Judged, baseline: Judged, report: MetricsReport) -> Figure:
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    methods = (baseline, "distance to the mean", ORANGE, "--"), (verifier, "verifier", BLUE, "-")
    for judged, name, colour, style in methods:
        rates = error_rates(judged.match_scores, judged.non_match_scores)
        auc = judged.metrics.auc
        label = f"{name}, AUC {auc:.4f}" if auc is not None else name
        # A curve along the frame is the good one: it is not cut there.
        axes.plot(rates.fmr, 1 - rates.fnmr, style, clip_on=False, color=colour, label=label, drawstyle="steps-post")
    mine, others, counts = verifier.match_scores, verifier.non_match_scores, verifier.counts
    if len(mine) and len(others):
        at = counts.false_positives / len(others), counts.true_positives / len(mine)
        axes.plot(*at, "o", color=BLUE, label=f"at threshold {report.threshold:.2f}", clip_on=False)
    # Linear up to one photograph in all: a rate of 0 has its place on the axis.
    axes.set_xscale("symlog", linthresh=1 / max(1, len(others)))
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set(xlabel="false match rate (others taken for me)", ylabel="true match rate (me recognised)")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    axes.set_title("Receiver operating characteristic, held-out photographs", fontsize=11)
    return figure


def _histogram(verifier: Judged, baseline: Judged, report: MetricsReport) -> Figure:
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _bars(left, "Verifier", verifier, 1.0, "probability of being me")
    distances = Judged(baseline.is_me, -baseline.scores, -baseline.thresholds)
    farthest = float(np.fmax.reduce(distances.scores, initial=1.0))
    _bars(right, "Plain baseline", distances, farthest, "distance to the mean descriptor (less is more alike)")
    figure.suptitle(f"Scores of held-out photographs, {report.model_version}", fontsize=11)
    return figure


def _bars(axes: Axes, title: str, judged: Judged, highest: float, label: str) -> None:
    axes.set_title(title, fontsize=11)
    edges = [highest * step / 40 for step in range(41)]
    axes.hist(judged.non_match_scores, edges, color=GREY, alpha=0.7, label=f"others ({len(judged.non_match_scores)})")
    axes.hist(judged.match_scores, edges, color=BLUE, alpha=0.7, label=f"me ({len(judged.match_scores)})")
    for number, threshold in enumerate(np.unique(judged.thresholds)):
        axes.axvline(threshold, color=ORANGE, linestyle="--", label="" if number else "threshold")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.set(xlabel=label, ylabel="photographs")
    # Under the axes: inside, "best" would lie on bars.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)


def _errors(judged: Judged, entries: Sequence[PhotoRecord]) -> Figure:
    """The wrong answers, worst first: the photograph's crop, its name, its score."""
    by_far = np.argsort(-np.abs(judged.scores - judged.thresholds), kind="stable")
    chosen = by_far[judged.wrong[by_far]][:MOST_ERRORS].tolist()
    columns = min(6, max(1, len(chosen)))
    rows = max(1, -(-len(chosen) // columns))
    figure = Figure(figsize=(max(5.0, 2.2 * columns), 0.7 + 2.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for axes, index in zip(grid.ravel(), chosen, strict=False):
        crop, name = entries[index].crop, Path(entries[index].photo.name).stem
        if crop is not None:
            with suppress(OSError):  # the crop is gone or damaged: its place stays empty
                axes.imshow(imread(crop))
        said, truth = ("not me", "me") if judged.is_me[index] else ("me", "not me")
        short = name if len(name) <= 24 else f"{name[:11]}...{name[-10:]}"
        axes.set_title(f"{short}\n{truth}, taken for {said}: {judged.scores[index]:.2f}", fontsize=7)
    faceless, total = int(np.isnan(judged.scores).sum()), int(judged.wrong.sum())
    worst = f", the worst {len(chosen)} shown" if total > len(chosen) else ""
    title = f"Wrong answers: {total} of {len(judged.scores) - faceless} held-out faces{worst}"
    figure.suptitle(f"{title}; photographs without a face: {faceless}", fontsize=11)
    return figure
