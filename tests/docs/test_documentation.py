"""The documentation says what the code does: its tables are compared with the code, its links and commands exist."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from face_validation.cli.app import EXTRAS, app
from face_validation.cli.output import ExitCode
from face_validation_function.contract.operations import REFUSALS
from face_validation_function.exceptions import exceptions
from face_validation_function.routes import ROUTES
from face_validation_function.settings import JobsSettings, PeopleSettings, Settings
from infra.options import CustomDomain, Options, Webhook
from rekognition_local.cli import app as rekognition_app
from rekognition_local.operations.registry import OPERATIONS
from tests.docs.pages import EVERY_TEXT, PAGES, ROOT, code_words, shell_blocks, table

COMMANDS: Any = typer.main.get_command(app)
REKOGNITION_COMMANDS: Any = typer.main.get_command(rekognition_app)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_opens_with_who_needs_it(page: Path) -> None:
    if page.stem == "contributing":
        page = ROOT / "CONTRIBUTING.md"
    title, empty, reader, *_ = page.read_text("utf-8").splitlines()

    assert re.match(r"# \S", title)
    assert (empty, reader.split(" ")[0]) == ("", "For")


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda page: page.stem)
def test_links_to_files_lead_somewhere(text: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", text.read_text("utf-8"))

    missing = [link for link in links if "://" not in link and not (text.parent / link).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_links_only_to_what_the_site_holds(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))

    local = [(page.parent / link).resolve() for link in links if "://" not in link]

    assert [link for link in local if not link.is_relative_to(ROOT / "docs")] == []


def test_the_routes_are_those_of_the_api_with_their_scopes() -> None:
    documented = {code_words(route)[0]: scope for route, scope, _ in table("api.md", "## Routes")}

    assert documented == {
        f"{route.method} {route.resource}": " or ".join(scope.split("/")[1] for scope in route.scopes)
        for route in ROUTES
    }


def test_the_error_codes_are_those_of_the_contract_with_their_statuses() -> None:
    classes = vars(exceptions).values()
    own = [one() for one in classes if isinstance(one, type) and issubclass(one, exceptions.FaceValidationError)]
    codes = {(error.code, int(error.status)) for error in own if type(error) is not exceptions.FaceValidationError}
    codes |= {(refusal.code, int(refusal.status)) for refusal in REFUSALS if refusal.status is not None}

    assert {(code_words(code)[0], int(status)) for code, status, _ in table("api.md", "## Errors")} == codes


def test_the_settings_are_those_of_the_functions_with_their_defaults() -> None:
    fields = {
        field.name.upper(): field
        for kind in (JobsSettings, PeopleSettings, Settings)
        for field in dataclasses.fields(kind)
    }
    rows = table("deployment.md", "## Settings of the functions")

    assert {code_words(name)[0]: default.strip("`") for name, default, _ in rows} == {
        name: _shown(field.default) for name, field in fields.items()
    }


def _shown(default: object) -> str:
    if default is dataclasses.MISSING:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(default) if isinstance(default, tuple) else str(default)


def test_the_context_options_are_those_of_the_deployment_with_their_defaults() -> None:
    documented = {
        name: default for names, default, _ in table("deployment.md", "## Options") for name in code_words(names)
    }
    fields = {name: field.default for name, field in Options.model_fields.items()}
    domain = {"domain", *(field.name for field in dataclasses.fields(CustomDomain))} - {"name"}

    webhook = {f"jobs_webhook_{field.name}" for field in dataclasses.fields(Webhook)}
    assert fields.pop("jobs_webhook") is None
    assert set(documented) == set(fields) | domain | webhook
    for name, default in fields.items():
        shown = f"`{_shown(default)}`" if default not in {None, ()} else "none"
        assert documented[name].startswith(shown), name


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    documented = {int(code): meaning for code, meaning in table("command-line.md", "## Exit codes")}

    assert set(documented) == {int(code) for code in ExitCode}
    for code in ExitCode:
        assert documented[code].lower().startswith(code.name.lower().replace("_", " ")), code.name


def test_the_commands_are_those_of_the_command_line_with_their_extras() -> None:
    rows = table("command-line.md", "## Commands")
    documented = {code_words(name)[0]: code_words(extra) for name, _, extra in rows}

    assert set(documented) == {name for name, command in COMMANDS.commands.items() if not command.hidden}
    assert {name for name, extra in documented.items() if extra} == set(EXTRAS)
    assert all(extra[0] in EXTRAS[name] for name, extra in documented.items() if extra)


def test_the_operations_of_rekognition_are_those_that_are_built() -> None:
    rows = table("rekognition.md", "## What is answered")

    assert {name.strip() for names, _ in rows[:-1] for name in names.split(",")} == set(OPERATIONS)


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda page: page.stem)
def test_every_command_in_a_shell_block_exists_with_its_flags(text: Path) -> None:
    for block in shell_blocks(text):
        for words in block.commands("face-validation"):
            _assert_known(COMMANDS, words)
        for words in block.commands("rekognition-local"):
            _assert_known(REKOGNITION_COMMANDS, words)


def _assert_known(command: Any, words: list[str]) -> None:
    """Follow the subcommands, then look for every flag among the options of the last one."""
    while hasattr(command, "commands"):
        if not words or words[0].startswith("-"):
            break
        assert words[0] in command.commands, f"{command.name} has no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    options = {flag for option in command.params for flag in option.opts} | {"--help"}
    flags = {word.split("=")[0] for word in words if word.startswith("--")}

    assert flags <= options, f"{command.name} has no {flags - options}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for text in EVERY_TEXT
        for call in re.findall(r"`make ([a-z][a-z -]*)", text.read_text("utf-8"))
        for target in call.split()
    }

    assert named <= targets


def test_the_page_about_jobs_has_the_table_that_is_computed() -> None:
    from tests.figures.job_costs import table as computed

    assert computed() in (ROOT / "docs" / "jobs.md").read_text("utf-8")


def test_every_decision_has_its_three_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = {page.name: page.read_text("utf-8") for page in folder.glob("*.md") if page.name != "index.md"}

    for part in ("Context", "Decision", "Consequence"):
        assert [name for name, text in pages.items() if not re.search(rf"\*\*{part}|^## {part}", text, re.M)] == []
