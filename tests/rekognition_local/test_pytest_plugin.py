"""The plugin gives each test of another project an empty Rekognition, from one server, and leaves nothing behind."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
# Where the package is installed, pytest finds the plugin by itself.
INSTALLED = {plugin.value for plugin in importlib.metadata.entry_points(group="pytest11")}
PLUGIN = () if "rekognition_local.pytest_plugin" in INSTALLED else ("-p", "rekognition_local.pytest_plugin")

TWO_TESTS = """
import os
import boto3

def test_a_collection_is_made(rekognition_endpoint):
    assert os.environ["AWS_ENDPOINT_URL_REKOGNITION"] == rekognition_endpoint
    boto3.client("rekognition").create_collection(CollectionId="staff")
    open("first", "w").write(rekognition_endpoint)

def test_another_test_does_not_see_it(rekognition_endpoint):
    assert boto3.client("rekognition").list_collections()["CollectionIds"] == []
    assert open("first").read() == rekognition_endpoint

def test_the_environment_is_as_before():
    assert "AWS_ENDPOINT_URL_REKOGNITION" not in os.environ
    assert os.environ["AWS_PROFILE"] == "somebody"
"""


def documented_example() -> str:
    """The first Python block after the heading about pytest in the documentation."""
    page = (ROOT / "docs" / "rekognition.md").read_text()
    block = re.search(r"## In tests.*?```python\n(.*?)```", page, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.mark.slow
def test_tests_share_a_server_but_no_collection_and_no_environment(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.delenv("AWS_ENDPOINT_URL_REKOGNITION", raising=False)
    pytester.makepyfile(test_two=TWO_TESTS, test_documented=documented_example())

    done = pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider")

    done.assert_outcomes(passed=4)


def test_the_plugin_imports_only_pytest_until_a_fixture_is_used() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import rekognition_local.pytest_plugin;"
        "print({name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )

    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "{'rekognition_local'}"


@pytest.mark.slow
def test_answers_are_declared_for_one_test_and_faults_in_them_are_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        """
        import boto3, pytest

        def test_declared(rekognition_answers):
            rekognition_answers({"operation": "ListCollections", "answer": {"CollectionIds": ["staff"]}})
            assert boto3.client("rekognition").list_collections()["CollectionIds"] == ["staff"]

        def test_forgotten(rekognition_endpoint):
            assert boto3.client("rekognition").list_collections()["CollectionIds"] == []

        def test_refused(rekognition_answers):
            with pytest.raises(ValueError, match="no member Names"):
                rekognition_answers({"operation": "ListCollections", "answer": {"Names": []}})
        """
    )

    done = pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider")

    done.assert_outcomes(passed=3)
