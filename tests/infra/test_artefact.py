"""The asset that `cdk deploy` uploads, run by AWS's own emulator: it answers as the handler in this process does."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from face_validation.local.aws.environment import aws_variables, function_settings
from face_validation.local.stack import LocalStack
from face_validation_function.settings import PeopleSettings, Settings
from infra.constructs.function import FUNCTIONS
from tests.answered import Answered
from tests.events import validation_events
from tests.infra.emulator import Emulator
from tests.people import EXPECTED, INDEXED, event_of, outcome, people_stores

pytestmark = [pytest.mark.slow, pytest.mark.long]

EVENTS = validation_events()
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def deployed(
    archive: Path, runtime: tuple[Path, str], stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    """The zipped asset, unpacked into an empty folder as AWS does, in an environment of its own."""
    task = tmp_path_factory.mktemp("var-task")
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(task)
    environment = {
        **aws_variables(stack.info.s3_endpoint, stack.info.rekognition_endpoint),
        **function_settings(Settings, **asdict(stack.info)),
    }
    with Emulator(task, FUNCTIONS["Validation"].handler, environment, runtime[0]) as emulator:
        yield emulator


def comparable(answer: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """An answer with ids that were made up for it, and not sent, and times told apart by nothing."""
    sent = set(UUID.findall(event["body"] or ""))
    text = UUID.sub(
        lambda found: found[0] if found[0] in sent else "(made up)", TIME.sub("(a time)", json.dumps(answer))
    )
    comparable_answer: dict[str, Any] = json.loads(text)
    # Another Python, or another processor, may differ in a number's last digits.
    body = json.loads(comparable_answer["body"], parse_float=lambda digits: round(float(digits), 9))
    return {**comparable_answer, "body": body}


def test_there_are_events_to_run() -> None:
    assert len(EVENTS) > 20


@pytest.mark.parametrize("name", EVENTS)
def test_the_artefact_answers_an_event_as_the_handler_in_this_process_does(
    deployed: Emulator, answered: Answered, name: str
) -> None:
    event = EVENTS[name]

    answer = deployed.invoke(event)

    assert comparable(answer, event) == comparable(answered.answers[name], event)


def test_the_artefact_answers_the_events_about_people_under_its_other_two_handlers(
    asset: tuple[Path, Path], stack: LocalStack
) -> None:
    task, interpreter = asset
    info = stack.info

    with people_stores(stack) as stores:
        variables = {
            **aws_variables(info.s3_endpoint, info.rekognition_endpoint),
            **function_settings(PeopleSettings, **asdict(info) | asdict(stores)),
        }
        with Emulator(task, FUNCTIONS["People"].handler, variables, interpreter) as people:
            for name, expected in EXPECTED.items():
                answer = people.invoke(event_of(name))
                assert (name, answer["statusCode"], outcome(json.loads(answer["body"]))) == (name, *expected)
        with Emulator(task, FUNCTIONS["Indexing"].handler, variables, interpreter, timeout_s=60) as indexing:
            for name, counts in INDEXED:
                assert (name, indexing.invoke(event_of(name))) == (name, counts)


def test_nothing_but_the_asset_and_the_standard_library_is_importable(asset: tuple[Path, Path], tmp_path: Path) -> None:
    _, interpreter = asset
    (tmp_path / "probe.py").write_text(
        "import importlib.util\n"
        "def handler(event, context):\n"
        "    return [name for name in event['names'] if importlib.util.find_spec(name)]\n"
    )

    with Emulator(tmp_path, "probe.handler", {}, interpreter) as emulator:
        found = emulator.invoke({"names": ["boto3", "PIL", "pydantic", "pip", "samcli", "local", "json"]})

    assert found == ["json"]


def test_an_import_that_fails_is_reported_and_not_hidden(asset: tuple[Path, Path], tmp_path: Path) -> None:
    _, interpreter = asset
    (tmp_path / "broken.py").write_text("import boto3\n")

    with Emulator(tmp_path, "broken.handler", {}, interpreter) as emulator:
        answer = emulator.invoke({})

    assert answer["errorType"] == "Runtime.ImportModuleError"
