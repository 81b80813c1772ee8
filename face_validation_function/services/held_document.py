"""Which faces of one image are printed on the document, and which may be of the person who holds it."""

from face_validation_function.exceptions.exceptions import ImageValidationError
from face_validation_function.faces import WHOLE_IMAGE, BoundingBox, Document, Face
from face_validation_function.reasons import Reason

# By the document's height: a printed face has 0.25 to 0.45. A person's face has 20 cm, a passport's page 9 and a card
# 5.4: even held close to the camera, neither is twice as high as the face. Without this limit a document alone whose
# portrait stands beside its box would match its own ghost image.
PORTRAIT_OR_HOLDER = 0.5
# By the document's size: how far outside its box a face may be that is printed on it, for boxes cut off portraits.
BESIDE_BOX = 0.15
# And a face of 20 cm beside a printed one of 3.
HOLDER_BY_PORTRAIT = 1.5


def stands_on(face: Face, document: Document) -> bool:
    """Whether a face is printed on the document, by its place and size."""
    box = document.box
    dx, dy = BESIDE_BOX * box.width, BESIDE_BOX * box.height
    around = BoundingBox(box.left - dx, box.top - dy, box.width + 2 * dx, box.height + 2 * dy)
    return around.holds(face.box.centre) and face.box.height <= PORTRAIT_OR_HOLDER * box.height


def faces_apart(faces: list[Face], document: Document) -> tuple[list[Face], list[Face]]:
    """The faces on the document, and the others that are large enough to be of whoever holds it.

    Raises:
        ImageValidationError: the document has no place of its own in the image, or nobody holds it.
    """
    if document.box == WHOLE_IMAGE:
        raise ImageValidationError(
            f"the label {document.label} came without a position, so it is not known which face is on the document.",
            Reason.NO_DOCUMENT,
        )
    on_document = [face for face in faces if stands_on(face, document)]
    smallest = PORTRAIT_OR_HOLDER * document.box.height
    others = [face for face in faces if face not in on_document and face.box.height >= smallest]
    if not others:
        raise no_holder("every face found is on it, or too small for a person who holds it")
    return on_document, others


def no_holder(seen: str) -> ImageValidationError:
    """The refusal of an image in which nobody holds the document."""
    return ImageValidationError(
        f"no person beside the document: {seen}. The face of the person who holds it must be in the picture.",
        Reason.NO_HOLDER,
    )
