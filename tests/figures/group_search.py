"""Everybody in a photo: who is named right, wrongly or not at all in group photographs of FACE_DATA's people.

    python -m tests.figures.group_search              (FACE_DATA=folder)

People are enrolled as `identities/enroll.csv` says. The photographs of `identities/probes.csv`, of enrolled people and
of strangers, are drawn side by side into groups, at random and each at a random size; each group is searched once with
"faces": "all". A face of a group is a person's when it lies in the middle of that person's photograph; other faces are
bystanders, whom nobody should name.
"""

import csv
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from rich.console import Console

from face_validation.client import FaceValidationClient
from face_validation.client.people import FoundFace
from face_validation.local.demo import client_of
from face_validation.local.stack import LocalStack

STRANGER = "NONE"
GROUP = 8
COLUMNS = 4
CELL_PX = 420


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a group (None: a stranger) and where the photograph lies, in ratios of the group's."""

    name: str | None
    left: float
    top: float
    width: float
    height: float

    def holds(self, face: FoundFace) -> bool:
        """Whether a face lies around the middle of this photograph."""
        x, y = face.box.left + face.box.width / 2, face.box.top + face.box.height / 2
        return (
            abs(x - self.left - self.width / 2) < self.width / 4
            and abs(y - self.top - self.height / 2) < self.height / 3
        )


def groups(data: Path, chance: random.Random) -> Iterator[tuple[bytes, list[Member]]]:
    """Group photographs (JPG) of all probes, and who is where in each."""
    with (data / "identities" / "probes.csv").open(newline="") as file:
        probes = list(csv.DictReader(file))
    chance.shuffle(probes)
    for start in range(0, len(probes), GROUP):
        some = probes[start : start + GROUP]
        size = COLUMNS * CELL_PX, -(-len(some) // COLUMNS) * CELL_PX
        group, members = Image.new("RGB", size, "white"), []
        for place, probe in enumerate(some):
            photo = Image.open(data / probe["image"]).convert("RGB")
            side = chance.randint(180, CELL_PX)
            photo = photo.resize(
                (round(photo.width * side / max(photo.size)), round(photo.height * side / max(photo.size)))
            )
            at = place % COLUMNS * CELL_PX, place // COLUMNS * CELL_PX
            group.paste(photo, at)
            name = None if probe["expected_person"] == STRANGER else probe["expected_person"].replace("_", " ")
            ratios = at[0] / size[0], at[1] / size[1], photo.width / size[0], photo.height / size[1]
            members.append(Member(name, *ratios))
        content = BytesIO()
        group.save(content, "JPEG", quality=92)
        yield content.getvalue(), members


def enrol(client: FaceValidationClient, data: Path) -> int:
    """Enrol everybody of enroll.csv; how many photographs."""
    with (data / "identities" / "enroll.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        client.people.enrol(data / row["image"], row["person_id"].replace("_", " "))
    return len(rows)


def judged(members: list[Member], faces: tuple[FoundFace, ...]) -> Counter[str]:
    """What became of each person of a group, and of the faces that are nobody's."""
    told: Counter[str] = Counter()
    left = list(faces)
    for member in members:
        found = next((face for face in left if member.holds(face)), None)
        kind = "stranger" if member.name is None else "enrolled"
        if found is None:
            told[f"{kind}: face not found"] += 1
            continue
        left.remove(found)
        if found.person is None:
            told[f"{kind}: not named"] += 1
        else:
            told[f"{kind}: named {'right' if found.person == member.name else 'wrongly'}"] += 1
    told["bystander: not named"] += sum(face.person is None for face in left)
    told["bystander: named"] += sum(face.person is not None for face in left)
    return told


def main() -> None:
    """Measure and print."""
    data, chance, told, calls, count = Path(os.environ["FACE_DATA"]), random.Random(1), Counter[str](), 0, 0
    with LocalStack() as stack, client_of(stack.info) as client:
        photographs = enrol(client, data)
        for group, members in groups(data, chance):
            answer = client.people.search_everybody(group, max_searched=50)
            told += judged(members, answer.faces)
            calls += 1 + len(answer.faces)
            count += 1
    Console().print(
        f"{photographs} photographs enrolled; {count} groups, {calls} paid calls", dict(sorted(told.items()))
    )
    print(json.dumps({"groups": count, "calls": calls, **dict(sorted(told.items()))}))


if __name__ == "__main__":
    main()
