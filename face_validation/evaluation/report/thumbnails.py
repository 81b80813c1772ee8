"""Small pictures of the images of a case, the compared face framed; safe on files that are not images."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image, ImageDraw

from face_validation.client import ImageAnalysis
from face_validation.client.upright import UNREADABLE, upright, without_texts

LONGEST_PX = 240
MOST_PIXELS = 40_000_000  # what a JPEG or PNG of the contract cannot reach: a bomb is not opened for a picture of it


def thumbnail(path: Path, side: ImageAnalysis | None) -> str | None:
    """The image as a `data:` address of a JPEG, at most 240 px a side; None when it cannot be shown.

    `side` is what the service saw in it: the face that was compared is framed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(without_texts(path.read_bytes())), formats=("JPEG", "PNG")) as image:
                if image.width * image.height > MOST_PIXELS:
                    return None
                image.draft("RGB", (4 * LONGEST_PX, 4 * LONGEST_PX))
                picture = upright(image).convert("RGB")
    except (*UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    picture.info = {}  # Pillow's encoder takes from here what it is not told, such as a comment
    picture.thumbnail((LONGEST_PX, LONGEST_PX))
    if side is not None:
        box = side.faces[side.compared].box
        left, top = box.left * picture.width, box.top * picture.height
        right, bottom = left + box.width * picture.width, top + box.height * picture.height
        frame = ImageDraw.Draw(picture)
        frame.rectangle((left, top, right, bottom), outline="black", width=4)
        frame.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline="white", width=2)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
