"""Ten legal images of the largest size in one request stay under 80 % of the function's memory."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from infra.constructs.function import MEMORY_MB
from tests.fakes import file_of

SIZE = (4096, 4096)
# A process of its own: the peak is the whole process's, since it began.
PROGRAM = """
import json, sys
from pathlib import Path
from aws_lambda_powertools import Logger
from face_validation_function import rest_function
from face_validation_function.faces import BoundingBox, Face
from face_validation_function.lambda_function import OPERATIONS, Adapters
from face_validation_function.rest_function import RestFunction
from face_validation_function.settings import Settings
from tests.fakes import FakeContext, FakeRekognition, FakeS3, event, request_body

rest_function.DEADLINE_S = 300  # however busy the machine is
image = Path(sys.argv[1]).read_bytes()
large_face = Face(BoundingBox(0.1, 0.1, 0.8, 0.8), 99.9)
adapters = Adapters(
    Settings("a", "b", "c"),
    FakeS3(source=image, target=image),
    FakeRekognition(faces=[large_face]),
    Logger("test"),
    None,
)
answer = RestFunction(OPERATIONS, lambda: adapters)(event([request_body()] * 5), FakeContext(300))
print(json.dumps([item.get("similarity") for item in json.loads(answer["body"])]))
print(Path("/proc/self/status").read_text())
"""


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def files() -> dict[str, bytes]:
    """The two kinds that take most: an alpha channel is laid on white, and a progressive JPG keeps all its numbers."""
    return {
        "transparent palette": file_of(Image.new("P", SIZE, 0), "PNG", transparency=0, exif=turned()),
        "progressive CMYK": file_of(Image.new("CMYK", SIZE, "teal"), quality=90, progressive=True, exif=turned()),
    }


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: the peak of memory cannot be read")
@pytest.mark.parametrize("kind", ["transparent palette", "progressive CMYK"])
def test_ten_of_the_largest_images_at_once_leave_a_fifth_of_the_memory(kind: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(files()[kind])

    run = subprocess.run([sys.executable, "-c", PROGRAM, str(image)], capture_output=True, text=True, check=True)

    answers = next(line for line in run.stdout.splitlines() if line.startswith("["))
    (peak_kb,) = re.findall(r"VmHWM:\s+(\d+) kB", run.stdout)
    assert json.loads(answers) == [97.2] * 5
    assert int(peak_kb) / 1024 < 0.8 * MEMORY_MB
