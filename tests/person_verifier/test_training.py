"""Training, splits and assessment on descriptors made up for the purpose."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from person_verifier.dataset import faces
from person_verifier.dataset.faces import align, shot_picture
from person_verifier.errors import VerifierError
from person_verifier.training import regression
from person_verifier.training.assessment import Judged, ThresholdRule, assess, baseline_limit, with_faceless
from person_verifier.training.regression import Samples
from rekognition_local.engine import DetectedFace
from tests.person_verifier.fakes import FACE


def cloud(seed: int, me: int = 24, people: int = 40, per_person: int = 2, spread: float = 0.25) -> Samples:
    """Descriptors (n, 16): one person's around a centre, others around theirs."""
    noise = np.random.default_rng(seed)
    centres = noise.normal(0, 1, (people + 1, 16))
    mine = centres[0] + noise.normal(0, spread, (me, 16))
    others = np.repeat(centres[1:], per_person, axis=0) + noise.normal(0, spread, (people * per_person, 16))
    groups = np.concatenate([np.arange(me), me + np.repeat(np.arange(people), per_person)])
    return Samples(np.vstack([mine, others]), np.arange(len(groups)) < me, groups)


def test_training_tells_the_person_from_people_it_never_saw() -> None:
    result = regression.train(cloud(1))
    strangers = np.random.default_rng(2).normal(0, 1, (200, 16))

    assert result.classifier.scores(cloud(1).vectors[:24]).min() > 0.75
    assert (result.classifier.scores(strangers) > 0.75).mean() < 0.05


def test_training_again_gives_the_same_model() -> None:
    first, second = regression.train(cloud(1)), regression.train(cloud(1))

    assert np.array_equal(first.classifier.coefficients, second.classifier.coefficients)
    assert first.c == second.c


def test_the_classifier_is_scikit_learns_regression_on_standardised_features() -> None:
    samples = cloud(3)
    fitted = regression.fit(samples, 0.5)

    features = regression.with_distance(samples.vectors, samples.vectors[samples.is_me].mean(axis=0))
    features[samples.is_me, -1] *= 24 / 23
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    standardised[:, -1] *= regression.DISTANCE_WEIGHT
    peer = LogisticRegression(C=0.5, class_weight="balanced", max_iter=5000).fit(standardised, samples.is_me)
    ours = (features - fitted.mean) / fitted.scale @ fitted.coefficients + fitted.intercept

    assert ours == pytest.approx(peer.decision_function(standardised), abs=1e-3)


def test_a_person_s_own_sample_is_left_out_of_the_mean_it_is_measured_from() -> None:
    samples = cloud(4, me=5)
    mine = samples.vectors[samples.is_me]

    without = np.array([np.linalg.norm(row - np.delete(mine, i, axis=0).mean(axis=0)) for i, row in enumerate(mine)])

    assert regression.with_distance(mine, mine.mean(axis=0))[:, -1] * 5 / 4 == pytest.approx(without)


def test_the_loss_is_scikit_learns_balanced_log_loss() -> None:
    noise = np.random.default_rng(5)
    logits, is_me = noise.normal(0, 2, 50), np.arange(50) < 10

    weights = np.where(is_me, 1 / 10, 1 / 40)

    expected = log_loss(is_me, expit(logits), sample_weight=weights)
    assert regression.balanced_log_loss(logits, is_me) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_no_group_lies_on_both_sides_of_a_split(seed: int, count: int) -> None:
    noise = np.random.default_rng(seed)
    samples = cloud(seed)
    merged = Samples(
        samples.vectors, samples.is_me, np.where(samples.is_me, noise.integers(0, 12, 104), samples.groups)
    )

    for seen, unseen in regression.split(merged, count):
        assert not set(merged.groups[seen]) & set(merged.groups[unseen])
        assert merged.is_me[seen].any()
        assert not merged.is_me[seen].all()


@pytest.mark.parametrize(
    ("me", "people", "said"),
    [
        pytest.param(9, 40, "of the person: 9 different", id="me"),
        pytest.param(24, 29, "others: 29 different", id="others"),
    ],
)
def test_too_few_photos_are_refused_with_what_to_do(me: int, people: int, said: str) -> None:
    with pytest.raises(VerifierError, match=f"Too few photos .*{said}.*Add "):
        regression.require_enough(cloud(1, me=me, people=people))


def test_copies_of_a_shot_count_once() -> None:
    samples = cloud(1)
    copies = Samples(samples.vectors, samples.is_me, np.where(samples.is_me, 0, samples.groups))

    with pytest.raises(VerifierError, match="of the person: 1 different"):
        regression.require_enough(copies)


def test_scores_of_far_away_descriptors_stay_probabilities() -> None:
    classifier = regression.train(cloud(1)).classifier

    assert set(classifier.scores(np.array([[1e6] * 16, [-1e6] * 16]))) <= {0.0, 1.0}


def test_the_assessment_judges_nobody_by_a_model_that_saw_them() -> None:
    """Labels without any meaning: a leak would answer them right."""
    noise = np.random.default_rng(7)
    vectors = np.repeat(noise.normal(0, 1, (60, 128)), 4, axis=0)
    groups = np.repeat(np.arange(60), 4)
    is_me = np.repeat(noise.permutation(60) < 20, 4)

    honest = assess(Samples(vectors, is_me, groups), ThresholdRule(0.5), lambda: None)[0].metrics.auc
    leaking = assess(Samples(vectors, is_me, np.arange(240)), ThresholdRule(0.5), lambda: None)[0].metrics.auc

    assert honest is not None
    assert leaking is not None
    assert honest < 0.7
    assert leaking > 0.85


def test_an_automatic_threshold_keeps_the_false_match_rate() -> None:
    scores, is_me = np.linspace(0, 1, 1000), np.arange(1000) >= 900
    rule = ThresholdRule(None, 0.01)

    threshold = rule.choose(scores, is_me)

    assert (scores[~is_me] >= threshold).mean() <= 0.01
    assert (scores[~is_me] >= threshold - 0.004).mean() > 0.01


def test_an_automatic_threshold_says_when_the_data_are_too_few() -> None:
    (said,) = ThresholdRule(None, 0.001).doubts(np.arange(100) >= 50)

    assert "cannot say" in said
    assert "Rough" in ThresholdRule(None, 0.1).doubts(np.arange(100) >= 50)[0]
    assert ThresholdRule(0.75).doubts(np.arange(100) >= 50) == []


def test_counts_and_rates_are_those_of_the_definition() -> None:
    judged = Judged(
        np.array([True, True, True, False, False, False, False]),
        np.array([0.9, 0.75, 0.2, 0.8, 0.1, 0.2, 0.3]),
        np.full(7, 0.75),
    )

    rates = with_faceless(judged, np.array([True, False])).metrics

    assert rates.accuracy is not None
    assert rates.accuracy.value == pytest.approx(5 / 9)  # both photographs without a face are wrong
    assert rates.recall is not None
    assert rates.recall.value == pytest.approx(2 / 4)
    assert rates.precision is not None
    assert rates.precision.value == pytest.approx(2 / 3)
    assert rates.f1 is not None
    assert rates.f1.value == pytest.approx(4 / 7)
    assert rates.f1.low < 4 / 7 < rates.f1.high
    assert rates.auc == pytest.approx((4 + 3 + 1.5) / 12)


def test_the_baseline_s_limit_lies_between_the_classes() -> None:
    closeness = np.array([-0.3, -0.2, -0.1, -0.9, -0.8, -0.6])

    assert baseline_limit(closeness, np.arange(6) < 3) == pytest.approx(-0.45)


class TestSameShots:
    """Near-duplicates are told from other shots by the aligned face alone."""

    face = DetectedFace(0.3, 0.1, 0.3, 0.4, 99.0, np.array(
        [[0.42, 0.22], [0.49, 0.22], [0.455, 0.26], [0.425, 0.29], [0.485, 0.29]], np.float32
    ))  # fmt: skip

    def picture(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return shot_picture(image, self.face)

    def test_copies_crops_and_other_sizes_of_a_shot_are_one(self, astronaut: NDArray[np.uint8]) -> None:
        small = np.asarray(Image.fromarray(astronaut).resize((256, 256)))
        buffer = io.BytesIO()
        Image.fromarray(small).save(buffer, "JPEG", quality=30)
        poor = np.asarray(Image.open(buffer))
        bright = np.clip(astronaut.astype(np.int64) * 1.2 + 10, 0, 255).astype(np.uint8)
        cut = np.ascontiguousarray(astronaut[:, 64:])
        face = self.face.landmarks.copy()
        face[:, 0] = (face[:, 0] * 512 - 64) / 448

        pictures = [
            self.picture(astronaut),
            self.picture(poor),
            self.picture(bright),
            shot_picture(cut, DetectedFace(0.3, 0.1, 0.3, 0.4, 99.0, face)),
        ]

        assert len(set(faces.same_shots(np.array(pictures)))) == 1

    def test_other_people_s_faces_are_other_shots(
        self, astronaut: NDArray[np.uint8], hopper: NDArray[np.uint8]
    ) -> None:
        hopper_face = np.array([[0.44, 0.30], [0.60, 0.29], [0.53, 0.38], [0.46, 0.45], [0.60, 0.45]], np.float32)

        pictures = [self.picture(astronaut), shot_picture(hopper, DetectedFace(0.3, 0.1, 0.4, 0.5, 99.0, hopper_face))]

        assert len(set(faces.same_shots(np.array(pictures)))) == 2


def test_groups_join_shots_and_names_also_indirectly() -> None:
    shots = np.array([0, 0, 1, 2, 3, 4])
    people = ["ann", "", "ann", "bob", "", ""]

    groups = faces.split_groups(shots, people)

    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups[[0, 3, 4, 5]])) == 4


def test_people_are_numbered_by_how_many_photographs_they_have() -> None:
    similarity = np.full((7, 7), 2.0)
    similarity[:2, :2] = 90
    similarity[2:6, 2:6] = 80

    assert faces.people_in(similarity).tolist() == [1, 1, 0, 0, 0, 0, 2]
    assert faces.people_in(np.array([[100.0]])).tolist() == [0]


def test_an_aligned_crop_has_the_eyes_level(astronaut: NDArray[np.uint8]) -> None:
    crop = align(astronaut, DetectedFace(0.2, 0.2, 0.6, 0.6, 99.0, FACE))

    assert crop.shape == (224, 224, 3)
