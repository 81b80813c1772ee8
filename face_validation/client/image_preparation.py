"""Image files as people have them, made into what the service takes: an upright sRGB JPG within the limits."""

import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from face_validation.client.errors import ImageTooLargeError, ImageValidationError, SettingsError

if TYPE_CHECKING:
    from PIL import Image

Photo = str | Path | bytes
"""An image file, or its bytes."""

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

_INSTALL_IMAGES = "Install the extra: pip install 'face-validation[images]' (in a checkout: make setup)."

# What a file is, in words that its owner knows, and how it begins.
_SIGNATURES = (
    ("JPG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("AVIF", rb"....ftypavi[fs]"),
    ("HEIC", rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)"),
    ("CR3 raw", rb"....ftypcrx"),
    ("video", rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI "),
    ("WebP", rb"RIFF....WEBP"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM....\0\0\0\0"),
    ("TIFF or raw", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("PDF", rb"[\s\0]{0,16}%PDF-"),
    ("PSD", rb"8BPS"),
    ("SVG", rb"\s*(?:<\?xml.{0,400}?)?<svg"),
    ("HTML", rb"\s*<(?i:!doctype html|html)"),
    ("ZIP", rb"PK\x03\x04"),
)


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
    from PIL import Image  # here: a command's help needs no Pillow

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


def prepared_content(photo: Photo) -> bytes:
    """The bytes of a prepared image; raises as `prepare` does."""
    return prepare(photo).content


def content_of(photo: Photo) -> bytes:
    """The bytes of an image as they are; raises OSError when the file cannot be read."""
    return photo if isinstance(photo, bytes) else Path(photo).read_bytes()


def format_of(content: bytes) -> str:
    """What a file is by its first bytes: "JPG", "HEIC", "PDF", ...; "unknown" when none of them fits."""
    beginning = content[:512]
    return next((name for name, start in _SIGNATURES if re.match(start, beginning, re.DOTALL)), "unknown")


def _decoded(content: bytes, name: str, kind: str, longest_side: int) -> "Image.Image":
    """The pixels, upright and in sRGB; their shape is the original's, or smaller where a JPG can be decoded smaller."""
    from PIL import Image, UnidentifiedImageError

    from face_validation.client.upright import upright, without_texts

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
                return _clean(_srgb(upright(image)))
    except ImageTooLargeError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"{name} has too many pixels: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageValidationError(_unreadable(name, kind, content)) from error
    except Exception as error:
        raise ImageValidationError(_broken(name, kind)) from error


def _check_pixels(image: "Image.Image", name: str) -> None:
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


def _page_of_pdf(content: bytes, name: str) -> "Image.Image":
    """The first page of a PDF, its longest side LONGEST_SIDE pixels."""
    try:
        import pypdfium2
    except ImportError as error:
        raise SettingsError(f"{name} is a PDF, which needs the package pypdfium2. {_INSTALL_IMAGES}") from error
    try:
        with pypdfium2.PdfDocument(content) as document:
            page = document[0]
            scale = LONGEST_SIDE / max(page.get_size())
            return _clean(page.render(scale=scale).to_pil())
    except (pypdfium2.PdfiumError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ImageValidationError(
            f"{name} (PDF) cannot be read: it is broken, protected by a password, or has no page."
        ) from error


def _srgb(image: "Image.Image") -> "Image.Image":
    """The colours as an sRGB screen shows them; a profile that cannot be read is left out."""
    from PIL import ImageCms

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


def _clean(image: "Image.Image") -> "Image.Image":
    """RGB pixels on white and nothing else: no metadata that an encoder could pick up."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    pixels = image.convert("RGB")
    pixels.info = {}
    return pixels
