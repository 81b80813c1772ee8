"""The photographs as samples: who is in them, which belong together, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from person_verifier.dataset import faces
from person_verifier.dataset.face_cache import PhotoRecord
from person_verifier.dataset.photos import dataset_digest
from person_verifier.errors import VerifierError
from person_verifier.training import regression
from rekognition_local.engine import Engine

Names = NDArray[np.str_]

ADVISED_OF_ME, ADVISED_OF_OTHERS = 40, 200
# A second person in me/ is one whose photographs are this many, or this part of all; fewer are named in a warning.
INTRUDERS, INTRUDING_PART = 3, 0.1
# Fewer people than this in not_me/ say little about strangers. Alike ones count as one: 30 people count as 22 or more.
FEW_PEOPLE = 20
# Of the person's own photographs nearly all agree with the rest this much on average, of other people's none.
ONE_OF_ME = 90.0


@dataclass(frozen=True, slots=True)
class Collection:
    """Photographs as samples: `entries` (n) have a face and are the samples' rows, `faceless` have none."""

    samples: regression.Samples
    entries: list[PhotoRecord]
    faceless: list[PhotoRecord]
    digest: str
    warnings: list[str]


def collection_of(seen: Sequence[PhotoRecord], engine: Engine, crops: Path) -> Collection:
    """The collection of these photographs; `engine` compares descriptors, the person's crops lie in `crops`.

    Raises VerifierError at too few faces of one of the classes, or photographs of several people in `me/`.
    """
    entries = [entry for entry in seen if entry.faces]
    is_me = np.array([entry.photo.is_me for entry in entries])
    vectors = np.stack([entry.vector for entry in entries])
    names = np.array([entry.photo.name for entry in entries])
    warnings = _people_of_me(engine, vectors[is_me], names[is_me], crops)
    warnings += _people_of_others(engine, vectors[~is_me], names[~is_me], vectors[is_me])
    shots = faces.same_shots(np.array([entry.shot for entry in entries]))
    # Photographs of the person are told apart by their shots alone: all of them have one name.
    groups = faces.split_groups(shots, ["" if entry.photo.is_me else entry.photo.person for entry in entries])
    samples = regression.Samples(vectors.astype(np.float64), is_me, groups)
    regression.require_enough(samples)
    for mine, kind, advised in ((True, "me", ADVISED_OF_ME), (False, "not_me", ADVISED_OF_OTHERS)):
        count = int(np.count_nonzero(is_me == mine))
        if count < advised:
            warnings.append(f"{kind}/ has {count} faces; {advised} or more are advised: the figures are less certain.")
    digest = dataset_digest([entry.photo for entry in seen])
    return Collection(samples, entries, [entry for entry in seen if not entry.faces], digest, warnings)


def _people_of_me(engine: Engine, vectors: NDArray[np.float32], names: Names, crops: Path) -> list[str]:
    """Warnings about single photographs that show somebody else; refuses a second person, naming the photographs."""
    people = faces.people_in(engine.similarity(vectors, vectors))
    others: list[list[str]] = [names[people == person].tolist() for person in range(1, people.max() + 1)]
    limit = max(INTRUDERS, INTRUDING_PART * len(names))
    several = [group for group in others if len(group) >= limit]
    if several:
        named = ", these of ".join(f"another: {_some(group)}" for group in several)
        raise VerifierError(
            f"me/ holds photos of several people: {np.count_nonzero(people == 0)} of {len(names)} are of one, these of "
            f"{named}. Leave only the person to be recognised in me/ and move the others to not_me/. (In a photo with "
            f"several people the largest face counts: look through {crops}.)"
        )
    stray = [name for group in others for name in group]
    said = f"{len(stray)} photo(s) in me/ do not look like the rest: {_some(stray)}. Look at their crops."
    return [said] if stray else []


def _people_of_others(
    engine: Engine, others: NDArray[np.float32], names: Names, mine: NDArray[np.float32]
) -> list[str]:
    """Warnings when `not_me/` seems to show the person too, or hardly anybody."""
    alike = engine.similarity(others, mine).mean(axis=1) >= ONE_OF_ME
    warnings = []
    if found := names[alike].tolist():
        warnings.append(
            f"{len(found)} photo(s) in not_me/ look like the person in me/: {_some(found)}. If they are, move "
            "them: a verifier that is taught otherwise turns the person away."
        )
    people = int(faces.people_in(engine.similarity(others, others)).max()) + 1
    if people < FEW_PEOPLE:
        warnings.append(
            f"not_me/ shows about {people} different people, by their faces: the figures say little about "
            "strangers. Add photos of many different people."
        )
    return warnings


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
