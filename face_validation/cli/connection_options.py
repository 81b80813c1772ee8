"""The flags that commands have in common: all connection flags, and how a number from 0 to 100 is given."""

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand

from face_validation.cli.output import leave_with
from face_validation.client.errors import FaceValidationError, Language, SettingsError
from face_validation.client.folders import is_utf8, printable
from face_validation.client.profiles import Connection, open_to_others

# Of `validate`: paths, unless --keys says otherwise.
FILE_ARGUMENTS = frozenset({"source", "target"})


class ConnectedCommand(TyperCommand):
    """A Typer command with the connection flags; they lead to the `Connection` that its function finds in the context.

    Each flag may come from the environment or a profile instead. The secret has no flag, because a command's flags are
    seen by every user of the machine and kept by the shell: it comes from a file, the environment or a profile.
    """

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        reader = typer.Typer(add_completion=False)
        reader.command()(_flags)
        self._flags = typer.main.get_command(reader).params
        super().__init__(*args, params=[*(params or ()), *self._flags], **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Find the connection, then run the command's function."""
        chosen = {flag.name: ctx.params.pop(flag.name) for flag in self._flags}
        try:
            check_texts(**{name: value for name, value in (chosen | ctx.params).items() if name not in FILE_ARGUMENTS})
            ctx.obj = _connected(**chosen)
            return super().invoke(ctx)
        except FaceValidationError as error:
            language: Language = "es" if ctx.params.get("language") == "es" else "en"
            raise leave_with(error, as_json=bool(ctx.params.get("as_json")), language=language) from error


def connection_of(context: typer.Context) -> Connection:
    """The connection that a `ConnectedCommand`'s flags lead to."""
    return cast("Connection", context.obj)


def check_texts(**texts: object) -> None:
    """What is sent as text must be text, a shell passes any bytes on; SettingsError names the first that is not."""
    for name, value in texts.items():
        if isinstance(value, str) and not is_utf8(value):
            called = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise SettingsError(f"{called} is '{printable(value)}', which is not UTF-8.")


def percent(text: str, *names: str) -> Any:
    """An option that takes 0 to 100."""
    return typer.Option(*names, min=0, max=100, help=text)


def _flag(text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel="Connection")


def _flags(
    profile: Annotated[str | None, _flag("A name in the profile file, or a local stack's --info file.")] = None,
    api_url: Annotated[str | None, _flag("The API's address, with its stage.", "--api-url", "--api")] = None,
    token_url: Annotated[str | None, _flag("The token endpoint's address.")] = None,
    client_id: Annotated[str | None, _flag("The app client's id.")] = None,
    client_secret_file: Annotated[
        Path | None, _flag("File with the app client's secret; - reads it from stdin.")
    ] = None,
    source_bucket: Annotated[str | None, _flag("Bucket of sources.")] = None,
    target_bucket: Annotated[str | None, _flag("Bucket of targets.")] = None,
    s3_endpoint: Annotated[str | None, _flag("An S3 outside of AWS.")] = None,
    region: Annotated[str | None, _flag("The buckets' region.")] = None,
) -> None:
    """The connection flags, for Typer to read."""


def _connected(profile: str | None, client_secret_file: Path | None, **settings: str | None) -> Connection:
    exposed = open_to_others(profile)
    if exposed is not None:
        warning = f"Warning: other users can read the secret in {exposed}: chmod 600 {exposed}"
        typer.secho(warning, fg="yellow", err=True)
    connection = Connection.resolve(profile, client_secret=_secret(client_secret_file), **settings)
    typer.secho(f"Service: {connection.api_url} ({connection.origin})", dim=True, err=True)
    return connection


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
