"""The commands about enrolled people: `enrol`, `search`, `verify`, `people` and `erase`."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from face_validation.cli.connection_options import connection_of
from face_validation.cli.output import ExitCode, check_annotated, print_json
from face_validation.cli.records import reindex
from face_validation.client.people import EverybodyResult
from face_validation.client.validation_result import DEFAULT_THRESHOLD


def enrol(
    context: typer.Context,
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="A photo that shows only this person.")
    ],
    full_name: Annotated[str, typer.Option(help="The person's name.")],
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="Enrol a face that is enrolled under another name too.")
    ] = False,
    expires_at: Annotated[str | None, typer.Option(help="When the face is erased, as 2030-01-31T00:00:00Z.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the enrolled face as JSON.")] = False,
) -> None:
    """Enrol a person from a photo. Several photos of a person make searches better."""
    with connection_of(context).client() as client:
        face = client.people.enrol(photo, full_name, allow_duplicate=allow_duplicate, expires_at=expires_at)
    if as_json:
        print_json(asdict(face))
    else:
        typer.echo(f"{face.full_name}: face {face.face_id} (confidence {face.confidence:.0f} %)")
        if face.possible_duplicate:
            typer.echo("A search finds this face under another name too: check who it is.", err=True)


def search(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="The photo to search.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="The lowest similarity that counts as found.")
    ] = DEFAULT_THRESHOLD,
    max_faces: Annotated[int, typer.Option(min=1, max=100, help="The largest number of people to name.")] = 5,
    everybody: Annotated[
        bool, typer.Option("--all", help="Search for every face in the photo, the largest first; each costs a search.")
    ] = False,
    max_searched: Annotated[int, typer.Option(min=1, max=50, help="With --all: most faces to search for.")] = 10,
    annotate: Annotated[
        Path | None, typer.Option(help="With --all: write the photo, with names at the faces, to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find the enrolled people in a photo. Exits with 0 when somebody was found, with 1 when nobody was."""
    if annotate is not None:
        if not everybody:
            raise typer.BadParameter("It needs --all.", param_hint="--annotate")
        check_annotated(annotate)
    with connection_of(context).client() as client:
        if everybody:
            limits = {"max_faces": max_faces, "max_searched": max_searched}
            _tell_everybody(
                photo, client.people.search_everybody(photo, threshold=threshold, **limits), annotate, as_json
            )
        result = client.people.search(photo, threshold=threshold, max_faces=max_faces)
    if as_json:
        print_json(asdict(result))
    else:
        for match in result.matches:
            typer.echo(f"{match.full_name}  similarity {match.similarity:.2f}")
        if not result.found:
            typer.echo(f"Nobody has a similarity of at least {threshold:g}.")
    raise typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


def _tell_everybody(photo: Path, result: EverybodyResult, annotate: Path | None, as_json: bool) -> NoReturn:
    if annotate is not None:
        from face_validation.client.annotation import annotate_people  # here: Pillow is for this alone
        from face_validation.client.image_preparation import prepared_content

        annotate_people(prepared_content(photo), result).save(annotate)
        typer.echo(f"Annotated: {annotate}", err=True)
    if as_json:
        print_json(asdict(result))
    else:
        for place, face in enumerate(result.faces, 1):
            told = "not found" if face.person is None else f"{face.person}  similarity {face.similarity:.2f}"
            typer.echo(f"{place}. face at {face.box.left:.0%}, {face.box.top:.0%}: {told}")
        if result.not_searched:
            typer.echo(f"{result.not_searched} smaller faces were not looked for: --max-searched.", err=True)
    raise typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


def verify(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Is it this person?")],
    full_name: Annotated[str, typer.Option(help="Whom the person in the photo claims to be.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Match from this similarity on.")
    ] = DEFAULT_THRESHOLD,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Does a photo show the enrolled person of that name? Leaves with 0 for a match, with 1 for none."""
    with connection_of(context).client() as client:
        result = client.people.verify(photo, full_name, threshold=threshold)
    if as_json:
        print_json(asdict(result))
    else:
        verdict, sign = ("Match", ">=") if result.matched else ("No match", "<")
        typer.echo(f"{verdict}  similarity {result.similarity:.2f} {sign} threshold {threshold:g}")
    raise typer.Exit(ExitCode.MATCH if result.matched else ExitCode.NO_MATCH)


class PeopleAction(StrEnum):
    """What `people` does."""

    LIST = "list"
    REINDEX = "reindex"


def people(
    context: typer.Context,
    action: Annotated[
        PeopleAction, typer.Argument(help="`reindex` indexes every photo again, with the newest face model.")
    ] = PeopleAction.LIST,
    full_name: Annotated[str | None, typer.Option(help="Only this person's faces.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the faces as JSON.")] = False,
) -> None:
    """List the enrolled faces; `people reindex` moves them to another face model."""
    if action is PeopleAction.REINDEX:
        raise reindex(context, as_json=as_json)
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
    full_name: Annotated[str | None, typer.Option(help="Erase this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Erase only this face.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person, or one face: from the collection, the table and every version of the photos."""
    if (full_name is None) == (face_id is None):
        raise typer.BadParameter("Give either --full-name or --face-id.")
    if not yes:
        typer.confirm(f"Erase {full_name or face_id} for good?", abort=True)
    with connection_of(context).client() as client:
        erased = client.people.erase_person(full_name) if full_name else client.people.erase_face(face_id or "")
    typer.echo(f"Erased: {erased.faces} faces, {erased.photo_versions} photo versions, {erased.rows} rows.")
    if not (erased.faces or erased.photo_versions or erased.rows):
        typer.echo("Nothing was there to erase. `people` lists who is enrolled.", err=True)
