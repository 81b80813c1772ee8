"""What is read from and written to the tables: one function a question or a change, each over a `Store`."""

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekognition_local.storage.database import FaceRow, Store

_USERS = (
    "SELECT users.number, user_id, user_vectors.number IS NOT NULL"
    " FROM users LEFT JOIN user_vectors ON user_vectors.user = users.number"
)
_COLLECTIONS = "SELECT number, collection_id, created, model_id, region FROM collections"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `created` in epoch seconds, `model_id` of the recogniser whose vectors it holds."""

    number: int
    collection_id: str
    created: float
    model_id: str
    region: str


@dataclass(frozen=True, slots=True)
class User:
    """A user of a collection; ACTIVE with at least one face, else CREATED."""

    number: int
    user_id: str
    status: str


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face to keep: the box (left, top, width, height) in ratios of its image, confidence in percent, vector (d,)."""

    image_digest: str
    external_image_id: str | None
    box: tuple[float, float, float, float]
    confidence: float
    vector: NDArray[np.float32]


def add_collection(store: Store, region: str, collection_id: str, model_id: str) -> bool:
    """Whether the collection was added; False when the region has one of that name."""
    try:
        store.run(
            "INSERT INTO collections (region, collection_id, created, model_id) VALUES (?, ?, ?, ?)",
            region,
            collection_id,
            time.time(),
            model_id,
        )
    except sqlite3.IntegrityError:
        return False
    return True


def collection_named(store: Store, region: str, collection_id: str) -> Collection | None:
    """The collection of that name in that region."""
    row = store.row(f"{_COLLECTIONS} WHERE region = ? AND collection_id = ?", region, collection_id)
    return None if row is None else Collection(*row)


def collections_after(store: Store, region: str, number: int, most: int) -> list[Collection]:
    """The region's next collections, oldest first."""
    rows = store.rows(f"{_COLLECTIONS} WHERE region = ? AND number > ? ORDER BY number LIMIT ?", region, number, most)
    return [Collection(*row) for row in rows]


def collection_count(store: Store, region: str) -> int:
    """How many collections the region has."""
    return int(store.row("SELECT COUNT(*) FROM collections WHERE region = ?", region)[0])


def tags_of(store: Store, collection: Collection) -> dict[str, str]:
    """A collection's tags, oldest first."""
    return dict(store.rows("SELECT key, value FROM tags WHERE collection = ? ORDER BY rowid", collection.number))


def set_tags(store: Store, collection: Collection, tags: Mapping[str, str]) -> None:
    """Add tags to a collection; a key that it has gets the new value."""
    for key, value in tags.items():
        store.run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", collection.number, key, value)


def delete_tags(store: Store, collection: Collection, keys: Sequence[str]) -> None:
    """Take tags from a collection; keys that it does not have are passed over."""
    for key in keys:
        store.run("DELETE FROM tags WHERE collection = ? AND key = ?", collection.number, key)


def delete_collection(store: Store, collection: Collection) -> None:
    """Delete a collection with its faces and users."""
    store.run("DELETE FROM collections WHERE number = ?", collection.number)


def set_model_of_empty_collection(store: Store, collection: Collection, model_id: str) -> bool:
    """Whether the collection now is of that recogniser; False when it holds faces."""
    if store.row("SELECT 1 FROM faces WHERE collection = ? LIMIT 1", collection.number):
        return False
    store.run("UPDATE collections SET model_id = ? WHERE number = ?", model_id, collection.number)
    return True


def add_face(store: Store, collection: Collection, face: NewFace) -> tuple[FaceRow, bool]:
    """The face as it is kept, and whether it is new; the same face of an image with the same external id is not."""
    if face.external_image_id is not None:
        same = store.faces(
            'faces.collection = ? AND image_digest = ? AND external_image_id = ? AND "left" = ? AND top = ?'
            " AND width = ? AND height = ?",
            collection.number,
            face.image_digest,
            face.external_image_id,
            *face.box,
        )
        if same:
            return same[0], False
    number = store.run(
        "INSERT INTO faces (collection, face_id, image_id, external_image_id, image_digest,"
        ' "left", top, width, height, confidence, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        collection.number,
        str(uuid.uuid4()),
        # One image has one id, however often it is sent.
        str(uuid.UUID(face.image_digest[:32], version=4)),
        face.external_image_id,
        face.image_digest,
        *face.box,
        face.confidence,
        face.vector.astype(np.float32).tobytes(),
    )
    return store.faces("faces.number = ?", number)[0], True


def faces_with_ids(store: Store, collection: Collection, face_ids: Sequence[str]) -> dict[str, FaceRow]:
    """Those of these faces that the collection has."""
    marks = ",".join("?" * len(face_ids))
    rows = store.faces(f"faces.collection = ? AND face_id IN ({marks})", collection.number, *face_ids)
    return {row.face_id: row for row in rows}


def faces_after(
    store: Store, collection: Collection, number: int, most: int, user: User | None, face_ids: Sequence[str] | None
) -> list[FaceRow]:
    """The next faces, oldest first: all, those of a user, or those of the given ids."""
    condition, values = "faces.collection = ? AND faces.number > ?", [collection.number, number]
    if user is not None:
        condition += " AND faces.user = ?"
        values.append(user.number)
    if face_ids is not None:
        condition += f" AND face_id IN ({','.join('?' * len(face_ids))})"
    return store.faces(f"{condition} ORDER BY faces.number LIMIT ?", *values, *(face_ids or ()), most)


def delete_faces(store: Store, faces: Sequence[FaceRow]) -> None:
    """Delete these faces."""
    for face in faces:
        store.run("DELETE FROM faces WHERE number = ?", face.number)


def vector_of_face(store: Store, collection: Collection, face_id: str) -> NDArray[np.float32] | None:
    """A face's vector (d,)."""
    rows = store.rows("SELECT vector FROM faces WHERE collection = ? AND face_id = ?", collection.number, face_id)
    return next(iter(_array(rows)), None)


def vectors_of_faces(store: Store, faces: Sequence[FaceRow]) -> NDArray[np.float32]:
    """Vectors (n, d) of at least one face, in the order of their numbers."""
    marks = ",".join("?" * len(faces))
    statement = f"SELECT vector FROM faces WHERE number IN ({marks}) ORDER BY number"  # noqa: S608 (marks alone)
    return _array(store.rows(statement, *(face.number for face in faces)))


def add_user(store: Store, collection: Collection, user_id: str) -> bool:
    """Whether the user was added; False when there is one of that name."""
    try:
        store.run("INSERT INTO users (collection, user_id) VALUES (?, ?)", collection.number, user_id)
    except sqlite3.IntegrityError:
        return False
    return True


def user_named(store: Store, collection: Collection, user_id: str) -> User | None:
    """The user of that name."""
    return next(iter(_users(store, "users.collection = ? AND user_id = ?", collection.number, user_id)), None)


def user_of_vector(store: Store, number: int) -> User | None:
    """The user whose vector has that number, unless it was deleted meanwhile."""
    return next(iter(_users(store, "user_vectors.number = ?", number)), None)


def users_after(store: Store, collection: Collection, number: int, most: int) -> list[User]:
    """The next users, oldest first."""
    condition = "users.collection = ? AND users.number > ? ORDER BY users.number LIMIT ?"
    return _users(store, condition, collection.number, number, most)


def delete_user(store: Store, user: User) -> list[int]:
    """Delete a user; the numbers of the vectors that went with it. Its faces stay, and are nobody's."""
    old = store.rows("SELECT number FROM user_vectors WHERE user = ?", user.number)
    store.run("DELETE FROM users WHERE number = ?", user.number)
    return [number for (number,) in old]


def give_faces(store: Store, faces: Sequence[FaceRow], owner: User | None) -> None:
    """Make the faces a user's, or nobody's."""
    for face in faces:
        store.run("UPDATE faces SET user = ? WHERE number = ?", None if owner is None else owner.number, face.number)


def face_count_of(store: Store, user: User) -> int:
    """How many faces a user has."""
    return int(store.row("SELECT COUNT(*) FROM faces WHERE user = ?", user.number)[0])


def face_vectors_of(store: Store, user: User) -> NDArray[np.float32]:
    """Vectors (n, d) of a user's faces."""
    return _array(store.rows("SELECT vector FROM faces WHERE user = ? ORDER BY number", user.number))


def vector_of_user(store: Store, user: User) -> NDArray[np.float32] | None:
    """A user's vector (d,); None without faces."""
    return next(iter(_array(store.rows("SELECT vector FROM user_vectors WHERE user = ?", user.number))), None)


def delete_vector_of_user(store: Store, user: User) -> list[int]:
    """Delete a user's vector; the numbers of what was deleted."""
    old = store.rows("SELECT number FROM user_vectors WHERE user = ?", user.number)
    store.run("DELETE FROM user_vectors WHERE user = ?", user.number)
    return [number for (number,) in old]


def add_vector_of_user(store: Store, collection: Collection, user: User, vector: NDArray[np.float32]) -> int:
    """Store a user's vector; its number."""
    return store.run(
        "INSERT INTO user_vectors (collection, user, vector) VALUES (?, ?, ?)",
        collection.number,
        user.number,
        vector.tobytes(),
    )


def _users(store: Store, condition: str, *values: object) -> list[User]:
    rows = store.rows(f"{_USERS} WHERE {condition}", *values)
    return [User(number, user_id, "ACTIVE" if has_vector else "CREATED") for number, user_id, has_vector in rows]


def _array(rows: Sequence[tuple[bytes]]) -> NDArray[np.float32]:
    return np.array([np.frombuffer(vector, np.float32) for (vector,) in rows], np.float32)
