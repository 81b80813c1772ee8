"""The steps from photographs to model and reports, with a fake engine."""

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from person_verifier.errors import ModelError, VerifierError
from person_verifier.serving.verifier import Verifier
from person_verifier.training.assessment import ThresholdRule
from person_verifier.training.model import MAX_FILE_BYTES, VerifierModel
from person_verifier.training.project import VerifierProject
from rekognition_local.engine import DetectedFace
from tests.person_verifier.conftest import no_progress
from tests.person_verifier.fakes import FakeEngine, png, striped, write_photos

RULE = ThresholdRule(0.75)
PICTURES = ("confusion_matrix.png", "roc.png", "scores.png", "errors.png")


@pytest.fixture
def folder(trained: VerifierProject, tmp_path: Path) -> Path:
    """A finished training run of one's own, to change."""
    shutil.copytree(trained.out, tmp_path / "run")
    return tmp_path / "run"


def project(folder: Path, engine: FakeEngine | None = None) -> VerifierProject:
    return VerifierProject(folder / "data", folder, engine or FakeEngine(), no_progress)


def train(folder: Path, engine: FakeEngine | None = None) -> tuple[VerifierModel, bool]:
    return project(folder, engine).train(RULE, "me-verifier-v1")


def photo_rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "reports" / "photos.csv").open(encoding="utf-8") as table:
        return {row["photo"]: row for row in csv.DictReader(table)}


def test_training_leaves_a_model_crops_and_reports(trained: VerifierProject) -> None:
    model = VerifierModel.load(trained.model_path)
    metrics = json.loads((trained.reports / "metrics.json").read_text())

    assert model.model_version == "me-verifier-v1"
    assert model.threshold == 0.75
    assert model.embedding_model == "stripes-v1"
    assert (model.photos_of_me, model.photos_of_others) == (24, 60)
    assert metrics["verifier"]["rates"]["accuracy"]["value"] > 0.95
    assert metrics["verifier"]["rates"]["accuracy"]["low"] < metrics["verifier"]["rates"]["accuracy"]["value"]
    assert metrics["threshold"] == 0.75
    assert metrics["baseline"]["rates"]["auc"] > 0.9
    assert metrics["data_sha256"] == model.data_sha256
    assert len(list((trained.out / "crops" / "me").iterdir())) == 24
    assert len(list((trained.out / "crops" / "not_me").iterdir())) == 60


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_shows_something(trained: VerifierProject, name: str) -> None:
    with Image.open(trained.reports / name) as picture:
        pixels = np.asarray(picture.convert("L"))

    assert min(pixels.shape) > 150
    assert pixels.std() > 5


def test_a_second_run_computes_nothing(folder: Path) -> None:
    engine = FakeEngine()
    before = {path: path.stat().st_mtime_ns for path in (folder / "models").iterdir()}

    model, is_new = train(folder, engine)

    assert not is_new
    assert (engine.detected, engine.embedded) == (0, 0)
    assert {path: path.stat().st_mtime_ns for path in (folder / "models").iterdir()} == before
    assert model.metrics is not None


def test_a_new_photo_alone_is_computed_and_the_model_made_anew(folder: Path) -> None:
    old = VerifierModel.load(folder / "models" / "verifier.json")
    (folder / "data" / "me" / "new.png").write_bytes(striped("Me", 777))
    engine = FakeEngine()

    model, is_new = train(folder, engine)

    assert is_new
    assert engine.embedded == 1
    assert model.photos_of_me == 25
    assert model.data_sha256 != old.data_sha256


def test_a_renamed_photo_is_not_computed_again(folder: Path) -> None:
    (folder / "data" / "me" / "IMG_0003.png").rename(folder / "data" / "me" / "holiday.png")
    engine = FakeEngine()

    train(folder, engine)

    assert engine.embedded == 0
    assert not list((folder / "crops" / "me").glob("IMG_0003-*"))
    assert list((folder / "crops" / "me").glob("holiday-*"))


def test_crops_of_photos_that_went_are_removed_and_other_files_stay(folder: Path) -> None:
    (folder / "data" / "not_me" / "Person000_0000.png").unlink()
    (folder / "crops" / "note.txt").write_text("mine")

    train(folder)

    assert not list((folder / "crops" / "not_me").glob("Person000_0000-*"))
    assert (folder / "crops" / "note.txt").exists()


def test_nothing_that_describes_a_face_stays_of_photos_that_went(folder: Path) -> None:
    gone = folder / "data" / "not_me" / "Person000_0000.png"
    digest = hashlib.sha256(gone.read_bytes()).hexdigest()
    others = {path for path in (folder / "cache").rglob("*.npz") if path.stem != digest}
    older = folder / "cache" / "older-engine" / f"{digest}.npz"
    older.parent.mkdir(parents=True)
    shutil.copy(next((folder / "cache").rglob(f"{digest}.npz")), older)
    gone.unlink()

    train(folder)

    assert set((folder / "cache").rglob("*.npz")) == others


def test_what_describes_a_face_is_its_owner_s_alone(folder: Path) -> None:
    kept = [folder / "models" / "verifier.json", *(folder / "cache").rglob("*.npz")]

    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_another_engine_computes_all_anew(folder: Path) -> None:
    engine = FakeEngine("stripes-v2")

    model, is_new = train(folder, engine)

    assert is_new
    assert engine.embedded == 84
    assert model.embedding_model == "stripes-v2"


def test_a_damaged_cache_file_is_computed_again(folder: Path) -> None:
    damaged = next((folder / "cache").rglob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:40])
    engine = FakeEngine()

    train(folder, engine)

    assert engine.embedded == 1


def test_another_threshold_makes_another_model_without_computing_faces(folder: Path) -> None:
    engine = FakeEngine()

    model, is_new = project(folder, engine).train(ThresholdRule(0.9), "me-verifier-v1")

    assert (is_new, model.threshold, engine.embedded) == (True, 0.9, 0)


def test_an_automatic_threshold_is_stored_with_its_rule_and_its_warning(folder: Path) -> None:
    model, _ = project(folder).train(ThresholdRule(None, 0.05), "me-verifier-v1")
    metrics = json.loads((folder / "reports" / "metrics.json").read_text())

    assert "0.05" in model.threshold_rule
    assert 0 < model.threshold <= 1
    assert any("non-matches" in warning for warning in metrics["warnings"])


def test_photos_with_no_face_several_or_no_image_are_reported_and_counted(folder: Path) -> None:
    (folder / "data" / "me" / "black.png").write_bytes(png(np.zeros((96, 96, 3), np.uint8)))
    (folder / "data" / "me" / "two.png").write_bytes(striped("Me", 555, two_faces=True))
    (folder / "data" / "not_me" / "Broken_1.jpg").write_bytes(b"not an image")

    train(folder)

    rows = photo_rows(folder)
    counts = json.loads((folder / "reports" / "metrics.json").read_text())["verifier"]["counts"]
    assert rows["me/black.png"]["remark"] == "No face was found."
    assert rows["me/two.png"]["remark"] == "2 faces; the largest is used"
    assert "neither JPG nor PNG" in rows["not_me/Broken_1.jpg"]["remark"]
    assert rows["me/IMG_0001.png"]["remark"] == ""
    assert (counts["faceless_me"], counts["faceless_not_me"]) == (1, 1)


class CrowdEngine(FakeEngine):
    """Where there are two faces, the larger one is somebody else's."""

    def embed(self, image: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        vectors = super().embed(image, faces)
        is_strangers = [image[0, 0].min() == 255 and face.width > 0.5 for face in faces]
        return np.where(np.array(is_strangers)[:, None], 1 - vectors, vectors) if faces else vectors


def test_a_bystander_who_is_larger_in_one_photo_is_not_taken_for_the_person(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data")
    (folder / "me" / "two.png").write_bytes(striped("Me", 555, two_faces=True))
    (folder / "not_me" / "Two_1.png").write_bytes(striped("Two", 1, two_faces=True))

    for engine in (CrowdEngine(), CrowdEngine()):  # the second run reads what the first one kept
        chosen = {entry.photo.name: entry.faces[entry.judged] for entry in project(tmp_path, engine).seen}
        warnings = project(tmp_path, engine).collection.warnings

        assert (chosen["me/two.png"].width, chosen["not_me/Two_1.png"].width) == (0.2, 0.6)
        assert not any("do not look like the rest" in warning for warning in warnings)
    assert (engine.detected, engine.embedded) == (0, 0)
    assert photo_rows(tmp_path)["me/two.png"]["remark"] == "2 faces; a smaller one is used, see its crop"


def test_several_people_in_me_are_refused_by_name(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data")
    for shot in range(6):
        (folder / "me" / f"cousin{shot}.png").write_bytes(striped("Cousin", shot))

    with pytest.raises(VerifierError, match=r"several people: 24 of 30 .*me/cousin0\.png.*not_me/"):
        train(tmp_path)


def test_one_stray_photo_in_me_is_a_warning(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data")
    (folder / "me" / "stray.png").write_bytes(striped("Cousin", 1))

    warnings = project(tmp_path).collection.warnings

    assert "1 photo(s) in me/ do not look like the rest: me/stray.png" in warnings[0]


def test_photos_of_the_person_in_not_me_are_a_warning_that_names_them(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data")
    (folder / "not_me" / "holiday.png").write_bytes(striped("Me", 99))

    [warning] = [one for one in project(tmp_path).collection.warnings if "look like the person in me/" in one]

    assert "not_me/holiday.png" in warning


def test_a_single_other_person_is_a_warning_whatever_the_files_are_called(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data", others=0)
    for shot in range(60):
        (folder / "not_me" / f"IMG_{shot:04}.png").write_bytes(striped("Cousin", shot))

    assert any("not_me/ shows about 1 different people" in one for one in project(tmp_path).collection.warnings)


def test_many_other_people_bring_no_warning(tmp_path: Path) -> None:
    write_photos(tmp_path / "data")

    assert not any("different people" in one for one in project(tmp_path).collection.warnings)


def test_too_few_photos_are_refused(tmp_path: Path) -> None:
    write_photos(tmp_path / "data", me=6)

    with pytest.raises(VerifierError, match="Too few photos of the person: 6 different shots"):
        train(tmp_path)


def test_no_face_in_a_whole_class_is_said(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "data", me=0)
    (folder / "me" / "black.png").write_bytes(png(np.zeros((96, 96, 3), np.uint8)))

    with pytest.raises(VerifierError, match="No face was found in any photo of me/"):
        train(tmp_path)


def test_a_model_of_another_engine_is_refused_with_the_reason(trained: VerifierProject) -> None:
    with pytest.raises(ModelError, match=r"trained on descriptors of .*stripes-v1.*runs stripes-v2.*Train again"):
        Verifier(FakeEngine("stripes-v2"), VerifierModel.load(trained.model_path))


def test_a_file_far_larger_than_any_verifier_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(ModelError, match="larger than 4000000 bytes"):
        VerifierModel.load(tmp_path / "large.json")


def test_a_stored_model_scores_as_the_trained_one(trained: VerifierProject, tmp_path: Path) -> None:
    model = VerifierModel.load(trained.model_path)
    model.save(tmp_path / "copy.json")
    vectors = trained.collection.samples.vectors

    again = VerifierModel.load(tmp_path / "copy.json")

    assert np.array_equal(again.classifier.scores(vectors), model.classifier.scores(vectors))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"scale": [0.0] * 9}, "scale must be above 0", id="zero-scale"),
        pytest.param({"mean": [0.0] * 4}, "do not fit together", id="other-length"),
        pytest.param({"intercept": "NaN"}, "finite number", id="not-a-number"),
        pytest.param({"coefficients": [1e308] * 9}, "less than or equal to", id="no-score-is-a-number"),
        pytest.param({"threshold": 75}, "less than or equal to 1", id="threshold-in-percent"),
        pytest.param({"format": "person-verifier/9"}, "person-verifier/1", id="other-format"),
        pytest.param({"surplus": 1}, "Extra inputs", id="unknown-field"),
    ],
)
def test_a_damaged_model_is_refused_with_the_reason(
    stored_model: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    content = {**json.loads(stored_model.read_text()), **change}
    (tmp_path / "model.json").write_text(json.dumps(content))

    with pytest.raises(ModelError, match=said):
        VerifierModel.load(tmp_path / "model.json")


def test_a_model_for_descriptors_of_another_size_is_refused(stored_model: Path, tmp_path: Path) -> None:
    content = json.loads(stored_model.read_text())
    shorter = {name: content[name][:-1] for name in ("person", "mean", "scale", "coefficients")}
    (tmp_path / "model.json").write_text(json.dumps(content | shorter))

    with pytest.raises(ModelError, match="descriptors of 7 numbers, the engine gives 8"):
        Verifier(FakeEngine(), VerifierModel.load(tmp_path / "model.json"))


@pytest.mark.parametrize("content", [b"", b"{", b"\x80\x04\x95pickle", b"[]", bytes(5_000_000)])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)

    with pytest.raises(ModelError, match=r"model\.json"):
        VerifierModel.load(tmp_path / "model.json")


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="face-validation verifier train"):
        VerifierModel.load(tmp_path / "none.json")
