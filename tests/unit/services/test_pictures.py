"""Pictures as bytes: what is refused, stripped and kept, and that the same upload gives the same file."""

import os
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from struct import pack
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from app.domain.errors import InvalidFieldError
from app.domain.pictures import MAX_PIXELS, MAX_SIDE, shown, variant_widths
from app.services import pictures
from app.services.pictures import prepared, variants

ORANGE = (200, 100, 50)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def plain(width: int = 64, height: int = 48, colour: Any = ORANGE, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), colour)


def shows(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def near(one: Any, other: Any, by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def bomb(width: int, height: int) -> bytes:
    """A small PNG that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def archive() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("evil.sh", "rm -rf /")
    return out.getvalue()


REFUSED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "a text": lambda: b"not a picture at all",
    "an SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "an SVG after an XML declaration": lambda: b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "a page": lambda: b"<!doctype html><script>alert(1)</script>",
    "a PDF": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "an archive": archive,
    "a GIF": lambda: encoded(plain(), "GIF"),
    "a GIF that is a script too": lambda: b"GIF89a/*" + encoded(plain(), "GIF")[8:] + b"*/=alert(1)",
    "a BMP": lambda: encoded(plain(), "BMP"),
    "a TIFF": lambda: encoded(plain(), "TIFF"),
    "an icon": lambda: encoded(plain(), "ICO"),
    "half a JPEG": lambda: encoded(Image.effect_noise((200, 200), 80))[:4000],
    "half a PNG": lambda: encoded(Image.effect_noise((200, 200), 80), "PNG")[:4000],
    "half a WebP": lambda: encoded(Image.effect_noise((200, 200), 80).convert("RGB"), "WEBP")[:2000],
    "a JPEG's head alone": lambda: encoded(plain())[:20],
    "a PNG with a broken check sum": lambda: encoded(plain(), "PNG").replace(b"IDAT", b"IDAT\x00", 1),
    "2,500 million pixels": lambda: bomb(50_000, 50_000),
    "a pixel too many": lambda: bomb(MAX_PIXELS // 8000 + 1, 8000),
    "a side too long": lambda: bomb(MAX_SIDE + 1, 1),
    "no width": lambda: bomb(0, 10),
    "a size beyond all numbers": lambda: bomb(2**31 - 1, 2**31 - 1),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_that_we_take_is_refused_with_the_way_out(kind: str) -> None:
    with pytest.raises(InvalidFieldError) as refusal:
        prepared(REFUSED[kind]())
    assert refusal.value.field == "image"
    assert "JPEG, PNG or WebP" in refusal.value.message or "Scale it down" in refusal.value.message


def test_a_huge_picture_is_refused_before_anything_of_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(pictures, "_plain", never)
    with pytest.raises(InvalidFieldError, match="50000 × 50000"):
        prepared(bomb(50_000, 50_000))


@pytest.mark.parametrize("seed", range(60))
def test_bytes_broken_anywhere_are_refused_or_read_but_break_nothing(seed: int) -> None:
    data = bytearray(encoded(Image.effect_noise((80, 60), 50).convert("RGB"), ("JPEG", "PNG", "WEBP")[seed % 3]))
    for at in range(seed, len(data), 997 - seed):
        data[at] ^= 1 << seed % 8
    try:
        picture = prepared(bytes(data))
    except InvalidFieldError:
        return
    assert shows(picture.data).size == (picture.width, picture.height)


def test_metadata_comments_and_what_hides_behind_the_picture_are_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    png_text = PngImagePlugin.PngInfo()
    png_text.add_text("Comment", "SECRET comment")
    png_text.add_itxt("XML:com.adobe.xmp", "<x>SECRET</x>")
    uploads = [
        encoded(plain(), exif=exif, comment=b"SECRET", xmp=b"<x>SECRET</x>", dpi=(300, 300)) + archive() + b"<script>SECRET",
        encoded(plain(), "PNG", exif=exif, pnginfo=png_text) + archive(),
        encoded(plain(mode="RGBA", colour=(*ORANGE, 99)), "PNG", exif=exif, pnginfo=png_text),
        encoded(plain(), "WEBP", exif=exif, xmp=b"<x>SECRET</x>"),
        encoded(plain(mode="RGBA", colour=(*ORANGE, 99)), "WEBP", exif=exif, xmp=b"<x>SECRET</x>"),
    ]
    for upload in uploads:
        assert b"SECRET" in upload
        picture = prepared(upload)
        for data in (picture.data, *variants(picture.data).values()):
            assert not any(word in data for word in (b"SECRET", b"Exif", b"evil.sh", b"adobe", b"ICC", b"<script"))
            assert shows(data).getexif() == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_however_the_camera_was_held(orientation: int) -> None:
    upright = plain(60, 40)
    upright.paste((0, 0, 255), (0, 0, 30, 20))
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    held = upright if turned is None else upright.transpose(Image.Transpose(turned))
    picture = prepared(encoded(held, quality=95, exif=exif))
    found = shows(picture.data)
    assert (picture.width, picture.height) == found.size == (60, 40)
    assert near(found.getpixel((10, 10)), (0, 0, 255), 20)
    assert near(found.getpixel((50, 30)), ORANGE, 20)


def test_opaque_pictures_become_jpegs_and_transparent_ones_stay_exact() -> None:
    half = plain(mode="RGBA", colour=(*ORANGE, 255))
    half.putpixel((3, 3), (1, 2, 3, 4))
    palette = plain(mode="P", colour=7)
    palette.putpalette([level for level in range(256) for _ in range(3)])
    kept = {
        "jpg": [
            plain(),
            plain(mode="L", colour=90),
            plain(mode="RGBA", colour=(*ORANGE, 255)),
            plain(mode="1", colour=1),
            palette,
        ],
        "png": [half, plain(mode="LA", colour=(90, 10))],
    }
    for extension, images in kept.items():
        for image in images:
            picture = prepared(encoded(image, "PNG"))
            assert picture.extension == extension
            assert shows(picture.data).format == {"jpg": "JPEG", "png": "PNG"}[extension]
    assert shows(prepared(encoded(half, "PNG")).data).getpixel((3, 3)) == (1, 2, 3, 4)
    see_through = prepared(encoded(palette, "PNG", transparency=7))
    assert shows(see_through.data).getpixel((0, 0))[3] == 0


def test_pictures_of_print_and_of_16_bits_keep_their_colours() -> None:
    assert near(shows(prepared(encoded(plain().convert("CMYK"))).data).getpixel((5, 5)), ORANGE)
    grey = Image.frombytes("I;16", (64, 48), (40_000).to_bytes(2, "little") * 64 * 48)
    assert near(shows(prepared(encoded(grey, "PNG")).data).getpixel((5, 5)), (156, 156, 156))


def test_colours_are_those_of_the_profile_that_came_with_them_and_a_broken_profile_is_passed_over() -> None:
    # A linear profile: the same number means a darker colour than in sRGB, so sRGB needs a higher number for it.
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, linear.tobytes(), b"nonsense", b""):
        for kind, mode, colour in (("JPEG", "RGB", ORANGE), ("PNG", "RGBA", (*ORANGE, 99))):
            picture = prepared(encoded(plain(mode=mode, colour=colour), kind, icc_profile=profile))
            found = shows(picture.data)
            assert near(found.getpixel((5, 5)), colour)
            assert "icc_profile" not in found.info


def test_of_an_animation_the_first_frame_is_kept() -> None:
    frames = [plain(colour=ORANGE), plain(colour=(0, 0, 255))]
    for kind in ("WEBP", "PNG"):
        picture = prepared(encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50))
        assert near(shows(picture.data).getpixel((5, 5)), ORANGE)
        assert getattr(shows(picture.data), "n_frames", 1) == 1
    phone = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert near(shows(prepared(phone).data).getpixel((5, 5)), ORANGE)


def test_the_same_upload_gives_the_same_bytes_and_another_one_others() -> None:
    noise = Image.frombytes("RGB", (50, 50), os.urandom(7500))
    for kind in ("JPEG", "PNG", "WEBP"):
        upload = encoded(noise, kind)
        assert prepared(upload) == prepared(upload)
        assert prepared(upload).digest != prepared(encoded(plain(50, 50), kind)).digest


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (100, 3000), (160, 10), (161, 10), (480, 480), (1199, 5), (1200, 800), (3000, 1)]
)
def test_variants_are_webp_never_wider_than_the_picture_and_keep_its_proportions(width: int, height: int) -> None:
    for mode, colour in (("RGB", ORANGE), ("RGBA", (*ORANGE, 99))):
        made = variants(prepared(encoded(plain(width, height, colour, mode), "PNG")).data)
        assert list(made) == variant_widths(width)
        assert max(made) == min(width, 1200)
        for size, data in made.items():
            found = shows(data)
            assert found.format == "WEBP"
            assert found.width == size
            assert abs(found.height - height * size / width) <= 0.5 or found.height == 1
            assert near(found.convert(mode).getpixel((0, 0)), colour, 12)


def test_a_picture_that_is_too_many_bytes_when_encoded_anew_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    with pytest.raises(InvalidFieldError, match="scale it down"):
        prepared(encoded(Image.frombytes("RGB", (80, 80), os.urandom(19_200))))


def test_the_addresses_of_a_picture_are_made_of_its_digest() -> None:
    stored = {"id": 3, "digest": "ab" * 32, "extension": "jpg", "byte_size": 9, "alt": "A bearing", "width": 300, "height": 200}
    address = "/media/" + "ab" * 32
    assert shown(stored) == {
        "id": 3, "url": f"{address}.jpg", "alt": "A bearing", "width": 300, "height": 200,
        "srcset": [{"width": 160, "url": f"{address}-160.webp"}, {"width": 300, "url": f"{address}-300.webp"}],
    }  # fmt: skip
