"""Which files of a folder its owner put there, and which names are text: neither is certain."""

from pathlib import Path, PurePath

# Beside what begins with a dot: Synology's index, macOS's zip, the bins of Windows and of network shares.
_NOBODYS = frozenset({"@eadir", "__macosx", "$recycle.bin", "#recycle", "system volume information"})


def is_hidden(path: PurePath, folder: PurePath) -> bool:
    """Whether `path`, or a folder between it and `folder`, was made by the system, not the user: `._a.jpg`."""
    return any(part.startswith(".") or part.lower() in _NOBODYS for part in path.relative_to(folder).parts)


def files_below(folder: Path, endings: frozenset[str]) -> tuple[list[Path], list[Path], int]:
    """The files below a folder with one of these endings, in order; the others; how many of the first are hidden."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    seen = [path for path in files if not is_hidden(path, folder)]
    wanted = [path for path in seen if path.suffix.lower() in endings]
    hidden = sum(path.suffix.lower() in endings for path in files) - len(wanted)
    return wanted, [path for path in seen if path.suffix.lower() not in endings], hidden


def is_utf8(name: str | PurePath) -> bool:
    """Whether a name, or a text of the command line, is Unicode: a file system and a shell may give any bytes."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str | PurePath) -> str:
    r"""A name as text that can be shown and stored: bytes that are not UTF-8 as `\xe9`."""
    try:
        return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a character pair, which comes from no file system
        return str(name).encode("utf-8", "backslashreplace").decode()
