"""What the benchmarks share: processes of their own, the time of a call, and what they print."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from face_validation.evaluation.runs.run import describe_machine, describe_versions

PEER = "face_recognition"

T = TypeVar("T")


def milliseconds(call: Callable[..., object], *arguments: object) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call(*arguments)
    return (time.perf_counter() - began) * 1000


def in_own_process(measure: Callable[..., T], *arguments: object) -> T:
    """What `measure` finds in a process of its own: neither memory nor a warm cache is shared."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, *arguments).result()


def face_data() -> Path | None:
    """The folder of labelled images; None where FACE_DATA names none."""
    folder = Path(os.environ.get("FACE_DATA") or "/nowhere").resolve()
    return folder if folder.is_dir() else None


def peer_versions(*packages: str) -> dict[str, str]:
    """Versions of the `face_recognition` library and what it needs; none where it is not installed."""
    try:
        return {package: version(package) for package in (PEER, *packages)}
    except PackageNotFoundError:
        Console().print(f"{PEER} is not installed: pip install --no-deps -r requirements/bench.txt")
        return {}


def show(benchmark: str, title: str, rows: Sequence[Mapping[str, object]], **figures: object) -> None:
    """Print a table of the rows, where and on what they were measured, and all of it as one line of JSON."""
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str | Mapping) else "right")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    load = round(os.getloadavg()[0], 1)
    setting = {"machine": describe_machine(), "versions": describe_versions(), "load": load}
    console = Console(width=150, highlight=False)
    console.print(table)
    for name, value in {**figures, **setting}.items():
        if not isinstance(value, list):
            console.print(f"{name.replace('_', ' ')}: {_cell(value)}")
    print(json.dumps({"benchmark": benchmark, **figures, **setting, "rows": rows}))


def _cell(value: object) -> str:
    """Three digits are more than a benchmark can tell."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(one)}" for name, one in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
