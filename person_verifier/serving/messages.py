"""What callers read, in English and in Spanish."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.datastructures import LanguageAccept


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence in both languages."""

    english: str
    spanish: str


NO_FILE = Message(
    "Send the image as a file in the multipart field 'image'",
    "Envíe la imagen como archivo en el campo multipart «image»",
)
NOT_AN_IMAGE = Message(
    "The file is not a readable JPG or PNG image",
    "El archivo no es una imagen JPG o PNG legible",
)
TOO_FEW_PIXELS = Message(
    "The image is too small: each side needs at least 80 pixels",
    "La imagen es demasiado pequeña: cada lado necesita al menos 80 píxeles",
)
TOO_MANY_PIXELS = Message(
    "The image has too many pixels",
    "La imagen tiene demasiados píxeles",
)
NO_FACE = Message("No face was found in the image", "No se detectó ninguna cara en la imagen")
NO_MODEL = Message("No model is loaded", "No hay ningún modelo cargado")
UNAUTHORIZED = Message("A valid bearer token is needed", "Se necesita un token de acceso válido")
FOREIGN_HOST = Message("This server is not asked by this name", "A este servidor no se le pregunta por este nombre")
NOT_FOUND = Message("There is nothing at this address", "No hay nada en esta dirección")
METHOD_NOT_ALLOWED = Message("This address does not take this method", "Esta dirección no admite este método")
BAD_REQUEST = Message("The request cannot be read", "La petición no se puede leer")
FAILED = Message("The request failed", "La petición falló")

_BY_STATUS = {
    HTTPStatus.NOT_FOUND: NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED,
    HTTPStatus.INTERNAL_SERVER_ERROR: FAILED,
}


def too_many_bytes(limit: int) -> Message:
    """The image's file is larger than `limit` bytes."""
    size = f"{limit / 2**20:.3g} MB"
    return Message(
        f"The image is too large: the limit is {size}",
        f"La imagen es demasiado grande: el límite es {size}",
    )


def of_status(status: HTTPStatus) -> Message:
    """The sentence for a refusal that the HTTP library makes by itself."""
    return _BY_STATUS.get(status, BAD_REQUEST)


def prefers_spanish(accepted: LanguageAccept) -> bool:
    """Whether an Accept-Language header ranks Spanish, of any country, above English; `*` stands for English."""
    wanted = [(re.split("[-_]", tag.lower())[0], weight) for tag, weight in accepted if weight > 0]
    known = [(language, weight) for language, weight in wanted if language in {"es", "en", "*"}]
    # Of equal weights, the language named first is preferred: RFC 9110 leaves it open, browsers list it so.
    return max(known, key=lambda one: one[1], default=("en", 1))[0] == "es"
