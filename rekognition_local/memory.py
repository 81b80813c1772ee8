"""Memory of images that were freed goes back to the system."""

import ctypes
import sys

LARGE_BYTES = 8 * 1024 * 1024  # smaller ones come and go too often: each costs its page faults
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h of glibc


def give_large_blocks_back() -> None:
    """Have glibc take blocks of 8 MB and more from the system one by one, and give each back as soon as it is freed.

    By itself it stops to do so when the first such block is freed, and from then on keeps them, for each of its arenas:
    a server of 16 threads that decodes one large image at a time ends up with 16 images' worth of free memory. One
    arena is enough for threads that mostly wait. Does nothing where the C library has no such setting.

    Source: man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_ARENA_MAX, 1)
