"""Pictures for tests, each different from all others unless a seed is given."""

from io import BytesIO
from uuid import uuid4

from PIL import Image


def jpeg(width: int = 320, height: int = 200, seed: str | None = None) -> bytes:
    """Return a JPEG; the same seed gives the same picture."""
    pattern = (seed or uuid4().hex).encode().ljust(192, b".")[:192]
    out = BytesIO()
    Image.frombytes("RGB", (8, 8), pattern).resize((width, height)).save(out, "JPEG")
    return out.getvalue()
