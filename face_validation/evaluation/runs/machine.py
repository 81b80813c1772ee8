"""The machine and the versions a run was made with: without them a latency says nothing."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "rapidocr", "boto3", "moto", "httpx")


def describe_machine() -> str:
    """Processor, cores, memory and system, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {cores} cores, {_memory_gib()}{platform.system()} {platform.machine()}"


def describe_versions() -> dict[str, str]:
    """Python and the packages that decide scores and speed; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or "unknown processor"


def _memory_gib() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB, "
    except (ValueError, OSError, AttributeError):
        return ""
