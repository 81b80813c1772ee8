"""Image files with something odd in them, made by hand: parts beside the pixels, broken data, missing parts."""

import struct
import zlib

from PIL import Image, ImageCms

from tests.fakes import file_of

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Keywords under which Pillow keeps its own settings, or which its encoders take from a picture.
PILLOWS_WORDS = ("comment", "transparency", "interlace", "bbox", "exif", "xmp", "icc_profile", "dpi", "default_image")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its right checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def chunks_of(png: bytes) -> list[tuple[bytes, bytes]]:
    """The kind and the content of each chunk."""
    found, position = [], len(PNG_SIGNATURE)
    while position < len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        found.append((kind, png[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks."""
    return PNG_SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def with_chunk(png: bytes, kind: bytes, content: bytes, *, before: bytes = b"IDAT") -> bytes:
    """A PNG with one more chunk, in front of the first chunk called `before`."""
    chunks = chunks_of(png)
    place = [kind for kind, _ in chunks].index(before)
    return png_of([*chunks[:place], (kind, content), *chunks[place:]])


def with_segment(jpg: bytes, marker: int, content: bytes) -> bytes:
    """A JPG with one more segment, at its start."""
    return jpg[:2] + segment(marker, content) + jpg[2:]


def with_broken_pixels(png: bytes, *, how: str) -> bytes:
    """A PNG with a filter byte that does not exist, or with a wrong checksum of its pixels; its chunks are right."""
    chunks = chunks_of(png)
    raw = bytearray(zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT")))
    height = struct.unpack(">I", chunks[0][1][4:8])[0]
    if how == "filter":
        raw[len(raw) // height * (height * 7 // 10)] = 99
    packed = zlib.compress(bytes(raw))
    if how == "checksum":
        packed = packed[:-4] + bytes(4)
    others = [(kind, content) for kind, content in chunks if kind not in {b"IDAT", b"IEND"}]
    return png_of([*others, (b"IDAT", packed), (b"IEND", b"")])


def exif(orientation: int, *, form: int = 3, value: bytes | None = None) -> bytes:
    """The TIFF part of an EXIF block with one entry: the orientation, by default as one 16-bit number."""
    entry = struct.pack("<HHI", 0x0112, form, 1) + (value or struct.pack("<HH", orientation, 0))
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)


def xmp(orientation: int) -> bytes:
    """An XMP packet that names an orientation."""
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        b'tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>' % orientation
    )


def with_xmp(file: bytes, orientation: int) -> bytes:
    """A JPG or PNG with such a packet, and without EXIF."""
    if file.startswith(PNG_SIGNATURE):
        return with_chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(orientation))
    return with_segment(file, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(orientation))


def without_palette(size: tuple[int, int] = (200, 160)) -> bytes:
    """A PNG whose pixels are numbers of a palette that it does not have."""
    indexed = file_of(Image.new("P", size, 3), "PNG")
    return png_of([(kind, content) for kind, content in chunks_of(indexed) if kind != b"PLTE"])


def display_p3() -> bytes:
    """sRGB's profile with Display P3's primaries (adapted to D50) in place of its own."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    tags = int.from_bytes(profile[128:132], "big")
    for index in range(tags):
        entry = 132 + 12 * index
        name, start = bytes(profile[entry : entry + 4]), int.from_bytes(profile[entry + 4 : entry + 8], "big")
        if name in primaries:
            for place, value in enumerate(primaries[name]):
                fixed = round(value * 65536).to_bytes(4, "big", signed=True)
                profile[start + 8 + 4 * place : start + 12 + 4 * place] = fixed
        if name == b"desc":
            length = int.from_bytes(profile[entry + 8 : entry + 12], "big")
            text = bytes(profile[start : start + length])
            profile[start : start + length] = text.replace(
                "sRGB".encode("utf-16-be"), "DiP3".encode("utf-16-be")
            ).replace(b"sRGB", b"DiP3")
    return bytes(profile)
