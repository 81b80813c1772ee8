"""The commands that ask about two images, and what they need: `validate`, `token`, `env` and `upload`."""

import shlex
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from face_validation.cli.connection_options import check_texts, connection_of, percent
from face_validation.cli.output import AsJson, check_annotated, print_json, print_verdict
from face_validation.client.buckets import Bucket
from face_validation.client.errors import Language
from face_validation.client.validation_request import ValidationType
from face_validation.client.validation_result import DEFAULT_THRESHOLD


class Scope(StrEnum):
    """What a token may do: ask about people, validate and enrol, erase."""

    read = "read"
    write = "write"
    admin = "admin"


def _validation_type(value: str) -> ValidationType:
    try:
        return ValidationType(value.upper())
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(ValidationType)}.") from error


def validate(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The trusted image: a photo of the person, or of an identity document. ID_IN_FACE: the one image.",
        ),
    ],
    type_: Annotated[
        ValidationType,
        typer.Option(
            "--type",
            parser=_validation_type,  # Typer's own would offer the two in small letters
            metavar="|".join(ValidationType),
            help="What SOURCE shows: a photo or a document. ID_IN_FACE: TARGET shows both.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Argument(metavar="TARGET", help="The image to be checked; none for ID_IN_FACE, nor with --liveness."),
    ] = None,
    liveness: Annotated[
        str | None,
        typer.Option(metavar="SESSION", help="From `liveness create`, in place of TARGET; SOURCE is its key."),
    ] = None,
    threshold: Annotated[
        float, percent("The lowest similarity that is a match; use 99 for identity checks.")
    ] = DEFAULT_THRESHOLD,
    threshold_label: Annotated[
        float | None, percent("ID_TO_FACE: SOURCE is a document above this confidence; default 55.")
    ] = None,
    review: Annotated[float | None, percent("From this to the threshold, a human must decide.")] = None,
    min_quality: Annotated[
        list[str] | None, typer.Option(metavar="MEASURE=SCORE", help="Refuse a lower score, e.g. sharpness=30.")
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="Check a value of the document, e.g. date_of_birth=1974-08-12."),
    ] = None,
    document: Annotated[bool, typer.Option("--document", help="Print the machine readable zone's data.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how to take a better picture, in words for the person in it.")
    ] = False,
    language: Annotated[Language, typer.Option(help="The language of --explain.")] = "en",
    quality: Annotated[bool, typer.Option("--quality", help="Print the quality of both faces.")] = False,
    annotate: Annotated[Path | None, typer.Option(help="Write both images, with boxes, to this file.")] = None,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the uploaded images in the buckets.")] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="SOURCE and TARGET are keys of images that are already in the buckets.")
    ] = False,
) -> None:
    """Do two images show the same person? Local files are uploaded, compared, and deleted from the buckets."""
    if liveness is not None:
        if target is not None or annotate is not None:
            raise typer.BadParameter(
                "Leave out TARGET and --annotate: the session has the image.", param_hint="--liveness"
            )
        keys = True
    trusted, checked = _images(source, target, type_, liveness)
    if annotate is not None:
        if keys:
            raise typer.BadParameter("It needs local files: leave out --keys.", param_hint="--annotate")
        check_annotated(annotate)
    parts = {"boxes": annotate is not None, "reasons": explain, "quality": quality, "document": document}
    question: dict[str, Any] = {
        "threshold": threshold,
        "threshold_label": threshold_label,
        "threshold_review": review,
        "min_quality": {
            measure: _score(score) for measure, score in _pairs(min_quality or (), "--min-quality").items()
        },
        "claims": _pairs(claim or (), "--claim"),
        "include": [part for part, wanted in parts.items() if wanted],
        "target_liveness_session": liveness,
    }
    with connection_of(context).client() as client:
        if keys or checked is None:
            check_texts(SOURCE=trusted or checked, TARGET=checked, liveness=liveness)
            result = client.validate(trusted, checked, type_, **question)
        else:
            photos = (None if trusted is None else Path(trusted)), Path(checked)
            _check_files(photos)
            result = client.validate_files(*photos, type_, **question, keep=keep)
    if annotate is not None and checked is not None:
        from face_validation.client.annotation import annotate as drawn  # here: Pillow is for this alone

        drawn(source, checked, result).save(annotate)
        typer.echo(f"Annotated: {annotate}", err=True)
    raise print_verdict(result, as_json=as_json, language=language)


def token(
    context: typer.Context,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="Scope of the token; can be given several times. Default: write.")
    ] = None,
) -> None:
    """Print an access token, e.g. for curl -H "Authorization: Bearer $(face-validation token)"."""
    with connection_of(context).client() as client:
        typer.echo(client.token(_scopes(scope or [Scope.write])))


def env(
    context: typer.Context,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="Scope of the token; can be given several times. Default: all.")
    ] = None,
) -> None:
    """Print the service's address and a token as shell variables: eval "$(face-validation env)"."""
    connection = connection_of(context)
    with connection.client() as client:
        variables = {
            "API_URL": connection.api_url,
            "TOKEN": client.token(_scopes(scope or Scope)),
            "SOURCE_BUCKET": connection.source_bucket,
            "TARGET_BUCKET": connection.target_bucket,
        }
    for name, value in variables.items():
        if value:
            typer.echo(f"export {name}={shlex.quote(value)}")


def upload(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Images.")],
    to: Annotated[Bucket, typer.Option(help="The bucket.")],
    key: Annotated[str | None, typer.Option(help="Key for a single file. Default: a random key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and keys as JSON.")] = False,
) -> None:
    """Upload images to a bucket and print their keys, one on each line, in the order of the files."""
    if key is not None and len(files) > 1:
        raise typer.BadParameter("One key cannot hold several files: upload them one by one.", param_hint="--key")
    with connection_of(context).client() as client:
        uploaded = {}
        for file in files:
            uploaded[str(file)] = client.upload(file, to, key)
            if not as_json:
                typer.echo(uploaded[str(file)])
    if as_json:
        print_json(uploaded)


def _scopes(scopes: Iterable[Scope]) -> str:
    return " ".join(f"face-detection/{scope}" for scope in scopes)


def _images(
    source: str, target: str | None, type_: ValidationType, liveness: str | None
) -> tuple[str | None, str | None]:
    """The trusted image, None for ID_IN_FACE, and the one to check, None for a liveness session."""
    if liveness is not None:
        return source, None
    if (target is None) != (type_ is ValidationType.ID_IN_FACE):
        wanted = "one image, which shows both" if target else "a second image, the one to check"
        raise typer.BadParameter(f"{type_} takes {wanted}.", param_hint="TARGET")
    return (source, target) if target is not None else (None, source)


def _pairs(given: Iterable[str], option: str) -> dict[str, str]:
    pairs = [pair.partition("=")[::2] for pair in given]
    if not all(name and value for name, value in pairs):
        raise typer.BadParameter("Write it as NAME=VALUE.", param_hint=option)
    return dict(pairs)


def _score(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a number.", param_hint="--min-quality") from error


def _check_files(photos: tuple[Path | None, Path]) -> None:
    for name, photo in zip(("SOURCE", "TARGET"), photos, strict=True):
        if photo is not None and not photo.is_file():
            raise typer.BadParameter(
                f"{photo} is not a file. For an image that is already in its bucket, add --keys.", param_hint=name
            )


COMMANDS = (validate, token, env, upload)
