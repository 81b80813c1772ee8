"""Reindexing: every kept photo goes into a new collection, whose face model is the newest; then that one answers.

Each photo has a row for each of both collections (docs/decisions/reindex-rows.md); every step may be done again.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from face_validation_function.exceptions.exceptions import FaceValidationError, ServiceBusyError
from face_validation_function.integrations.dynamodb import ConditionNotMetError
from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.integrations.rekognition_service import CollectionService, RekognitionService
from face_validation_function.integrations.s3_service import S3Service
from face_validation_function.people import Collections, EnrolledFace, KeptPhoto, expiry
from face_validation_function.request_timer import RequestTimer
from face_validation_function.services.image_faces import cut_face, prominent_face
from face_validation_function.settings import PeopleSettings
from face_validation_function.utils.image_processing import open_upright

PHOTOS_AT_ONCE = 4
# What the photos under way may take when no further one may begin.
RESERVE_S = 8.0
# No request runs longer: then none asks the collection any more that answered before the swap.
GRACE_S = 30


@dataclass(frozen=True, slots=True)
class ReindexProgress:
    """How far it is, as the answer says: photos indexed by this call, those that have no face now, seconds to wait."""

    collection_id: str
    finished: bool = False
    indexed: int = 0
    wait_s: int = 0
    not_indexed: tuple[dict[str, str], ...] = ()


@dataclass(slots=True)
class ReindexService:
    """Reindexes one faces bucket and one table, a part at each call."""

    s3: S3Service
    rekognition: RekognitionService
    collection: CollectionService
    table: FacesTable
    settings: PeopleSettings
    grace_s: int = GRACE_S

    def step(self, timer: RequestTimer, run: str) -> ReindexProgress:
        """Begin a reindex, or go on with the one that is under way; `run` names the caller's whole reindex.

        ServiceBusyError when another call does the same now; whatever failed, ask again, and it goes on.
        """
        with timer.step("table"):
            state = self.table.collections()
        if state.is_settled and state.finished_by == run:
            return self._report(timer, state)
        try:
            if state.is_settled:
                first = self.settings.collection_id
                state = self._changed(state, following=f"{first}.{uuid.uuid4().hex[:12]}", start="")
            indexed = 0
            if state.following:
                with timer.step("collection"):
                    self.collection.create(state.following)
                state, indexed, is_whole = self._walk(timer, state, self._carry)
                if not is_whole:
                    return ReindexProgress(state.following, indexed=indexed)
                swap = {"active": state.following, "following": "", "previous": state.active, "start": ""}
                state = self._changed(state, **swap, swapped_at=int(time.time()))
            waiting = state.swapped_at + self.grace_s - int(time.time())
            if waiting > 0:
                return ReindexProgress(state.active, indexed=indexed, wait_s=waiting)
            state, more, is_whole = self._walk(timer, state, self._empty)
            if not is_whole:
                return ReindexProgress(state.active, indexed=indexed + more)
            with timer.step("collection"):
                self.collection.delete(state.previous)
            state = self._changed(state, previous="", start="", finished_by=run)
        except ConditionNotMetError:
            raise ServiceBusyError("another request reindexes at this moment.") from None
        return replace(self._report(timer, state), indexed=indexed + more)

    def _changed(self, state: Collections, **changes: Any) -> Collections:
        after = replace(state, revision=state.revision + 1, **changes)
        self.table.change_collections(after)
        return after

    def _walk(
        self, timer: RequestTimer, state: Collections, work: Callable[[RequestTimer, Collections, KeptPhoto], int]
    ) -> tuple[Collections, int, bool]:
        """Do `work` for the rows of other collections than the newest, until the end or until time is short.

        A photo that is being enrolled now is left alone: it is met again after the swap, or its request is refused.
        The answer is the state, how many photos were indexed, and whether the end was reached.
        """
        newest, indexed = state.following or state.active, 0
        todo = partial(work, timer, state)
        with ThreadPoolExecutor(max_workers=PHOTOS_AT_ONCE, thread_name_prefix="photo") as pool:
            for rows, start in self._pages(timer, state.start):
                older = [kept for kept in rows if kept.collection_id != newest and not kept.is_under_way]
                for place in range(0, len(older), PHOTOS_AT_ONCE):
                    if timer.remaining_s < RESERVE_S:
                        return state, indexed, False  # this page again: what is done of it costs nothing
                    indexed += sum(pool.map(todo, older[place : place + PHOTOS_AT_ONCE]))
                if start:
                    state = self._changed(state, start=start)
        return state, indexed, True

    def _pages(self, timer: RequestTimer, start: str = "") -> Iterator[tuple[list[KeptPhoto], str]]:
        """The rows of the whole table, some at a time, and where to go on after them; empty at the end."""
        while True:
            with timer.step("table"):
                rows, start = self.table.walk(start)
            yield rows, start
            if not start:
                return

    def _carry(self, timer: RequestTimer, state: Collections, kept: KeptPhoto) -> int:
        """Put a photo into the newest collection; how many faces were indexed."""
        new = replace(kept, collection_id=state.following or state.active, face=None, reason="")
        with timer.step("table"):
            if self.table.get(new):
                return 0
        if not kept.is_copy:
            try:
                face = self._indexed(timer, kept, new)
                ends = expiry(face.enrolled_at, self.settings.people_days, kept.expires_at)
                new = replace(new, face=face, claimed_at=None, expires_at=ends)
            except FaceValidationError as error:
                if error.status >= 500:
                    raise
                # So old a claim is free: the photo can be enrolled again.
                new = replace(new, reason=str(error), claimed_at=0)
        try:
            with timer.step("table"):
                self.table.carry(kept, new)
        except ConditionNotMetError:
            if new.face and not self.table.get(new):
                self.collection.delete_faces([new.face.face_id], new.collection_id)
        return int(new.face is not None)

    def _empty(self, timer: RequestTimer, state: Collections, kept: KeptPhoto) -> int:
        """Remove the row of the collection that answered before; what came after its walk is carried first."""
        indexed = self._carry(timer, state, kept)
        with timer.step("table"):
            self.table.delete(kept)
        return indexed

    def _indexed(self, timer: RequestTimer, kept: KeptPhoto, new: KeptPhoto) -> EnrolledFace:
        """The face of a photo, the same as before where there was one, in the newest collection."""
        with timer.step("photo, download"):
            photo = kept.photo
            image = open_upright(self.s3.photo(self.settings.faces_bucket, photo.key, photo.version).data)
        before = kept.face
        if before is None:
            face, crop = prominent_face(self.rekognition, timer, image)
        else:
            face, crop = before.face, cut_face(image, before.face)[0]
        with timer.step("photo, index_faces", rekognition=True):
            indexed = self.collection.index_face(crop, new, face)
        if before is None:
            return indexed
        return replace(indexed, enrolled_at=before.enrolled_at, possible_duplicate=before.possible_duplicate)

    def _report(self, timer: RequestTimer, state: Collections) -> ReindexProgress:
        """The end: every photo without a face, from the whole table, whichever call met it."""
        found = tuple(
            {"full_name": kept.photo.full_name, "image_path": kept.photo.key, "reason": kept.reason}
            for rows, _ in self._pages(timer)
            for kept in rows
            if kept.reason
        )
        return ReindexProgress(state.active, finished=True, not_indexed=found)
