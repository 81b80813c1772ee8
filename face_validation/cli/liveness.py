"""`face-validation liveness`: sessions in which a living person proves to be there; on this machine, declared ones."""

import base64
from pathlib import Path
from typing import Annotated, Literal

import typer

from face_validation.cli.connection_options import ConnectedCommand, check_texts, connection_of, percent
from face_validation.cli.output import print_json
from face_validation.client.errors import RequestError, SettingsError
from face_validation.client.profiles import running_stack

# Rekognition's limit for the image of a session.
MOST_BYTES = 204_800

app = typer.Typer(name="liveness", help=__doc__, no_args_is_help=True)


# What can become of a session.
Status = Literal["CREATED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "EXPIRED"]


@app.command(cls=ConnectedCommand)
def create(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The trusted image, which is uploaded.")],
    key: Annotated[bool, typer.Option("--key", help="SOURCE is the key of an image in the source bucket.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the session as JSON.")] = False,
) -> None:
    """Create a session for one validation with SOURCE, and print the next step.

    Show its id to the app that streams the video (docs/liveness.md), then ask `validate KEY --liveness SESSION`.
    """
    with connection_of(context).client() as client:
        if key:
            check_texts(SOURCE=source)
        elif not Path(source).is_file():
            raise typer.BadParameter(f"{source} is not a file. For an image in its bucket, say --key.")
        path = source if key else client.upload(Path(source), "source")
        session = client.create_liveness_session(path)
    if as_json:
        print_json({"source_path": path, "session_id": session.session_id, "expires_at": session.expires_at})
        return
    typer.echo(f"Session {session.session_id}, until {session.expires_at}, in {session.region}")
    if stack := running_stack():
        typer.echo(f"Declare its outcome: {stack['rekognition_endpoint']}/liveness?session={session.session_id}")
    typer.echo(f"Then: face-validation validate {path} --liveness {session.session_id} --type FACE_TO_FACE")


@app.command()
def declare(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="The id that `liveness create` printed.")],
    picture: Annotated[
        Path | None, typer.Argument(metavar="PICTURE", exists=True, dir_okay=False, help="Its reference image.")
    ] = None,
    status: Annotated[Status, typer.Option(help="What becomes of the session.")] = "SUCCEEDED",
    confidence: Annotated[float, percent("That a living person was there.")] = 97.0,
    feedback: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="E.g. LOW_LIGHTING_DETECTED; again for more.")
    ] = None,
) -> None:
    """Say what becomes of a session of the local stack: there is no video here, and nothing is detected."""
    import httpx

    stack = running_stack()
    if stack is None:
        raise SettingsError("No local stack runs here: outcomes are declared on this machine alone.")
    outcome: dict[str, object] = {"SessionId": session, "Status": status}
    if status == "SUCCEEDED":
        outcome["Confidence"] = confidence
        if feedback:
            outcome["Feedback"] = [{"Code": code, "Message": code} for code in feedback]
        if picture is not None:
            outcome["ReferenceImage"] = {"Bytes": base64.b64encode(_image_within(picture)).decode()}
    told = httpx.post(f"{stack['rekognition_endpoint']}/liveness", json=outcome, trust_env=False)
    if not told.is_success:
        raise RequestError("The outcome is not valid.", details=str(told.json()["refused"]))
    typer.echo(f"Declared: {status}")


def _image_within(picture: Path) -> bytes:
    """The picture as a JPG that a session can answer."""
    from face_validation.client.image_preparation import prepare  # here: Pillow is for this alone

    for longest_side in (1280, 960, 640, 320):
        content = prepare(picture, longest_side=longest_side).content
        if len(content) <= MOST_BYTES:
            return content
    raise RequestError("The picture is too large.", details=f"{picture} has more than {MOST_BYTES} bytes as a JPG.")
