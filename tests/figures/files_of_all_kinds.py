"""A table of files of many formats and sizes: what page, command line and client make of each.

    make table-of-files

Each file holds the same portrait, or is what it says. Answered means that the pair with a JPG of the same person is a
match; a refusal is told with its sentence. The page is a real Chromium.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from face_validation.client import FaceValidationClient, FaceValidationError
from face_validation.local.demo import client_of
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from tests.face_validation.local.conftest import CHROMIUM, FLAGS
from tests.fakes import file_of
from tests.odd_files import display_p3

VERDICTS = ("no match", "match")
UNSETTLED = ["Reading the picture…", "Choose the other picture."]
# Bytes over the wire, and milliseconds until the samples can be clicked.
WEIGHT = """async () => {
  while (!document.querySelector("#samples button img")) await new Promise(requestAnimationFrame);
  const usable = performance.now();
  const pages = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const own = pages.filter(({ name }) => !name.includes("/samples/"));
  return [own.reduce((sum, one) => sum + one.transferSize, 0), own.length, usable];
}"""
MEGAPIXELS_24, MEGAPIXELS_48 = (4284, 5712), (6048, 8064)


@dataclass(frozen=True, slots=True)
class Kind:
    """One file: its name, what it is in words, and its content."""

    name: str
    words: str
    content: bytes


@cache
def _portrait(size: tuple[int, int] | None = None) -> Image.Image:
    image = Image.open(BytesIO(sample_jpeg("collins"))).convert("RGB")
    return image.resize(size, Image.Resampling.LANCZOS) if size else image


def _heic(image: Image.Image) -> bytes:
    import pillow_heif

    out = BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=80)
    return out.getvalue()


def kinds() -> Iterator[Kind]:
    """The files, from the usual to the hopeless."""
    small = _portrait()
    turned = Image.Exif()
    turned[0x0112] = 6
    on_its_side = small.transpose(Image.Transpose.ROTATE_90)
    see_through = small.copy()
    see_through.putalpha(230)
    whole = file_of(small)
    yield Kind("photo.jpg", "JPG", whole)
    yield Kind("24-megapixels.jpg", "JPG of 5712 x 4284", file_of(_portrait(MEGAPIXELS_24), quality=92))
    yield Kind("48-megapixels.jpg", "JPG of 8064 x 6048", file_of(_portrait(MEGAPIXELS_48), quality=85))
    yield Kind("turned.jpg", "JPG turned by EXIF", file_of(on_its_side, exif=turned))
    yield Kind("progressive.jpg", "progressive JPG", file_of(small, progressive=True))
    yield Kind("cmyk.jpg", "CMYK JPG", file_of(small.convert("CMYK")))
    yield Kind("grey.jpg", "grey JPG", file_of(small.convert("L")))
    yield Kind("wide-gamut.jpg", "JPG in Display P3", file_of(small, icc_profile=display_p3()))
    yield Kind("burst.jpg", "MPO (two pictures)", file_of(small, "MPO", save_all=True, append_images=[small]))
    yield Kind("photo.png", "PNG", file_of(small, "PNG"))
    yield Kind("see-through.png", "PNG with transparency", file_of(see_through, "PNG"))
    yield Kind("large.png", "PNG of 5712 x 4284", file_of(_portrait(MEGAPIXELS_24), "PNG", compress_level=1))
    yield Kind("phone.heic", "HEIC", _heic(small))
    yield Kind("24-megapixels.heic", "HEIC of 5712 x 4284", _heic(_portrait(MEGAPIXELS_24)))
    yield Kind("photo.webp", "WebP", file_of(small, "WEBP"))
    yield Kind("photo.avif", "AVIF", file_of(small, "AVIF"))
    yield Kind("scan.tif", "TIFF", file_of(small, "TIFF"))
    yield Kind("photo.gif", "GIF", file_of(small, "GIF"))
    yield Kind("photo.bmp", "BMP", file_of(small, "BMP"))
    yield Kind("scan.pdf", "PDF", file_of(small, "PDF"))
    yield Kind("photo.jp2", "JPEG 2000", file_of(small, "JPEG2000"))
    yield Kind("cut-off.jpg", "JPG, half of it", whole[: len(whole) // 2])
    yield Kind("clip.mp4", "video", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(2000))
    yield Kind(
        "drawing.svg", "SVG", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    )
    yield Kind("empty.jpg", "nothing (0 bytes)", b"")


def by_client(client: FaceValidationClient, path: Path, other: Path) -> str:
    """What the Python client makes of a file."""
    try:
        return _verdict(client.validate_files(path, other, "FACE_TO_FACE").matched)
    except FaceValidationError as error:
        return " ".join(part for part in (error.message, error.details) if part)


def by_command(profile: Path, path: Path, other: Path) -> str:
    """What `face-validation validate` makes of a file."""
    command = [sys.executable, "-m", "face_validation.cli.app", "validate", str(path), str(other)]
    command += ["--type", "FACE_TO_FACE", "--profile", str(profile)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return _verdict(ran.returncode == 0) if ran.returncode in {0, 1} else " ".join(ran.stderr.split())


def by_page(page: Page, address: str, path: Path, other: Path) -> str:
    """What the page in a browser makes of a file."""
    page.goto(address)
    page.check("input[value=FACE_TO_FACE]")
    page.set_input_files("input[name=target]", other)
    page.get_by_text("Choose the other picture.").wait_for()
    page.set_input_files("input[name=source]", path)
    page.wait_for_function("told => !told.includes(document.querySelector('#status').textContent)", arg=UNSETTLED)
    if page.inner_text("#status") != "Ready to compare.":
        return page.inner_text("#status")
    page.click("button.primary")
    page.wait_for_selector("#answer:not([hidden])")
    verdict = page.inner_text("#verdict")
    return _verdict(verdict == "Same person") if "cannot" not in verdict else page.inner_text("#reason")


def _verdict(is_match: bool) -> str:
    return VERDICTS[is_match]


def rows(folder: Path, page: Any) -> Iterator[tuple[Kind, str, str, str]]:
    """Each file with the three outcomes."""
    other = folder / "other.jpg"
    other.write_bytes(sample_jpeg("collins-again"))
    with LocalStack(log_level="ERROR") as stack, client_of(stack.info) as client:
        page.goto(stack.page_url)
        size, files, usable = page.evaluate(WEIGHT)
        print(f"The page: {size / 1000:.0f} kB in {files} files, usable after {usable:.0f} ms.\n")
        print("| file | size | page | command line | client | what is said |\n|---|---|---|---|---|---|")
        profile = folder / "stack.json"
        stack.info.write(profile)
        for kind in kinds():
            path = folder / kind.name
            path.write_bytes(kind.content)
            ways = by_page(page, stack.page_url, path, other), by_command(profile, path, other)
            yield kind, *ways, by_client(client, path, other)


def main() -> None:
    """Print the page's weight, and the table in Markdown."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(90_000)
        for kind, *outcomes in rows(Path(folder), page):
            size = f"{len(kind.content) / 1e6:.1f} MB" if len(kind.content) > 50_000 else f"{len(kind.content)} bytes"
            sentence = outcomes[-1]
            told = sentence not in VERDICTS
            shown = ["refused" if told and sentence in way else way for way in outcomes]
            print(f"| {kind.words} | {size} | {' | '.join(shown)} | {sentence if told else ''} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
