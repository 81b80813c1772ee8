"""The command line `face-validation`: ask about two photographs, and everything around it."""

import importlib.metadata
import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from face_validation.cli import evaluation, jobs, liveness, local, people, validation, verifier
from face_validation.cli.connection_options import ConnectedCommand
from face_validation.cli.output import ExitCode, leave_with
from face_validation.client.errors import FaceValidationError

# What a command needs beyond the client: the extra of the package to install.
EXTRAS = {
    "compare": "evaluation",
    "demo": "local",
    "evaluate": "evaluation,local",
    "identify": "evaluation,local",
    "local": "local",
    "verifier": "verifier",
}


class ExitCodes(TyperGroup):
    """Leaves with the promised codes: 1 and 2 mean "no match" and "refused", so no mishap may leave with them."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the arguments; after a usage error the request has failed."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A file's name may be any bytes: they are shown, as \\xe9, rather than end the command.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except typer.TyperException as error:
            error.exit_code = ExitCode.REQUEST_FAILED
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; every unexpected end is a request that failed."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except typer.TyperException as error:
            error.exit_code = ExitCode.REQUEST_FAILED
            raise
        except typer.Abort as error:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(ExitCode.REQUEST_FAILED) from error
        except FaceValidationError as error:
            raise leave_with(error) from error
        except Exception as error:  # Python would leave with 1, "no match"
            if (told := _told(error, ctx.invoked_subcommand)) is not None:
                typer.secho(told, fg="red", err=True)
            else:  # a mistake of ours
                from rich.console import Console

                Console(stderr=True, emoji=False).print_exception(show_locals=False)
            raise typer.Exit(ExitCode.REQUEST_FAILED) from error


def _told(error: Exception, command: str) -> str | None:
    if isinstance(error, ImportError):
        return (
            f"This command needs {error.name}, which is not installed: pip install "
            f"'face-validation[{EXTRAS.get(command, 'all')}]' (in a checkout: make setup), then try again."
        )
    return f"{error.filename or 'A file'}: {error.strerror or error}" if isinstance(error, OSError) else None


app = typer.Typer(
    name="face-validation",
    cls=ExitCodes,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Exit codes: 0 match (or done), 1 no match, 2 refused by the service, 3 request failed.",
)


def _print_version(asked: bool) -> None:
    if asked:
        try:
            installed = importlib.metadata.version("face-validation")
        except importlib.metadata.PackageNotFoundError:
            installed = "(a checkout that is not installed)"
        typer.echo(f"face-validation {installed}")
        raise typer.Exit


@app.callback()
def face_validation(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Do two images show the same person?

    The commands call the local stack or a deployed API. Each setting is taken from the first of these that has it: a
    flag, an environment variable (FACE_VALIDATION_API_URL and so on), a profile, the local stack on this machine
    (`face-validation local --background` starts one). The commands print on standard error which service they call.
    """


for _command in (*validation.COMMANDS, *people.COMMANDS):
    app.command(cls=ConnectedCommand)(_command)
app.command("forget", cls=ConnectedCommand, hidden=True)(people.erase)  # the name until 0.1
for _alone in (evaluation.evaluate, evaluation.compare, evaluation.identify, local.local, local.stop, local.demo):
    app.command()(_alone)
for _group in (liveness.app, verifier.app, jobs.app):
    app.add_typer(_group)


if __name__ == "__main__":
    app()
