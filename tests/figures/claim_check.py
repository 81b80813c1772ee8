"""Which way answers "is this the enrolled Ana?" best: errors of each way, on FACE_DATA's people.

    python -m tests.figures.claim_check              (FACE_DATA=folder)

Every person with three photographs at least is enrolled with up to five of them, all but one; the photograph that is
left out claims to be each of the enrolled. A person's own claim that is refused counts for FNMR, a stranger's that is
accepted for FMR. Each photograph is left out once, so that every one is a probe; and once more blurred, dark, small or
lit from one side, at random. The ways:

- single: CompareFaces against one enrolled photograph, the first.
- best, mean, median: CompareFaces against each of at most five; which similarity is answered.
- user vector: SearchUsersByImage, where a person's vector is the mean of the vectors of her faces.
- search: SearchFacesByImage on all people, where her name counts only when it is the first. Who claims to be somebody
  else is not enrolled then.
"""

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from face_validation.cli.evaluated_service import prominent_descriptor
from rekognition_local.engine import Engine
from rekognition_local.operations.users import mean_vector
from tests.figures.quality import degraded

LEAST_PHOTOS, MOST_PHOTOS = 3, 5
STRANGERS = "_impostors"
FMRS = (0.01, 0.001, 0.0001)
WAYS = ("single", "best", "mean", "median", "user vector", "search")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Claims:
    """The score of each probe's own claim, and those of the claims to be somebody else."""

    own: Floats
    foreign: Floats

    def fnmr_at(self, fmr: float) -> tuple[float, float]:
        """(FNMR, threshold) at the lowest threshold that at most `fmr` of the foreign claims reach."""
        ordered = np.sort(self.foreign)
        threshold = ordered[len(ordered) - 1 - int(fmr * len(ordered))]
        return float((self.own <= threshold).mean()), float(threshold)


@dataclass(frozen=True, slots=True)
class Person:
    """Descriptors (n, d) of a person's photographs, and of the same under a degradation; zeros where no face is."""

    photographs: NDArray[np.float32]
    degraded: NDArray[np.float32]


def people_of(engine: Engine, data: Path) -> dict[str, Person]:
    """Everybody with three photographs at least in which a face is found."""
    paths: dict[str, list[Path]] = {}
    for path in sorted([*data.glob("identities/*/*.jpg"), *data.glob("faces/*/*/*.jpg")]):
        if path.parent.name != STRANGERS:
            paths.setdefault(path.parent.name, []).append(path)
    people, chance = {}, random.Random(1)
    for name, some in paths.items():
        if len(some) < LEAST_PHOTOS:
            continue
        opened = [Image.open(path).convert("RGB") for path in some]
        plain = [prominent_descriptor(engine, np.asarray(image)) for image in opened]
        worse = [prominent_descriptor(engine, np.asarray(degraded(image, chance))) for image in opened]
        found = [place for place, one in enumerate(plain) if one is not None]
        if len(found) >= LEAST_PHOTOS:
            rows = [(plain[place], worse[place]) for place in found]
            nothing = np.zeros_like(rows[0][0])
            people[name] = Person(
                np.array([one for one, _ in rows], np.float32),
                np.array([nothing if one is None else one for _, one in rows], np.float32),
            )
    return people


def scored(engine: Engine, people: dict[str, Person], probes: str) -> dict[str, Claims]:
    """Each way's claims; `probes` is the field of a person that makes them."""
    own: dict[str, list[float]] = {}
    foreign: dict[str, list[float]] = {}
    for person, of_person in people.items():
        for left_out, probe in enumerate(getattr(of_person, probes)):
            everybody = {}
            for name, other in people.items():
                photos = other.photographs
                enrolled = (np.delete(photos, left_out, axis=0) if name == person else photos)[:MOST_PHOTOS]
                everybody[name] = _ways(engine, probe[None], enrolled) if probe.any() else dict.fromkeys(WAYS, 0.0)
            strangers = {name: ways for name, ways in everybody.items() if name != person}
            _only_the_first(everybody[person], everybody)
            for ways in strangers.values():
                # The stranger of a search is not enrolled: else she would nearly always be found herself.
                _only_the_first(ways, strangers)
            for name, ways in everybody.items():
                into = own if name == person else foreign
                for way, score in ways.items():
                    into.setdefault(way, []).append(score)
    return {way: Claims(np.array(own[way]), np.array(foreign[way])) for way in own}


def _ways(engine: Engine, probe: NDArray[np.float32], enrolled: NDArray[np.float32]) -> dict[str, float]:
    similarities = engine.similarity(probe, enrolled)[0]
    return {
        "single": float(similarities[0]),
        "best": float(similarities.max()),
        "mean": float(similarities.mean()),
        "median": float(np.median(similarities)),
        "user vector": float(engine.similarity(probe, mean_vector(enrolled)[None])[0, 0]),
        "search": float(similarities.max()),
    }


def _only_the_first(ways: dict[str, float], everybody: dict[str, dict[str, float]]) -> None:
    if ways["best"] < max(one["best"] for one in everybody.values()):
        ways["search"] = 0.0


def main() -> None:
    """Measure and print."""
    engine = Engine.load()
    people = people_of(engine, Path(os.environ["FACE_DATA"]))
    rows = {}
    for probes in ("photographs", "degraded"):
        table = Table("way", *(f"FNMR at FMR {fmr:.2%}" for fmr in FMRS), "at 80: FNMR", "FMR", title=probes)
        for way, one in scored(engine, people, probes).items():
            at = [one.fnmr_at(fmr) for fmr in FMRS]
            at_80 = (float((one.own < 80).mean()), float((one.foreign >= 80).mean()))
            rows[f"{probes}, {way}"] = {
                "fnmr": [rate for rate, _ in at],
                "from": [limit for _, limit in at],
                "80": at_80,
            }
            shown = [f"{rate:.2%} (from {limit:.1f})" for rate, limit in at]
            table.add_row(way, *shown, f"{at_80[0]:.2%}", f"{at_80[1]:.3%}")
        Console(width=140).print(f"{one.own.size} own claims, {one.foreign.size} foreign ones of {len(people)} people")
        Console(width=140).print(table)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
