"""Who is this? Enrolled persons and strangers searched through the API: how many are named right, how many wrongly."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from pydantic import Field

from face_validation.client.errors import FaceValidationError, RequestFailedError
from face_validation.client.people import People, PersonMatch
from face_validation.evaluation.runs.cases import Photograph, read_full_rows
from face_validation.evaluation.statistics import error_rates
from face_validation.evaluation.statistics.intervals import Rate

NOBODY = "NONE"
CANDIDATES = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Probe:
    """A photograph to be searched; `person` is None for a stranger, whom nobody enrolled."""

    probe_id: str
    image: Path
    person: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer to one probe: the best candidate with its similarity (0-100), or the code of a refusal.

    `rank` is the place of the right person among the candidates, 1 the best; 0 where absent, and for a stranger.
    """

    probe: Probe
    person: str | None
    similarity: float | None
    error: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Identification:
    """The figures of a run at one threshold; all of them but the answers are in its metrics.json.

    Attributes:
        enrolled: photographs in the collection.
        not_enrolled: photographs that were refused, with the reason.
        rank_one: known probes whose best candidate is right and reaches the threshold.
        rank_one_any: the same without a threshold.
        misidentified: known probes that were given another person's name at the threshold.
        fnir: false negative identification rate (ISO/IEC 19795-1) at rank 1: the enrolled who are not named right.
        fpir: strangers who were given a name at the threshold.
        refused: probes in which no face was found; as wrong as any other where the person is known.
        rank_k: known probes whose person is among the k best candidates, without a threshold, k = 1 to `CANDIDATES`.
        extrapolations: FPIR to expect at the threshold with other numbers of enrolled photographs.
    """

    threshold: float
    enrolled: int
    not_enrolled: list[str]
    rank_one: Rate
    rank_one_any: Annotated[Rate, Field(serialization_alias="rank_one_without_threshold")]
    misidentified: Rate
    fnir: Rate
    fpir: Rate
    refused: Rate
    rank_k: tuple[Rate, ...]
    extrapolations: tuple[error_rates.Extrapolation, ...]
    curve: error_rates.IdentificationRates
    answers: Annotated[list[ProbeResult], Field(exclude=True)]


def read_enrolments(path: Path, root: Path) -> list[Photograph]:
    """A CSV `person_id,image`; image paths relative to `root`; raises as `read_cases` does."""
    rows = read_full_rows(path, ("person_id", "image"), files="image", root=root)
    return [Photograph(row["person_id"], root / row["image"]) for _, row in rows]


def read_probes(path: Path, root: Path) -> list[Probe]:
    """A CSV `probe_id,image,expected_person[,note]`, NONE being a stranger; raises as `read_cases` does."""
    probes = []
    for _, row in read_full_rows(path, ("probe_id", "image", "expected_person"), files="image", root=root):
        person = None if row["expected_person"] == NOBODY else row["expected_person"]
        probes.append(Probe(row["probe_id"], root / row["image"], person, row.get("note", "")))
    return probes


def never_enrolled(enrolments: Sequence[Photograph], probes: Sequence[Probe]) -> list[str]:
    """Persons whom a probe is said to show but no photograph enrols, sorted: nothing can name them right."""
    return sorted({probe.person for probe in probes if probe.person is not None} - {one.person for one in enrolments})


def identify(
    enrolments: Sequence[Photograph],
    probes: Sequence[Probe],
    api: People,
    *,
    threshold: float,
    jobs: int,
    on_answer: Callable[[], None] = lambda: None,
) -> Identification:
    """Enrol, then search each probe once with threshold 0; raises RequestFailedError where the API does not answer."""

    def asked(ask: Callable[[], T]) -> tuple[T | None, str]:
        """The answer, or the code of a refusal."""
        try:
            return ask(), ""
        except RequestFailedError:
            raise
        except FaceValidationError as error:
            return None, error.code
        finally:
            on_answer()

    def enrol(enrolment: Photograph) -> str:
        _, code = asked(lambda: api.enrol(enrolment.path, enrolment.person))
        return f"{enrolment.path.name}: {code}" if code else ""

    def search(probe: Probe) -> ProbeResult:
        found, code = asked(lambda: api.search(probe.image, threshold=0.0, max_faces=CANDIDATES))
        matches: Sequence[PersonMatch] = () if found is None else found.matches
        if not matches:
            return ProbeResult(probe, None, None, code)
        names = [match.full_name for match in matches]
        rank = names.index(probe.person) + 1 if probe.person in names else 0
        return ProbeResult(probe, names[0], matches[0].similarity, rank=rank)

    with ThreadPoolExecutor(jobs, thread_name_prefix="identification") as pool:
        complaints = [complaint for complaint in pool.map(enrol, enrolments) if complaint]
        answers = list(pool.map(search, probes))
    return count(answers, threshold, enrolled=len(enrolments) - len(complaints), not_enrolled=complaints)


def count(answers: list[ProbeResult], threshold: float, *, enrolled: int, not_enrolled: list[str]) -> Identification:
    """The figures of the answers at `threshold` (0-100)."""
    known = [answer for answer in answers if answer.probe.person is not None]
    right = np.array([answer.person == answer.probe.person for answer in known], np.bool_)
    scores = np.array([answer.similarity for answer in known], np.float64)  # NaN where there is none
    named, ranks = scores >= threshold, np.array([answer.rank for answer in known], np.int64)
    strangers_scores = np.array([one.similarity for one in answers if one.probe.person is None], np.float64)
    fpir = Rate.counted(strangers_scores >= threshold)
    return Identification(
        threshold,
        enrolled,
        not_enrolled,
        rank_one=Rate.counted(named & right),
        rank_one_any=Rate.counted(right),
        misidentified=Rate.counted(named & ~right),
        fnir=Rate.counted(~(named & right)),
        fpir=fpir,
        refused=Rate.counted(np.array([bool(answer.error) for answer in answers], np.bool_)),
        rank_k=tuple(Rate.counted((ranks > 0) & (ranks <= k)) for k in range(1, CANDIDATES + 1)),
        extrapolations=error_rates.extrapolations(fpir, enrolled),
        curve=error_rates.identification_rates(scores, right, strangers_scores),
        answers=answers,
    )


def is_right(answer: ProbeResult, threshold: float) -> bool:
    """Whether a probe is answered as it should be at a threshold: its own name, or nobody for a stranger."""
    named = answer.similarity is not None and answer.similarity >= threshold
    return (named and answer.person == answer.probe.person) if answer.probe.person is not None else not named
