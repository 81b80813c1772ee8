"""One verifier from photographs to reports: the steps in their order, each doing only what changed."""

import csv
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import sklearn

from person_verifier.dataset.face_cache import FaceCache, PhotoRecord
from person_verifier.dataset.photos import find_photos
from person_verifier.errors import VerifierError
from person_verifier.training import assessment, regression
from person_verifier.training.collection import Collection, collection_of
from person_verifier.training.model import Origin, VerifierModel
from person_verifier.training.reports import METRICS_FILE, MethodReport, MetricsReport, write_reports
from rekognition_local.engine import Engine

# Part of the recipe's hash: raise it when training or assessment change, so that stored models are made anew.
RECIPE = 2

Made = TypeVar("Made", bound=Origin)
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""(step, steps in all) -> a context that gives the function to call after each."""


@dataclass(frozen=True)
class VerifierProject:
    """The folder `out`, where everything is kept, with the photographs in `photos/me` and `photos/not_me`."""

    photos: Path
    out: Path
    engine: Engine
    progress: Progress

    @property
    def reports(self) -> Path:
        """Where the reports go."""
        return self.out / "reports"

    @cached_property
    def seen(self) -> list[PhotoRecord]:
        """What each photograph shows, with its crop, as `reports/photos.csv` lists it; raises as `find_photos`."""
        photos = find_photos(self.photos)
        with self.progress("crop", len(photos)) as advance:
            seen = FaceCache(self.out, self.engine).describe(photos, advance)
        self.reports.mkdir(parents=True, exist_ok=True)
        with (self.reports / "photos.csv").open("w", newline="", encoding="utf-8") as table:
            rows = csv.writer(table)
            rows.writerow(["photo", "person", "faces", "crop", "remark"])
            for entry in seen:
                crop = entry.crop.relative_to(self.out).as_posix() if entry.crop is not None else ""
                rows.writerow([entry.photo.name, entry.photo.person, len(entry.faces), crop, remark(entry)])
        return seen

    @cached_property
    def collection(self) -> Collection:
        """Crops and descriptors of all photographs, grouped, and what is wrong with them; raises as `collection_of`."""
        for mine, kind in ((True, "me"), (False, "not_me")):
            if not any(entry.photo.is_me == mine and entry.faces for entry in self.seen):
                raise VerifierError(f"No face was found in any photo of {kind}/: see {self.reports / 'photos.csv'}.")
        return collection_of(self.seen, self.engine, self.out / "crops" / "me")

    def train(self, rule: assessment.ThresholdRule, version: str) -> tuple[VerifierModel, bool]:
        """All steps: crop, embed, assess on held-out photographs, train on all, store; and whether the model is new.

        Raises VerifierError where the photographs do not make a verifier; it says what to do.
        """
        report, origin = self.evaluate(rule, version), self._origin(rule, version)
        stored = _of_this_recipe(VerifierModel, self.model_path, origin)
        if stored is not None:
            return stored, False
        samples = self.collection.samples
        with self.progress("train", 1) as advance:
            result = regression.train(samples)
            advance()
        model = VerifierModel(
            **origin.model_dump(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            threshold=rule.choose(result.validation_scores, samples.is_me),
            c=result.c,
            **{name: np.asarray(value).tolist() for name, value in asdict(result.classifier).items()},
            metrics=report.verifier.rates,
        )
        model.save(self.model_path)
        return model, True

    def evaluate(self, rule: assessment.ThresholdRule, version: str) -> MetricsReport:
        """Judge each half of the photographs by what the other half teaches, write the reports; raises as `train`."""
        collection, origin = self.collection, self._origin(rule, version)
        current = _of_this_recipe(MetricsReport, self.reports / METRICS_FILE, origin)
        if current is not None:
            return current
        samples = collection.samples
        with self.progress("evaluate", assessment.HALVES) as advance:
            judged = assessment.assess(samples, rule, advance)
        faceless = np.array([entry.photo.is_me for entry in collection.faceless], np.bool_)
        verifier, baseline = (assessment.with_faceless(one, faceless) for one in judged)
        report = MetricsReport(
            **origin.model_dump(),
            threshold=float(np.mean(verifier.thresholds)),
            held_out="each half of the photographs, after training on the other; shots and named people on one side",
            verifier=MethodReport(rates=verifier.metrics, counts=verifier.counts),
            baseline=MethodReport(rates=baseline.metrics, counts=baseline.counts),
            warnings=[*collection.warnings, *rule.doubts(samples.is_me)],
        )
        write_reports(self.reports, report, verifier, baseline, collection.entries)
        return report

    @property
    def model_path(self) -> Path:
        """Where the trained verifier is kept."""
        return self.out / "models" / "verifier.json"

    def _origin(self, rule: assessment.ThresholdRule, version: str) -> Origin:
        collection, engine = self.collection, self.engine.model_id
        recipe = repr((RECIPE, collection.digest, engine, rule.fixed, rule.fmr, version, sklearn.__version__))
        return Origin(
            model_version=version,
            threshold_rule=str(rule),
            embedding_model=engine,
            data_sha256=collection.digest,
            recipe_sha256=hashlib.sha256(recipe.encode()).hexdigest(),
            photos_of_me=int(np.count_nonzero(collection.samples.is_me)),
            photos_of_others=int(np.count_nonzero(~collection.samples.is_me)),
        )


def _of_this_recipe(kind: type[Made], path: Path, origin: Origin) -> Made | None:
    """The model or report on disk, if it is of this very recipe."""
    try:
        made = kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return made if made.recipe_sha256 == origin.recipe_sha256 else None


def remark(entry: PhotoRecord) -> str:
    """What a person should know of a photograph: "" when it shows exactly one face."""
    if entry.problem:
        return entry.problem
    used = "a smaller one is used, see its crop" if entry.judged else "the largest is used"
    return f"{len(entry.faces)} faces; {used}" if len(entry.faces) > 1 else ""
