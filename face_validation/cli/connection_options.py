"""The flags that every command which asks the API has in common."""

import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from face_validation.cli.output import leave_with
from face_validation.client.errors import FaceValidationError, Language, SettingsError
from face_validation.client.folders import is_utf8, printable
from face_validation.client.profiles import Connection, open_to_others

PANEL = "Connection"
# Of `validate`: paths, unless --keys says otherwise.
FILE_ARGUMENTS = frozenset({"source", "target"})


class ConnectedCommand(TyperCommand):
    """A Typer command with the connection flags; they lead to the `Connection` that its function finds in the context.

    Each flag may come from the environment or a profile instead. The secret has no flag, because a command's flags are
    seen by every user of the machine and kept by the shell: it comes from a file, the environment or a profile.
    """

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        self._flags = _options()
        super().__init__(*args, params=[*(params or ()), *self._flags.params], **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Find the connection, then run the command's function."""
        chosen = {flag.name: ctx.params.pop(flag.name) for flag in self._flags.params}
        try:
            check_texts(**{name: value for name, value in (chosen | ctx.params).items() if name not in FILE_ARGUMENTS})
            ctx.obj = self._flags.callback(**chosen)
            return super().invoke(ctx)
        except FaceValidationError as error:
            language: Language = "es" if ctx.params.get("language") == "es" else "en"
            raise leave_with(error, as_json=bool(ctx.params.get("as_json")), language=language) from error


def connection_of(context: typer.Context) -> Connection:
    """The connection that a `ConnectedCommand`'s flags lead to."""
    connection: Connection = context.obj
    return connection


@cache
def _options() -> Any:
    """A command that has the connection flags and gives the connection: Typer reads both from `_connection`."""
    reader = typer.Typer(add_completion=False)
    reader.command()(_connection)
    return typer.main.get_command(reader)


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
        typer.Option(help="A name in the profile file, or a local stack's --info file.", rich_help_panel=PANEL),
    ] = None,
    api_url: Annotated[
        str | None, typer.Option("--api-url", "--api", help="The API's address, with its stage.", rich_help_panel=PANEL)
    ] = None,
    token_url: Annotated[str | None, typer.Option(help="The token endpoint's address.", rich_help_panel=PANEL)] = None,
    client_id: Annotated[str | None, typer.Option(help="The app client's id.", rich_help_panel=PANEL)] = None,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(help="File with the app client's secret; - reads it from stdin.", rich_help_panel=PANEL),
    ] = None,
    source_bucket: Annotated[str | None, typer.Option(help="Bucket of sources.", rich_help_panel=PANEL)] = None,
    target_bucket: Annotated[str | None, typer.Option(help="Bucket of targets.", rich_help_panel=PANEL)] = None,
    s3_endpoint: Annotated[str | None, typer.Option(help="An S3 outside of AWS.", rich_help_panel=PANEL)] = None,
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
