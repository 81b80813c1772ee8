"""Photographs that come with installed packages, free for any use."""

from pathlib import Path

import matplotlib
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def grace_hopper() -> Picture:
    """A portrait, 512 x 600 (public domain, from matplotlib)."""
    with Image.open(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")) as image:
        return np.array(image.convert("RGB"))


def sample(name: str) -> Picture:
    """One of scikit-image's pictures (`astronaut`, `chelsea` the cat, `brick`, ...) in RGB."""
    picture: Picture = np.asarray(getattr(skimage.data, name)())
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
