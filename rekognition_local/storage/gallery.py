"""Collections of faces and users: what is kept, and who in them is similar to a face."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rekognition_local.engine import Engine
from rekognition_local.protocol.wire import DEFAULT_REGION, ServiceError
from rekognition_local.storage.database import Store
from rekognition_local.storage.records import Collection, Face, Record, User
from rekognition_local.storage.vector_index import VectorIndex

# The version of the service's face model whose behaviour this server has (no orientation in replies, quality filters).
# Whether vectors can be compared is a question of the recogniser, which every collection remembers.
FACE_MODEL_VERSION = "7.0"
# How much less likely one of many is than one of a pair: as many as are enrolled, see `calibrate_for_search`.
SEARCH_ODDS = 500
# Vectors that are read from the store at once.
PORTION = 20_000
# Where the vectors of each kind are, and the field that holds the number of one's vector.
_SEARCHED: Final[Mapping[type, tuple[str, str]]] = MappingProxyType(
    {Face: ("faces", "number"), User: ("user_vectors", "vector")}
)


class Gallery:
    """All collections, as one region shows them.

    Reads run beside each other; a change is stored first, and then made findable.
    """

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store = store
        self.region = DEFAULT_REGION
        self._engine = engine
        self._indexes: dict[tuple[str, int], VectorIndex] = {}
        self._updated_users: set[tuple[str, str, str]] = set()
        self._guard = threading.Lock()

    def in_region(self, region: str) -> "Gallery":
        """This gallery as a region shows it: with the collections of that region alone."""
        shown = copy(self)
        shown.region = region
        return shown

    def collection(self, collection_id: str) -> Collection:
        """The collection of that name, or ResourceNotFoundException."""
        for collection in self.store.find(Collection, region=self.region, collection_id=collection_id):
            return collection
        raise ServiceError("ResourceNotFoundException", f"The collection id: {collection_id} does not exist")

    def comparable_collection(self, collection_id: str) -> Collection:
        """The collection of that name; InvalidParameterException if its vectors are not the running recogniser's.

        A collection without faces takes on the recogniser that runs.
        """
        found = self.collection(collection_id)
        if found.model_id == self._engine.model_id:
            return found
        with self.store.transaction():
            if self.store.count("faces", collection=found.number):
                raise ServiceError(
                    "InvalidParameterException",
                    f"The collection {collection_id} holds vectors of the recogniser {found.model_id}; this server "
                    f"runs {self._engine.model_id}, and vectors of two recognisers cannot be compared. Start the "
                    f"server with that recogniser, or index the images again: `face-validation people reindex` for "
                    f"enrolled people, and for a collection of your own `aws rekognition delete-collection "
                    f"--collection-id {collection_id}`, create-collection, then index-faces for each image.",
                )
            self.store.update("collections", [found.number], "model_id", self._engine.model_id)
        return self.collection(collection_id)

    def user(self, collection: Collection, user_id: str) -> User:
        """The user of that name, or ResourceNotFoundException."""
        for user in self.store.find(User, collection=collection.number, user_id=user_id):
            return user
        raise ServiceError(
            "ResourceNotFoundException", f"The user id: {user_id} does not exist in {collection.collection_id}"
        )

    def faces(self, collection: Collection, face_ids: Sequence[str]) -> dict[str, Face | None]:
        """These faces by their ids, in this order; None for those that the collection has not."""
        found = self.store.find(Face, collection=collection.number, face_id=face_ids)
        return dict.fromkeys(face_ids) | {face.face_id: face for face in found}

    def add_vectors(
        self, table: str, collection: Collection, numbers: Sequence[int], vectors: NDArray[np.float32]
    ) -> None:
        """Make the vectors that the open transaction stores findable, once it is on disk."""
        self.store.after_commit(lambda: self._change(table, collection, lambda index: index.add(numbers, vectors)))

    def remove_vectors(self, table: str, collection: Collection, numbers: Sequence[int]) -> None:
        """Forget the vectors that the open transaction deletes, once that is on disk."""
        self.store.after_commit(lambda: self._change(table, collection, lambda index: index.remove(numbers)))

    def _change(self, table: str, collection: Collection, change: Callable[[VectorIndex], None]) -> None:
        index = self._indexes.get((table, collection.number))
        if index is not None:  # else its vectors are read when they are first asked for
            change(index)

    def forget(self, collection: Collection) -> None:
        """Forget all vectors of the collection that the open transaction deletes, once that is on disk."""
        for table, _ in _SEARCHED.values():
            self.store.after_commit(partial(self._indexes.pop, (table, collection.number), None))

    def _index(self, table: str, collection: Collection) -> VectorIndex | None:
        """The vectors of a collection's `faces` or `user_vectors`; None as long as there never was one."""
        key = (table, collection.number)
        if (loaded := self._indexes.get(key)) is not None:
            return loaded
        # As changes do, this holds the store's lock: no vector is added meanwhile that is not read here.
        with self.store.transaction():
            if key not in self._indexes and (count := self.store.count(table, collection=collection.number)):
                numbers, vectors = self.store.vectors(table, 0, PORTION, collection=collection.number)
                index = VectorIndex(vectors.shape[1], count)
                while numbers:
                    index.add(numbers, vectors)
                    numbers, vectors = self.store.vectors(table, numbers[-1], PORTION, collection=collection.number)
                self._indexes[key] = index
            return self._indexes.get(key)

    def similar(
        self, kind: type[Record], collection: Collection, probe: NDArray[np.float32], most: int, least: float
    ) -> list[tuple[float, Record]]:
        """Faces or users at least `least` percent similar to a vector (d,), at most `most`, most similar first."""
        table, place = _SEARCHED[kind]
        index = self._index(table, collection)
        if index is None:
            return []
        numbers, vectors = index.nearest(probe, most)
        similarities = calibrate_for_search(np.clip(self._engine.similarity(probe[None], vectors)[0], 0, 100))
        pairs = zip(similarities.tolist(), numbers.tolist(), strict=True)
        scored = sorted(((similarity, number) for similarity, number in pairs if similarity >= least), reverse=True)
        wanted: dict[str, Any] = {place: [number for _, number in scored]}
        found = {getattr(row, place): row for row in self.store.find(kind, **wanted)}
        return [(similarity, found[number]) for similarity, number in scored if number in found]

    @contextmanager
    def updating(self, collection_id: str, user_id: str) -> Iterator[None]:
        """Within it, nobody else changes this user; ConflictException when somebody does."""
        key = (self.region, collection_id, user_id)
        with self._guard:
            if key in self._updated_users:
                raise ServiceError("ConflictException", f"The user {user_id} is being updated by another request.")
            self._updated_users.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._updated_users.discard(key)


def calibrate_for_search(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """A pair's similarity (percent) as that of a search: the odds are divided by `SEARCH_ODDS`.

    A stranger who is searched for has as many chances to be taken for somebody as there are faces, where a pair has
    one. A search's 80 % is a pair's 99.95 %: among 500 faces, fewer than one stranger in a hundred is taken for
    somebody (measured: docs/decisions/search-scale.md).
    """
    return 100 * similarity / (similarity + SEARCH_ODDS * (100 - similarity))
