"""Pictures as bytes: what is accepted, judged by its content alone, and what is made of it. Knows no parts and no database.

Imported when the first one comes: Pillow takes 4 MB, in every process.

Decoding is CPU-bound and handles hostile bytes: a web process does it off its event loop (`offload`).
"""

import hashlib
from io import BytesIO
from tempfile import TemporaryFile

from PIL import Image, ImageCms, ImageOps

from app.domain.errors import InvalidFieldError
from app.domain.pictures import MAX_BYTES, MAX_PIXELS, MAX_SIDE, Picture, variant_height, variant_widths

# We count the pixels ourselves, before anything is decoded, and refuse where Pillow would only warn.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "WEBP")
REMEDY = "Send one JPEG, PNG or WebP picture."


def prepared(upload: bytes) -> Picture:
    """Return the picture in an uploaded file, upright, in sRGB and re-encoded; the same file always gives the same bytes.

    Raises:
        InvalidFieldError: if it is not a picture that we accept, or is too large.
    """
    try:
        with Image.open(BytesIO(upload), formats=FORMATS) as opened:
            _check_size(*opened.size)
            return _encoded(_plain(opened))
    except InvalidFieldError:
        raise
    except Exception as error:  # hostile bytes make decoders raise anything at all
        raise InvalidFieldError("image", f"This is no picture that can be read to its end. {REMEDY}") from error


def width_of(data: bytes) -> int:
    """Return the width of a stored picture, without decoding it."""
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        return image.width


def variants(data: bytes) -> dict[int, bytes]:
    """Return the WebP variants of a stored picture by their width."""
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        sizes = [(w, variant_height(width, height, w)) for w in variant_widths(width)]
        # A JPEG can be decoded at a fraction of its size, which is much faster.
        image.draft(None, sizes[-1])
        return {size[0]: _webp(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)) for size in sizes}


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InvalidFieldError(
            "image",
            f"The picture has {width} × {height} pixels. Scale it down to at most {MAX_PIXELS // 1_000_000} million, and"
            f" {MAX_SIDE} on a side.",
        )


def _plain(opened: Image.Image) -> Image.Image:
    """Return the first frame as bare pixels: rotated upright, in sRGB, with transparency only if it is used."""
    profile = opened.info.get("icc_profile")
    ImageOps.exif_transpose(opened, in_place=True)
    image = opened
    if image.mode == "I;16":
        image = image.point(lambda value: value / 256).convert("L")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getextrema()[-1] == (255, 255):
            image = image.convert("RGB")
    if profile:
        image = _in_srgb(image, profile)
    return image.convert("RGBA" if image.mode == "RGBA" else "RGB")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the picture in the colours that every screen assumes; an invalid profile is ignored."""
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    source = image if image.mode == "CMYK" else image.convert(mode)
    try:
        return (
            ImageCms.profileToProfile(
                source, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=mode
            )
            or source
        )
    except (ImageCms.PyCMSError, OSError):
        return source


def _encoded(image: Image.Image) -> Picture:
    # Some encoders write out the metadata they find here.
    image.info = {}
    # Into a real file: encoding into memory would block every other thread of the process for up to a second.
    with TemporaryFile() as out:
        if image.mode == "RGBA":
            extension = "png"
            image.save(out, "PNG", compress_level=3)
        else:
            extension = "jpg"
            image.save(out, "JPEG", quality=85, progressive=True, optimize=True)
        out.seek(0)
        data = out.read()
    if len(data) > MAX_BYTES:
        raise InvalidFieldError("image", f"Encoded anew, the picture has {len(data):,} bytes; scale it down.")
    return Picture(data, hashlib.sha256(data).hexdigest(), extension, *image.size)


def _webp(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
