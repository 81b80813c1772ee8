"""The commands about enrolled people: `enrol`, `search`, `verify`, `people`, `erase`, `show` and `rename`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from face_validation.cli.connection_options import connection_of, percent
from face_validation.cli.output import AsJson, ExitCode, check_annotated, tell
from face_validation.client.client import FaceValidationClient
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
    as_json: AsJson = False,
) -> None:
    """Enrol a person from a photo. Several photos of a person make searches better."""
    with connection_of(context).client() as client:
        face = client.people.enrol(photo, full_name, allow_duplicate=allow_duplicate, expires_at=expires_at)
    tell(face, [f"{face.full_name}: face {face.face_id} (confidence {face.confidence:.0f} %)"], as_json=as_json)
    if face.possible_duplicate and not as_json:
        typer.echo("A search finds this face under another name too: check who it is.", err=True)


def search(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="The photo to search.")],
    threshold: Annotated[float, percent("The lowest similarity that counts as found.")] = DEFAULT_THRESHOLD,
    max_faces: Annotated[int, typer.Option(min=1, max=100, help="The largest number of people to name.")] = 5,
    everybody: Annotated[
        bool, typer.Option("--all", help="Search for every face in the photo, the largest first; each costs a search.")
    ] = False,
    max_searched: Annotated[int, typer.Option(min=1, max=50, help="With --all: most faces to search for.")] = 10,
    annotate: Annotated[
        Path | None, typer.Option(help="With --all: write the photo, with names at the faces, to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the enrolled people in a photo. Exits with 0 when somebody was found, with 1 when nobody was."""
    if annotate is not None:
        if not everybody:
            raise typer.BadParameter("It needs --all.", param_hint="--annotate")
        check_annotated(annotate)
    limits: dict[str, Any] = {"threshold": threshold, "max_faces": max_faces}
    with connection_of(context).client() as client:
        if everybody:
            found = client.people.search_everybody(photo, **limits, max_searched=max_searched)
            raise _tell_everybody(photo, found, annotate, as_json=as_json)
        result = client.people.search(photo, **limits)
    lines = [f"{match.full_name}  similarity {match.similarity:.2f}" for match in result.matches]
    nobody = f"Nobody has a similarity of at least {threshold:g}."
    tell(result, lines if result.found else [*lines, nobody], as_json=as_json)
    raise typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


def _tell_everybody(photo: Path, result: EverybodyResult, annotate: Path | None, *, as_json: bool) -> typer.Exit:
    if annotate is not None:
        from face_validation.client.annotation import annotate_people  # here: Pillow is for this alone
        from face_validation.client.image_preparation import prepare

        annotate_people(prepare(photo).content, result).save(annotate)
        typer.echo(f"Annotated: {annotate}", err=True)
    lines = []
    for place, face in enumerate(result.faces, 1):
        told = "not found" if face.person is None else f"{face.person}  similarity {face.similarity:.2f}"
        lines.append(f"{place}. face at {face.box.left:.0%}, {face.box.top:.0%}: {told}")
    tell(result, lines, as_json=as_json)
    if result.not_searched and not as_json:
        typer.echo(f"{result.not_searched} smaller faces were not looked for: --max-searched.", err=True)
    return typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


def verify(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Is it this person?")],
    full_name: Annotated[str, typer.Option(help="Whom the person in the photo claims to be.")],
    threshold: Annotated[float, percent("Match from this similarity on.")] = DEFAULT_THRESHOLD,
    as_json: AsJson = False,
) -> None:
    """Does a photo show the enrolled person of that name? Leaves with 0 for a match, with 1 for none."""
    with connection_of(context).client() as client:
        result = client.people.verify(photo, full_name, threshold=threshold)
    verdict, sign = ("Match", ">=") if result.matched else ("No match", "<")
    tell(result, [f"{verdict}  similarity {result.similarity:.2f} {sign} threshold {threshold:g}"], as_json=as_json)
    raise typer.Exit(ExitCode.MATCH if result.matched else ExitCode.NO_MATCH)


def people(
    context: typer.Context,
    action: Annotated[
        Literal["list", "reindex"],
        typer.Argument(help="`reindex` indexes every photo again, with the newest face model."),
    ] = "list",
    full_name: Annotated[str | None, typer.Option(help="Only this person's faces.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the enrolled faces; `people reindex` moves them to another face model."""
    with connection_of(context).client() as client:
        if action == "reindex":
            raise _reindex(client, as_json=as_json)
        faces = list(client.people.faces(full_name))
    tell(faces, [f"{face.full_name}  {face.face_id}  {face.enrolled_at}" for face in faces], as_json=as_json)
    if not faces and not as_json:
        typer.echo("Nobody is enrolled." if full_name is None else f"{full_name} is not enrolled.", err=True)


def _reindex(client: FaceValidationClient, *, as_json: bool) -> typer.Exit:
    """Index every photo again, telling the progress on standard error; gives the exit to raise."""
    indexed = 0
    for progress in client.records.reindex():
        indexed += progress.indexed
        waiting = f"; waiting {progress.wait_s} s for requests that are under way" if progress.wait_s else ""
        typer.echo(f"{indexed} photos indexed into {progress.collection_id}{waiting}", err=True)
    lines = [f"Not indexed: {photo.full_name}  {photo.image_path}  {photo.reason}" for photo in progress.not_indexed]
    lines.append(f"Finished: {progress.collection_id} answers now.")
    tell(replace(progress, indexed=indexed), lines, as_json=as_json)
    return typer.Exit(ExitCode.NO_MATCH if progress.not_indexed else ExitCode.MATCH)


def erase(
    context: typer.Context,
    full_name: Annotated[str | None, typer.Option(help="Erase this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Erase only this face.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person, or one face: from the collection, the table and every version of the photos."""
    _check_one(full_name, face_id)
    if not yes:
        typer.confirm(f"Erase {full_name or face_id} for good?", abort=True)
    with connection_of(context).client() as client:
        erased = client.people.erase_person(full_name) if full_name else client.people.erase_face(face_id or "")
    typer.echo(f"Erased: {erased.faces} faces, {erased.photo_versions} photo versions, {erased.rows} rows.")
    if not (erased.faces or erased.photo_versions or erased.rows):
        typer.echo("Nothing was there to erase. `people` lists who is enrolled.", err=True)


def show(
    context: typer.Context,
    full_name: Annotated[str | None, typer.Option(help="Show everything that is kept about this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Show this face only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is kept of a person, with links that are good for five minutes: what an erasure removes."""
    _check_one(full_name, face_id)
    lines = []
    with connection_of(context).client() as client:
        if face_id:
            record = client.records.face(face_id, with_link=True)
            fields = {name: value for name, value in asdict(record).items() if value is not None}
            return tell(record, [f"{name:20}{value}" for name, value in fields.items()], as_json=as_json)
        found = client.records.person(full_name or "")
    for row in found.records:
        face = f"face {row.face.face_id}" if row.face else row.not_indexed or "no face of its own"
        lines.append(f"{row.full_name}  {row.image_path}  {row.version}  {face}")
    lines += [f"{one.image_path}  {one.version}  {one.url or 'delete marker'}" for one in found.photo_versions]
    return tell(found, lines, as_json=as_json)


def rename(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="FROM", help="The name that the person has.")],
    new: Annotated[str, typer.Argument(metavar="TO", help="The name that the person gets.")],
) -> None:
    """Give a person another name; a person who has it already becomes the same person."""
    with connection_of(context).client() as client:
        renamed = client.records.rename(old, new)
    typer.echo(f"{renamed.full_name}: {renamed.photos} photos moved.")


def _check_one(full_name: str | None, face_id: str | None) -> None:
    if (full_name is None) == (face_id is None):
        raise typer.BadParameter("Give either --full-name or --face-id.")


COMMANDS = (enrol, search, verify, people, erase, show, rename)
