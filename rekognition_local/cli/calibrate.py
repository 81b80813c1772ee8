"""The command that finds out what the scores of a user's own recogniser mean."""

from pathlib import Path
from typing import Annotated

import typer

from rekognition_local.cli import options
from rekognition_local.engine import Engine, EngineSettings
from rekognition_local.engine.faces.calibration import CalibrationError
from rekognition_local.engine.faces.calibration import calibrate as calibrated
from rekognition_local.engine.images import ImageError
from rekognition_local.engine.weights.carriers import ModelError


def calibrate(
    photographs: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder with a folder of photographs per person.")
    ],
    recogniser: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The ONNX file (ArcFace-style, 112 px).")
    ],
    recogniser_channels: options.RecogniserChannels = "RGB",
    detector: options.DetectorFile = None,
) -> None:
    """Fit the similarity of your own recogniser: 80 for one stranger in a thousand, 99 for one in ten thousand.

    Prints the two options for `rekognition-local`. Needs some 450 persons.
    """
    settings = EngineSettings(recogniser=recogniser, recogniser_channels=recogniser_channels, detector=detector)
    try:
        found = calibrated(Engine.load(settings), photographs)
    except (CalibrationError, ModelError, ImageError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"--similarity-middle {found.middle:.4f} --similarity-slope {found.slope:.2f}")
    typer.echo(f"From {found.pairs} pairs of different persons.", err=True)
