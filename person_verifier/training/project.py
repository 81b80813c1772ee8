"""One verifier from photographs to reports: the steps in their order, each doing only what changed."""

import csv
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import sklearn

from person_verifier.dataset.face_cache import FaceCache, PhotoRecord
from person_verifier.dataset.photos import find_photos
from person_verifier.errors import ModelError, TrainingDataError
from person_verifier.training import assessment, regression
from person_verifier.training.collection import Collection, collection_of
from person_verifier.training.model import Origin, VerifierModel
from person_verifier.training.reports import MethodReport, MetricsReport, write_reports
from rekognition_local.engine.faces.face_engine import ComparingEngine

# Part of the recipe's hash: raise it when training or assessment change, so that stored models are made anew.
RECIPE = 2

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""(step, steps in all) -> a context that gives the function to call after each."""


@dataclass(frozen=True)
class VerifierProject:
    """The folder `out`, where everything is kept, with the photographs in `photos/me` and `photos/not_me`."""

    photos: Path
    out: Path
    engine: ComparingEngine
    progress: Progress

    @property
    def reports(self) -> Path:
        """Where the reports go."""
        return self.out / "reports"

    @cached_property
    def _seen(self) -> list[PhotoRecord]:
        photos = find_photos(self.photos)
        with self.progress("crop", len(photos)) as advance:
            return self._cache.crop(photos, advance)

    @property
    def _cache(self) -> FaceCache:
        return FaceCache(self.out, self.engine)

    def crop(self) -> list[PhotoRecord]:
        """Find the faces, write the crops and `reports/photos.csv`, which lists what each photograph shows.

        Raises:
            TrainingDataError: a folder is missing or empty.
        """
        self.reports.mkdir(parents=True, exist_ok=True)
        with (self.reports / "photos.csv").open("w", newline="", encoding="utf-8") as table:
            rows = csv.writer(table)
            rows.writerow(["photo", "person", "faces", "crop", "remark"])
            for entry in self._seen:
                crop = entry.crop.relative_to(self.out).as_posix() if entry.crop is not None else ""
                rows.writerow([entry.photo.name, entry.photo.person, entry.face_count, crop, remark(entry)])
        return self._seen

    @cached_property
    def collection(self) -> Collection:
        """Crops and descriptors of all photographs, grouped, with what is wrong with them.

        Raises:
            TrainingDataError: too few faces of one of the classes, or photographs of several people in `me/`.
        """
        seen = self.crop()
        entries = [entry for entry in seen if entry.face is not None]
        for mine, kind in ((True, "me"), (False, "not_me")):
            if not any(entry.photo.is_me == mine for entry in entries):
                raise TrainingDataError(
                    f"No face was found in any photo of {kind}/: see {self.reports / 'photos.csv'}."
                )
        with self.progress("embed", len(entries)) as advance:
            vectors = self._cache.embed(entries, advance)
        return collection_of(seen, vectors, self.engine, self.out / "crops" / "me")

    def train(self, rule: assessment.ThresholdRule, version: str) -> tuple[VerifierModel, bool]:
        """All steps: crop, embed, assess on held-out photographs, train on all, store; and whether anything was new.

        Raises:
            TrainingDataError: the photographs do not make a verifier; says what to do.
        """
        origin = self._origin(rule, version)
        stored = self._stored(origin)
        if stored is not None and self._report(origin) is not None:
            return stored, False
        report = self.evaluate(rule, version)
        samples = self.collection.samples
        with self.progress("train", 1) as advance:
            result = regression.train(samples)
            advance()
        classifier = result.classifier
        model = VerifierModel(
            **origin.model_dump(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            threshold=rule.choose(result.validation_scores, samples.is_me),
            c=result.c,
            person=classifier.person.tolist(),
            mean=classifier.mean.tolist(),
            scale=classifier.scale.tolist(),
            coefficients=classifier.coefficients.tolist(),
            intercept=classifier.intercept,
            metrics=report.verifier.rates,
        )
        model.save(self.model_path)
        return model, True

    def evaluate(self, rule: assessment.ThresholdRule, version: str) -> MetricsReport:
        """Judge each half of the photographs by what the other half teaches, and write the reports.

        Raises:
            TrainingDataError: as `train`.
        """
        collection, origin = self.collection, self._origin(rule, version)
        current = self._report(origin)
        if current is not None:
            return current
        samples = collection.samples
        with self.progress("evaluate", assessment.HALVES) as advance:
            found = assessment.assess(samples, rule, advance)
        point = rule.operating_point(found.verifier.scores, samples.is_me) if rule.fixed is None else None
        faceless = np.array([entry.photo.is_me for entry in collection.faceless], np.bool_)
        verifier, baseline = (assessment.with_faceless(one, faceless) for one in (found.verifier, found.baseline))
        report = MetricsReport(
            **origin.model_dump(),
            threshold=float(np.mean(verifier.thresholds)),
            held_out="each half of the photographs, after training on the other; shots and named people on one side",
            verifier=MethodReport(rates=verifier.metrics, counts=verifier.counts),
            baseline=MethodReport(rates=baseline.metrics, counts=baseline.counts),
            warnings=[*collection.warnings, *([point.warning] if point is not None and point.warning else [])],
        )
        write_reports(self.reports, report, assessment.Assessment(verifier, baseline), collection.entries)
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

    def _stored(self, origin: Origin) -> VerifierModel | None:
        try:
            model = VerifierModel.load(self.model_path)
        except ModelError:
            return None
        return model if model.recipe_sha256 == origin.recipe_sha256 else None

    def _report(self, origin: Origin) -> MetricsReport | None:
        """The report on disk, if it is of this very recipe."""
        try:
            report = MetricsReport.model_validate_json((self.reports / "metrics.json").read_bytes())
        except (OSError, ValueError):
            return None
        return report if report.recipe_sha256 == origin.recipe_sha256 else None


def remark(entry: PhotoRecord) -> str:
    """What a person should know of a photograph: "" when it shows exactly one face."""
    if entry.problem:
        return entry.problem
    used = "the largest is used" if entry.is_largest else "a smaller one is used, see its crop"
    return f"{entry.face_count} faces; {used}" if entry.face_count > 1 else ""
