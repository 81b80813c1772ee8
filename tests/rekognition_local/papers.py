"""Papers that are not identity documents, and scenes around those that are: drawn, never stored."""

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

Pixels = NDArray[np.uint8]


def paper(
    lines: Sequence[str], photograph: Image.Image | None = None, size: tuple[int, int] = (1000, 640), letters: int = 34
) -> Image.Image:
    """Lines of text of one size, beside a portrait if there is a photograph."""
    sheet = Image.new("RGB", size, (236, 232, 224))
    left = 40
    if photograph is not None:
        sheet.paste(ImageOps.fit(photograph, (250, 320)), (40, 140))
        left = 330
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", letters)
    for row, line in enumerate(lines):
        draw.text((left, 40 + row * letters * 1.6), line, font=font, fill=(30, 30, 40))
    return sheet


def on_a_table(card: Image.Image, *, width: int = 1280, part: float = 0.6, degrees: float = 0.0) -> Pixels:
    """The card on a table, `part` as wide as the photograph of `width` x 3/4 `width` pixels, with noise and shade."""
    height = width * 3 // 4
    table = np.full((height, width, 3), (96, 74, 58), np.float64) + np.linspace(-20, 20, width)[None, :, None]
    pixels = np.asarray(card)
    scale = part * width / pixels.shape[1]
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), -degrees, 1.0)
    turn[:, 2] += (0.52 * width - columns / 2, 0.48 * height - rows / 2)
    placed = cv2.warpAffine(small, turn, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(np.full((rows, columns), 255, np.uint8), turn, (width, height))
    scene = np.where(mask[..., None] > 127, placed, table)
    noise = np.random.default_rng(7).normal(0, 4, scene.shape)
    return np.clip(scene + noise, 0, 255).astype(np.uint8)


def held_up(card: Image.Image, holder: Image.Image) -> Pixels:
    """Somebody's photograph with the card beside the face, on 1600 x 1200 pixels: the card is 520 wide."""
    scene = Image.new("RGB", (1600, 1200), (96, 110, 120))
    scene.paste(ImageOps.fit(holder, (900, 900)), (40, 200))
    scene.paste(ImageOps.contain(card, (520, 520)), (860, 380))
    return np.asarray(scene)
