"""The flags that every command which asks the API has in common."""

import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer

from face_validation.cli.output import leave_with
from face_validation.client.errors import FaceValidationError, SettingsError
from face_validation.client.folders import is_utf8, printable
from face_validation.client.profiles import Connection, open_to_others
from face_validation.client.reasons import Language

P = ParamSpec("P")
R = TypeVar("R")
PANEL = "Connection"
# Of `validate`: paths, unless --keys says otherwise.
FILE_ARGUMENTS = frozenset({"source", "target"})


def with_connection(command: Callable[Concatenate[Connection, P], R]) -> Callable[..., R]:
    """Give a Typer command the connection flags; its first argument becomes the connection they lead to.

    Each flag may come from the environment or a profile instead. The secret is no flag, since a command's flags are
    seen by every user of the machine and kept by the shell: it comes from a file, the environment or a profile.
    """

    @functools.wraps(command)
    def connected(*args: Any, **kwargs: Any) -> R:
        chosen = {name: kwargs.pop(name) for name in _FLAGS}
        try:
            check_texts(**chosen, **{name: value for name, value in kwargs.items() if name not in FILE_ARGUMENTS})
            return command(_connection(**chosen), *args, **kwargs)
        except FaceValidationError as error:
            language: Language = "es" if kwargs.get("language") == "es" else "en"
            raise leave_with(error, as_json=bool(kwargs.get("as_json")), language=language) from error

    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]
    shared = inspect.signature(_connection, eval_str=True).parameters
    # Typer reads a command's flags from its signature and its annotations.
    parameters = [*own, *(shared[name] for name in _FLAGS)]
    # `inspect.signature` reads this attribute of any function (PEP 362); typeshed declares it for none.
    connected.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    connected.__annotations__ = {item.name: item.annotation for item in parameters} | {
        "return": signature.return_annotation
    }
    return connected


def check_texts(**texts: object) -> None:
    """What is sent as text must be text: a shell passes any bytes on. Paths may be anything.

    Raises:
        SettingsError: names the first that is not, with its bytes.
    """
    for name, value in texts.items():
        if isinstance(value, str) and not is_utf8(value):
            called = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise SettingsError(f"{called} is '{printable(value)}', which is not UTF-8.")


def _connection(
    profile: Annotated[
        str | None,
        typer.Option(help="Name in the profile file, or the local stack's --info file.", rich_help_panel=PANEL),
    ] = None,
    api_url: Annotated[
        str | None, typer.Option("--api-url", "--api", help="The API with its stage.", rich_help_panel=PANEL)
    ] = None,
    token_url: Annotated[str | None, typer.Option(help="The token endpoint.", rich_help_panel=PANEL)] = None,
    client_id: Annotated[str | None, typer.Option(help="The app client.", rich_help_panel=PANEL)] = None,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(help="File with the app client's secret; - reads it from stdin.", rich_help_panel=PANEL),
    ] = None,
    source_bucket: Annotated[str | None, typer.Option(help="Where sources go.", rich_help_panel=PANEL)] = None,
    target_bucket: Annotated[str | None, typer.Option(help="Where targets go.", rich_help_panel=PANEL)] = None,
    s3_endpoint: Annotated[str | None, typer.Option(help="An S3 that is not AWS's.", rich_help_panel=PANEL)] = None,
    region: Annotated[str | None, typer.Option(help="The buckets' region.", rich_help_panel=PANEL)] = None,
) -> Connection:
    exposed = open_to_others(profile)
    if exposed is not None:
        typer.secho(
            f"Warning: other users can read the secret in {exposed}: chmod 600 {exposed}", fg="yellow", err=True
        )
    connection = Connection.resolve(
        profile,
        api_url=api_url,
        token_url=token_url,
        client_id=client_id,
        client_secret=_secret(client_secret_file),
        source_bucket=source_bucket,
        target_bucket=target_bucket,
        s3_endpoint=s3_endpoint,
        region=region,
    )
    typer.secho(f"Service: {connection.api_url} ({connection.origin})", dim=True, err=True)
    return connection


_FLAGS = tuple(inspect.signature(_connection).parameters)


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        secret = (sys.stdin.read() if path == Path("-") else path.read_text("utf-8")).strip()
    except OSError as error:
        raise SettingsError(f"The secret's file {path} cannot be read: {error.strerror}.") from error
    if not secret:
        raise SettingsError(f"The secret's file {path} is empty.")
    return secret
