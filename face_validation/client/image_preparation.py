"""Image files as people have them, made into what the service takes: an upright sRGB JPG within the limits."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms, UnidentifiedImageError

from face_validation.client.buckets import Photo, content_of
from face_validation.client.errors import ImageTooLargeError, ImageValidationError, SettingsError
from face_validation_function.file_formats import format_of
from face_validation_function.image_files import PNG_START, exif_orientation
from face_validation_function.image_pixels import on_white, turned

ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".heic", ".heif", ".pdf"}
)
"""How names of files that `prepare` reads usually end, in lower case."""

# Measured (docs/pictures.md): in photographs of 24 megapixels every zone of a drawn passport that is 800 pixels wide or
# more is read as it is from the original, and labelled pairs are decided as before.
LONGEST_SIDE = 3072
MAX_PIXELS = 250_000_000  # the largest phone camera has 200 megapixels
MAX_FILE_BYTES = 200 * 1024 * 1024
JPEG_QUALITY = 92

_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
# Of a colour profile, inflated: more is refused by Pillow, together with the image. Usual ones have some kilobytes.
_MAX_PROFILE_BYTES = 1_000_000

_INSTALL_IMAGES = "Install the extra: pip install 'face-validation[images]' (in a checkout: make setup)."


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An upright sRGB JPG without metadata, its size in pixels, and what the file was ("HEIC", "PDF", ...)."""

    content: bytes
    width: int
    height: int
    format: str


def prepare(photo: Photo, *, longest_side: int = LONGEST_SIDE, name: str | None = None) -> PreparedImage:
    """Make an image file into an upright sRGB JPG without metadata, no larger than the service needs it.

    JPG, PNG, WebP, AVIF, TIFF, GIF (first frame) and BMP are read; with the extra `images` HEIC and the first page of a
    PDF too. Colours of a wide gamut (Display P3) are converted, what is transparent becomes white. Nothing is enlarged.

    Args:
        photo: an image file, or its bytes.
        longest_side: in pixels; larger images are made smaller.
        name: what messages call the image; by default its file's name.

    Raises:
        OSError: the file cannot be read.
        ImageValidationError: no decoder opens it; the message names the format.
        ImageTooLargeError: more than 200 MB or 250 megapixels.
        SettingsError: its format needs a package that is not installed; says which.
    """
    name = name or ("The image" if isinstance(photo, bytes) else Path(photo).name)
    content = content_of(photo)
    if len(content) > MAX_FILE_BYTES:
        raise ImageTooLargeError(f"{name} has {len(content) >> 20} MB; the limit is {MAX_FILE_BYTES >> 20} MB.")
    kind = format_of(content)
    if not content:
        raise ImageValidationError(f"{name} is empty: 0 bytes. Choose another file.")
    pixels = _page_of_pdf(content, name) if kind == "PDF" else _decoded(content, name, kind, longest_side)
    # Small ones are left as they are: nothing is enlarged.
    pixels.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = BytesIO()
    # 4:4:4: colour at full resolution costs a few bytes and keeps the skin of small faces.
    pixels.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return PreparedImage(out.getvalue(), pixels.width, pixels.height, kind)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation of an image, 1 to 8; 1 without a readable one. XMP is ignored."""
    if image.format != "JPEG":
        image.load()  # a PNG's EXIF may stand behind the pixels, and a TIFF turns itself; what is broken is told here
    return exif_orientation((image.info.get("exif") or b"").removeprefix(b"Exif\0\0")) or 1


def upright(image: Image.Image) -> Image.Image:
    """The image as it is looked at: turned by its EXIF orientation, and by nothing else."""
    image.load()
    return turned(image, orientation_of(image))


def without_texts(content: bytes) -> bytes:
    """A PNG file without its texts and without a colour profile of over a megabyte; other files as they are.

    Pillow keeps texts beside its own settings: one called `transparency` would be taken for the transparent colour.
    """
    if not content.startswith(PNG_START):
        return content
    kept, position = [PNG_START], len(PNG_START)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if kind not in _TEXTS and not (kind == b"iCCP" and _is_large(content[position + 8 : end - 4])):
            kept.append(content[position:end])
        position = end
    return b"".join(kept) + content[position:]


def _is_large(profile: bytes) -> bool:
    """Whether the profile of an iCCP chunk (name, method, zlib stream) is larger than is read."""
    try:
        inflated = zlib.decompressobj().decompress(profile[profile.index(b"\0") + 2 :], _MAX_PROFILE_BYTES + 1)
    except (zlib.error, ValueError):
        return True
    return len(inflated) > _MAX_PROFILE_BYTES


def _decoded(content: bytes, name: str, kind: str, longest_side: int) -> Image.Image:
    """The pixels, upright and in sRGB; their shape is the original's, or smaller where a JPG can be decoded smaller."""
    if kind == "HEIC":
        try:
            from pi_heif import register_heif_opener
        except ImportError as error:
            needed = f"{name} is a HEIC photo, which needs the package pi-heif."
            raise SettingsError(f"{needed} {_INSTALL_IMAGES}") from error
        register_heif_opener()
    try:
        with warnings.catch_warnings():
            # Our own limit counts; Pillow's warning begins at a third of what phones take.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(without_texts(content))) as image:
                _check_pixels(image, name)
                if image.format == "JPEG":
                    image.draft("RGB" if image.mode != "L" else "L", (longest_side, longest_side))
                pixels = on_white(_srgb(upright(image)))
                pixels.info = {}  # Pillow's encoder takes from here what it is not told
                return pixels
    except ImageTooLargeError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"{name} has too many pixels: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageValidationError(_unreadable(name, kind, content)) from error
    except Exception as error:
        raise ImageValidationError(_broken(name, kind)) from error


def _check_pixels(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        size, limit = f"{image.width}x{image.height}", MAX_PIXELS // 10**6
        raise ImageTooLargeError(f"{name} has {size} pixels; the limit is {limit} megapixels.")


def _unreadable(name: str, kind: str, content: bytes) -> str:
    if kind == "unknown":
        ending = Path(name).suffix.lower()
        told = f"its name ends in {ending}, but its content is not a readable image" if ending else "it is not an image"
        return f"{name} cannot be read: {told} ({len(content)} bytes). Use a JPG, PNG, HEIC, WebP or PDF."
    if kind in {"JPG", "PNG", "WebP", "AVIF", "GIF", "BMP"}:
        return _broken(name, kind)
    article = "an" if kind in {"SVG", "HTML"} else "a"
    return f"{name} cannot be read: it is {article} {kind} file. Save it as a JPG, or take a screenshot of it."


def _broken(name: str, kind: str) -> str:
    return f"{name} ({kind}) is truncated or broken. Save it again, or choose another."


def _page_of_pdf(content: bytes, name: str) -> Image.Image:
    """The first page of a PDF, its longest side LONGEST_SIDE pixels."""
    try:
        import pypdfium2
    except ImportError as error:
        raise SettingsError(f"{name} is a PDF, which needs the package pypdfium2. {_INSTALL_IMAGES}") from error
    try:
        with pypdfium2.PdfDocument(content) as document:
            page = document[0]
            scale = LONGEST_SIDE / max(page.get_size())
            picture: Image.Image = page.render(scale=scale).to_pil()
            return picture.convert("RGB")
    except (pypdfium2.PdfiumError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ImageValidationError(
            f"{name} (PDF) cannot be read: it is broken, protected by a password, or has no page."
        ) from error


def _srgb(image: Image.Image) -> Image.Image:
    """The colours as an sRGB screen shows them; a profile that cannot be read is left out."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if converted is None else converted
