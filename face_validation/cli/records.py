"""The commands about what is kept of people: `show`, `rename` and `people reindex`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from face_validation.cli.connection_options import connection_of
from face_validation.cli.output import ExitCode, print_json


def show(
    context: typer.Context,
    full_name: Annotated[str | None, typer.Option(help="Show everything that is kept about this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Show this face only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")] = False,
) -> None:
    """Show what is kept of a person, with links that are good for five minutes: what an erasure removes."""
    if (full_name is None) == (face_id is None):
        raise typer.BadParameter("Give either --full-name or --face-id.")
    with connection_of(context).client() as client:
        found: Any = client.records.face(face_id, with_link=True) if face_id else client.records.person(full_name or "")
    if as_json:
        print_json(asdict(found))
    elif face_id:
        for name, value in asdict(found).items():
            if value is not None:
                typer.echo(f"{name:20}{value}")
    else:
        for record in found.records:
            face = f"face {record.face.face_id}" if record.face else record.not_indexed or "no face of its own"
            typer.echo(f"{record.full_name}  {record.image_path}  {record.version}  {face}")
        for stored in found.photo_versions:
            typer.echo(f"{stored.image_path}  {stored.version}  {stored.url or 'delete marker'}")


def rename(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="FROM", help="The name that the person has.")],
    new: Annotated[str, typer.Argument(metavar="TO", help="The name that the person gets.")],
) -> None:
    """Give a person another name; a person who has it already becomes the same person."""
    with connection_of(context).client() as client:
        renamed = client.records.rename(old, new)
    typer.echo(f"{renamed.full_name}: {renamed.photos} photos moved.")


def reindex(context: typer.Context, *, as_json: bool) -> typer.Exit:
    """Index every photo again, telling the progress on standard error; gives the exit to raise."""
    indexed = 0
    with connection_of(context).client() as client:
        for progress in client.records.reindex():
            indexed += progress.indexed
            waiting = f"; waiting {progress.wait_s} s for requests that are under way" if progress.wait_s else ""
            typer.echo(f"{indexed} photos indexed into {progress.collection_id}{waiting}", err=True)
    if as_json:
        print_json(asdict(progress) | {"indexed": indexed})
    else:
        for photo in progress.not_indexed:
            typer.echo(f"Not indexed: {photo.full_name}  {photo.image_path}  {photo.reason}")
        typer.echo(f"Finished: {progress.collection_id} answers now.")
    return typer.Exit(ExitCode.NO_MATCH if progress.not_indexed else ExitCode.MATCH)
