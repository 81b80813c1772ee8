"""One run of all photographs against all others: its folder, and the scores that are taken up from it."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from face_validation.evaluation.runs.all_pairs import (
    PHOTOS_FILE,
    SCORES_FILE,
    AllPairs,
    Matcher,
    Photograph,
    read_all_pairs,
    score_all_pairs,
    write_all_pairs,
)
from face_validation.evaluation.runs.run_folder import RUN_FILE, Run, RunRecord, Session, locked


def run_all_pairs(
    photographs: Sequence[Photograph],
    photos_path: Path,
    out: Path,
    matcher: Matcher,
    *,
    service: str,
    jobs: int,
    restart: bool = False,
    on_photo: Callable[[], None] | None = None,
) -> tuple[Run, AllPairs]:
    """Score every two photographs, or take up the scores that are in `out`.

    Args:
        photographs: of at least two persons.
        photos_path: where they were read from.
        out: the run's folder; made when missing.
        matcher: describes and compares faces.
        service: names the matcher; scores of two matchers are never mixed in one folder.
        jobs: photographs described at once.
        restart: throw away the scores that are there.
        on_photo: hears of each description.

    Raises:
        RunError: `out` holds a run of another matcher, or is in use.
        ResultsError: `out` holds files that do not belong together.
    """
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        if restart:
            for name in (PHOTOS_FILE, SCORES_FILE, RUN_FILE):
                (out / name).unlink(missing_ok=True)
        record = RunRecord(out, service)
        if (kept := _kept(out, photographs)) is not None:
            return record.run(photos_path, [], ["Taken up: these photographs had been scored already."]), kept
        started, begin = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        all_pairs = score_all_pairs(photographs, matcher, jobs=jobs, on_photo=on_photo)
        write_all_pairs(all_pairs, out)
        session = Session(started, int(all_pairs.scores.size), jobs, round(time.perf_counter() - begin, 3))
        record.note(session)
        record.sessions.append(session)
    return record.run(photos_path, [], []), all_pairs


def _kept(out: Path, photographs: Sequence[Photograph]) -> AllPairs | None:
    """The scores in `out` where they are of these very photographs, under today's persons and groups."""
    if not (out / SCORES_FILE).is_file() or not (out / RUN_FILE).is_file():
        return None
    kept = read_all_pairs(out)
    wanted = {photo.path.resolve(): photo for photo in photographs}
    if {photo.path for photo in (*kept.photos, *kept.without_face)} != set(wanted):
        return None
    newest = max(path.stat().st_mtime for path in wanted)
    if newest > (out / SCORES_FILE).stat().st_mtime:
        return None
    return AllPairs(
        tuple(wanted[photo.path] for photo in kept.photos),
        tuple(wanted[photo.path] for photo in kept.without_face),
        kept.scores,
    )
