"""The tables of MODEL_CARD.md, made anew from measurements.

    python -m tests.figures.model_card --data FACE_DATA [--out build/model_card] [--only-tables]

It runs the three commands that the card names, into folders of `--out` (an interrupted run is taken up), and puts their
figures between the card's marks `<!-- table: NAME -->` and `<!-- end of table -->`.
"""

import argparse
import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import typer
from typer.testing import CliRunner

from face_validation.cli.app import app
from face_validation.evaluation.report.texts import NOTHING, percent, threshold
from face_validation.evaluation.statistics.intervals import Measured

CARD = Path(__file__).parents[2] / "MODEL_CARD.md"
PHOTO_FOLDERS = ("faces/lfw", "identities")
VERDICTS = {"met": "met", "not_met": "**not met**", "not_enough_data": "not enough data"}


def photographs(data: Path) -> Iterator[tuple[str, Path]]:
    """Person and file of each photograph; files of a folder whose name begins with `_` are one person each."""
    for folder in PHOTO_FOLDERS:
        for path in sorted((data / folder).glob("*/*")):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
                yield re.sub(r"_\d+$", "", path.stem) if path.parent.name.startswith("_") else path.parent.name, path


def measure(data: Path, out: Path) -> None:
    """Run the card's three commands."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "photos.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("person", "path"))
        writer.writerows((person, path.resolve()) for person, path in photographs(data))
    people = [str(data / "identities" / name) for name in ("enroll.csv", "probes.csv")]
    for arguments in (
        ["evaluate", str(out / "photos.csv"), "--all-pairs", "--out", str(out / "pairs"), "--jobs", "2"],
        ["evaluate", str(data / "cases.csv"), "--out", str(out / "cases"), "--jobs", "2"],
        ["identify", *people, "--root", str(data), "--out", str(out / "people"), "--jobs", "2"],
    ):
        done = CliRunner().invoke(app, arguments)
        if done.exit_code:
            raise typer.Exit(done.exit_code)


def with_interval(rate: Measured | None) -> str:
    """A rate in percent with its 95 % interval."""
    if rate is None:
        return NOTHING
    return f"{percent(rate.value)} ({percent(rate.low)[:-2]} to {percent(rate.high)[:-2]})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))


def thresholds_table(study: Any) -> str:
    """What each threshold lets through and turns away."""
    reasons = {"default": "the default", "identity_checks": "identity checks", "equal_error": "equal error rate"}
    rows = []
    for choice in study.choices:
        why = f"FMR {choice.target_fmr:g}" if choice.target_fmr is not None else reasons.get(choice.reason, "")
        rough = "" if choice.support in (None, "steady") else " (rough: few pairs)"
        name = f"{threshold(choice.threshold)}, {why}{rough}"
        rows.append((name, with_interval(choice.fmr), with_interval(choice.fnmr)))
    if study.safe is not None:
        name = f"**{threshold(study.safe.threshold)}**, FMR shown to be at most {study.safe.most_fmr:g}"
        rows.append((name, with_interval(study.safe.fmr), with_interval(study.safe.fnmr)))
    return table(("threshold", "FMR (95 %)", "FNMR (95 %)"), rows)


def verdict_table(study: Any) -> str:
    """NIST SP 800-63A-4 at each threshold."""
    rows = []
    for one in study.sp800_63a_4:
        limits = {limit.name: limit for limit in one.requirements if not limit.group}
        missing = [
            f"{limit.more_pairs:,} more pairs decide {name.upper()}"
            for name, limit in limits.items()
            if limit.more_pairs
        ]
        groups = "as told" if one.groups_are_known else "no group is labelled"
        cells = [VERDICTS[limits[name].verdict] for name in ("fmr", "fnmr")]
        rows.append((threshold(one.threshold), VERDICTS[one.verdict], *cells, groups, "; ".join(missing)))
    return table(("threshold", "verdict", "FMR at most 1:10,000", "FNMR at most 1:100", "groups", ""), rows)


def group_row(name: str, one: Any) -> tuple[str, ...]:
    """Decisions of some cases at the report's threshold."""
    wrong_refusals = one.unexpected_errors + one.missing_errors
    return (
        name,
        str(one.cases),
        with_interval(one.accuracy),
        str(one.false_positives),
        str(one.false_negatives),
        str(wrong_refusals),
        str(one.failures),
    )


def cases_table(metrics: Any, dimensions: Sequence[str]) -> str:
    """Decisions by type, origin and document."""
    rows = [] if metrics.overall is None else [group_row("**all**", metrics.overall)]
    rows += [group_row(group.name, group) for group in metrics.groups if group.dimension in dimensions]
    return table(("", "cases", "right", "false matches", "false non-matches", "wrong refusals", "5xx"), rows)


def quality_table(metrics: Any) -> str:
    """Error against rejection."""
    if not metrics.rejection:
        return "No measure was in the answers."
    shares = metrics.rejection[0].rejected
    rows = [(one.measure, *(percent(value) for value in one.fnmr)) for one in metrics.rejection]
    return table(("measure", *(f"{share * 100:g} % rejected" for share in shares)), rows)


def people_table(out: Path) -> str:
    """What the search finds, from its results: the report's own figures at several thresholds."""
    from face_validation.evaluation.report.output import FURTHER_THRESHOLDS
    from face_validation.evaluation.runs.identification import NOBODY, Probe, ProbeResult, count

    answers = []
    with (out / "results.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            person = None if row["expected_person"] == NOBODY else row["expected_person"]
            similarity = float(row["similarity"]) if row["similarity"] else None
            probe = Probe(row["probe_id"], Path(row["image"]), person)
            answers.append(ProbeResult(probe, row["person"] or None, similarity, row["error"], int(row["rank"])))
    rows = []
    for at in FURTHER_THRESHOLDS:
        run = count(answers, at, enrolled=0, not_enrolled=[])
        rates = (run.rank_one, run.misidentified, run.fpir)
        rows.append((f"{at:g}", *(f"{percent(rate)}, {rate.hits} of {rate.of}" for rate in rates)))
    return table(("threshold", "named right (DIR, rank 1)", "given another's name", "strangers named (FPIR)"), rows)


def renew(card: str, name: str, content: str) -> str:
    """The card with one table replaced.

    Raises:
        ValueError: the card has no marks of that name.
    """
    marks = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end of table -->)", re.DOTALL)
    if not marks.search(card):
        raise ValueError(f"MODEL_CARD.md has no marks for the table {name!r}.")
    return marks.sub(lambda found: f"{found[1]}{content}\n{found[2]}", card)


def main() -> None:
    """Measure, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/model_card"))
    parser.add_argument("--only-tables", action="store_true", help="From the runs that are in --out.")
    arguments = parser.parse_args()
    if not arguments.only_tables:
        if arguments.data is None:
            parser.error("--data is needed: a folder with cases.csv, faces/ and identities/.")
        measure(arguments.data, arguments.out)
    pairs, cases = (
        json.loads(
            (arguments.out / name / "metrics.json").read_text("utf-8"), object_hook=lambda one: SimpleNamespace(**one)
        )
        for name in ("pairs", "cases")
    )
    card = CARD.read_text(encoding="utf-8")
    for name, content in (
        ("thresholds", thresholds_table(pairs.scores[0])),
        ("verdict", verdict_table(pairs.scores[0])),
        ("cases", cases_table(cases, ("type", "origin"))),
        ("documents", cases_table(cases, ("document and condition",))),
        ("faces", cases_table(cases, ("height of the smaller face",))),
        ("quality", quality_table(cases)),
        ("people", people_table(arguments.out / "people")),
    ):
        card = renew(card, name, content)
    CARD.write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
