"""Photographs read by the service's image rules, refused in the verifier's words."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from person_verifier.errors import OversizedImageError, UndersizedImageError, UnreadableImageError
from rekognition_local.engine import images

# A face is described from 150 pixels: a JPEG is decoded at 1/2 or 1/4 as long as its longer side keeps these.
KEPT_SIDE_PX = 1024


def decode(image_bytes: bytes) -> NDArray[np.uint8]:
    """A JPEG's or PNG's bytes -> (h, w, 3) RGB 0-255, upright.

    The format is told by the content, and size and format are checked in the header before anything is decoded.

    Raises:
        UnreadableImageError, UndersizedImageError, OversizedImageError: `str(error)` says the value beside the limit.
    """
    with _our_errors():
        return images.decode(image_bytes, KEPT_SIDE_PX)


def stored_size(image_bytes: bytes) -> tuple[int, int]:
    """Width and height in pixels as the header says; raises as `decode` does for the header."""
    with _our_errors():
        return images.stored_size(image_bytes)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except images.ImageTooLargeError as error:
        raise OversizedImageError(str(error)) from error
    except images.ImageTooSmallError as error:
        raise UndersizedImageError(str(error)) from error
    except images.ImageError as error:
        raise UnreadableImageError(str(error)) from error
