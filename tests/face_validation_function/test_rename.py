"""Renaming: the photos, the rows and the faces go together, whatever fails in the middle."""

import pytest

from face_validation_function.exceptions.exceptions import (
    ConflictError,
    FaceValidationError,
    NotFoundError,
    ServiceBusyError,
)
from face_validation_function.people import KeptPhoto, PhotoVersion
from tests.enrolled import ANA, EVA, FIRST, House, new_timer

NEW = "Ana Ruiz"


def names_in_metadata(house: House) -> set[str]:
    return {
        house.s3.head_object(Bucket=house.bucket, Key=key, VersionId=version)["Metadata"].get("fullname", "")
        for key, version in house.versions()
    }


def test_all_of_a_person_moves_and_nothing_keeps_the_old_name(house: House) -> None:
    house.put("index/Ana/one.jpg", "teal", "Ana")
    house.put("index/Ana/one.jpg", "navy", "Ana")
    face = house.enrol("index/Ana/one.jpg").face
    house.put_and_enrol("photos/two.png", "Ana", "olive")

    moved = house.kept.rename(new_timer(), "Ana", NEW)

    assert moved == 2
    assert {row.photo.full_name for row in house.rows()} == {NEW}
    assert names_in_metadata(house) == {"Ana Ruiz"}
    assert not [key for key, _ in house.versions() if "Ana" in key]
    assert sorted(key[-4:] for key, _ in house.versions()) == [".jpg", ".png"]
    assert face.face_id in house.rekognition.collections[FIRST]
    assert house.names_found("navy") == [NEW]
    assert house.rekognition.paid.count("IndexFaces") == 2  # nothing is indexed again
    house.check_settled()


def test_two_people_become_one_and_an_erasure_finds_all_of_it(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA, "teal")
    house.put_and_enrol("eva.jpg", EVA, "navy")

    house.kept.rename(new_timer(), ANA, EVA)

    assert house.names_found("teal") == house.names_found("navy") == [EVA]
    house.check_settled()
    house.kept.erase_person(new_timer(), EVA)
    assert house.is_empty()


def test_copies_go_along_and_are_found_again(house: House) -> None:
    house.put_and_enrol("one.jpg", ANA)
    house.put_and_enrol("two.jpg", ANA)

    house.kept.rename(new_timer(), ANA, NEW)

    house.check_settled()
    assert not house.put_and_enrol("three.jpg", NEW).is_new


def test_another_person_s_version_of_the_same_key_stays(house: House) -> None:
    house.put("shared.jpg", "teal", "Eva")
    house.enrol("shared.jpg")
    house.put("shared.jpg", "navy", "Ana")
    house.enrol("shared.jpg")

    house.kept.rename(new_timer(), "Ana", NEW)

    assert (house.names_found("teal"), house.names_found("navy")) == (["Eva"], [NEW])
    house.check_settled()


def test_an_object_that_was_deleted_after_its_enrolment_leaves_no_marker_with_the_name(house: House) -> None:
    house.put_and_enrol("index/Ana/one.jpg", "Ana")
    house.s3.delete_object(Bucket=house.bucket, Key="index/Ana/one.jpg")

    house.kept.rename(new_timer(), "Ana", NEW)

    house.check_settled()


def test_a_renaming_asked_again_is_done_and_a_stranger_is_not_found(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    house.kept.rename(new_timer(), ANA, NEW)

    assert house.kept.rename(new_timer(), ANA, NEW) == 0
    with pytest.raises(NotFoundError, match="Nobody is not enrolled"):
        house.kept.rename(new_timer(), "Nobody", "Somebody")


def test_a_photo_that_is_being_enrolled_waits_and_the_others_move(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    version = house.put("new.jpg", "navy")
    house.table.claim(KeptPhoto(PhotoVersion(ANA, "new.jpg", version), FIRST))

    with pytest.raises(ServiceBusyError, match="ask again"):
        house.kept.rename(new_timer(), ANA, NEW)

    assert house.names_found("teal") == [NEW]
    assert [row.photo.full_name for row in house.rows() if row.claimed_at] == [ANA]


def test_nobody_is_renamed_while_a_reindex_is_under_way(house: House) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    house.reindexing.grace_s = 100
    house.reindexing.step(new_timer(), "run")

    with pytest.raises(ConflictError, match="reindexed"):
        house.kept.rename(new_timer(), ANA, NEW)


def test_a_reindex_that_begins_in_the_middle_stops_the_renaming(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    move = house.table.move

    def late(kept: KeptPhoto, photo: PhotoVersion) -> None:
        house.reindexing.grace_s = 100
        house.reindexing.step(new_timer(), "run")
        move(kept, photo)

    monkeypatch.setattr(house.table, "move", late)
    with pytest.raises(ServiceBusyError):
        house.kept.rename(new_timer(), ANA, NEW)

    house.reindexing.grace_s = 0
    house.reindex()
    assert house.names_found("teal") == [ANA]
    house.check()


def test_an_erasure_in_the_middle_wins_and_leaves_no_copy(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    move = house.table.move

    def late(kept: KeptPhoto, photo: PhotoVersion) -> None:
        house.kept.erase_person(new_timer(), ANA)
        move(kept, photo)

    monkeypatch.setattr(house.table, "move", late)
    with pytest.raises(ServiceBusyError):
        house.kept.rename(new_timer(), ANA, NEW)

    assert house.is_empty()


def test_the_same_renaming_twice_at_once_moves_each_photo_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put_and_enrol("ana.jpg", ANA)
    move = house.table.move

    def late(kept: KeptPhoto, photo: PhotoVersion) -> None:
        monkeypatch.setattr(house.table, "move", move)
        house.kept.rename(new_timer(), ANA, NEW)
        move(kept, photo)

    monkeypatch.setattr(house.table, "move", late)
    with pytest.raises(ServiceBusyError):
        house.kept.rename(new_timer(), ANA, NEW)

    assert house.names_found("teal") == [NEW]
    house.check_settled()


@pytest.mark.long
@pytest.mark.parametrize("ending", ["again", "erased"])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_renaming_that_fails_at_any_call_loses_and_doubles_nobody(house: House, is_done: bool, ending: str) -> None:
    def seed() -> House:
        seeded = House()
        seeded.put("index/one.jpg", "teal", "Ana")
        seeded.put("index/one.jpg", "navy", "Ana")
        seeded.enrol("index/one.jpg")
        seeded.put_and_enrol("two.jpg", "Ana", "olive")
        seeded.faults.calls.clear()
        return seeded

    whole = seed()
    whole.kept.rename(new_timer(), "Ana", NEW)

    for place in range(1, len(whole.faults.calls) + 1):
        tried = seed()
        with tried.failing(place, is_done=is_done), pytest.raises(FaceValidationError) as refused:
            tried.kept.rename(new_timer(), "Ana", NEW)
        assert refused.value.status == 500
        tried.check()
        assert {*tried.names_found("navy"), *tried.names_found("olive")} <= {"Ana", NEW}
        assert len(tried.names_found("navy")) == len(tried.names_found("olive")) == 1

        if ending == "again":
            tried.kept.rename(new_timer(), "Ana", NEW)
            assert tried.names_found("navy") == tried.names_found("olive") == [NEW]
            tried.check_settled()
        else:
            for name in ("Ana", NEW):
                tried.kept.erase_person(new_timer(), name)
            assert tried.is_empty()
