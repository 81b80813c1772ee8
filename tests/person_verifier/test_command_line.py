"""The commands: what they print, and which code they end with."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from face_validation.cli import verifier as command_line
from face_validation.cli.verifier import app
from person_verifier.errors import VerifierError
from person_verifier.serving.settings import ServerSettings
from tests.person_verifier.fakes import FakeEngine, striped, write_photos

RUNNER = CliRunner()
EXAMPLE = Path(__file__).parents[2] / "person_verifier" / "deploy" / "verifier.env.example"


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "_engine", FakeEngine)
    # The commands set these for their process, which here is the tests'.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    write_photos(tmp_path / "data")
    return ["--data", str(tmp_path / "data"), "--out", str(tmp_path)]


def test_the_steps_run_one_by_one_and_train_does_all(data: list[str], tmp_path: Path) -> None:
    crop = RUNNER.invoke(app, ["crop", *data])
    embed = RUNNER.invoke(app, ["embed", *data])
    evaluate = RUNNER.invoke(app, ["evaluate", *data])
    train = RUNNER.invoke(app, ["train", *data])
    again = RUNNER.invoke(app, ["train", *data])

    assert [result.exit_code for result in (crop, embed, evaluate, train, again)] == [0] * 5
    assert "84 photos" in crop.output
    assert "84 descriptors" in embed.output
    assert "verifier" in evaluate.output
    assert "Stored" in train.output
    assert "Nothing changed" in again.output
    assert (tmp_path / "models" / "verifier.json").exists()


def test_files_that_are_left_out_are_named_with_the_reason_and_counted(data: list[str], tmp_path: Path) -> None:
    (tmp_path / "data" / "me" / "clip[1].mp4").write_bytes(b"a video")

    crop = RUNNER.invoke(app, ["crop", *data])

    assert "Left out: me/clip[1].mp4: the verifier takes JPG and PNG; save it as a JPG." in crop.output
    assert "84 of 85 photos are used." in crop.output


def test_judge_tells_by_its_exit_code(data: list[str], tmp_path: Path) -> None:
    RUNNER.invoke(app, ["train", *data])
    (tmp_path / "me.png").write_bytes(striped("Me", 900))
    (tmp_path / "other.png").write_bytes(striped("A stranger", 1))
    model = ["--model", str(tmp_path / "models" / "verifier.json")]

    mine = RUNNER.invoke(app, ["judge", str(tmp_path / "me.png"), *model])
    both = RUNNER.invoke(app, ["judge", str(tmp_path / "me.png"), str(tmp_path / "other.png"), *model])

    assert (mine.exit_code, both.exit_code) == (0, 1)


def test_file_names_in_brackets_are_names_not_markup(data: list[str], tmp_path: Path) -> None:
    photo = tmp_path / "data" / "me" / "a[" / "b].png"  # a[/b] would end a style that was never begun
    photo.parent.mkdir()
    photo.write_bytes(b"no image")

    trained = RUNNER.invoke(app, ["train", *data])
    judged = RUNNER.invoke(app, ["judge", str(photo), "--model", str(tmp_path / "models" / "verifier.json")])

    assert (trained.exit_code, judged.exit_code) == (0, 1), trained.output
    assert "me/a[/b].png" in trained.output
    assert "Traceback" not in judged.output
    assert judged.exception is None or isinstance(judged.exception, SystemExit)


@pytest.mark.parametrize("step", ["crop", "embed", "train", "evaluate"])
def test_missing_photos_are_said_without_a_traceback(step: str, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, [step, "--data", str(tmp_path), "--out", str(tmp_path)])

    assert result.exit_code == 2
    assert "There is no folder" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("threshold", ["75", "-0.1", "automatic", "nan"])
def test_a_threshold_out_of_range_is_refused(data: list[str], threshold: str) -> None:
    result = RUNNER.invoke(app, ["train", *data, "--threshold", threshold])

    assert result.exit_code == 2
    assert "must be a number from 0 to 1, or auto" in " ".join(result.output.split())


def test_settings_come_from_the_environment_and_flags_win() -> None:
    environment = {"VERIFIER_PORT": "9000", "VERIFIER_MODEL": "/srv/model.json", "VERIFIER_WORKERS": ""}

    settings = ServerSettings.from_environment(environment, port=9100, host=None)

    assert settings == ServerSettings(model=Path("/srv/model.json"), port=9100)
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("VERIFIER_PORT", "http", "whole number"),
        ("VERIFIER_PORT", "70000", "from 0 to 65535"),
        ("VERIFIER_WORKERS", "0", "from 1 to 64"),
        ("VERIFIER_LOG_LEVEL", "loud", "DEBUG, INFO, WARNING or ERROR"),
        ("VERIFIER_TOKEN", "short", "at least 16"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(variable: str, value: str, said: str) -> None:
    with pytest.raises(VerifierError, match=said) as refusal:
        ServerSettings.from_environment({variable: value})

    assert variable in str(refusal.value)
    assert variable != "VERIFIER_TOKEN" or value not in str(refusal.value)


def test_every_setting_is_documented_in_one_place_with_its_default() -> None:
    lines = [line.lstrip("#") for line in EXAMPLE.read_text().splitlines() if "VERIFIER_" in line and "=" in line]
    documented = {line.split("=", 1)[0].strip(): line.split("=", 1)[1].strip() for line in lines}

    assert ServerSettings.from_environment({**documented, "VERIFIER_TOKEN": ""}) == ServerSettings(
        model=Path(documented["VERIFIER_MODEL"])
    )
    assert set(documented) == {f"VERIFIER_{name.upper()}" for name in ServerSettings.__dataclass_fields__}
