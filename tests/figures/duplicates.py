"""How often a face under two names is found, and a new person taken for an enrolled one, on FACE_DATA's people.

    python -m tests.figures.duplicates              (FACE_DATA=folder)

Each person is enrolled with one photograph, in turn with each. Missed: another photograph of the same person comes
under another name, and its search stays below the threshold. False: the photograph comes while only all the others are
enrolled, and the search finds one of them. Both also with the photograph that comes blurred, dark, small or lit from
one side.
"""

import os
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from face_validation_function.settings import THRESHOLD_DUPLICATE, THRESHOLD_POSSIBLE_DUPLICATE
from rekognition_local.engine import Engine
from rekognition_local.storage.gallery import calibrate_for_search
from tests.figures.claim_check import people_of


def main() -> None:
    """Print both errors at both thresholds."""
    engine = Engine.load()
    people = list(people_of(engine, Path(os.environ["FACE_DATA"])).values())
    owner = np.array([number for number, one in enumerate(people) for _ in one.photographs])
    enrolled = np.concatenate([one.photographs for one in people])
    shown = Table(title=f"{len(people)} people, {len(owner)} photographs")
    for column in ("photograph that comes", "threshold", "missed", "false"):
        shown.add_column(column)
    for kind, probes in (("as it is", enrolled), ("degraded", np.concatenate([one.degraded for one in people]))):
        usable = np.abs(probes).sum(axis=1) > 0  # no face is found in the others: they cannot be enrolled
        found = calibrate_for_search(np.clip(engine.similarity(probes[usable], enrolled), 0, 100))
        same = owner[usable][:, None] == owner
        itself = np.flatnonzero(usable)[:, None] == np.arange(len(owner))
        own, others = found[same & ~itself], np.where(same, 0, found)
        # One photograph of each other person is enrolled: the first, the second where there is one, and so on.
        first = [np.flatnonzero(owner == number) for number in range(len(people))]
        rounds = [np.array([of[turn % len(of)] for of in first]) for turn in range(max(map(len, first)))]
        best = np.concatenate([others[:, chosen].max(axis=1) for chosen in rounds])
        for threshold in (THRESHOLD_DUPLICATE, THRESHOLD_POSSIBLE_DUPLICATE):
            missed, false = int((own < threshold).sum()), int((best >= threshold).sum())
            shown.add_row(
                kind,
                str(threshold),
                f"{missed} of {len(own)} ({missed / len(own):.2%})",
                f"{false} of {len(best)} ({false / len(best):.2%})",
            )
    Console(width=120).print(shown)


if __name__ == "__main__":
    main()
