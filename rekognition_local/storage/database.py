"""Collections on disk: faces, users and remembered answers in one SQLite file."""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.storage.records import Record
from rekognition_local.storage.storage_errors import StorageError, refuse_foreign, storage_errors

_FILE = "collections.sqlite3"
REMEMBERED_S = 24 * 3600.0


class Store:
    """The file, one connection and its lock. What is written is on disk before the answer goes out.

    Args:
        folder: where the file lies; None keeps everything in memory.

    Raises:
        StorageError: another process has the folder; the file is not a database of this server, damaged, locked, or
            cannot be written. Every method raises it later, when the disk is full or gone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file: Path | str = ":memory:" if folder is None else folder / _FILE
        self._lock = threading.RLock()
        self._following: list[Callable[[], object]] = []
        with ExitStack() as opened, storage_errors(self._file):
            if isinstance(self._file, Path):
                opened.enter_context(_claimed(self._file.parent))
                # Faces: for nobody else of this machine. SQLite gives its other files the same mode.
                self._file.touch(mode=0o600)
            connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            self._connection = opened.enter_context(closing(connection))
            self._prepare()
            self._opened = opened.pop_all()

    def _prepare(self) -> None:
        connection = self._connection
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(collections)")]
        if columns == ["number", "collection_id", "created", "model_id"]:  # a file of before there were regions
            connection.executescript(_script("add_regions.sql"))
        schema = _script("schema.sql")
        refuse_foreign(connection, schema, self._file)
        # WAL survives a killed process, FULL a power cut. secure_delete overwrites what is erased: faces.
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
        connection.executescript(schema)

    def close(self) -> None:
        """Fold the log into the file and let the folder go."""
        with self._lock:
            self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is done or undone together; others wait. May be entered again within itself."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            try:
                self.rows("BEGIN IMMEDIATE")
                yield
                self.rows("COMMIT")
                for follow in self._following:
                    follow()
            except BaseException:
                self._connection.rollback()  # does nothing where a full disk has undone it already
                raise
            finally:
                self._following.clear()

    def after_commit(self, follow: Callable[[], object]) -> None:
        """Do this once the transaction that is open is on disk, before anybody else sees its changes."""
        self._following.append(follow)

    def erase_traces(self, collection_id: str) -> None:
        """Leave nothing on the disk of what the open transaction deletes from a collection.

        Remembered answers name faces and users, and the write-ahead log holds deleted rows until it is emptied.
        """
        self.delete("answers", collection_id=collection_id)
        self.after_commit(lambda: self.rows("PRAGMA wal_checkpoint(TRUNCATE)"))

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement; all its rows."""
        with self._lock, storage_errors(self._file):
            return self._connection.execute(statement, values).fetchall()

    def find(self, kind: type[Record], after: int = 0, most: int = -1, **equal: Any) -> list[Record]:
        """The records with these values, oldest first: `most` of them (-1: all), with numbers beyond `after`.

        A list or tuple as a value stands for any of its items.
        """
        return [kind(*row) for row in self._page(kind.select, after, most, equal)]

    def count(self, table: str, **equal: Any) -> int:
        """How many rows of a table have these values."""
        condition, values = _condition(equal)
        return int(self.rows(f"SELECT COUNT(*) FROM {table}{condition}", *values)[0][0])  # noqa: S608 - names are our literals, values are bound

    def insert(self, table: str, **values: Any) -> int | None:
        """Add a row; its number, None where there is one of that name already."""
        names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
        added = self.rows(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING rowid",  # noqa: S608 - names are our literals, values are bound
            *values.values(),
        )
        return added[0][0] if added else None

    def update(self, table: str, numbers: Sequence[int], column: str, value: Any) -> None:
        """Change a column of the rows with these numbers."""
        condition, values = _condition({"number": numbers})
        self.rows(f"UPDATE {table} SET {column} = ?{condition}", value, *values)  # noqa: S608 - names are our literals, values are bound

    def delete(self, table: str, **equal: Any) -> list[int]:
        """Delete the rows with these values; their numbers."""
        condition, values = _condition(equal)
        deleted = self.rows(f"DELETE FROM {table}{condition} RETURNING rowid", *values)  # noqa: S608 - names are our literals, values are bound
        return [number for (number,) in deleted]

    def vectors(
        self, table: str, after: int = 0, most: int = -1, **equal: Any
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Numbers and vectors (n, d) of a table's rows with these values, as `find` chooses them."""
        rows = self._page(f"SELECT number, vector FROM {table}", after, most, equal)  # noqa: S608 - names are our literals, values are bound
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), np.float32)
        return [number for number, _ in rows], vectors.reshape(len(rows), -1 if rows else 0)

    def tags(self, collection: int) -> dict[str, str]:
        """The tags of the collection with this number."""
        return dict(self.rows("SELECT key, value FROM tags WHERE collection = ? ORDER BY +rowid", collection))

    def recall(self, operation: str, token: str) -> tuple[str, str] | None:
        """A request's digest and its reply, by the operation's ClientRequestToken; after a day they are forgotten."""
        self.rows("DELETE FROM answers WHERE answered < ?", time.time() - REMEMBERED_S)
        known = "SELECT request_digest, reply FROM answers WHERE operation = ? AND token = ?"
        return next(iter(self.rows(known, operation, token)), None)

    def _page(self, select: str, after: int, most: int, equal: Mapping[str, Any]) -> list[Any]:
        condition, values = _condition(equal, after)
        # All rows are found by their values first, then put in order; of a page, the order comes first.
        order = "+rowid" if most < 0 else "rowid"
        return self.rows(f"{select}{condition} ORDER BY {order} LIMIT ?", *values, most)


def _condition(equal: Mapping[str, Any], after: int = 0) -> tuple[str, list[Any]]:
    """The part of a statement that chooses the rows with these values, and what its marks stand for."""
    anyone = {name: [*value] if isinstance(value, list | tuple) else [value] for name, value in equal.items()}
    terms = [f'"{name}" IN ({", ".join("?" * len(values))})' for name, values in anyone.items()]
    marked = [value for values in anyone.values() for value in values]
    if after:
        terms.append("rowid > ?")
        marked.append(after)
    return f" WHERE {' AND '.join(terms)}", marked


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _claimed(folder: Path) -> Any:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim = os.fdopen(os.open(folder / "in-use", os.O_WRONLY | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise StorageError(
            f"{folder}: it cannot be written ({error.strerror}): make it writable, or name another folder with --data."
        ) from error
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:  # its vectors in memory would not see our changes
        claim.close()
        raise StorageError(f"Another server works on {folder}.") from error
    return claim
