"""Cold starts under AWS's emulator, with and without .pyc, beside a function that only creates boto3's clients.

Run: `make bench-cold-start`. One core, the asset as it is deployed; rounds are interleaved and the medians shown.
"""

import json
import shutil
import statistics
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import milliseconds, show
from face_validation.local.aws.environment import aws_variables, function_settings
from face_validation_function.settings import Settings
from infra.bundling import MACHINE_ARCHITECTURE, PYTHON, ROOT, bundle, compile_all, interpreter_of
from infra.constructs.function import FUNCTIONS
from tests.infra.emulator import Emulator

BARE = """import boto3

clients = [boto3.client(service) for service in ("s3", "rekognition")]


def handler(event, context):
    return {}
"""
NOBODY = "http://127.0.0.1:9"  # no call is made
ENVIRONMENT = {
    **aws_variables(NOBODY, NOBODY),
    **function_settings(Settings, **dict.fromkeys(("source_bucket", "target_bucket", "claims_table"), "any")),
}
ROUNDS, WARM_INVOKES = 7, 20


def main() -> None:
    """Bundle, measure, print a table and one line of JSON."""
    interpreter = interpreter_of()
    if interpreter is None:
        sys.exit(f"No python{PYTHON}, the Lambda's version, on this machine: there is nothing to measure with.")
    # Refused before any call: what is measured is the start, the clients and the handler, not Rekognition.
    event = json.loads((ROOT / "events" / "refused_no_body.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        assets = {name: Path(folder) / name for name in (".pyc", "no .pyc")}
        for task in assets.values():
            task.mkdir()
            bundle(task, MACHINE_ARCHITECTURE)
            (task / "bare.py").write_text(BARE)
        compile_all(assets[".pyc"], interpreter)
        for compiled in assets["no .pyc"].rglob("*.pyc"):
            compiled.unlink()
        sizes = {name: _sizes(task) for name, task in assets.items()}
        handlers = {"service": FUNCTIONS["Validation"].handler, "bare boto3": "bare.handler"}
        runs = list(product(handlers, assets))
        found = [
            [_measure(assets[asset], handlers[name], interpreter, event) for name, asset in runs] for _ in range(ROUNDS)
        ]
    medians = dict(zip(runs, np.median(found, axis=0).round(1).tolist(), strict=True))
    rows = [
        {"function": name, "asset": asset, "init_ms": init, "first_ms": first, "warm_ms": warm}
        for (name, asset), (init, first, warm) in medians.items()
    ]
    ours, bare = medians["service", ".pyc"], medians["bare boto3", ".pyc"]
    ratios = {"init": round(ours[0] / bare[0], 2), "first_answer": round(ours[1] / bare[1], 2)}
    title = f"Cold start under AWS's Runtime Interface Emulator, one core; median of {ROUNDS} rounds"
    show("cold_start", title, rows, asset=sizes, interpreter=f"Python {PYTHON} ({interpreter})", over_bare_boto3=ratios)


def _sizes(folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as elsewhere:
        zipped = Path(shutil.make_archive(f"{elsewhere}/asset", "zip", folder)).stat().st_size
    unpacked = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"zip_mb": zipped / 1e6, "unpacked_mb": unpacked / 1e6}


def _measure(task: Path, handler: str, interpreter: Path, event: dict[str, Any]) -> tuple[float, float, float]:
    """Init by the emulator's clock, first answer (with the init in it) and warm answer by the caller's; ms."""
    with Emulator(task, handler, ENVIRONMENT, interpreter) as function:
        times = [milliseconds(function.invoke, event) for _ in range(1 + WARM_INVOKES)]
        answer = function.invoke(event)
        if "errorType" in answer or answer.get("statusCode", 400) != 400:
            sys.exit(f"The function failed:\n{function.log}")
        return function.init_ms, times[0], statistics.median(times[1:])


if __name__ == "__main__":
    main()
