"""The recipes: what is sent where, which face is compared, and how many calls it costs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_validation_function.comparison import Comparison
from face_validation_function.exceptions.exceptions import (
    ImageValidationError,
    InternalServerError,
    InvalidS3ObjectError,
)
from face_validation_function.faces import BoundingBox, Document, Face
from face_validation_function.integrations.rekognition_service import FaceMatch, NoFaceToCompareError
from face_validation_function.reasons import Reason
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.business import BusinessService
from face_validation_function.services.face_steps import FaceSteps
from face_validation_function.settings import Settings
from face_validation_function.validations.body import validated
from face_validation_function.validations.validation_request import FaceValidationRequest
from tests.fakes import FACE, MIDDLE, PASSPORT, FakeRekognition, FakeS3, jpeg, opened, request_body

SETTINGS = Settings("sources", "targets", "claims")


def answer(s3: FakeS3, rekognition: FakeRekognition, **fields: object) -> Comparison:
    request = validated(request_body(**fields), FaceValidationRequest)
    timer = RequestTimer(deadline_s=10)
    # The doubles have the adapters' methods; nothing else of them is used.
    business = BusinessService(FaceSteps(s3, rekognition, SETTINGS, timer))  # type: ignore[arg-type]
    business.set_strategy(request.type)
    comparison = business.execute_inference(request)
    assert timer.rekognition_calls == len(rekognition.calls)
    return comparison


def test_face_to_face_costs_three_calls_and_reads_each_bucket_once() -> None:
    s3, rekognition = FakeS3(), FakeRekognition()

    comparison = answer(s3, rekognition)

    assert sorted(s3.read) == [("sources", "source.jpg"), ("targets", "target.jpg")]
    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_faces"]
    assert comparison.is_match


def test_id_to_face_costs_four_calls() -> None:
    rekognition = FakeRekognition()

    answer(FakeS3(), rekognition, type="ID_TO_FACE")

    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_faces", "detect_labels"]


def test_the_portrait_is_compared_not_the_whole_document() -> None:
    document, selfie = jpeg((1000, 500)), jpeg((300, 300), "olive")
    portrait = Face(BoundingBox(0.25, 0.25, 0.1, 0.2), 99.0)
    rekognition = FakeRekognition(faces=[portrait])

    comparison = answer(FakeS3(source=document, target=selfie), rekognition, type="ID_TO_FACE")

    # The document is cut to its box of 80 % and 5 % more on each side: 880 x 440 px, from (60, 30).
    assert rekognition.labelled == [document]
    assert {opened(image).size for image in rekognition.detected} == {(880, 440), (300, 300)}
    # The portrait's box is 0.1 x 0.2 of that crop: 88 x 88 px, and half of that on each side.
    assert opened(rekognition.compared[0][0]).size == pytest.approx((176, 176), abs=1)
    box = comparison.source.faces[0].box
    assert (box.left * 1000, box.top * 500) == pytest.approx((60 + 220, 30 + 110), abs=1)


def test_the_whole_image_is_the_document_when_its_label_has_no_instance() -> None:
    """(R) The whole image when the label has no instance."""
    document = jpeg((1000, 500))
    rekognition = FakeRekognition(labels=[Document("Passport", 90.0)])

    answer(FakeS3(source=document), rekognition, type="ID_TO_FACE")

    assert rekognition.detected.count(document) == 1


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        pytest.param([Document("Person", 99.0)], "none was seen", id="no-document"),
        pytest.param([Document("Id Cards", 99.0)], "none was seen", id="label-not-accepted"),
        pytest.param([Document("Passport", 55.0)], "the best is Passport with 55.00", id="exactly-at-the-limit"),
        pytest.param(
            [Document("Passport", 31.0), Document("Driving License", 43.2)], "Driving License with 43.20", id="weak"
        ),
    ],
)
def test_without_a_document_label_above_its_threshold_the_source_is_refused(labels: list[Document], seen: str) -> None:
    rekognition = FakeRekognition(labels=labels)

    with pytest.raises(ImageValidationError, match=r"^source, detect_labels: no official document") as refused:
        answer(FakeS3(), rekognition, type="ID_TO_FACE")

    assert seen in str(refused.value)
    assert "threshold_label 55" in str(refused.value)
    assert "compare_faces" not in rekognition.calls


def test_a_document_label_just_above_its_threshold_counts() -> None:
    rekognition = FakeRekognition(labels=[Document("Passport", 55.000001)])

    assert answer(FakeS3(), rekognition, type="ID_TO_FACE").source.document == Document("Passport", 55.000001)


def test_a_label_threshold_of_0_is_a_threshold() -> None:
    """(R) A threshold of 0 is legal."""
    rekognition = FakeRekognition(labels=[Document("Passport", 0.5)])

    assert answer(FakeS3(), rekognition, type="ID_TO_FACE", threshold_label=0).source.document is not None


def test_the_best_accepted_label_is_the_document() -> None:
    rekognition = FakeRekognition(labels=[Document("Driving License", 71.0), PASSPORT, Document("Text", 99.9)])

    assert answer(FakeS3(), rekognition, type="ID_TO_FACE").source.document == PASSPORT


@pytest.mark.parametrize(("similarity", "matched"), [(79.999, False), (80.0, True), (80.001, True), (0.0, False)])
def test_80_is_a_match_and_just_below_is_none_but_keeps_its_score(similarity: float, matched: bool) -> None:
    """(R) The similarity is the real score, also without a match; the decision is made on the unrounded number."""
    comparison = answer(FakeS3(), FakeRekognition(similarity=similarity))

    assert (comparison.is_match, comparison.similarity) == (matched, similarity)


@given(similarity=st.floats(0, 100), threshold=st.floats(0, 100))
def test_matched_means_two_faces_and_a_similarity_at_the_threshold_or_above(
    similarity: float, threshold: float
) -> None:
    """(R) Matched only when a face was found on both sides."""
    comparison = answer(FakeS3(), FakeRekognition(similarity=similarity), threshold=threshold)

    assert comparison.is_match == (similarity >= threshold)
    assert comparison.source.faces
    assert comparison.target.faces


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("faces", "seen"),
    [
        pytest.param([], "none was found", id="none"),
        pytest.param([Face(MIDDLE, 79.99), Face(MIDDLE, 50)], "the best of 2 has 79.99", id="none-sure-enough"),
    ],
)
def test_an_image_without_a_face_is_refused_with_its_side_and_the_limit(
    side: str, faces: list[Face], seen: str
) -> None:
    s3 = FakeS3()
    rekognition = FakeRekognition(faces_of={s3.objects[f"{side}.jpg"]: faces})

    with pytest.raises(ImageValidationError, match=f"^{side}, detect_faces: no face in the image") as refused:
        answer(s3, rekognition)

    assert seen in str(refused.value)
    assert "compare_faces" not in rekognition.calls


def test_a_face_counts_from_a_confidence_of_80() -> None:
    assert answer(FakeS3(), FakeRekognition(faces=[Face(MIDDLE, 80.0)])).is_match


def test_when_both_sides_fail_the_source_s_error_is_the_one_reported() -> None:
    """(R) When both images fail, the source's error is the one reported."""
    s3 = FakeS3(source=InvalidS3ObjectError("gone."), target=InvalidS3ObjectError("gone too."))

    with pytest.raises(
        InvalidS3ObjectError, match=r"^source, download: gone\. The key was looked for in the source bucket\.$"
    ):
        answer(s3, FakeRekognition())


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("validation_type", ["FACE_TO_FACE", "ID_TO_FACE"])
def test_a_file_that_is_refused_costs_nothing_whichever_side_it_is_on(side: str, validation_type: str) -> None:
    rekognition = FakeRekognition()

    with pytest.raises(ImageValidationError, match=f"^{side}, decode: the content is neither JPG nor PNG"):
        answer(FakeS3(**{side: b"GIF89a"}), rekognition, type=validation_type)

    assert rekognition.calls == []


def test_of_several_faces_the_large_whole_central_one_is_compared() -> None:
    """(R) The most prominent face: visible area, weighed by how whole and how central it is."""
    subject = Face(BoundingBox(0.38, 0.25, 0.25, 0.4), 99.0)
    larger_at_the_border = Face(BoundingBox(0.75, 0.3, 0.35, 0.5), 99.5)
    small_in_the_middle = Face(BoundingBox(0.48, 0.05, 0.05, 0.08), 99.9)
    rekognition = FakeRekognition(faces=[larger_at_the_border, small_in_the_middle, subject])

    comparison = answer(FakeS3(), rekognition)

    assert comparison.source.faces[comparison.source.compared] == subject
    assert len(comparison.source.faces) == 3


def test_on_a_document_the_portrait_at_the_side_is_taken_not_the_ghost_image_in_the_middle() -> None:
    portrait = Face(BoundingBox(0.05, 0.3, 0.22, 0.5), 99.0)
    ghost = Face(BoundingBox(0.4, 0.3, 0.2, 0.4), 99.9)
    rekognition = FakeRekognition(faces=[ghost, portrait])

    comparison = answer(FakeS3(), rekognition, type="ID_TO_FACE")

    assert comparison.source.compared == 1


def test_no_face_in_a_crop_is_tried_once_more_uncropped() -> None:
    """(R) When compare_faces finds no face in a crop, one retry with the uncropped side."""
    s3 = FakeS3()
    rekognition = FakeRekognition(matches=[NoFaceToCompareError("none"), FaceMatch(FACE.box, 91.0)])

    comparison = answer(s3, rekognition)

    assert comparison.similarity == 91.0
    assert rekognition.compared[1] == (s3.objects["source.jpg"], s3.objects["target.jpg"])


def test_uncropped_the_chosen_face_is_looked_for_where_it_is_in_the_whole_image() -> None:
    corner = BoundingBox(0.7, 0.6, 0.2, 0.3)
    rekognition = FakeRekognition(
        faces=[Face(corner, 99.0)], matches=[NoFaceToCompareError("none"), FaceMatch(corner, 91.0)]
    )

    assert answer(FakeS3(), rekognition).similarity == 91.0


def test_no_face_in_the_uncropped_images_either_is_the_image_s_fault() -> None:
    """(R) A person's face is matched only when a face was found on both sides."""
    rekognition = FakeRekognition(matches=[NoFaceToCompareError("none")])

    with pytest.raises(ImageValidationError, match="compare_faces, uncropped: "):
        answer(FakeS3(), rekognition)

    assert rekognition.calls.count("compare_faces") == 2


def test_a_bystander_in_the_crop_never_lends_the_target_a_similarity() -> None:
    bystander = FaceMatch(BoundingBox(0.0, 0.0, 0.1, 0.1), 99.9)
    rekognition = FakeRekognition(matches=[bystander, FaceMatch(FACE.box, 12.0)])

    assert answer(FakeS3(), rekognition).similarity == 12.0


def test_of_all_that_look_alike_the_best_within_the_chosen_face_gives_the_similarity() -> None:
    beside_it = FaceMatch(BoundingBox(0.0, 0.0, 0.1, 0.1), 99.9)
    within_it = [FaceMatch(FACE.box, similarity) for similarity in (40.0, 91.0, 12.0)]
    rekognition = FakeRekognition(matches=[[beside_it, *within_it]])

    assert answer(FakeS3(), rekognition).similarity == 91.0


def test_a_step_that_is_taken_twice_takes_the_time_of_both() -> None:
    timer = RequestTimer(deadline_s=10)

    with timer.step("table"):
        time.sleep(0.05)
    with timer.step("table"):
        pass

    assert timer.durations_ms["table"] >= 50


def test_the_clock_of_a_walk_stops_at_its_end() -> None:
    timer = RequestTimer(deadline_s=10)
    timer.end()
    took_ms = timer.elapsed_ms

    time.sleep(0.01)

    assert timer.elapsed_ms == took_ms


def test_no_step_begins_after_the_deadline() -> None:
    s3, rekognition = FakeS3(), FakeRekognition()
    business = BusinessService(FaceSteps(s3, rekognition, SETTINGS, RequestTimer(deadline_s=0)))  # type: ignore[arg-type]

    with pytest.raises(InternalServerError, match=r"no result within the deadline of 0\.0 s"):
        business.execute_inference(validated(request_body(), FaceValidationRequest))

    assert s3.read == []


def test_no_step_begins_once_the_outcome_is_known() -> None:
    s3, timer = FakeS3(), RequestTimer(deadline_s=10)
    timer.end(ImageValidationError("source, decode: broken"))
    business = BusinessService(FaceSteps(s3, FakeRekognition(), SETTINGS, timer))  # type: ignore[arg-type]

    with pytest.raises(ImageValidationError, match="source, decode: broken"):
        business.execute_inference(validated(request_body(), FaceValidationRequest))

    assert s3.read == []


def test_exif_is_corrected_before_the_faces_are_looked_for() -> None:
    rekognition = FakeRekognition()

    comparison = answer(FakeS3(source=jpeg((300, 200), orientation=6)), rekognition)

    assert (comparison.source.width, comparison.source.height) == (200, 300)
    assert (200, 300) in {opened(image).size for image in rekognition.detected}


def test_a_tiny_face_is_brought_to_80_pixels() -> None:
    """(R) Crops are brought to at least Rekognition's 80 px by scaling up."""
    rekognition = FakeRekognition(faces=[Face(BoundingBox(0.5, 0.5, 0.02, 0.03), 90.0)])

    answer(FakeS3(), rekognition)

    assert min(opened(rekognition.compared[0][0]).size) >= 80


HOLDER = Face(BoundingBox(0.55, 0.1, 0.3, 0.45), 99.9)
HELD = Document("Passport", 97.0, BoundingBox(0.05, 0.5, 0.4, 0.4))
PRINTED = Face(BoundingBox(0.1, 0.6, 0.08, 0.12), 95.0)
GHOST = Face(BoundingBox(0.3, 0.7, 0.05, 0.08), 99.0)


def in_one_image(rekognition: FakeRekognition, **fields: object) -> Comparison:
    body = {name: value for name, value in request_body(type="ID_IN_FACE", **fields).items() if name != "source_path"}
    timer = RequestTimer(deadline_s=10)
    business = BusinessService(FaceSteps(FakeS3(), rekognition, SETTINGS, timer))  # type: ignore[arg-type]
    business.set_strategy("ID_IN_FACE")
    comparison = business.execute_inference(validated(body, FaceValidationRequest))
    assert timer.rekognition_calls == len(rekognition.calls) <= 4
    return comparison


def test_the_printed_portrait_is_compared_with_the_face_that_is_not_on_the_document() -> None:
    rekognition = FakeRekognition(
        faces=[HOLDER, PRINTED, GHOST], labels=[HELD], matches=[FaceMatch(BoundingBox(0.4, 0.4, 0.2, 0.2), 93.0)]
    )

    comparison = in_one_image(rekognition)

    assert comparison.similarity == 93.0
    assert comparison.source.faces[comparison.source.compared] == PRINTED
    assert comparison.source.document == HELD
    assert comparison.target.faces == (HOLDER,)
    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_labels"]


def test_a_portrait_too_small_for_the_whole_image_is_looked_for_on_the_document() -> None:
    s3 = FakeS3()
    on_document = Face(BoundingBox(0.2, 0.2, 0.2, 0.4), 96.0)
    rekognition = FakeRekognition(
        faces=[on_document], labels=[HELD], faces_of={s3.objects["target.jpg"]: [HOLDER]}, similarity=88.0
    )

    comparison = in_one_image(rekognition)

    assert sorted(rekognition.calls) == ["compare_faces", "detect_faces", "detect_faces", "detect_labels"]
    assert HELD.box.holds(comparison.source.faces[0].box.centre)


def test_the_holder_is_compare_faces_source_whose_crop_has_no_larger_face() -> None:
    rekognition = FakeRekognition(faces=[PRINTED, HOLDER], labels=[HELD])

    in_one_image(rekognition)

    first, second = (opened(crop).size for crop in rekognition.compared[0])
    assert first > second


@pytest.mark.parametrize(
    ("faces", "reason"),
    [
        pytest.param([PRINTED], Reason.NO_HOLDER, id="only-the-portrait"),
        pytest.param([HOLDER], Reason.NO_PORTRAIT, id="only-the-holder"),
        pytest.param([], Reason.NO_FACE, id="nobody"),
    ],
)
def test_an_image_with_one_face_is_refused_with_which_one_is_missing(faces: list[Face], reason: Reason) -> None:
    rekognition = FakeRekognition(faces=[], labels=[HELD], faces_of={FakeS3().objects["target.jpg"]: faces})

    with pytest.raises(ImageValidationError) as refused:
        in_one_image(rekognition)

    assert refused.value.reasons == (reason, Reason.TARGET_REFUSED)
    assert "compare_faces" not in rekognition.calls


def test_a_document_without_a_place_is_refused_for_no_face_can_be_said_to_be_on_it() -> None:
    rekognition = FakeRekognition(faces=[PRINTED, HOLDER], labels=[Document("Passport", 90.0)])

    with pytest.raises(ImageValidationError, match="without a position") as refused:
        in_one_image(rekognition)

    assert refused.value.reasons == (Reason.NO_DOCUMENT, Reason.TARGET_REFUSED)


@pytest.mark.parametrize(
    "portrait",
    [
        pytest.param(Face(BoundingBox(0.02, 0.6, 0.12, 0.18), 99.0), id="smaller-than-half-the-document"),
        pytest.param(Face(BoundingBox(0.5, 0.6, 0.1, 0.16), 99.0), id="as-small-as-the-ghost"),
    ],
)
def test_a_document_alone_never_matches_its_own_ghost_image(portrait: Face) -> None:
    """Its portrait stands outside the box that the label gave, its ghost image inside."""
    document = Document("Passport", 97.0, BoundingBox(0.15, 0.5, 0.3, 0.4 if portrait.box.left < 0.1 else 0.3))
    ghost = Face(BoundingBox(0.3, 0.6, 0.08, 0.12), 99.0)
    rekognition = FakeRekognition(faces=[portrait, ghost], labels=[document])

    with pytest.raises(ImageValidationError) as refused:
        in_one_image(rekognition)

    assert Reason.NO_HOLDER in refused.value.reasons
    assert "compare_faces" not in rekognition.calls


def test_faces_that_compare_faces_does_not_find_again_are_refused_without_a_fifth_call() -> None:
    rekognition = FakeRekognition(faces=[HOLDER, PRINTED], labels=[HELD], matches=[NoFaceToCompareError("none")])

    with pytest.raises(NoFaceToCompareError) as refused:
        in_one_image(rekognition)

    assert refused.value.reasons == (Reason.FACE_NOT_COMPARABLE, Reason.TARGET_REFUSED)
    assert rekognition.calls.count("compare_faces") == 1
