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
from numpy.typing import NDArray

from person_verifier.dataset import splits
from person_verifier.dataset.face_cache import FaceCache, PhotoRecord
from person_verifier.dataset.faces import ComparingEngine
from person_verifier.dataset.photos import dataset_digest, find_photos
from person_verifier.errors import ModelError, TrainingDataError
from person_verifier.training import assessment, regression
from person_verifier.training.model import VerifierModel, as_list
from person_verifier.training.reports import MetricsReport, method_report, write_reports

# Part of the recipe's hash: raise it when training or assessment change, so that stored models are made anew.
RECIPE = 2
ADVISED_OF_ME, ADVISED_OF_OTHERS = 40, 200
# A second person in me/ is one whose photographs are this many, or this part of all; fewer are named in a warning.
INTRUDERS, INTRUDING_PART = 3, 0.1
# Fewer people than this in not_me/ say little about strangers. Alike ones count as one: 30 people count as 22 or more.
FEW_PEOPLE = 20
# Of the person's own photographs nearly all agree with the rest this much on average, of other people's none.
ONE_OF_ME = 90.0

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""(step, steps in all) -> a context that gives the function to call after each."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Photographs as samples: `entries` (n) have a face and are the samples' rows, `faceless` have none."""

    samples: regression.Samples
    entries: tuple[PhotoRecord, ...]
    faceless: tuple[PhotoRecord, ...]
    digest: str
    warnings: tuple[str, ...]


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
            return self._album.crop(photos, advance)

    @property
    def _album(self) -> FaceCache:
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
        faceless = tuple(entry for entry in seen if entry.face is None)
        for mine, kind in ((True, "me"), (False, "not_me")):
            if not any(entry.photo.is_me == mine for entry in entries):
                raise TrainingDataError(
                    f"No face was found in any photo of {kind}/: see {self.reports / 'photos.csv'}."
                )
        with self.progress("embed", len(entries)) as advance:
            vectors = self._album.embed(entries, advance)
        is_me = np.array([entry.photo.is_me for entry in entries])
        warnings = self._people_of_me(vectors[is_me], [entry.photo.name for entry in entries if entry.photo.is_me])
        warnings += self._people_of_others(vectors, is_me, [entry.photo.name for entry in entries])
        shots = splits.same_shots(np.array([entry.shot for entry in entries]))
        # Photographs of the person are told apart by their shots alone: all of them have one name.
        groups = splits.split_groups(shots, ["" if entry.photo.is_me else entry.photo.person for entry in entries])
        samples = regression.Samples(vectors, is_me, groups)
        regression.require_enough(samples)
        return Collection(
            samples,
            tuple(entries),
            faceless,
            dataset_digest([entry.photo for entry in seen]),
            (*warnings, *_advice(samples)),
        )

    def _people_of_me(self, vectors: NDArray[np.float64], names: list[str]) -> list[str]:
        """Warnings about single photographs that show somebody else; refuses a second person.

        Raises:
            TrainingDataError: says which photographs are of whom.
        """
        descriptors = vectors.astype(np.float32)
        people = splits.people_in(self.engine.similarity(descriptors, descriptors))
        others = [
            [name for name, person in zip(names, people, strict=True) if person == p]
            for p in range(1, people.max() + 1)
        ]
        limit = max(INTRUDERS, INTRUDING_PART * len(names))
        several = [group for group in others if len(group) >= limit]
        if several:
            raise TrainingDataError(
                f"me/ holds photos of several people: {np.count_nonzero(people == 0)} of {len(names)} are of one, "
                "these of "
                + ", these of ".join(f"another: {_some(group)}" for group in several)
                + ". Leave only the person to be recognised in me/ and move the others to not_me/. (In a photo with "
                f"several people the largest face counts: look through {self.out / 'crops' / 'me'}.)"
            )
        stray = [name for group in others for name in group]
        if not stray:
            return []
        return [f"{len(stray)} photo(s) in me/ do not look like the rest: {_some(stray)}. Look at their crops."]

    def _people_of_others(self, vectors: NDArray[np.float64], is_me: NDArray[np.bool_], names: list[str]) -> list[str]:
        """Warnings when `not_me/` seems to show the person too, or hardly anybody."""
        descriptors = vectors.astype(np.float32)
        mine, others = descriptors[is_me], descriptors[~is_me]
        alike = self.engine.similarity(others, mine).mean(axis=1) >= ONE_OF_ME
        of_others = [name for name, its_me in zip(names, is_me, strict=True) if not its_me]
        warnings = []
        if alike.any():
            found = [name for name, is_alike in zip(of_others, alike, strict=True) if is_alike]
            warnings.append(
                f"{len(found)} photo(s) in not_me/ look like the person in me/: {_some(found)}. If they are, move "
                "them: a verifier that is taught otherwise turns the person away."
            )
        people = int(splits.people_in(self.engine.similarity(others, others)).max()) + 1
        if people < FEW_PEOPLE:
            warnings.append(
                f"not_me/ shows about {people} different people, by their faces: the figures say little about "
                "strangers. Add photos of many different people."
            )
        return warnings

    def train(self, rule: assessment.ThresholdRule, version: str) -> tuple[VerifierModel, bool]:
        """All steps: crop, embed, assess on held-out photographs, train on all, store; and whether anything was new.

        Raises:
            TrainingDataError: the photographs do not make a verifier; says what to do.
        """
        collection = self.collection
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
        """Verifier each half of the photographs by what the other half teaches, and write the reports.

        Raises:
            TrainingDataError: as `train`.
        """
        collection, recipe = self.collection, self._recipe(rule, version)
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
            self.collection.digest,
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


def _advice(samples: regression.Samples) -> list[str]:
    advice = []
    for mine, kind, advised in ((True, "me", ADVISED_OF_ME), (False, "not_me", ADVISED_OF_OTHERS)):
        count = int(np.count_nonzero(samples.is_me == mine))
        if count < advised:
            advice.append(f"{kind}/ has {count} faces; {advised} or more are advised: the figures are less certain.")
    return advice


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
