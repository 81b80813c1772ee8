"""Image files changed at random: bits, lengths, the order and the content of their parts, parts added."""

import random
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from PIL import Image

from face_validation.local.samples.questions import eileen_collins

Mutation = Callable[[bytes, random.Random], bytes]


def seeds() -> list[bytes]:
    """Good files of every kind that the readers know."""
    photograph = eileen_collins().resize((160, 160))
    exif = Image.Exif()
    exif[0x0112] = 6
    transparent = photograph.convert("RGBA")
    transparent.putalpha(photograph.convert("L"))
    kept = [
        _file(photograph, "JPEG", exif=exif, comment=b"a comment"),
        _file(photograph, "JPEG", progressive=True),
        _file(photograph.convert("CMYK"), "JPEG"),
        _file(photograph.convert("L"), "JPEG", restart_marker_rows=1),
        _file(photograph, "PNG", exif=exif),
        _file(transparent, "PNG"),
        _file(photograph.quantize(64), "PNG", transparency=3),
    ]
    return [*kept, *(_file(photograph.convert(mode), "PNG") for mode in ("LA", "1", "L", "P"))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Some bits changed anywhere."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 3, 30))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut_short(data: bytes, chance: random.Random) -> bytes:
    """The beginning only."""
    return data[: chance.randrange(1, len(data))]


def filled(data: bytes, chance: random.Random) -> bytes:
    """A stretch replaced by one byte or by noise."""
    start = chance.randrange(len(data))
    length = chance.randrange(1, 200)
    return data[:start] + chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length))) + data[start:]


def parts_moved(data: bytes, chance: random.Random) -> bytes:
    """Chunks or segments left out, doubled or exchanged, with right checksums."""
    parts = list(_parts(data))
    for _ in range(chance.randrange(1, 4)):
        here, there = chance.randrange(len(parts)), chance.randrange(len(parts))
        match chance.randrange(3):
            case 0:
                parts[here], parts[there] = parts[there], parts[here]
            case 1:
                parts.insert(here, parts[there])
            case _ if len(parts) > 1:
                del parts[here]
    return b"".join(parts)


def part_rewritten(data: bytes, chance: random.Random) -> bytes:
    """The content of one chunk or segment changed, and its checksum made right."""
    parts = list(_parts(data))
    here = chance.randrange(1, len(parts))
    part = parts[here]
    if data.startswith(b"\x89PNG"):
        kind, content = part[4:8], bytearray(part[8:-4])
        if kind == b"IDAT" and chance.random() < 0.5:
            raw = bytearray(zlib.decompress(content))
            raw[chance.randrange(len(raw))] = chance.randrange(256)
            content = bytearray(zlib.compress(bytes(raw)))
        elif content:
            content[chance.randrange(len(content))] = chance.randrange(256)
        parts[here] = _chunk(kind, bytes(content))
    elif len(part) > 4:
        changed = bytearray(part)
        changed[chance.randrange(2, len(changed))] = chance.randrange(256)
        parts[here] = bytes(changed)
    return b"".join(parts)


def part_added(data: bytes, chance: random.Random) -> bytes:
    """A text under one of Pillow's own words, a profile, EXIF or XMP with nonsense in it."""
    content = chance.choice((b"hello", chance.randbytes(40), b"\xe9" * 32_766, b'tiff:Orientation="6"'))
    if data.startswith(b"\x89PNG"):
        word = chance.choice((b"comment", b"transparency", b"interlace", b"bbox", b"exif", b"xmp", b"gamma", b"dpi"))
        kind = chance.choice((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"acTL", b"fcTL", b"pHYs"))
        packed = zlib.compress(content)
        body = {b"tEXt": word + b"\0" + content, b"zTXt": word + b"\0\0" + packed, b"iCCP": word + b"\0\0" + packed}
        place = data.index(b"IDAT") - 4
        return data[:place] + _chunk(kind, body.get(kind, content)) + data[place:]
    marker = chance.choice((0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDD))
    start = chance.choice(
        (b"", b"Exif\0\0II*\0\x08\0\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0", b"Adobe", b"JFIF\0")
    )
    body_ = (start + content)[:65_533]
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body_) + 2) + body_ + data[2:]


MUTATIONS: tuple[Mutation, ...] = (flipped, cut_short, filled, parts_moved, part_rewritten, part_added)


def mutated(files: int, seed: int) -> Iterator[bytes]:
    """So many files, each from a good one by one or two mutations."""
    chance = random.Random(seed)
    good = seeds()
    for number in range(files):
        data = good[number % len(good)]
        for mutation in chance.sample(MUTATIONS, chance.choice((1, 1, 2))):
            try:
                data = mutation(data, chance) or data
            except (ValueError, IndexError, struct.error, zlib.error):
                continue  # the second mutation needs what the first has broken
        yield data


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _parts(data: bytes) -> Iterator[bytes]:
    """A PNG's signature and chunks, or a JPG's pieces between markers: joined they are the file."""
    if not data.startswith(b"\x89PNG"):
        yield from filter(None, re.split(rb"(?=\xff[\xc0-\xcf\xd8-\xfe])", data))
        return
    yield data[:8]
    position = 8
    while position < len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        yield data[position:end]
        position = end
