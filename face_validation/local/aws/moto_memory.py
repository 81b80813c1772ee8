"""moto, made to forget: by itself it keeps every object that it ever stored or listed, erased photographs too."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def nothing_kept_of_what_is_erased() -> Iterator[None]:
    """Within it, an object that is erased leaves the memory, and a list of versions copies no contents.

    moto notes every instance of its models in a list for its own tests, and ListObjectVersions copies all objects of
    the bucket, whatever prefix is asked for: each enrolment and erasure kept another copy of the faces bucket.
    """
    from moto.core.common_models import BaseModel
    from moto.s3.models import FakeKey

    with ExitStack() as replaced:
        replaced.enter_context(_replaced(BaseModel, "__new__", _untracked))
        replaced.enter_context(_replaced(FakeKey, "__del__", FakeKey.dispose))
        replaced.enter_context(_replaced(FakeKey, "__deepcopy__", _without_content))
        yield


@contextmanager
def _replaced(owner: type, name: str, method: Any) -> Iterator[None]:
    before = vars(owner).get(name)
    setattr(owner, name, method)
    try:
        yield
    finally:
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _untracked(cls: type[Any], *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _without_content(key: Any, memo: dict[int, Any]) -> Any:
    """What a list needs of an object: all but its bytes, which its tag is made of when it is first asked for."""
    del memo
    tag = key.etag.strip('"')
    empty = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - moto's object, which holds it, closes it
    copied = object.__new__(type(key))
    copied.__dict__.update(key.__dict__, _etag=tag, _value_buffer=empty, lock=threading.Lock(), multipart=None)
    return copied
