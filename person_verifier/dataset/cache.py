"""What was computed from a photograph's bytes, kept on disk under their hash: a rerun computes only what changed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ArrayCache:
    """Arrays of one kind in a folder of their own, one `.npy` file per key; damaged files count as absent."""

    folder: Path

    def read(self, key: str) -> NDArray[Any] | None:
        """The array kept under `key` (a hex digest), or None."""
        try:
            array: NDArray[Any] = np.load(self._path(key), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return array

    def write(self, key: str, array: NDArray[Any]) -> None:
        """Keep `array` under `key`: wholly or, when interrupted, not at all."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            np.save(part, array, allow_pickle=False)
        Path(part.name).replace(path)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npy"
