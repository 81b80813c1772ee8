"""The packages keep their layers: who imports whom, who reads the environment, where SQL stands, what `utils` holds."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from face_validation_function.lambda_function import OPERATIONS
from face_validation_function.routes import RESOURCE_SERVER, VALIDATION_ROUTES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "face_validation_function"


def modules() -> Iterator[Path]:
    return PACKAGE.rglob("*.py")


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports anywhere in its text."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.slow
def test_every_import_contract_is_kept() -> None:
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        pytest.param("boto3", {"integrations"}, id="boto3"),
        pytest.param("botocore", {"integrations"}, id="botocore"),
        pytest.param("PIL", {"image_processing.py", "image_pixels.py", "quality"}, id="pillow"),
        pytest.param("pydantic", {"validations", "contract"}, id="pydantic"),
    ],
)
def test_a_library_has_one_home(package: str, homes: set[str]) -> None:
    users = {path.relative_to(PACKAGE) for path in modules() if package in imported(path)}

    assert users
    assert {path for path in users if not homes & set(path.parts)} == set()


def test_settings_alone_reads_the_environment() -> None:
    readers = {path.name for path in modules() if "environ" in path.read_text() and "os" in imported(path)}

    assert readers == {"settings.py"}


def test_utils_holds_exactly_three_modules() -> None:
    assert {path.name for path in (PACKAGE / "utils").glob("*.py")} == {
        "__init__.py",
        "image_processing.py",
        "logging_config.py",
        "response_utils.py",
    }


def test_routes_and_operations_are_the_same() -> None:
    assert {route.operation for route in VALIDATION_ROUTES} == set(OPERATIONS)


def test_every_route_asks_for_a_scope_of_this_service() -> None:
    assert all(route.scope.startswith(f"{RESOURCE_SERVER}/") for route in VALIDATION_ROUTES)
    assert len({(route.method, route.resource) for route in VALIDATION_ROUTES}) == len(VALIDATION_ROUTES)


def test_importing_the_handler_does_no_work() -> None:
    """No client, no environment, no print: a variable that is missing is told to a caller, not to the importer."""
    code = (
        "import socket, os; os.environ.pop('SOURCE_BUCKET', None)\n"
        "def refuse(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        "import face_validation_function.lambda_function\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_handler_imports_nothing_that_its_pins_do_not_hold() -> None:
    pinned = (ROOT / "requirements" / "function.txt").read_text()
    names = {"PIL": "pillow", "aws_lambda_powertools": "aws-lambda-powertools", "pydantic_core": "pydantic-core"}
    outside = {
        name
        for path in modules()
        for name in imported(path)
        if name not in sys.stdlib_module_names and name != "face_validation_function"
    }

    assert {name for name in outside if f"\n{names.get(name, name)}==" not in pinned} == set()


def test_sql_stands_in_the_storage_alone() -> None:
    statement = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|ORDER BY)\b", re.DOTALL)
    package = ROOT / "rekognition_local"
    outside = [path for path in package.rglob("*.py") if "storage" not in path.relative_to(package).parts]

    speaking = {
        path.name
        for path in outside
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.search(node.value)
    }

    assert speaking == set()
    assert {path.name for path in outside if "sqlite3" in imported(path)} == set()
