"""What the local stack prints once everything is ready: where everything is, and commands to copy."""

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from face_validation.client.api import ADMIN, READ, WRITE
from face_validation.client.profiles import running_stack_file
from face_validation.local import demo
from face_validation.local.samples.questions import SAMPLES
from face_validation.local.stack import LocalStack


def announce(stack: LocalStack, info: Path | None, console: Console, *, show_demo: bool) -> None:
    """Put the sample images into the buckets, show the demo if asked to, and say what is where."""
    stack.put_samples()
    if show_demo:
        try:
            demo.show(stack.info, demo.FOLDER, console)
        except OSError as error:
            console.print(
                f"[yellow]The demonstration is left out:[/] {error.filename}: {error.strerror}. The stack serves."
            )
    for path in (info, running_stack_file()):
        if path is not None:
            stack.info.write(path)
    _print_addresses(stack, console)


def remove_info(info: Path | None) -> None:
    """Remove the files that `announce` wrote; the file of another stack, started later, is left."""
    with suppress(OSError):
        if info is not None:
            info.unlink()
    running = running_stack_file()
    with suppress(OSError, ValueError):
        if json.loads(running.read_text("utf-8"))["pid"] == os.getpid():
            running.unlink()


def _print_addresses(stack: LocalStack, console: Console) -> None:
    found = stack.info
    for reason in stack.left_out:
        console.print(f"[yellow]Left out:[/] {escape(reason)}.", highlight=False, soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {
        "Page": stack.page_url,
        "Docs": f"{stack.page_url}docs",
        "API": found.api_url,
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
    # Not by the console: Rich would wrap the lines, and they are for copying.
    sys.stdout.write(curl(stack) + "\n")
    console.print("\n[bold]With pictures of your own[/], from a second terminal:\n")
    sys.stdout.write(f"{_command()} validate passport.jpg selfie.jpg --type ID_TO_FACE --annotate seen.png\n")
    console.print(f"\nReady after {stack.start_s:.1f} s. Open [bold]{stack.page_url}[/] or press Ctrl-C to stop.")


def curl(stack: LocalStack) -> str:
    """Commands for a shell: the API's address and a token for everything, then one validation of sample images."""
    found, sample = stack.info, SAMPLES[0]
    question = {
        "type": sample.type,
        "source_path": f"samples/{sample.source}.jpg",
        "target_path": f"samples/{sample.target}.jpg",
    }
    scopes = " ".join((READ, WRITE, ADMIN))
    return (
        f"export API_URL={found.api_url}\n"
        f"export TOKEN=$(curl -s {found.token_url} -d grant_type=client_credentials -d 'scope={scopes}' \\\n"
        f"  -d client_id={found.client_id} -d client_secret={found.client_secret} \\\n"
        """  | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')\n"""
        'curl -s "$API_URL/validation" -H "Authorization: Bearer $TOKEN" \\\n'
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
