"""The commands that run the whole service on this machine: `local`, `stop` and `demo`."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from face_validation.cli.output import say
from face_validation.local.gateway.throttle import DEFAULT_BURST, DEFAULT_RATE, Throttle

DEFAULT_DATA, DEMO_FOLDER = Path("data"), Path("results/demo")
STARTING = "Starting S3, Cognito, the face models and the API on 127.0.0.1 ..."


def local(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 chooses a free port.")] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with source/ and target/, whose images go into the buckets. Default: ./data.",
        ),
    ] = None,
    info: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write addresses and credentials to this JSON file when everything is ready; removed at the end.",
        ),
    ] = None,
    show_demo: Annotated[
        bool, typer.Option("--demo", help="First send the sample requests and show the answers, then keep running.")
    ] = False,
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        typer.Option(case_sensitive=False, help="Level of the log; INFO writes one JSON line for each validation."),
    ] = "INFO",
    background: Annotated[
        bool, typer.Option("--background", help="Start in the background, return when ready; `stop` stops it.")
    ] = False,
    lan: Annotated[
        bool,
        typer.Option(
            "--lan", help="Also serve the page, and nothing else, to a phone on this network: TLS and a QR code."
        ),
    ] = False,
    listen: Annotated[
        str, typer.Option(help="Address that API and S3 listen on; 0.0.0.0 in a container whose ports are published.")
    ] = "127.0.0.1",
    s3_port: Annotated[int, typer.Option(min=0, max=65535, help="Of S3; 0 picks a free one.")] = 0,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second before the API answers 429.")] = DEFAULT_RATE,
    burst: Annotated[int, typer.Option(min=1, help="Requests at once before the API answers 429.")] = DEFAULT_BURST,
) -> None:
    """Run the whole service on this machine, without an AWS account. It uses 127.0.0.1 only, unless `--lan` is given.

    **What starts:** S3 and a Cognito user pool (moto), a server with Amazon Rekognition's protocol and real face models
    (rekognition_local), `POST /oauth2/token`, the API at `/dev/validation` with the same Lambda handler and token check
    as on AWS, and at `/` a page to try two images.

    **Try it:** open the page, or copy the commands; both are printed when everything is ready. Other commands find the
    stack:

        face-validation local --background

        face-validation validate passport.jpg selfie.jpg --type ID_TO_FACE

        face-validation stop

    **Your own images:** `data/source/anna.jpg` gets the key `anna.jpg` in the source bucket. Every photo in
    `data/faces/Ana García/` is enrolled under this name.

    **A phone as the camera:** `face-validation local --lan` shows a QR code. It opens the page on one phone of your
    network; the API, its tokens and everything else stay on 127.0.0.1.

    Everything is in memory and is lost after Ctrl-C or `face-validation stop`.
    """
    if background and (listen, s3_port) != ("127.0.0.1", 0):
        raise typer.BadParameter("--listen and --s3-port are for containers: start it without --background.")
    if background and lan:
        raise typer.BadParameter("the link for the phone is shown on the terminal: start it without --background.")
    if background:
        folders = {"data": data and data.absolute(), "info": info and info.absolute()}
        _start_in_background({"port": port, "log-level": log_level, "rate": rate, "burst": burst, **folders})
        return
    from face_validation.local.announcement import announce, remove_info
    from face_validation.local.background import stopped_by_signals
    from face_validation.local.demo import client_of
    from face_validation.local.enrolled_people import enrol_folder
    from face_validation.local.lan import lan_page
    from face_validation.local.stack import LocalStack
    from rekognition_local.server.process import give_large_blocks_back

    give_large_blocks_back()  # the Lambda handler decodes images in this process
    console = Console(emoji=False)
    folder = data or (DEFAULT_DATA if DEFAULT_DATA.is_dir() else None)
    log_level = "ERROR" if show_demo else log_level
    throttle = Throttle(rate, burst)
    stack = LocalStack(port, folder, log_level=log_level, throttle=throttle, host=listen, s3_port=s3_port)
    with _saying_why("The local stack cannot start", port):
        try:
            if info is not None:
                info.unlink(missing_ok=True)
            with stopped_by_signals() as ending:
                console.print(STARTING, style="dim")
                with stack:
                    if folder is not None and (folder / "faces").is_dir():
                        with client_of(stack.info) as client:
                            enrol_folder(client, folder / "faces", console)
                    announce(stack, info, console, show_demo=show_demo)
                    with lan_page(stack.info, console) if lan else nullcontext():
                        ending.wait()
        except KeyboardInterrupt:
            console.print("Stopped.", style="dim")
        finally:
            remove_info(info)


def stop() -> None:
    """Stop the local stack on this machine, wherever it was started."""
    from face_validation.local.background import stop_running

    with _saying_why("The local stack cannot be stopped"):
        stopped = stop_running()
    typer.echo(f"Stopped the stack at {stopped['api_url']}." if stopped else "No local stack is running.")


def _start_in_background(flags: dict[str, object]) -> None:
    from face_validation.local.background import log_file, start_in_background

    arguments = [f"--{flag}={value}" for flag, value in flags.items() if value is not None]
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    console.print("Starting the local stack in the background ...", style="dim")
    with _saying_why("The local stack cannot start"):
        stack = start_in_background(arguments)
    console.print(f"[bold]API[/]   {stack['api_url']}")
    console.print(f"[bold]Page[/]  {stack['api_url'].rsplit('/', 1)[0]}/")
    console.print(f"[bold]Log[/]   {log_file()}")
    console.print("The other commands find it. `face-validation stop` stops it.")


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the answers and the annotated pictures.")] = DEMO_FOLDER,
) -> None:
    """Start everything, send the sample requests, show the answers, and stop.

    Exits with 0 when every answer is right, with 1 otherwise.
    """
    from face_validation.local.background import stopped_by_signals
    from face_validation.local.demo import show
    from face_validation.local.stack import LocalStack

    console = Console(emoji=False)
    console.print(STARTING, style="dim")
    with _saying_why("The demonstration cannot run"):
        out.mkdir(parents=True, exist_ok=True)
        with stopped_by_signals(), LocalStack(log_level="ERROR") as stack:
            console.print(f"Everything is ready on 127.0.0.1 after {stack.start_s:.1f} s.\n")
            good = show(stack.info, out, console)
    raise typer.Exit(0 if good else 1)


@contextmanager
def _saying_why(what: str, port: int | None = None) -> Iterator[None]:
    """Leave with 1 and the reason; an error of the network is about `port` where one is given."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = str(error)
        if port is not None and isinstance(error, OSError) and error.filename is not None:
            reason = f"{error.filename}: {error.strerror}."
        elif port is not None and isinstance(error, OSError) and error.errno is not None:
            reason = f"port {port}: {error.strerror}. --port 0 chooses a free port."
        say(f"[red]{what}:[/] {escape(reason)}")
        raise typer.Exit(1) from error
