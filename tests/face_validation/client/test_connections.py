"""Where settings come from, which of them win, and what is said when they are missing."""

import json
from pathlib import Path

import pytest

from face_validation.client import SettingsError
from face_validation.client.profiles import Connection, names, open_to_others

COMPLETE = {
    "api_url": "https://api.example.com/prod",
    "token_url": "https://token.example.com/oauth2/token",
    "client_id": "from-profile",
    "client_secret": "the-secret-itself",
}


def write_profiles(path: Path, **profiles: dict[str, str]) -> dict[str, str]:
    """A profile file, and the environment that names it."""
    lines = []
    for name, settings in profiles.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    file = path / "profiles.toml"
    file.write_text("\n".join(lines), "utf-8")
    file.chmod(0o600)
    return {"FACE_VALIDATION_PROFILES": str(file)}


def resolve(profile: str | None, environment: dict[str, str], **flags: str | None) -> Connection:
    """The connection in an environment that has these variables, too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return Connection.resolve(profile, **flags)


def test_a_flag_beats_the_environment_which_beats_the_profile(tmp_path: Path) -> None:
    environment = write_profiles(
        tmp_path, default=COMPLETE | {"region": "from-profile", "source_bucket": "from-profile"}
    )
    environment |= {"FACE_VALIDATION_CLIENT_ID": "from-environment", "FACE_VALIDATION_REGION": "from-environment"}

    connection = resolve(None, environment, client_id="from-flag", region=None)

    assert connection.client_id == "from-flag"
    assert connection.region == "from-environment"
    assert connection.source_bucket == "from-profile"


@pytest.mark.parametrize("setting", names())
def test_every_setting_has_its_variable(setting: str) -> None:
    environment = {f"FACE_VALIDATION_{name.upper()}": value for name, value in COMPLETE.items()}
    environment[f"FACE_VALIDATION_{setting.upper()}"] = "chosen"

    assert getattr(resolve(None, environment), setting) == "chosen"


def test_a_profile_is_chosen_by_name_or_by_the_environment(tmp_path: Path) -> None:
    environment = write_profiles(tmp_path, default=COMPLETE, prod=COMPLETE | {"client_id": "prod"})

    assert resolve(None, environment).client_id == "from-profile"
    assert resolve("prod", environment).client_id == "prod"
    assert resolve(None, environment | {"FACE_VALIDATION_PROFILE": "prod"}).client_id == "prod"
    assert resolve("default", environment | {"FACE_VALIDATION_PROFILE": "prod"}).client_id == "from-profile"


def test_the_local_stacks_info_file_is_a_profile(tmp_path: Path) -> None:
    info = COMPLETE | {
        "s3_endpoint": "http://127.0.0.1:1",
        "source_bucket": "s",
        "target_bucket": "t",
        "rekognition_endpoint": "http://127.0.0.1:2",
    }
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(info), "utf-8")

    connection = resolve(str(file), {})

    assert (connection.client_id, connection.s3_endpoint) == ("from-profile", "http://127.0.0.1:1")
    assert resolve(str(file), {"FACE_VALIDATION_CLIENT_ID": "mine"}).client_id == "mine"


def test_nothing_set_says_every_way_to_set_it(tmp_path: Path) -> None:
    environment = {"FACE_VALIDATION_PROFILES": str(tmp_path / "profiles.toml")}

    with pytest.raises(SettingsError) as caught:
        resolve(None, environment, api_url="https://a.b")

    said = str(caught.value)
    assert "Missing: token_url, client_id, client_secret." in said
    assert "--token-url, --client-id, --client-secret-file" in said
    assert "FACE_VALIDATION_CLIENT_SECRET" in said
    assert str(tmp_path / "profiles.toml") in said
    assert "--api-url" not in said


def test_an_empty_setting_is_a_missing_one() -> None:
    with pytest.raises(SettingsError, match="Missing: client_id"):
        resolve(None, {}, **COMPLETE | {"client_id": ""})


def test_an_unknown_profile_is_said_with_those_there_are(tmp_path: Path) -> None:
    environment = write_profiles(tmp_path, dev=COMPLETE, prod=COMPLETE)

    with pytest.raises(SettingsError, match=r"no profile 'porod' .*; there are: dev, prod\."):
        resolve("porod", environment)


def test_a_profile_without_a_file_says_where_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml does not exist"):
        resolve("dev", {"FACE_VALIDATION_PROFILES": str(tmp_path / "nowhere.toml")})


def test_a_misspelt_setting_is_said(tmp_path: Path) -> None:
    environment = write_profiles(tmp_path, default=COMPLETE | {"api_ulr": "https://a.b"})

    with pytest.raises(SettingsError, match="unknown settings: api_ulr"):
        resolve(None, environment)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("stack.json", '{"client_secret": "the-secret-itself"', id="cut-json"),
        pytest.param("stack.json", '["the-secret-itself"]', id="an-array"),
        pytest.param("stack.json", b"\xff\xfe the-secret-itself", id="not-text"),
        pytest.param("profiles.toml", 'client_secret = "the-secret-itself', id="cut-toml"),
    ],
)
def test_a_profile_that_cannot_be_understood_is_said_without_its_secret(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    profile = str(file) if name.endswith(".json") else None

    with pytest.raises(SettingsError, match=str(file)) as caught:
        resolve(profile, {"FACE_VALIDATION_PROFILES": str(file)})

    assert "the-secret-itself" not in str(caught.value)


def test_an_info_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        resolve(str(tmp_path / "stack.json"), {})


def test_the_secret_is_not_in_what_a_connection_shows_of_itself() -> None:
    connection = resolve(None, {}, **COMPLETE)

    assert "the-secret-itself" not in repr(connection)
    assert connection.client_secret == "the-secret-itself"


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True), (0o604, True)]
)
def test_a_profile_file_that_others_can_read_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, warns: bool
) -> None:
    file = Path(write_profiles(tmp_path, default=COMPLETE)["FACE_VALIDATION_PROFILES"])
    file.chmod(mode)
    monkeypatch.setenv("FACE_VALIDATION_PROFILES", str(file))

    assert open_to_others(None) == (file if warns else None)
