"""JPG and PNG files without all that they carry beside their pixels: text, comments, profiles, thumbnails, trailers.

A decoder that is given such a file has nothing left that it could misread, keep or write into the next file. The only
thing that is read from the rest is the EXIF orientation. This module needs the standard library alone.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

MAX_PARTS = 100_000
"""Segments or chunks of one file. Encoders write some hundred; each part costs about a microsecond."""
MAX_SCANS = 100
"""Scans of one JPG: each costs the time of a whole decode. Encoders write about ten."""

_JPG_START, PNG_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# In a scan's data an FF byte is followed by 00 or by a restart marker (D0-D7), and FF may be repeated before a marker.
# 01 stands alone and means nothing.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
# Frames, tables, scans and restart intervals: all that a decoder of JPG needs (ITU-T T.81, table B.1).
_NEEDED_MARKERS = frozenset({*range(0xC0, 0xC8), *range(0xC9, 0xDE)} - {_START_OF_IMAGE, _END_OF_IMAGE})
_APP0, _APP1, _APP14 = 0xE0, 0xE1, 0xEE
# JFIF and Adobe's block say which colours the numbers are; density and thumbnail of the first are left out.
_PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_BYTES = 12

_PALETTE_COLOUR = 3
# Bytes of a tRNS chunk by colour type: one grey, one colour.
_TRANSPARENCY_BYTES = {0: 2, 2: 6}

_ORIENTATION_TAG, _SHORT = 0x0112, 3


class ImageFileError(ValueError):
    """The bytes are not a readable JPG or PNG; `str(error)` is a sentence about the file, `reason` the service's code.

    Not a subclass, but this class itself: the file begins like a JPG or PNG, but is truncated or broken.
    """

    reason = "IMAGE_TRUNCATED"


class OtherFormatError(ImageFileError):
    """Neither JPG nor PNG by its first bytes."""

    reason = "FORMAT_NOT_SUPPORTED"


class EndlessFileError(ImageFileError):
    """A JPG or PNG of more parts than an encoder writes, made to keep its reader busy."""

    reason = "IMAGE_UNSAFE"


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file of pixels alone. `data` is the object that was read, if nothing was left out; `orientation` is 1 to 8."""

    kind: Literal["JPG", "PNG"]
    data: bytes
    orientation: int


def plain_file(data: bytes) -> PlainFile:
    """Leave out whatever is beside the pixels of a whole file; raises ImageFileError when it is not read.

    The pixels' own data is passed on as it is, after its checksums in a PNG were tried; nothing is decompressed.
    """
    if data.startswith(_JPG_START):
        return _plain_jpg(data)
    if data.startswith(PNG_START):
        return _plain_png(data)
    raise OtherFormatError("the content is neither JPG nor PNG.")


def _plain_jpg(data: bytes) -> PlainFile:
    """A JPG's frame, tables and scans up to the end of the image."""
    kept: list[bytes | memoryview] = [_JPG_START[:2]]
    view, position, parts, scans, orientation = memoryview(data), 2, 0, 0, 0
    seen: set[int] = set()
    while marker := _MARKER.search(data, position):
        parts += 1
        code, start = marker[1][0], marker.start()
        if scans:
            kept.append(view[position:start])  # the scan's own data
        if code == _END_OF_IMAGE:
            kept.append(view[start : marker.end()])
            break
        end = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
        scans += code == _START_OF_SCAN
        if scans > MAX_SCANS or parts > MAX_PARTS:
            most = f"{MAX_SCANS} scans" if scans > MAX_SCANS else f"{MAX_PARTS} segments"
            raise EndlessFileError(f"the JPG has more than {most}, which is the limit.")
        if code == _START_OF_IMAGE or end > len(data) or end < marker.end() + 2:
            raise ImageFileError(f"the JPG file is truncated or broken: at byte {start} of {len(data)}.")
        content = data[marker.end() + 2 : end]
        if code in _NEEDED_MARKERS:
            kept.append(view[start:end])
        elif code == _APP1 and not (orientation or scans) and content[:6] == b"Exif\0\0":
            orientation = exif_orientation(content[6:])
        elif code not in seen and (block := _colour_block(code, content)):
            seen.add(code)
            kept.append(block)
        position = end
    else:
        kept.append(view[position:])  # without its end: the decoder knows whether all rows are there
    return PlainFile("JPG", _joined(kept, data), orientation or 1)


def _colour_block(code: int, content: bytes) -> bytes:
    """The block that says which colours a JPG's numbers are, without its other contents; empty if it is missing."""
    if code == _APP0 and content[:5] == b"JFIF\0" and len(content) >= len(_PLAIN_JFIF) - 4:
        return _PLAIN_JFIF
    if code == _APP14 and content[:5] == b"Adobe" and len(content) >= _ADOBE_BYTES:
        return b"\xff\xee" + struct.pack(">H", _ADOBE_BYTES + 2) + content[:_ADOBE_BYTES]
    return b""


class _Chunk(NamedTuple):
    """A chunk of a PNG: where it begins, its kind, its content, and all of it with length and checksum."""

    start: int
    kind: bytes
    content: memoryview
    whole: memoryview


def _plain_png(data: bytes) -> PlainFile:
    """A PNG's header, palette, transparent colour and pixels; of an animation the image that stands for it."""
    kept: list[bytes | memoryview] = [PNG_START]
    orientation, colour, entries = 0, -1, 0
    seen: set[bytes] = set()
    for chunk in _chunks(data):
        if chunk.kind == b"eXIf":
            orientation = orientation or exif_orientation(chunk.content.tobytes())
        elif _is_needed(chunk, colour, entries, seen):
            if zlib.crc32(chunk.whole[4:-4]) != int.from_bytes(chunk.whole[-4:]):
                place = f"wrong checksum of {chunk.kind.decode()} at byte {chunk.start}"
                raise ImageFileError(f"the PNG file is truncated or broken: {place}.")
            seen.add(chunk.kind)
            kept.append(chunk.whole)
            if chunk.kind == b"IHDR":
                colour = chunk.content[9]
            elif chunk.kind == b"PLTE":
                entries = len(chunk.content) // 3
    if not {b"IHDR", b"IDAT"} <= seen:
        raise ImageFileError("the PNG file is truncated or broken: its header or its pixels are missing.")
    if colour == _PALETTE_COLOUR and b"PLTE" not in seen:
        raise ImageFileError("the PNG file is broken: its pixels use a palette that is missing.")
    if b"IEND" not in seen:
        raise ImageFileError("the PNG file is truncated: its end is missing.")
    return PlainFile("PNG", _joined(kept, data), orientation or 1)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The whole chunks of a PNG up to its end; raises ImageFileError where pixels are cut short."""
    view, position, kind = memoryview(data), len(PNG_START), b""
    for _ in range(MAX_PARTS):
        if kind == b"IEND" or position + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            if kind == b"IDAT":
                raise ImageFileError(f"the PNG file is truncated or broken: its pixels end at byte {len(data)}.")
            return
        yield _Chunk(position, kind, view[position + 8 : end - 4], view[position:end])
        position = end
    raise EndlessFileError(f"the PNG has more than {MAX_PARTS} chunks, which is the limit.")


def _is_needed(chunk: _Chunk, colour: int, entries: int, seen: set[bytes]) -> bool:
    # One that stands where it must not is left out, as libpng does (www.w3.org/TR/png-3, 5.6 and 11.3.1.1).
    length = len(chunk.content)
    match chunk.kind:
        case b"IHDR":
            return not seen and length == 13
        case b"PLTE":
            is_palette = length % 3 == 0 and 3 <= length <= 768
            return colour == _PALETTE_COLOUR and is_palette and not seen & {b"PLTE", b"IDAT"}
        case b"tRNS":
            fits = 1 <= length <= entries if colour == _PALETTE_COLOUR else length == _TRANSPARENCY_BYTES.get(colour)
            return fits and not seen & {b"tRNS", b"IDAT"}
        case b"IDAT" | b"IEND":
            return b"IHDR" in seen
        case _:
            return False


def exif_orientation(tiff: bytes) -> int:
    """The orientation in the first directory of an EXIF block, 1 to 8; 0 when it has none that can be read.

    One number of 16 bits, as EXIF has it and browsers read it: whatever else stands there turns nothing.

    Source: CIPA DC-008 (EXIF 2.32), 4.6.4, tag 274.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    with suppress(struct.error):  # it is cut short
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, form, count, number = struct.unpack_from(f"{order}HHIHxx", tiff, place)
            if tag == _ORIENTATION_TAG:
                return number if (form, count) == (_SHORT, 1) and 1 <= number <= 8 else 0
    return 0


def _joined(kept: list[bytes | memoryview], data: bytes) -> bytes:
    """The kept parts as one file; `data` itself when nothing was left out, which saves a copy."""
    plain = b"".join(kept)
    return data if plain == data else plain
