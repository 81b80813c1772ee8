"""Whether a rename and a reindex survive kill -9: nobody lost, nobody doubled, nothing left over.

    python -m tests.figures.killed_people --kills 20

A process renames, or reindexes, six people on the local stack's S3 and DynamoDB (moto's server) and a collection of
`rekognition_local`; it is killed at a random moment, and the state is looked at; then it runs to its end.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
import uuid

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.samples.questions import sample_jpeg
from face_validation.local.stack import LocalStack
from face_validation_function.people import KeptPhoto
from face_validation_function.people_function import PeopleAdapters
from face_validation_function.request_timer import RequestTimer

PHOTOS = 6
OLD, NEW = "Eileen Collins", "Eileen M. Collins"


def work(kind: str) -> None:
    """What is killed: a rename, or a whole reindex without the wait after the swap."""
    adapters = PeopleAdapters.from_environment()
    timer = RequestTimer(600)
    if kind == "rename":
        adapters.kept.rename(timer, OLD, NEW)
        return
    adapters.reindexing.grace_s = 0
    run = str(uuid.uuid4())
    while not adapters.reindexing.step(timer, run).finished:
        pass


def seed(stack: LocalStack, adapters: PeopleAdapters) -> None:
    """Nobody, then one person with photos that all differ."""
    for name in (OLD, NEW):
        adapters.kept.erase_person(RequestTimer(600), name)
    s3 = aws_client("s3", stack.info.s3_endpoint)
    for number in range(PHOTOS):
        # Bytes behind the end of a JPG change its digest and nothing else.
        s3.put_object(
            Bucket=stack.people.faces_bucket, Key=f"photos/{number}.jpg", Body=sample_jpeg("collins") + bytes([number])
        )
        adapters.enrolment.enrol(RequestTimer(600), f"photos/{number}.jpg", full_name=OLD)


def look(stack: LocalStack, adapters: PeopleAdapters) -> tuple[list[KeptPhoto], list[str]]:
    """The rows, and what is wrong with them."""
    rows = [row for name in (OLD, NEW) for row in adapters.table.of_person(name)]
    active = adapters.table.collections().active
    rekognition = aws_client("rekognition", stack.info.rekognition_endpoint)
    indexed = {face["FaceId"] for face in rekognition.list_faces(CollectionId=active)["Faces"]}
    named = [row.face.face_id for row in rows if row.face and row.collection_id == active]
    listed = aws_client("s3", stack.info.s3_endpoint).list_object_versions(Bucket=stack.people.faces_bucket)
    versions = {(one["Key"], one["VersionId"]) for one in listed.get("Versions", ())}
    wrong = []
    if len(named) != PHOTOS or set(named) != indexed:
        wrong.append(f"{len(named)} faces have a name, {len(indexed)} are in the collection, {PHOTOS} were enrolled")
    if not {(row.photo.key, row.photo.version) for row in rows} <= versions:
        wrong.append("a row's photo is gone")
    if not {key for key, _ in versions} <= {key for row in rows for key in row.keys}:
        wrong.append("a photo lies where no row points")
    return rows, wrong


def killed(kind: str, after_s: float) -> bool:
    """Run the work in a process of its own and kill it; whether it was still running."""
    command = [sys.executable, "-m", "tests.figures.killed_people", "--work", kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()  # imports are done
    time.sleep(after_s)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def main() -> None:
    """Kill both kinds of work, look each time, and print what was found: one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--work", choices=("rename", "reindex"))
    parser.add_argument("--only", choices=("rename", "reindex"))
    asked = parser.parse_args()
    if asked.work:
        print("ready", flush=True)
        work(asked.work)
        return
    chance = random.Random(19)
    with LocalStack() as stack:
        adapters = PeopleAdapters.from_environment()
        for kind in [asked.only] if asked.only else ["rename", "reindex"]:
            seed(stack, adapters)
            began = time.monotonic()
            work(kind)
            whole_s = time.monotonic() - began
            wrong: list[str] = []
            hit = 0
            for _ in range(asked.kills):
                seed(stack, adapters)
                hit += killed(kind, chance.uniform(0, whole_s * 1.2))
                wrong += look(stack, adapters)[1]
                work(kind)
                rows, more = look(stack, adapters)
                over = [row for row in rows if row.moving_to or row.moved_from]
                wrong += more + ["something is left over"] * bool(over or len(rows) != PHOTOS)
            figures = {"kills": asked.kills, "while it ran": hit, "wrong": wrong, "whole_s": round(whole_s, 2)}
            print(json.dumps({kind: figures}), flush=True)


if __name__ == "__main__":
    main()
