"""The commands about enrolled people: `enrol`, `search`, `people` and `erase`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from face_validation.cli.connection_options import connection_of
from face_validation.cli.output import ExitCode, print_json
from face_validation.client.validation_result import DEFAULT_THRESHOLD


def enrol(
    context: typer.Context,
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Shows the person alone.")
    ],
    full_name: Annotated[str, typer.Option(help="The person's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the enrolled face as JSON.")] = False,
) -> None:
    """Make a person findable by `search`; several photos of a person improve it."""
    with connection_of(context).client() as client:
        face = client.people.enrol(photo, full_name)
    if as_json:
        print_json(asdict(face))
    else:
        typer.echo(f"{face.full_name}: face {face.face_id} ({face.confidence:.0f} % sure it is one)")


def search(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Who is in it?")],
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Found from this similarity on.")
    ] = DEFAULT_THRESHOLD,
    max_faces: Annotated[int, typer.Option(min=1, max=100, help="The most people to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Who of the enrolled people is in a photo? Leaves with 0 when somebody was found, with 1 when nobody."""
    with connection_of(context).client() as client:
        result = client.people.search(photo, threshold=threshold, max_faces=max_faces)
    if as_json:
        print_json(asdict(result))
    else:
        for match in result.matches:
            typer.echo(f"{match.full_name}  similarity {match.similarity:.2f}")
        if not result.found:
            typer.echo(f"Nobody from similarity {threshold:g} on.")
    raise typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


def people(
    context: typer.Context,
    full_name: Annotated[str | None, typer.Option(help="Only this person's faces.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the faces as JSON.")] = False,
) -> None:
    """List the enrolled faces."""
    with connection_of(context).client() as client:
        faces = list(client.people.faces(full_name))
    if as_json:
        print_json([asdict(face) for face in faces])
        return
    for face in faces:
        typer.echo(f"{face.full_name}  {face.face_id}  {face.enrolled_at}")
    if not faces:
        typer.echo("Nobody is enrolled." if full_name is None else f"{full_name} is not enrolled.", err=True)


def erase(
    context: typer.Context,
    full_name: Annotated[str | None, typer.Option(help="Erase all of this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Erase this face alone.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person, or one face: from the collection, the table and every version of the photos."""
    if (full_name is None) == (face_id is None):
        raise typer.BadParameter("Say --full-name or --face-id, one of the two.")
    if not yes:
        typer.confirm(f"Erase {full_name or face_id} for good?", abort=True)
    with connection_of(context).client() as client:
        erased = client.people.erase_person(full_name) if full_name else client.people.erase_face(face_id or "")
    typer.echo(f"Erased: {erased.faces} faces, {erased.photo_versions} photo versions, {erased.rows} rows.")
    if not (erased.faces or erased.photo_versions or erased.rows):
        typer.echo("Nothing was there to erase. `people` lists who is enrolled.", err=True)
