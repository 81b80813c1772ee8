"""Labelled cases from a CSV and from folders, and what is said when they cannot be used."""

import os
from pathlib import Path

import pytest

from face_validation.client.validation_request import ValidationType
from face_validation.evaluation.report.groups import document, origin
from face_validation.evaluation.runs.cases import Case, EvaluationError, read_cases, read_groups
from face_validation.evaluation.statistics.pairs import Expected
from tests.face_validation.evaluation.fakes import case

HEADER = "case_id,type,source,target,expected,note\n"
GOOD = "one,FACE_TO_FACE,a.jpg,b.jpg,match,lfw view2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"image")
    return tmp_path


def cases_of(folder: Path, text: str) -> list[Case]:
    (folder / "cases.csv").write_text(text, encoding="utf-8")
    return read_cases(folder / "cases.csv")


def test_paths_are_relative_to_the_csv_and_the_note_may_be_left_out(folder: Path) -> None:
    [found] = cases_of(folder, "\ufeffcase_id,type,source,target,expected\none,ID_TO_FACE,a.jpg,b.jpg,error\n\n")

    assert (found.source, found.target) == (folder / "a.jpg", folder / "b.jpg")
    assert (found.type, found.expected, found.note) == (ValidationType.ID_TO_FACE, Expected.ERROR, "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            HEADER + GOOD + "two,FACE,a.jpg,b.jpg,match,", "row 3, column type: 'FACE' is not one of", id="type"
        ),
        pytest.param(HEADER + "one,FACE_TO_FACE,a.jpg,b.jpg,yes,", "row 2, column expected: 'yes'", id="expected"),
        pytest.param(
            HEADER + "one,FACE_TO_FACE,no.jpg,b.jpg,match,", "column source: there is no file 'no.jpg'", id="file"
        ),
        pytest.param(HEADER + ",FACE_TO_FACE,a.jpg,b.jpg,match,", "row 2, column case_id: is empty", id="empty"),
        pytest.param(HEADER + GOOD + GOOD, "row 3, column case_id: 'one' is already in row 2", id="twice"),
        pytest.param("case_id,type,source,target\n", "row 1: missing columns: expected", id="column"),
        pytest.param(HEADER.replace(",", ";"), "Columns are separated by commas", id="semicolons"),
        pytest.param(HEADER + GOOD.strip() + ",more\n", "row 2: more values than columns", id="more"),
        pytest.param(HEADER + 'one,"FACE', "not a valid CSV row", id="quote"),
        pytest.param(
            HEADER + f'one,FACE_TO_FACE,"a.jpg\n{GOOD * 200}",b.jpg,match,\n',
            "there is no file 'a.jpg",
            id="open quote",
        ),
        pytest.param(HEADER + '"on\ne"' + GOOD[3:], "column case_id: 'on\\ne' holds a line break", id="line break"),
        pytest.param(HEADER, "holds no case", id="none"),
        pytest.param("", "missing columns", id="nothing"),
    ],
)
def test_a_bad_row_is_named_with_its_column_and_value(folder: Path, text: str, complaint: str) -> None:
    with pytest.raises(EvaluationError) as refused:
        cases_of(folder, text)

    assert complaint in str(refused.value)


def test_every_bad_row_is_named_at_once_up_to_ten(folder: Path) -> None:
    with pytest.raises(EvaluationError) as refused:
        cases_of(folder, HEADER + "".join(f"{n},FACE,a.jpg,b.jpg,match,\n" for n in range(12)))

    assert all(f"row {n}," in str(refused.value) for n in range(2, 12))
    assert "and 2 more" in str(refused.value)


def test_a_file_that_is_no_text_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_bytes(b"\xff\xfe\x00case")

    with pytest.raises(EvaluationError, match="not UTF-8"):
        read_cases(tmp_path / "cases.csv")
    with pytest.raises(EvaluationError, match="neither"):
        read_cases(tmp_path / "other.csv")


def layout(folder: Path, **pictures: list[str]) -> Path:
    for case_id, names in pictures.items():
        for name in names:
            path = folder / case_id.replace("__", "/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"image")
    return folder


def test_a_folder_holds_cases_that_match_unless_labels_csv_says_otherwise(tmp_path: Path) -> None:
    layout(
        tmp_path,
        face_to_face__001=["true_face.jpg", "target_face.png"],
        face_to_face__002=["true_face.jpg", "target_face.jpg"],
        id_to_face__001=["dni.png", "target_face.jpg"],
    )
    (tmp_path / "labels.csv").write_text("case_id,expected,note\nface_to_face/002,no_match,brothers\n")

    found = read_cases(tmp_path)

    assert [(one.case_id, one.type.value, one.expected.value, one.note) for one in found] == [
        ("face_to_face/001", "FACE_TO_FACE", "match", ""),
        ("face_to_face/002", "FACE_TO_FACE", "no_match", "brothers"),
        ("id_to_face/001", "ID_TO_FACE", "match", ""),
    ]
    assert found[2].source == tmp_path / "id_to_face" / "001" / "dni.png"


def test_a_folder_with_a_missing_or_a_second_picture_or_a_stray_label_is_refused(tmp_path: Path) -> None:
    layout(tmp_path, face_to_face__001=["true_face.jpg"], id_to_face__001=["dni.jpg", "dni.png", "target_face.jpg"])
    (tmp_path / "labels.csv").write_text("case_id,expected\nface_to_face/9,match\n")

    with pytest.raises(EvaluationError) as refused:
        read_cases(tmp_path)

    assert "face_to_face/001: one target_face.* is needed, found 0" in str(refused.value)
    assert "id_to_face/001: one dni.* is needed, found 2" in str(refused.value)
    assert "labels.csv: there is no case 'face_to_face/9'" in str(refused.value)


def test_what_no_user_put_into_a_folder_is_no_case_and_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout(tmp_path, face_to_face__001=["true_face.jpg", "target_face.png", "._target_face.png"])
    (tmp_path / "face_to_face" / "@eaDir").mkdir()
    (tmp_path / "face_to_face" / ".thumbnails").mkdir()

    cases = read_cases(tmp_path)

    assert [case.case_id for case in cases] == ["face_to_face/001"]
    assert "2 hidden folders" in caplog.text


def test_a_case_whose_name_is_not_utf8_is_named_with_its_bytes_before_anything_is_asked(tmp_path: Path) -> None:
    layout(tmp_path, face_to_face__001=["true_face.jpg", "target_face.png"])
    Path(os.fsdecode(os.fsencode(tmp_path / "face_to_face") + b"/Andr\xe9")).mkdir()

    with pytest.raises(EvaluationError, match=r"face_to_face/Andr\\xe9: its name is not UTF-8"):
        read_cases(tmp_path)


def test_a_label_that_is_none_is_named(tmp_path: Path) -> None:
    layout(tmp_path, face_to_face__001=["true_face.jpg", "target_face.png"])
    (tmp_path / "labels.csv").write_text("case_id,expected\nface_to_face/001,maybe\n")

    with pytest.raises(EvaluationError, match="row 2, column expected: 'maybe'"):
        read_cases(tmp_path)


@pytest.mark.parametrize(
    ("note", "name"),
    [
        ("lfw view2 fold=1 deepfunneled 250px", "lfw"),
        ("web celebrity, same gender A/B", "web celebrity"),
        ("web celebrity Rose_Leslie", "web celebrity"),
        ("composite td1_a scan Barack_Obama", "composite"),
        ("published pair crossed", "published pair"),
        ("no face: African_chameleon", "no face"),
        ("third-party hostile file: broken.png", "third-party hostile file"),
        ("decompression bomb (pixel count)", "decompression bomb"),
        ("image below 80 px (79x79)", "image too small"),
        ("same photo, EXIF orientation 2, 128 px", "EXIF orientation"),
        ("PNG grey+alpha", "file format"),
        ("twins at a wedding", "twins at"),
        ("", "unnamed"),
    ],
)
def test_the_origin_is_the_notes_first_words(note: str, name: str) -> None:
    assert origin(note) == name


def test_a_composite_has_a_template_and_a_level_and_others_have_not() -> None:
    composite, other = case("c", note="composite td1_a gray A vs B"), case("c", note="lfw view2 fold=1")

    assert document(composite) == ("td1_a", "gray")
    assert document(other) is None


def test_persons_and_groups_are_read_where_the_file_tells_them(folder: Path) -> None:
    (folder / "cases.csv").write_text(
        "case_id,type,source,target,expected,source_person,target_person,group\n"
        "1,FACE_TO_FACE,a.jpg,b.jpg,match,Ana,Ana,one\n"
    )

    (case,) = read_cases(folder / "cases.csv")

    assert (case.source_person, case.target_person, case.group) == ("Ana", "Ana", "one")


@pytest.mark.parametrize(
    ("expected", "persons", "complaint"),
    [
        ("match", "Ana,Bo", "match contradicts the persons 'Ana' and 'Bo'"),
        ("no_match", "Ana,Ana", "no_match contradicts the persons"),
        ("match", "Ana,", "one of them is empty"),
    ],
)
def test_persons_that_contradict_the_label_are_refused(
    folder: Path, expected: str, persons: str, complaint: str
) -> None:
    (folder / "cases.csv").write_text(
        "case_id,type,source,target,expected,source_person,target_person\n"
        f"1,FACE_TO_FACE,a.jpg,b.jpg,{expected},{persons}\n"
    )

    with pytest.raises(EvaluationError, match=complaint):
        read_cases(folder / "cases.csv")


def test_a_person_in_two_groups_is_refused(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("person,group\nAna,one\nAna,two\n")

    with pytest.raises(EvaluationError, match="'Ana' is in two groups"):
        read_groups(tmp_path / "groups.csv")


def test_one_image_of_a_person_with_the_document_needs_no_source(folder: Path) -> None:
    header = "case_id,type,source,target,expected\n"

    (case,) = cases_of(folder, f"{header}1,ID_IN_FACE,,b.jpg,match\n")

    assert case.source == case.target == folder / "b.jpg"
    with pytest.raises(EvaluationError, match="ID_IN_FACE has one image"):
        cases_of(folder, f"{header}1,ID_IN_FACE,a.jpg,b.jpg,match\n")
