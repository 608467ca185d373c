"""The rules for pictures: how large they may be, which sizes are made of them, and what their files and addresses are called."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_PICTURES = 30
MAX_PIXELS = 40_000_000
# WebP allows no longer side, and every picture gets WebP variants.
MAX_SIDE = 16_383
MAX_BYTES = 15_000_000
WIDTHS = (160, 480, 1200)
# What we store: opaque pictures, and those with transparency.
EXTENSIONS = ("jpg", "png")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as we store it: re-encoded, without metadata, named after its bytes."""

    data: bytes
    digest: str
    extension: str
    width: int
    height: int

    def named(self) -> dict[str, Any]:
        """Return what its addresses are made of."""
        return {name: value for name, value in asdict(self).items() if name != "data"}

    def columns(self) -> dict[str, Any]:
        """Return the columns of its row."""
        return {"byte_size": len(self.data), **self.named()}


def variant_widths(width: int) -> list[int]:
    """Return the widths of a picture's variants, ascending; none is wider than the picture itself."""
    return sorted({*(narrower for narrower in WIDTHS if narrower < width), min(width, WIDTHS[-1])})


def variant_height(width: int, height: int, variant_width: int) -> int:
    """Return the height that keeps the picture's proportions."""
    return max(1, round(height * variant_width / width))


def file_path(digest: str, extension: str) -> str:
    """Return where a picture's file is kept."""
    return f"images/{digest}.{extension}"


def variant_path(digest: str, width: int) -> str:
    """Return where a picture's variant is kept."""
    return f"images/{digest}-{width}.webp"


def thumbnail(image: dict[str, Any]) -> str:
    """Return the address of a stored picture's smallest variant, which need not exist yet."""
    return _variant_url(image["digest"], variant_widths(image["width"])[0])


def _variant_url(digest: str, width: int) -> str:
    return f"/media/{digest}-{width}.webp"


def shown(image: dict[str, Any]) -> dict[str, Any]:
    """Return a part's stored picture as pages get it."""
    return {"id": image["id"], **addressed(image)}


def addressed(image: dict[str, Any]) -> dict[str, Any]:
    """Return a stored picture's address and those of its variants, which need not exist yet, with what else pages get of it."""
    digest, width = image["digest"], image["width"]
    return {
        "url": f"/media/{digest}.{image['extension']}",
        "alt": image["alt"],
        "width": width,
        "height": image["height"],
        "srcset": [{"width": w, "url": _variant_url(digest, w)} for w in variant_widths(width)],
    }
