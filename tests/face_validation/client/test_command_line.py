"""The command line as a script sees it: what it prints where, and the code it leaves with."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from face_validation.cli.app import app
from tests.face_validation.client.fake_api import CLIENT_SECRET, FakeApi, Reply, envelope

MATCH, NO_MATCH, REFUSED, REQUEST_FAILED = 0, 1, 2, 3


@pytest.fixture
def profile(api: FakeApi, tmp_path: Path) -> str:
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(api.settings), "utf-8")
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def photos(tmp_path: Path) -> tuple[str, str]:
    """Two images of the size that the fake API speaks of."""
    paths = tmp_path / "source.jpg", tmp_path / "target.jpg"
    for path in paths:
        Image.new("RGB", (120, 160), "grey").save(path)
    return str(paths[0]), str(paths[1])


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin, env={"COLUMNS": "300", "NO_COLOR": "1"})


def validate(profile: str, *arguments: str) -> Result:
    return run("validate", "--type", "FACE_TO_FACE", "--profile", profile, *arguments)


class TestValidate:
    """`face-validation validate`."""

    def test_claims_and_least_scores_are_pairs(self, profile: str, photos: tuple[str, str], api: FakeApi) -> None:
        validate(profile, *photos, "--claim", "full_name=Anna M. Eriksson", "--min-quality", "sharpness=30")

        asked = api.validations[-1].json
        assert asked["claims"] == {"full_name": "Anna M. Eriksson"}
        assert asked["min_quality"] == {"sharpness": 30}

    @pytest.mark.parametrize("option", [["--claim", "full_name"], ["--min-quality", "sharpness=high"]])
    def test_a_pair_that_is_none_is_refused(self, profile: str, photos: tuple[str, str], option: list[str]) -> None:
        assert validate(profile, *photos, *option).exit_code == REQUEST_FAILED

    def test_a_match_leaves_with_0_and_no_match_with_1(self, profile: str, photos: tuple[str, str]) -> None:
        match = validate(profile, *photos, "--threshold", "99.5")
        no_match = validate(profile, *photos, "--threshold", "99.6")

        assert match.exit_code == MATCH
        assert "Match  similarity 99.50 >= threshold 99.5" in match.stdout
        assert no_match.exit_code == NO_MATCH
        assert "No match  similarity 99.50 < threshold 99.6" in no_match.stdout

    def test_json_is_the_services_own_answer(self, api: FakeApi, profile: str, photos: tuple[str, str]) -> None:
        result = validate(profile, *photos, "--json")

        assert json.loads(result.stdout) == api.answer(api.validations[0].json)
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("Service: ")

    def test_the_files_do_not_stay_in_the_buckets(self, api: FakeApi, profile: str, photos: tuple[str, str]) -> None:
        validate(profile, *photos)
        assert api.objects == {}

        validate(profile, *photos, "--keep")
        assert len(api.objects) == 2

    @pytest.mark.parametrize("written", ["ID_TO_FACE", "id_to_face"])
    def test_the_flags_reach_the_service(
        self, api: FakeApi, profile: str, photos: tuple[str, str], written: str
    ) -> None:
        run("validate", *photos, "--type", written, "--threshold-label", "0", "--threshold", "0", "--profile", profile)

        question = api.validations[0].json
        assert (question["type"], question["threshold"], question["threshold_label"]) == ("ID_TO_FACE", 0, 0)
        assert "include" not in question

    def test_keys_ask_about_images_that_are_there_already(self, api: FakeApi, profile: str) -> None:
        result = validate(profile, "--keys", "a/source.jpg", "a/42.jpg")

        assert result.exit_code == NO_MATCH
        assert api.validations[0].json["source_path"] == "a/source.jpg"
        assert not [call for call in api.calls if call.method == "PUT"]

    def test_annotate_writes_both_images_side_by_side(
        self, api: FakeApi, profile: str, photos: tuple[str, str], tmp_path: Path
    ) -> None:
        result = validate(profile, *photos, "--annotate", str(tmp_path / "out.png"), "--json")

        assert result.exit_code == MATCH
        with Image.open(tmp_path / "out.png") as picture:
            assert picture.width > picture.height
        assert json.loads(result.stdout)["boxes"]["target"]["compared"] == 0
        assert api.validations[0].json["include"] == ["boxes"]

    @pytest.mark.parametrize(
        ("status", "code", "exit_code"),
        [
            (400, "RequestError", REFUSED),
            (413, "PayloadTooLargeError", REFUSED),
            (422, "ImageTooLargeError", REFUSED),
            (422, "ImageValidationError", REFUSED),
            (422, "InvalidS3ObjectError", REFUSED),
            (403, "ForbiddenError", REQUEST_FAILED),
            (401, "UnauthorizedError", REQUEST_FAILED),
            (429, "TooManyRequestsError", REQUEST_FAILED),
            (500, "InternalServerError", REQUEST_FAILED),
        ],
    )
    @pytest.mark.parametrize("as_json", [False, True], ids=["for-people", "json"])
    def test_each_refusal_has_its_exit_code_and_says_what_to_do(
        self,
        api: FakeApi,
        profile: str,
        photos: tuple[str, str],
        status: int,
        code: str,
        exit_code: int,
        as_json: bool,
    ) -> None:
        # A wait that is the caller's: the command does not try again.
        api.script.extend([Reply(status, envelope(code, "The source shows [no] face."), {"Retry-After": "600"})] * 2)

        result = validate(profile, *photos, *(["--json"] if as_json else []))

        assert result.exit_code == exit_code
        if as_json:
            assert json.loads(result.stdout)["error"]["code"] == code
            assert result.stderr.count("\n") == 1  # the service that was asked
        else:
            assert result.stdout == ""
            assert f"{code}. The message of {code}. The source shows [no] face." in result.stderr
            assert "Next: " in result.stderr
            assert "Request id: " in result.stderr

    def test_a_type_that_does_not_exist_is_refused_with_those_that_do(
        self, profile: str, photos: tuple[str, str]
    ) -> None:
        result = validate(profile, *photos, "--type", "ID_TO_FACES")

        assert result.exit_code == REQUEST_FAILED
        assert "not one of FACE_TO_FACE, ID_TO_FACE, ID_IN_FACE" in " ".join(result.stderr.replace("│", " ").split())

    def test_an_api_that_is_down_could_not_be_asked(self, profile: str, photos: tuple[str, str]) -> None:
        result = validate(profile, *photos, "--token-url", "http://127.0.0.1:1/oauth2/token")

        assert result.exit_code == REQUEST_FAILED
        assert "Request failed: ConnectionFailedError. The token endpoint at http://127.0.0.1:1" in result.stderr

    def test_missing_settings_could_not_be_asked(self, photos: tuple[str, str]) -> None:
        for_people = run("validate", *photos, "--type", "FACE_TO_FACE")
        for_scripts = run("validate", *photos, "--type", "FACE_TO_FACE", "--json")

        assert for_people.exit_code == for_scripts.exit_code == REQUEST_FAILED
        assert "Missing: api_url" in for_people.stderr
        assert json.loads(for_scripts.stdout)["error"]["code"] == "SettingsError"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere.jpg", "nowhere.jpg"], "not a file"),
            (["--threshold", "101"], "--threshold"),
            (["--threshold", "high"], "valid number"),
            (["--type", "SELFIE"], "SELFIE"),
            (["--treshold", "50"], "--treshold"),
            (["--annotate", "out.gif"], ".png"),
            (["--annotate", "no/such/folder/out.png"], "does not exist"),
            (["--annotate", "out.png", "--keys"], "--keys"),
            (["a-third-file.jpg"], "a-third-file.jpg"),
        ],
    )
    def test_a_misuse_could_not_be_asked_and_says_what_is_wrong(
        self, api: FakeApi, profile: str, photos: tuple[str, str], arguments: list[str], said: str
    ) -> None:
        files = [] if arguments[0].startswith("nowhere") else photos

        result = validate(profile, *files, *arguments)

        assert result.exit_code == REQUEST_FAILED
        assert said in result.stderr
        assert api.calls == []

    def test_a_file_that_cannot_be_written_could_not_be_asked(
        self, profile: str, photos: tuple[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "folder.png").mkdir()

        result = validate(profile, *photos, "--annotate", str(tmp_path / "folder.png"))

        assert result.exit_code == REQUEST_FAILED
        assert "folder.png" in result.stderr

    def test_a_mistake_of_ours_is_no_verdict(
        self, profile: str, photos: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from face_validation.client.client import FaceValidationClient

        monkeypatch.setattr(FaceValidationClient, "validate_files", lambda *_, **__: 1 / 0)

        result = validate(profile, *photos)

        assert result.exit_code == REQUEST_FAILED
        assert "ZeroDivisionError" in result.stderr
        assert CLIENT_SECRET not in result.stderr


class TestOtherCommands:
    """`token`, `upload`, and the commands of other packages."""

    def test_token_prints_the_token_alone(self, profile: str) -> None:
        result = run("token", "--profile", profile)

        assert (result.exit_code, result.stdout) == (0, "token-1\n")

    def test_the_secret_may_come_from_a_file_or_from_stdin(self, api: FakeApi, profile: str, tmp_path: Path) -> None:
        wrong = tmp_path / "stack.json"
        wrong.write_text(json.dumps(api.settings | {"client_secret": "wrong"}), "utf-8")
        (tmp_path / "secret").write_text(f"{CLIENT_SECRET}\n", "utf-8")
        flags = ["--profile", str(wrong), "--client-secret-file"]

        run("token", *flags, str(tmp_path / "secret"))
        run("token", *flags, "-", stdin=f"{CLIENT_SECRET}\n")

        first, second = (call.headers["Authorization"] for call in api.token_calls)
        assert first == second
        assert run("token", *flags, str(tmp_path / "none")).exit_code == REQUEST_FAILED
        assert run("token", *flags, "-", stdin="").exit_code == REQUEST_FAILED

    def test_upload_prints_one_key_a_line(self, api: FakeApi, profile: str, photos: tuple[str, str]) -> None:
        result = run("upload", *photos, "--to", "target", "--profile", profile)

        keys = result.stdout.split()
        assert [f"the-target/{key}" for key in keys] == list(api.objects)
        assert len(keys) == 2

    def test_upload_names_files_and_keys_in_json(self, profile: str, photos: tuple[str, str]) -> None:
        result = run("upload", photos[0], "--to", "source", "--key", "a/b.jpg", "--profile", profile, "--json")

        assert json.loads(result.stdout) == {photos[0]: "a/b.jpg"}

    def test_one_key_is_for_one_file(self, profile: str, photos: tuple[str, str]) -> None:
        result = run("upload", *photos, "--to", "source", "--key", "a.jpg", "--profile", profile)

        assert result.exit_code == REQUEST_FAILED

    def test_a_profile_that_others_can_read_is_warned_about(self, profile: str) -> None:
        Path(profile).chmod(0o644)

        result = run("token", "--profile", profile)

        assert f"chmod 600 {profile}" in result.stderr
        assert result.exit_code == 0

    def test_the_secret_is_never_printed(self, api: FakeApi, profile: str, photos: tuple[str, str]) -> None:
        api.token_script.append(Reply(400, {"error": "invalid_client"}))

        printed = [run("token", "--profile", profile), validate(profile, *photos), run("--help")]

        assert printed[0].exit_code == REQUEST_FAILED
        assert all(CLIENT_SECRET not in result.output for result in printed)

    def test_help_names_every_command_and_the_exit_codes(self) -> None:
        result = run("--help")

        for name in ("validate", "token", "upload", "local", "evaluate", "compare", "identify", "verifier"):
            assert f" {name} " in result.stdout
        assert "0 match" in result.stdout

    def test_an_unknown_command_could_not_be_asked(self) -> None:
        assert run("validat").exit_code == REQUEST_FAILED

    def test_a_command_whose_packages_are_missing_says_so_and_leaves_the_others_working(self, profile: str) -> None:
        program = (
            "import sys; sys.modules['numpy'] = sys.modules['uvicorn'] = None\n"
            "from face_validation.cli.app import app; app()"
        )

        def alone(*arguments: str) -> Any:
            command = [sys.executable, "-c", program, *arguments]
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        verifier, local, token = alone("verifier", "train"), alone("local"), alone("token", "--profile", profile)

        assert (verifier.returncode, local.returncode, token.returncode) == (REQUEST_FAILED, REQUEST_FAILED, 0)
        assert "numpy, which is not installed: pip install 'face-validation[verifier]'" in verifier.stderr
        assert "pip install 'face-validation[local]' (in a checkout: make setup)" in local.stderr

    def test_the_command_line_starts_without_what_only_some_commands_need(self) -> None:
        program = (
            "import sys; import face_validation.cli.app\n"
            "heavy = {'boto3', 'pydantic', 'PIL', 'numpy', 'sklearn', 'matplotlib', 'moto', 'starlette'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )

        loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

        assert loaded.stdout.strip() == "[]"

    def test_local_hands_its_flags_to_the_stack(self) -> None:
        command = [sys.executable, "-m", "face_validation.cli.app", "local", "--help"]

        shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

        assert "--info" in shown.stdout


class TestBytesThatAreNoText:
    """A shell and a file system pass any bytes on; what is sent must be text."""

    NAME = os.fsdecode(b"Andr\xe9")

    @pytest.mark.parametrize(
        ("command", "flag"),
        [
            (("enrol", "PHOTO", "--full-name", NAME), "--full-name"),
            (("people", "--full-name", NAME), "--full-name"),
            (("erase", "--yes", "--full-name", NAME), "--full-name"),
            (("validate", "--type", "FACE_TO_FACE", "--keys", NAME, "b"), "SOURCE"),
            (("validate", "--type", "FACE_TO_FACE", "--keys", "a", NAME), "TARGET"),
            (("token", "--client-id", NAME), "--client-id"),
        ],
    )
    def test_an_argument_is_refused_by_name(
        self, profile: str, photos: tuple[str, str], command: tuple[str, ...], flag: str
    ) -> None:
        result = run(*(photos[0] if part == "PHOTO" else part for part in command), "--profile", profile)

        assert result.exit_code == REQUEST_FAILED
        assert rf"{flag} is 'Andr\xe9', which is not UTF-8" in result.stderr

    def test_a_photo_may_be_called_anything(self, profile: str, photos: tuple[str, str], tmp_path: Path) -> None:
        odd = tmp_path / self.NAME
        odd.write_bytes(Path(photos[0]).read_bytes())

        assert validate(profile, str(odd), str(odd)).exit_code in {MATCH, NO_MATCH}

    def test_a_setting_in_the_environment_is_refused_without_its_value(self, profile: str) -> None:
        environment = {**os.environ, "FACE_VALIDATION_CLIENT_SECRET": self.NAME}
        command = [sys.executable, "-m", "face_validation.cli.app", "token", "--profile", profile]

        ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)

        assert (ran.returncode, "Traceback" in ran.stderr, "Andr" in ran.stderr) == (REQUEST_FAILED, False, False)
        assert "client_secret is not UTF-8" in ran.stderr
