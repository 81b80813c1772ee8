"""The command line `face-validation`: ask about two photographs, and everything around it."""

import importlib
import runpy
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from face_validation.client.profiles import Connection
from face_validation.client.errors import FaceValidationError
from face_validation.cli.connection_options import with_connection
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import DEFAULT_THRESHOLD
from face_validation.cli.output import ExitCode, leave_with, print_json, print_verdict

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Room:
    """A command that another package of ours brings: its name, one line of help, and where it is."""

    name: str
    help: str
    module: str
    attribute: str


ROOMS = (
    Room(
        "evaluate",
        "Run labelled cases through the API: accuracy, thresholds, report.",
        "face_validation.cli.evaluation",
        "evaluate",
    ),
    Room("compare", "Two evaluation runs side by side.", "face_validation.cli.evaluation", "compare"),
    Room("identify", "Enrol and search people: who is named right.", "face_validation.cli.evaluation", "identify"),
    Room("verifier", "Is this me? Train and serve a verifier of one person.", "face_validation.cli.verifier", "app"),
)


class RoomCommand(TyperCommand):
    """A command whose package is imported when it is used: help and the other commands do not wait for it."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.name, help=room.help)
        self.room = room

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the real command."""
        return self._load().make_context(info_name, args, parent=parent, **extra)

    def _load(self) -> Any:
        try:
            found = getattr(importlib.import_module(self.room.module), self.room.attribute)
        except ImportError as error:
            typer.secho(
                f"`{self.room.name}` needs {error.name or self.room.module}, which is not installed: "
                "install the project's requirements (`make setup`), then try again.",
                fg="red",
                err=True,
            )
            raise typer.Exit(ExitCode.COULD_NOT_ASK) from error
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        alone = typer.Typer(add_completion=False)
        alone.command(self.room.name)(found)
        return typer.main.get_command(alone)


class ExitCodes(TyperGroup):
    """Leaves with the promised codes: 1 and 2 mean "no match" and "refused", so no mishap may leave with them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for room in ROOMS:
            self.add_command(RoomCommand(room))

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the arguments; a usage error could not ask."""
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except typer.TyperException as error:
            error.exit_code = ExitCode.COULD_NOT_ASK
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it does not answer could not be asked."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except typer.TyperException as error:
            error.exit_code = ExitCode.COULD_NOT_ASK
            raise
        except typer.Abort as error:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(ExitCode.COULD_NOT_ASK) from error
        except FaceValidationError as error:
            raise leave_with(error) from error
        except OSError as error:
            typer.secho(f"{error.filename or 'A file'}: {error.strerror or error}", fg="red", err=True)
            raise typer.Exit(ExitCode.COULD_NOT_ASK) from error
        except Exception as error:  # a mistake of ours: Python would leave with 1, "no match"
            from rich.console import Console

            Console(stderr=True).print_exception(show_locals=False)
            raise typer.Exit(ExitCode.COULD_NOT_ASK) from error


app = typer.Typer(
    name="face-validation",
    cls=ExitCodes,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Exit codes: 0 match (or done), 1 no match, 2 refused by the service, 3 could not ask.",
)


class BucketChoice(StrEnum):
    """A bucket that images can be put into."""

    source = "source"
    target = "target"


def _validation_type(value: str) -> ValidationType:
    try:
        return ValidationType(value.upper())
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is neither {' nor '.join(ValidationType)}.") from error


@app.callback()
def face_validation() -> None:
    """Is the person in this photo the person of that trusted image?

    The same commands ask the stack on this machine and a deployed API: settings come from flags, the environment
    (FACE_VALIDATION_API_URL and the like) or a profile.
    """


@app.command()
@with_connection
def validate(
    connection: Connection,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="The trusted image: a photo of the person, or of an identity document."),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The image to be checked.")],
    type_: Annotated[
        ValidationType,
        typer.Option(
            "--type",
            parser=_validation_type,  # Typer's own would offer the two in small letters
            metavar="FACE_TO_FACE|ID_TO_FACE",
            help="What SOURCE shows.",
        ),
    ],
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Match from this similarity on; 99 is advised for identity checks.")
    ] = DEFAULT_THRESHOLD,
    threshold_label: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="ID_TO_FACE: how sure that SOURCE is a document; 55 by default."),
    ] = None,
    annotate: Annotated[Path | None, typer.Option(help="Write both images with what was seen to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the uploaded images in the buckets.")] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="SOURCE and TARGET are keys of images that are in the buckets already.")
    ] = False,
) -> None:
    """Do two images show the same person? Local files are uploaded, judged and deleted again."""
    if annotate is not None:
        _check_annotated(annotate, keys=keys)
    question: dict[str, Any] = {
        "threshold": threshold,
        "threshold_label": threshold_label,
        "include": ["boxes"] if annotate is not None else [],
    }
    with connection.client() as client:
        if keys:
            result = client.validate(source, target, type_, **question)
        else:
            photos = Path(source), Path(target)
            _check_files(photos)
            result = client.validate_files(*photos, type_, **question, keep=keep)
    if annotate is not None:
        from face_validation.client.annotation import annotate as drawn  # here: Pillow is for this alone

        drawn(source, target, result).save(annotate)
        typer.echo(f"Annotated: {annotate}", err=True)
    raise print_verdict(result, as_json=as_json)


@app.command()
@with_connection
def token(connection: Connection) -> None:
    """Print an access token, e.g. for curl -H "Authorization: Bearer $(face-validation token)"."""
    with connection.client() as client:
        typer.echo(client.token())


@app.command()
@with_connection
def upload(
    connection: Connection,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Images.")],
    to: Annotated[BucketChoice, typer.Option(help="The bucket.")],
    key: Annotated[str | None, typer.Option(help="The key, for one file; a new one by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and keys as JSON.")] = False,
) -> None:
    """Put images into a bucket and print their keys, one a line, in the order of the files."""
    if key is not None and len(files) > 1:
        raise typer.BadParameter("One key cannot hold several files: upload them one by one.", param_hint="--key")
    with connection.client() as client:
        uploaded = {}
        for file in files:
            uploaded[str(file)] = client.upload(file, to.value, key)
            if not as_json:
                typer.echo(uploaded[str(file)])
    if as_json:
        print_json(uploaded)


@app.command()
@with_connection
def enrol(
    connection: Connection,
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Shows the person alone.")
    ],
    full_name: Annotated[str, typer.Option(help="The person's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the enrolled face as JSON.")] = False,
) -> None:
    """Make a person findable by `search`; several photos of a person improve it."""
    with connection.client() as client:
        face = client.people.enrol(photo, full_name)
    if as_json:
        print_json(asdict(face))
    else:
        typer.echo(f"{face.full_name}: face {face.face_id} ({face.confidence:.0f} % sure it is one)")


@app.command()
@with_connection
def search(
    connection: Connection,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Who is in it?")],
    threshold: Annotated[
        float, typer.Option(min=0, max=100, help="Found from this similarity on.")
    ] = DEFAULT_THRESHOLD,
    max_faces: Annotated[int, typer.Option(min=1, max=100, help="The most people to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Who of the enrolled people is in a photo? Leaves with 0 when somebody was found, with 1 when nobody."""
    with connection.client() as client:
        result = client.people.search(photo, threshold=threshold, max_faces=max_faces)
    if as_json:
        print_json(asdict(result))
    else:
        for match in result.matches:
            typer.echo(f"{match.full_name}  similarity {match.similarity:.2f}")
        if not result.found:
            typer.echo(f"Nobody from similarity {threshold:g} on.")
    raise typer.Exit(ExitCode.MATCH if result.found else ExitCode.NO_MATCH)


@app.command()
@with_connection
def people(
    connection: Connection,
    full_name: Annotated[str | None, typer.Option(help="Only this person's faces.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the faces as JSON.")] = False,
) -> None:
    """List the enrolled faces."""
    with connection.client() as client:
        faces = list(client.people.faces(full_name))
    if as_json:
        print_json([asdict(face) for face in faces])
        return
    for face in faces:
        typer.echo(f"{face.full_name}  {face.face_id}  {face.enrolled_at}")
    if not faces:
        typer.echo("Nobody is enrolled." if full_name is None else f"{full_name} is not enrolled.", err=True)


@app.command()
@with_connection
def forget(
    connection: Connection,
    full_name: Annotated[str | None, typer.Option(help="Erase all of this person.")] = None,
    face_id: Annotated[str | None, typer.Option(help="Erase this face alone.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase a person, or one face: from the collection, the table and every version of the photos."""
    if (full_name is None) == (face_id is None):
        raise typer.BadParameter("Say --full-name or --face-id, one of the two.")
    if not yes:
        typer.confirm(f"Erase {full_name or face_id} for good?", abort=True)
    with connection.client() as client:
        erased = client.people.forget_person(full_name) if full_name else client.people.forget_face(face_id or "")
    typer.echo(f"Erased: {erased.faces} faces, {erased.photo_versions} photo versions, {erased.rows} rows.")
    if not (erased.faces or erased.photo_versions or erased.rows):
        typer.echo("Nothing was there to erase. `people` lists who is enrolled.", err=True)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def local(context: typer.Context) -> None:
    """Start everything on this machine, without an AWS account; takes the flags of `face-validation local`."""
    sys.argv = ["face-validation local", *context.args]
    try:
        runpy.run_module("local", run_name="__main__", alter_sys=True)
    except ImportError as error:
        typer.secho(
            f"The local stack needs {error.name}, which is not installed: run `make setup`, then try again.",
            fg="red",
            err=True,
        )
        raise typer.Exit(ExitCode.COULD_NOT_ASK) from error


def _check_files(photos: tuple[Path, Path]) -> None:
    for name, photo in zip(("SOURCE", "TARGET"), photos, strict=True):
        if not photo.is_file():
            raise typer.BadParameter(
                f"{photo} is not a file. For an image that is in its bucket already, say --keys.", param_hint=name
            )


def _check_annotated(path: Path, *, keys: bool) -> None:
    """What could spoil the picture is said before anything is asked."""
    if keys:
        raise typer.BadParameter("It draws on local files: leave out --keys.", param_hint="--annotate")
    if path.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{path} must end in one of {', '.join(PICTURES)}.", param_hint="--annotate")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"The folder of {path} does not exist.", param_hint="--annotate")


if __name__ == "__main__":
    app()
