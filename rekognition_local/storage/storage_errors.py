"""Why the collections on disk cannot be used, in words, and what to do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_ELSEWHERE = "name another folder with --data, or move the file away"
# SQLite's primary result codes: sqlite.org/rescode.html
_ADVICE = {
    sqlite3.SQLITE_NOTADB: f"it is not a database of this server: {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: f"it is damaged or cut off: put a copy in its place, or {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: "another program has it open for writing: close that",
    sqlite3.SQLITE_LOCKED: "another program has it open for writing: close that",
    sqlite3.SQLITE_READONLY: "it cannot be written: make it and its folder writable",
    sqlite3.SQLITE_PERM: "it cannot be written: make it and its folder writable",
    sqlite3.SQLITE_FULL: "the disk is full: make room",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written: make room, and look at the disk",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: make it and its folder readable and writable",
}
_COLUMNS_OF_TABLES = """SELECT parent.name, group_concat(part.name)
    FROM sqlite_schema AS parent, pragma_table_info(parent.name) AS part
    WHERE parent.type = 'table' AND parent.name NOT LIKE 'sqlite_%' GROUP BY parent.name"""


class StorageError(RuntimeError):
    """The collections cannot be read or written; `str(error)` says which file, why, and what to do."""


@contextmanager
def storage_errors(file: Path | str) -> Iterator[None]:
    """Turn what SQLite cannot do with `file` into a StorageError; what it says of our own statements stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        # An extended code (SQLITE_IOERR_WRITE) has its primary one in its lowest byte.
        advice = _ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if advice is None:
            raise
        raise StorageError(f"{file}: {advice} ({error}).") from error


def refuse_foreign(connection: sqlite3.Connection, schema: str, file: Path | str) -> None:
    """Refuse a database that has a table or columns that `schema` has not, before anything is written into it."""
    with closing(sqlite3.connect(":memory:")) as ours:
        ours.executescript(schema)
        expected = dict(ours.execute(_COLUMNS_OF_TABLES))
    found = dict(connection.execute(_COLUMNS_OF_TABLES))
    foreign = sorted(table for table in found if found[table] != expected.get(table))
    if foreign:
        raise StorageError(
            f"{file}: it is not a database of this server, for its table {foreign[0]!r} is not: {_ELSEWHERE}."
        )
