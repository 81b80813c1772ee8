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
from person_verifier.dataset.faces import ComparingEngine
from person_verifier.dataset.photos import find_photos
from person_verifier.errors import ModelError, TrainingDataError
from person_verifier.training import assessment, regression
from person_verifier.training.collection import Collection, collection_of
from person_verifier.training.model import VerifierModel, as_list
from person_verifier.training.reports import MetricsReport, method_report, write_reports

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

    def collect(self) -> Collection:
        """Crops and descriptors of all photographs, grouped, with what is wrong with them; made once.

        Raises:
            TrainingDataError: too few faces of one of the classes, or photographs of several people in `me/`.
        """
        return self._collection

    @cached_property
    def _collection(self) -> Collection:
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
        collection = self.collect()
        recipe = self._recipe(rule, version)
        stored = self._stored(recipe)
        if stored is not None and self._report(recipe) is not None:
            return stored, False
        report = self.evaluate(rule, version)
        with self.progress("train", 1) as advance:
            result = regression.train(collection.samples)
            advance()
        samples, classifier = collection.samples, result.classifier
        model = VerifierModel(
            model_version=version,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            threshold=rule.choose(result.validation_scores, samples.is_me),
            threshold_rule=str(rule),
            embedding_model=self.engine.model_id,
            data_sha256=collection.digest,
            recipe_sha256=recipe,
            photos_of_me=int(np.count_nonzero(samples.is_me)),
            photos_of_others=int(np.count_nonzero(~samples.is_me)),
            c=result.c,
            person=as_list(classifier.person),
            mean=as_list(classifier.mean),
            scale=as_list(classifier.scale),
            coefficients=as_list(classifier.coefficients),
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
        collection, recipe = self.collect(), self._recipe(rule, version)
        current = self._report(recipe)
        if current is not None:
            return current
        with self.progress("evaluate", assessment.HALVES) as advance:
            found = assessment.assess(collection.samples, rule, advance)
        faceless = np.array([entry.photo.is_me for entry in collection.faceless], np.bool_)
        complete = assessment.Assessment(
            assessment.with_faceless(found.verifier, faceless), assessment.with_faceless(found.baseline, faceless)
        )
        return self._write(complete, collection, rule, version)

    @property
    def model_path(self) -> Path:
        """Where the trained verifier is kept."""
        return self.out / "models" / "verifier.json"

    def _write(
        self,
        found: assessment.Assessment,
        collection: Collection,
        rule: assessment.ThresholdRule,
        version: str,
    ) -> MetricsReport:
        is_me = collection.samples.is_me
        point = rule.operating_point(found.verifier.scores[: len(is_me)], is_me) if rule.fixed is None else None
        report = MetricsReport(
            model_version=version,
            threshold=float(np.mean(found.verifier.thresholds)),
            threshold_rule=str(rule),
            held_out="each half of the photographs, after training on the other; shots and named people on one side",
            embedding_model=self.engine.model_id,
            data_sha256=collection.digest,
            recipe_sha256=self._recipe(rule, version),
            photos_of_me=int(np.count_nonzero(is_me)),
            photos_of_others=int(np.count_nonzero(~is_me)),
            verifier=method_report(found.verifier),
            baseline=method_report(found.baseline),
            warnings=[*collection.warnings, *([point.warning] if point is not None and point.warning else [])],
        )
        write_reports(self.reports, report, found, collection.entries)
        return report

    def _recipe(self, rule: assessment.ThresholdRule, version: str) -> str:
        parts = (
            RECIPE,
            self.collect().digest,
            self.engine.model_id,
            rule.fixed,
            rule.fmr,
            version,
            sklearn.__version__,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _stored(self, recipe: str) -> VerifierModel | None:
        try:
            model = VerifierModel.load(self.model_path)
        except ModelError:
            return None
        return model if model.recipe_sha256 == recipe else None

    def _report(self, recipe: str) -> MetricsReport | None:
        """The report on disk, if it is of this very recipe."""
        try:
            report = MetricsReport.model_validate_json((self.reports / "metrics.json").read_bytes())
        except (OSError, ValueError):
            return None
        return report if report.recipe_sha256 == recipe else None


def remark(entry: PhotoRecord) -> str:
    """What a person should know of a photograph: "" when it shows exactly one face."""
    if entry.problem:
        return entry.problem
    return f"{entry.face_count} faces; the largest is used" if entry.face_count > 1 else ""
