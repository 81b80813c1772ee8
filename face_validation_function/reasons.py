"""Why an answer or a refusal is what it is: one closed enumeration, each code with its meaning and its limit."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """A stable code that a program can act on; the words for people are the client's."""

    # In answers.
    SIMILARITY_BELOW_THRESHOLD = "SIMILARITY_BELOW_THRESHOLD"
    SIMILARITY_NEAR_THRESHOLD = "SIMILARITY_NEAR_THRESHOLD"
    SOURCE_SEVERAL_FACES = "SOURCE_SEVERAL_FACES"
    TARGET_SEVERAL_FACES = "TARGET_SEVERAL_FACES"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_NOT_READABLE = "DOCUMENT_NOT_READABLE"
    DOCUMENT_CHECK_DIGIT_WRONG = "DOCUMENT_CHECK_DIGIT_WRONG"
    DOCUMENT_PRINT_DIFFERS = "DOCUMENT_PRINT_DIFFERS"
    # In answers, and in refusals by `min_quality`.
    SOURCE_FACE_SMALL = "SOURCE_FACE_SMALL"
    SOURCE_FACE_LARGE = "SOURCE_FACE_LARGE"
    SOURCE_FACE_CUT = "SOURCE_FACE_CUT"
    SOURCE_FACE_TURNED = "SOURCE_FACE_TURNED"
    SOURCE_FACE_DARK = "SOURCE_FACE_DARK"
    SOURCE_FACE_BRIGHT = "SOURCE_FACE_BRIGHT"
    SOURCE_FACE_FLAT = "SOURCE_FACE_FLAT"
    SOURCE_FACE_UNEVENLY_LIT = "SOURCE_FACE_UNEVENLY_LIT"
    SOURCE_FACE_BLURRED = "SOURCE_FACE_BLURRED"
    TARGET_FACE_SMALL = "TARGET_FACE_SMALL"
    TARGET_FACE_LARGE = "TARGET_FACE_LARGE"
    TARGET_FACE_CUT = "TARGET_FACE_CUT"
    TARGET_FACE_TURNED = "TARGET_FACE_TURNED"
    TARGET_FACE_DARK = "TARGET_FACE_DARK"
    TARGET_FACE_BRIGHT = "TARGET_FACE_BRIGHT"
    TARGET_FACE_FLAT = "TARGET_FACE_FLAT"
    TARGET_FACE_UNEVENLY_LIT = "TARGET_FACE_UNEVENLY_LIT"
    TARGET_FACE_BLURRED = "TARGET_FACE_BLURRED"
    # In refusals.
    SOURCE_REFUSED = "SOURCE_REFUSED"
    TARGET_REFUSED = "TARGET_REFUSED"
    IMAGE_NOT_USABLE = "IMAGE_NOT_USABLE"
    NO_FACE = "NO_FACE"
    NO_DOCUMENT = "NO_DOCUMENT"
    NO_PORTRAIT = "NO_PORTRAIT"
    NO_HOLDER = "NO_HOLDER"
    FACE_NOT_COMPARABLE = "FACE_NOT_COMPARABLE"
    FORMAT_NOT_SUPPORTED = "FORMAT_NOT_SUPPORTED"
    IMAGE_TRUNCATED = "IMAGE_TRUNCATED"
    IMAGE_UNSAFE = "IMAGE_UNSAFE"
    IMAGE_TOO_SMALL = "IMAGE_TOO_SMALL"
    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    OBJECT_MISSING = "OBJECT_MISSING"
    OBJECT_DENIED = "OBJECT_DENIED"
    OBJECT_EMPTY = "OBJECT_EMPTY"
    OBJECT_UNREADABLE = "OBJECT_UNREADABLE"
    LIVENESS_SESSION_UNKNOWN = "LIVENESS_SESSION_UNKNOWN"
    LIVENESS_SESSION_USED = "LIVENESS_SESSION_USED"
    LIVENESS_NOT_FINISHED = "LIVENESS_NOT_FINISHED"
    LIVENESS_FAILED = "LIVENESS_FAILED"
    LIVENESS_EXPIRED = "LIVENESS_EXPIRED"
    LIVENESS_NOT_SURE = "LIVENESS_NOT_SURE"
    LIVENESS_NO_IMAGE = "LIVENESS_NO_IMAGE"
    LIVENESS_FACE_NOT_VISIBLE = "LIVENESS_FACE_NOT_VISIBLE"
    LIVENESS_FACE_OBSTRUCTION_DETECTED = "LIVENESS_FACE_OBSTRUCTION_DETECTED"
    LIVENESS_LOW_VIDEO_QUALITY_DETECTED = "LIVENESS_LOW_VIDEO_QUALITY_DETECTED"
    LIVENESS_FACE_NOT_ALIGNED = "LIVENESS_FACE_NOT_ALIGNED"
    LIVENESS_EYES_CLOSED_DETECTED = "LIVENESS_EYES_CLOSED_DETECTED"
    LIVENESS_LOW_LIGHTING_DETECTED = "LIVENESS_LOW_LIGHTING_DETECTED"
    LIVENESS_HIGH_LIGHTING_DETECTED = "LIVENESS_HIGH_LIGHTING_DETECTED"
    REQUEST_NOT_VALID = "REQUEST_NOT_VALID"
    SCOPE_MISSING = "SCOPE_MISSING"
    NOT_KNOWN = "NOT_KNOWN"
    STATE_CONFLICT = "STATE_CONFLICT"
    FACE_ENROLLED_UNDER_ANOTHER_NAME = "FACE_ENROLLED_UNDER_ANOTHER_NAME"
    ID_REQUEST_REUSED = "ID_REQUEST_REUSED"
    REQUEST_UNDER_WAY = "REQUEST_UNDER_WAY"
    SERVICE_BUSY = "SERVICE_BUSY"
    SERVICE_FAILED = "SERVICE_FAILED"


# What each code says, with its limit. A face's limits are scores of `include: ["quality"]`; quality/measures.py has
# them as numbers, and a test holds both together.
MEANINGS: Mapping[Reason, str] = {
    Reason.SIMILARITY_BELOW_THRESHOLD: "The similarity is below `threshold`.",
    Reason.SIMILARITY_NEAR_THRESHOLD: "The similarity is below `threshold`, and at least `threshold_review`.",
    Reason.SOURCE_SEVERAL_FACES: "FACE_TO_FACE: the source shows several faces; the most prominent was compared.",
    Reason.TARGET_SEVERAL_FACES: "The target shows several faces; the most prominent was compared.",
    Reason.DOCUMENT_EXPIRED: "The document's expiry date is before the day of the request (UTC).",
    Reason.DOCUMENT_NOT_READABLE: "The document shows no machine readable zone that could be read.",
    Reason.DOCUMENT_CHECK_DIGIT_WRONG: "At least one check digit of the machine readable zone is wrong.",
    Reason.DOCUMENT_PRINT_DIFFERS: "The printed number or birth date differs from the machine readable zone's.",
    **{
        Reason(f"{side}_FACE_{kind}"): f"The {side.lower()}'s compared face {said}."
        for side in ("SOURCE", "TARGET")
        for kind, said in {
            "SMALL": "is small: inter_eye_distance (or head_size) scores below 10",
            "LARGE": "fills the image: head_size is below what `min_quality` asks",
            "CUT": "is cut by the image's border: a crop or margin scores below 5",
            "TURNED": "looks away: yaw or pitch scores below 75 (30 degrees), or roll below 50 (45 degrees)",
            "DARK": "is dark: luminance_mean scores below 30 on the dark side, or under_exposure_prevention below 30",
            "BRIGHT": "is too bright: luminance_mean scores below 30 on the bright side, or "
            "over_exposure_prevention below 5",
            "FLAT": "has little contrast: dynamic_range scores below 60 or luminance_variance below 10",
            "UNEVENLY_LIT": "is lit from one side: illumination_uniformity scores below 60",
            "BLURRED": "is blurred: sharpness scores below 15",
        }.items()
    },
    Reason.SOURCE_REFUSED: "The refusal is about the source image.",
    Reason.TARGET_REFUSED: "The refusal is about the target image.",
    Reason.IMAGE_NOT_USABLE: "The image cannot be used; `details` says why.",
    Reason.NO_FACE: "No face was found with a confidence of at least 80.",
    Reason.NO_DOCUMENT: "No identity document was recognised with a confidence above `threshold_label`.",
    Reason.NO_PORTRAIT: "The document was found, but no face on it.",
    Reason.NO_HOLDER: "ID_IN_FACE: no face was found beside the document.",
    Reason.FACE_NOT_COMPARABLE: "The faces were found, but CompareFaces did not find them again.",
    Reason.FORMAT_NOT_SUPPORTED: "The content is neither JPG nor PNG.",
    Reason.IMAGE_TRUNCATED: "The image file is truncated or broken.",
    Reason.IMAGE_UNSAFE: "The image file has more scans or EXIF blocks than the limits, which could exhaust a decoder.",
    Reason.IMAGE_TOO_SMALL: "A side has fewer than 80 pixels.",
    Reason.IMAGE_TOO_LARGE: "A side has more than 4096 pixels (for some photographs, the limit is on all pixels).",
    Reason.FILE_TOO_LARGE: "The file has more than 15 MB.",
    Reason.OBJECT_MISSING: "The bucket has no object with this key.",
    Reason.OBJECT_DENIED: "The service may not read the object.",
    Reason.OBJECT_EMPTY: "The object has 0 bytes.",
    Reason.OBJECT_UNREADABLE: "The object cannot be read: archived, encrypted with another key, or a delete marker.",
    Reason.LIVENESS_SESSION_UNKNOWN: "This client has no such liveness session for this `source_path`; a session "
    "lives three minutes.",
    Reason.LIVENESS_SESSION_USED: "The liveness session was used by another request.",
    Reason.LIVENESS_NOT_FINISHED: "The liveness session is not finished: CREATED or IN_PROGRESS.",
    Reason.LIVENESS_FAILED: "The liveness session failed.",
    Reason.LIVENESS_EXPIRED: "The liveness session expired.",
    Reason.LIVENESS_NOT_SURE: "The confidence that a living person was there is below the deployment's limit.",
    Reason.LIVENESS_NO_IMAGE: "The liveness session has no reference image.",
    Reason.LIVENESS_FACE_NOT_VISIBLE: "Liveness: the face was not visible.",
    Reason.LIVENESS_FACE_OBSTRUCTION_DETECTED: "Liveness: something covered the face.",
    Reason.LIVENESS_LOW_VIDEO_QUALITY_DETECTED: "Liveness: the video's quality was low.",
    Reason.LIVENESS_FACE_NOT_ALIGNED: "Liveness: the face was not inside the oval.",
    Reason.LIVENESS_EYES_CLOSED_DETECTED: "Liveness: the eyes were closed.",
    Reason.LIVENESS_LOW_LIGHTING_DETECTED: "Liveness: the light was too low.",
    Reason.LIVENESS_HIGH_LIGHTING_DETECTED: "Liveness: the light was too strong.",
    Reason.REQUEST_NOT_VALID: "The request is not valid; `details` names the field.",
    Reason.SCOPE_MISSING: "The access token lacks a scope that this request needs.",
    Reason.NOT_KNOWN: "The service does not know the person, face or job that the request names.",
    Reason.STATE_CONFLICT: "The request conflicts with stored data or another request; `details` says with which.",
    Reason.FACE_ENROLLED_UNDER_ANOTHER_NAME: "The face in the photo is enrolled under another name.",
    Reason.ID_REQUEST_REUSED: "Another body was sent with this id_request within the last hour.",
    Reason.REQUEST_UNDER_WAY: "The same request is being answered: try again after Retry-After.",
    Reason.SERVICE_BUSY: "AWS throttled the service: try again after Retry-After.",
    Reason.SERVICE_FAILED: "The service or AWS failed: try again.",
}
