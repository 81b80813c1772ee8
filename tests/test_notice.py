"""NOTICE names the libraries that the wheels of image packages carry: whoever ships this ships them too."""

import importlib.metadata
import re
from pathlib import Path

import pytest

# The beginning of a library's file name -> how NOTICE calls it.
NAMES = {
    "libav(codec|format|util|filter|device)|libsw|libpostproc": "FFmpeg",
    "lib(crypto|ssl)": "OpenSSL",
    "libavif": "libavif",
    "libaom": "libaom",
    "libvpx": "libvpx",
    "libdrm": "libdrm",
    "libpng": "libpng",
    "libopenblas": "OpenBLAS",
    "lib(gfortran|quadmath|gcc|stdc)": "GCC",
    "libgeos": "GEOS",
}
NOTICE = (Path(__file__).parents[1] / "NOTICE").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["opencv-python-headless", "shapely"])
def test_every_library_in_the_wheel_is_named(package: str) -> None:
    files = importlib.metadata.distribution(package).files or []
    carried = sorted({file.name for file in files if re.search(r"\.(libs|dylibs)$", file.parent.as_posix())})
    names = {file: [name for start, name in NAMES.items() if re.match(start, file)] for file in carried}

    assert package in NOTICE
    assert [file for file, found in names.items() if not found or found[0] not in NOTICE] == []


def test_no_video_and_no_network_stream_is_opened_by_opencv() -> None:
    """NOTICE says so: FFmpeg and its OpenSSL, which nobody supports any more, are never reached."""
    root = Path(__file__).parents[1]
    packages = ("face_validation", "face_validation_function", "rekognition_local", "person_verifier")
    sources = [path for package in packages for path in (root / package).rglob("*.py")]

    assert [path for path in sources if "cv2.Video" in path.read_text(encoding="utf-8")] == []
