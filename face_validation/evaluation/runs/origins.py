"""Where a case comes from, read off its note."""

import re

from face_validation.evaluation.runs.cases import Case

# What the first words of a note are called, where cutting them off by rule would split one origin into several.
_KNOWN_ORIGINS = {
    "lfw": "lfw",
    "web celebrity": "web celebrity",
    "composite": "composite",
    "published pair": "published pair",
    "exif orientation": "EXIF orientation",
    "same photo, exif": "EXIF orientation",
    "jpeg": "file format",
    "png": "file format",
    "progressive jpeg": "file format",
    "bytes after": "file format",
    "unsupported": "unsupported format",
    "image below": "image too small",
    "document without": "document without a face",
}


def origin(note: str) -> str:
    """Where a case comes from, by the first words of its note: `lfw`, `web celebrity`, `composite`, `no face`...

    An unknown note is cut at its first punctuation, and to four words at most; an empty one is `unnamed`.
    """
    folded = note.casefold()
    for beginning, name in _KNOWN_ORIGINS.items():
        if folded.startswith(beginning):
            return name
    words = re.split(r"[:,;()\d]", note, maxsplit=1)[0].split()
    return " ".join(words[: 4 if ":" in note else 2]) or "unnamed"


def document_template(case: Case) -> str | None:
    """The template of a `composite <template> <level> ...` document, None of another case."""
    words = case.note.split()
    return words[1] if len(words) > 2 and words[0] == "composite" else None


def document_level(case: Case) -> str | None:
    """The level of a `composite <template> <level> ...` document (scan, photo, gray), None of another case."""
    words = case.note.split()
    return words[2] if len(words) > 2 and words[0] == "composite" else None
