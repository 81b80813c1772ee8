"""`face-validation local`: everything on this machine until Ctrl-C."""

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.local import demo
from face_validation.local.enrolled_people import enrol_folder
from face_validation.local.gateway.api_gateway import DEFAULT_BURST, DEFAULT_RATE, Throttle
from face_validation.local.samples.questions import SAMPLES
from face_validation.local.signals import stopped_by_signals
from face_validation.local.stack import LocalStack

DEFAULT_DATA = Path("data")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.command()
def local(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API and the page; 0 picks a free one.")] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="The images in its source/ and target/ go into the buckets, their paths as keys. Default: ./data.",
        ),
    ] = None,
    info: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write addresses and credentials here as JSON once everything is ready; removed at the end.",
        ),
    ] = None,
    show_demo: Annotated[
        bool, typer.Option("--demo", help="First ask the sample questions and show the answers, then keep serving.")
    ] = False,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        typer.Option(case_sensitive=False, help="Of the function's log, one JSON line for each validation at INFO."),
    ] = "INFO",
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second before the API answers 429.")] = DEFAULT_RATE,
    burst: Annotated[int, typer.Option(min=1, help="Requests at once before the API answers 429.")] = DEFAULT_BURST,
) -> None:
    """The whole service on this machine, without an AWS account: nothing leaves 127.0.0.1.

    **What starts:** S3 and a Cognito user pool (moto), Amazon Rekognition's protocol over real face models
    (rekognition_local), `POST /oauth2/token`, the API at `/dev/validation` behind the token check that it has on AWS,
    running the very Lambda handler that is deployed, and a page to try it all at `/`.

    **Try it:** open the page, or copy the curl commands; both are printed once everything is ready. Or, from a second
    terminal, with two pictures of your own:

        face-validation local --info stack.json

        face-validation validate passport.jpg selfie.jpg --type ID_TO_FACE --profile stack.json

    **Your own images:** `data/source/anna.jpg` becomes the key `anna.jpg` of the source bucket, and every photo in
    `data/faces/Ana García/` is enrolled as hers.

    Everything is in memory and gone after Ctrl-C.
    """
    console = Console()
    folder = data or (DEFAULT_DATA if DEFAULT_DATA.is_dir() else None)
    stack = LocalStack(port, folder, log_level="ERROR" if show_demo else log_level, throttle=Throttle(rate, burst))
    try:
        if info is not None:
            info.unlink(missing_ok=True)
        with stopped_by_signals() as ending:
            console.print("Starting S3, Cognito, the face models and the API on 127.0.0.1 ...", style="dim")
            with stack:
                if folder is not None and (folder / "faces").is_dir():
                    with demo.client_of(stack.info) as client:
                        enrol_folder(client, folder / "faces", console)
                announce(stack, info, console, show_demo=show_demo)
                ending.wait()
    except KeyboardInterrupt:
        console.print("Stopped.", style="dim")
    except (OSError, RuntimeError) as error:
        reason = escape(_reason(error, port))
        stderr = Console(stderr=True, highlight=False, soft_wrap=True)
        stderr.print(f"[red]The local stack cannot start:[/] {reason}")
        raise typer.Exit(1) from error
    finally:
        if info is not None:
            with suppress(OSError):
                info.unlink()


def announce(stack: LocalStack, info: Path | None, console: Console, *, show_demo: bool) -> None:
    """Put the sample images into the buckets, show the demo if asked to, and say what is where."""
    stack.put_samples()
    if show_demo:
        demo.show(stack.info, demo.FOLDER, console)
    if info is not None:
        info.parent.mkdir(parents=True, exist_ok=True)
        stack.info.write(info)
    _print_addresses(stack, info, console)


def _print_addresses(stack: LocalStack, info: Path | None, console: Console) -> None:
    found = stack.info
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {
        "Page": stack.page_url,
        "Docs": f"{stack.page_url}docs",
        "API": f"{found.api_url}/validation",
        "Tokens": found.token_url,
        "Client id": found.client_id,
        "Client secret": f"{found.client_secret}  (of this run only)",
        "S3": found.s3_endpoint,
        "Source bucket": _bucket(found.source_bucket, stack.images["source"]),
        "Target bucket": _bucket(found.target_bucket, stack.images["target"]),
        "Rekognition": found.rekognition_endpoint,
        "Health": f"{stack.page_url}healthz",
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/]", value)
    console.print()
    console.print(table, highlight=False, soft_wrap=True)
    console.print("\n[bold]Ask it[/] (the sample images are in the buckets already):\n")
    # Plain print: Rich would wrap the lines, and they are for copying.
    print(curl(stack))
    command = f"{_command()} validate passport.jpg selfie.jpg --type ID_TO_FACE --annotate seen.png --profile"
    console.print("\n[bold]With pictures of your own[/]" + ("" if info else " (start with --info stack.json)") + ":\n")
    print(f"{command} {info or 'stack.json'}")
    console.print(f"\nReady after {stack.start_s:.1f} s. Open [bold]{stack.page_url}[/] or press Ctrl-C to stop.")


def curl(stack: LocalStack) -> str:
    """Two commands for a shell: a token, then one validation of sample images."""
    found, sample = stack.info, SAMPLES[0]
    question = {
        "type": sample.type,
        "source_path": f"samples/{sample.source}.jpg",
        "target_path": f"samples/{sample.target}.jpg",
    }
    return (
        f"TOKEN=$(curl -s {found.token_url} -d grant_type=client_credentials -d scope=face-detection/write \\\n"
        f"  -d client_id={found.client_id} -d client_secret={found.client_secret} \\\n"
        """  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')\n"""
        f'curl -s {found.api_url}/validation -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' -d '{json.dumps(question)}'"
    )


def _command() -> str:
    """How this shell starts `face-validation`: by its name alone where that is found, else by its path."""
    beside = Path(sys.executable).with_name("face-validation")
    if shutil.which("face-validation") or not beside.exists():
        return "face-validation"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def _bucket(name: str, images: int) -> str:
    return f"{name}  ({images} image{'' if images == 1 else 's'} of yours)" if images else name


def _reason(error: Exception, port: int) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, OSError) and error.errno is not None:
        return f"port {port}: {error.strerror}. --port 0 picks a free one."
    return str(error)


if __name__ == "__main__":
    app()
