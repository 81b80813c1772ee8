"""Collections on disk: faces, users and remembered answers in one SQLite file."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekognition_local.storage.schema import SCHEMA, add_regions
from rekognition_local.storage.storage_errors import FolderInUseError, StorageError, refuse_foreign, storage_errors

_FILE = "collections.sqlite3"


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A face of a collection as it is kept; the box in ratios of its image, confidence in percent."""

    number: int
    face_id: str
    image_id: str
    external_image_id: str | None
    left: float
    top: float
    width: float
    height: float
    confidence: float
    user_id: str | None


_FACE_COLUMNS = 'faces.number, face_id, image_id, external_image_id, "left", top, width, height, confidence, user_id'
_FACES = f"SELECT {_FACE_COLUMNS} FROM faces LEFT JOIN users ON users.number = faces.user"  # noqa: S608 (constants)


class Store:
    """The file, one connection and its lock. What is written is on disk before the answer goes out.

    Args:
        folder: where the file lies; None keeps everything in memory.

    Raises:
        FolderInUseError: another process has the folder.
        StorageError: the file is not a database of this server, damaged, locked, or cannot be written; so is raised by
            every method, later, when the disk is full or gone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._claim = _claimed(folder) if folder is not None else None
        self._file: Path | str = ":memory:" if folder is None else folder / _FILE
        try:
            self._connection = self._opened()
        except BaseException:
            if self._claim is not None:
                self._claim.close()
            raise
        self._lock = threading.RLock()
        self._depth = 0
        self._following: list[Callable[[], object]] = []

    def _opened(self) -> sqlite3.Connection:
        with storage_errors(self._file):
            if isinstance(self._file, Path):
                # Faces: for nobody else of this machine. SQLite gives its other files the same mode.
                self._file.touch(mode=0o600)
            connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            try:
                add_regions(connection)
                refuse_foreign(connection, SCHEMA, self._file)
                # WAL survives a killed process, FULL a power cut. secure_delete overwrites what is erased: faces.
                for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
                    connection.execute(f"PRAGMA {setting}")
                connection.executescript(SCHEMA)
            except BaseException:
                connection.close()
                raise
        return connection

    def close(self) -> None:
        """Fold the log into the file and let the folder go."""
        with self._lock:
            self._connection.close()
        if self._claim is not None:
            self._claim.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is done or undone together; others wait. May be entered again within itself."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                self._execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self._execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:  # a full disk may have undone it already
                        self._connection.execute("ROLLBACK")
                    raise
                for follow in self._following:
                    follow()
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._following.clear()

    def after_commit(self, follow: Callable[[], object]) -> None:
        """Do this once the transaction that is open is on disk, before anybody else sees its changes."""
        self._following.append(follow)

    def erase_traces(self, collection_id: str) -> None:
        """Leave nothing on the disk of what the open transaction deletes from a collection.

        Remembered answers name faces and users, and the write-ahead log holds deleted rows until it is emptied.
        """
        self.run("DELETE FROM answers WHERE collection_id = ?", collection_id)
        self.after_commit(lambda: self.rows("PRAGMA wal_checkpoint(TRUNCATE)"))

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        with self._lock:
            return self._execute(statement, *values).fetchall()

    def row(self, statement: str, *values: Any) -> Any:
        """The first row of a query, or None."""
        with self._lock:
            return self._execute(statement, *values).fetchone()

    def run(self, statement: str, *values: Any) -> int:
        """Run one change; the number of the row it added last."""
        with self._lock:
            return self._execute(statement, *values).lastrowid or 0

    def _execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        with storage_errors(self._file):
            return self._connection.execute(statement, values)

    def count(self, table: str, collection: int) -> int:
        """How many `faces`, `users` or `user_vectors` a collection has."""
        found = self.row(f"SELECT COUNT(*) FROM {table} WHERE collection = ?", collection)  # noqa: S608 (own names)
        return int(found[0])

    def faces(self, condition: str, *values: Any) -> list[FaceRow]:
        """Faces by a condition on `faces` and `users`."""
        return [FaceRow(*row) for row in self.rows(f"{_FACES} WHERE {condition}", *values)]

    def faces_by_number(self, numbers: Sequence[int]) -> dict[int, FaceRow]:
        """Those of these faces that still are there."""
        found: dict[int, FaceRow] = {}
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            marks = ",".join("?" * len(some))
            found |= {face.number: face for face in self.faces(f"faces.number IN ({marks})", *some)}
        return found

    def vectors(self, table: str, collection: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """All vectors of a collection's `faces` or `user_vectors`, in portions (numbers, (n, d)), numbers ascending."""
        after = 0
        while rows := self.rows(
            f"SELECT number, vector FROM {table} WHERE collection = ? AND number > ?"  # noqa: S608 (own names)
            " ORDER BY number LIMIT 20000",
            collection,
            after,
        ):
            numbers = [number for number, _ in rows]
            vectors = np.frombuffer(b"".join(vector for _, vector in rows), np.float32).reshape(len(rows), -1)
            yield numbers, vectors
            after = numbers[-1]


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
    except BlockingIOError as error:
        claim.close()
        raise FolderInUseError(f"Another server works on {folder}.") from error
    return claim
