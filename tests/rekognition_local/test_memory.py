"""Large images, decoded in many threads one at a time, leave nothing behind and take little more than their pixels."""

import re
import subprocess
import sys

import pytest

# A process of its own: the peak is the whole process's, since it began.
PROGRAM = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from rekognition_local.engine import images
from rekognition_local.server.process import give_large_blocks_back
from tests.rekognition_local.fakes import file_of
from PIL import Image

give_large_blocks_back()
file = file_of(Image.new("P", (7000, 7000), 0), "PNG", transparency=0)
turn = threading.Lock()


def decode(_):
    with turn:
        return images.decode(file, 1024).shape


def status():
    print(Path("/proc/self/status").read_text())


Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
status()
with ThreadPoolExecutor(8) as pool:
    shapes = set(pool.map(decode, range(12)))
    status()
assert shapes == {(1167, 1167, 3)}
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings, and /proc to read the peak of memory")
def test_a_server_of_many_threads_gives_the_memory_of_large_images_back() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    before, after = (int(kb) / 1024 for kb in re.findall(r"VmRSS:\s+(\d+) kB", run.stdout))
    peak = max(int(kb) / 1024 for kb in re.findall(r"VmHWM:\s+(\d+) kB", run.stdout))
    # 49 million pixels of one byte, and as little beside them as goes.
    assert peak - before < 160
    assert after - before < 60
