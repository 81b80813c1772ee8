"""Cold starts under AWS's emulator, with and without .pyc, beside a function that only creates boto3's clients.

Run: `make bench-cold-start`. One core, the asset as it is deployed; rounds are interleaved and the medians shown.
"""

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infra.bundling import MACHINE_ARCHITECTURE, PYTHON, ROOT, bundle, compile_all, interpreter_of
from infra.constructs.function import HANDLER
from tests.infra.emulator import Emulator

BARE = """import boto3

clients = [boto3.client(service) for service in ("s3", "rekognition")]


def handler(event, context):
    return {}
"""
ENVIRONMENT = {
    "SOURCE_BUCKET": "source",
    "TARGET_BUCKET": "target",
    "LOG_LEVEL": "WARNING",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_EC2_METADATA_DISABLED": "true",
}
WARM_INVOKES = 20


def main() -> None:
    """Bundle, measure, print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    interpreter = interpreter_of()
    if interpreter is None:
        sys.exit(f"No python{PYTHON}, the Lambda's version, on this machine: there is nothing to measure with.")
    # Refused before any call: what is measured is the start, the clients and the handler, not Rekognition.
    event = json.loads((ROOT / "events" / "refused_no_body.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        compiled, plain = Path(folder) / "compiled", Path(folder) / "plain"
        for task in (compiled, plain):
            task.mkdir()
            bundle(task, MACHINE_ARCHITECTURE, compiled=False)
        sizes = _sizes(plain, compiled, interpreter)
        for task in (compiled, plain):
            (task / "bare.py").write_text(BARE)
        compile_all(compiled, interpreter)
        runs = {
            ("service", ".pyc"): (compiled, HANDLER),
            ("bare boto3", ".pyc"): (compiled, "bare.handler"),
            ("service", "no .pyc"): (plain, HANDLER),
            ("bare boto3", "no .pyc"): (plain, "bare.handler"),
        }
        found: dict[tuple[str, str], list[tuple[float, float, float]]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, (task, handler) in runs.items():
                found[name].append(_measure(task, handler, interpreter, event))
    medians = {
        name: [statistics.median(column) for column in zip(*values, strict=True)] for name, values in found.items()
    }
    _report(medians, sizes, rounds, interpreter)


def _sizes(plain: Path, compiled: Path, interpreter: Path) -> dict[str, float]:
    """MB of the asset, zipped and unpacked; `compiled` is compiled on the way."""
    sizes = {"zip_mb_without_pyc": _zipped_mb(plain), "unpacked_mb_without_pyc": _unpacked_mb(plain)}
    compile_all(compiled, interpreter)
    return {"zip_mb": _zipped_mb(compiled), "unpacked_mb": _unpacked_mb(compiled), **sizes}


def _zipped_mb(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as elsewhere:
        return Path(shutil.make_archive(f"{elsewhere}/asset", "zip", folder)).stat().st_size / 1e6


def _unpacked_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _measure(task: Path, handler: str, interpreter: Path, event: dict[str, Any]) -> tuple[float, float, float]:
    """Init by the emulator's clock, first answer (with the init in it) and warm answer by the caller's; ms."""
    with Emulator(task, handler, ENVIRONMENT, interpreter) as function:
        times = []
        for _ in range(1 + WARM_INVOKES):
            began = time.perf_counter()
            function.invoke(event)
            times.append((time.perf_counter() - began) * 1000)
        return function.init_ms, times[0], statistics.median(times[1:])


def _report(
    medians: dict[tuple[str, str], list[float]], sizes: dict[str, float], rounds: int, interpreter: Path
) -> None:
    machine = f"{platform.machine()}, {platform.system()}, Python {PYTHON} ({interpreter}), one core"
    print(f"Cold start under AWS's Runtime Interface Emulator; median of {rounds} rounds; {machine}")
    print(f"Asset: {sizes['zip_mb']:.1f} MB zipped, {sizes['unpacked_mb']:.1f} MB unpacked, boto3 in it; without .pyc "
          f"{sizes['zip_mb_without_pyc']:.1f} and {sizes['unpacked_mb_without_pyc']:.1f} MB")  # fmt: skip
    print(f"{'function':<12}{'':<10}{'init ms':>10}{'first answer ms':>18}{'warm answer ms':>16}")
    for (name, pyc), (init, first, warm) in medians.items():
        print(f"{name:<12}{pyc:<10}{init:>10.0f}{first:>18.0f}{warm:>16.1f}")
    ours, bare = medians["service", ".pyc"], medians["bare boto3", ".pyc"]
    ratios = {"init_ratio": ours[0] / bare[0], "first_answer_ratio": ours[1] / bare[1]}
    print(f"Service over bare boto3: init {ratios['init_ratio']:.2f}, first answer {ratios['first_answer_ratio']:.2f}")
    figures = {
        "benchmark": "cold_start",
        "rounds": rounds,
        "machine": machine,
        **sizes,
        **{
            f"{name} {pyc}": dict(zip(("init_ms", "first_ms", "warm_ms"), values, strict=True))
            for (name, pyc), values in medians.items()
        },
        **ratios,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
