"""A stranger's picture: its pixels are kept and nothing else, and what would break its reader ends in its process."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import time

import pytest
from PIL import Image

from ioc.errors import BodyTooLargeError, IOCError, QueueFullError, UnreadableBodyError, UnsupportedMediaTypeError
from ioc.media.file_type import check_content, check_declared, file_type
from ioc.media.medium import MediaType
from ioc.media.photo_encoder import PHOTO_EDGE_PIXELS, THUMBNAIL_EDGE_PIXELS
from ioc.media.photos import ENCODER, UPLOADS_MAX, UPLOADS_OF_ONE_MAX, PhotoEncoder
from tests.pictures import CAMERA, PDF, SVG, picture_of, png_flood, telephone_jpeg


async def test_place_time_and_camera_stay_behind_and_the_picture_stands_upright():
    given = telephone_jpeg()
    assert CAMERA.encode() in given
    assert b"Exif" in given
    assert Image.open(io.BytesIO(given)).getexif().get_ifd(0x8825), "it says where it was taken"

    content = await PhotoEncoder().content(given, "image/jpeg")

    assert (content.type, content.width, content.height) == (MediaType.JPEG, 480, 640), "turned a quarter"
    assert content.sha256 == hashlib.sha256(content.content).digest()
    assert content.thumbnail is not None
    for made, edge in ((content.content, 640), (content.thumbnail, THUMBNAIL_EDGE_PIXELS)):
        picture = Image.open(io.BytesIO(made))
        assert (picture.format, max(picture.size), dict(picture.getexif())) == ("JPEG", edge, {})
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for word in (CAMERA.encode(), b"Exif", b"xmpmeta", b"105.3378", b"2026:10:11"):
            assert word not in made
        right = picture.getpixel((picture.width - 3, 3))
        assert isinstance(right, tuple)
        assert min(right) > 240, "what was at the upper left is now at the upper right"


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"), ("PNG", "I;16"), ("WEBP", "RGBA"),
                       ("JPEG", "CMYK"), ("JPEG", "L")],
)  # fmt: skip
async def test_every_common_kind_of_picture_becomes_jpeg(kind: str, mode: str):
    content = await PhotoEncoder().content(picture_of(kind, mode), f"image/{kind.lower()}")
    assert Image.open(io.BytesIO(content.content)).mode == "RGB"
    assert (content.width, content.height) == (300, 200)


async def test_what_is_see_through_becomes_white():
    body = picture_of("PNG", "RGBA")  # wholly transparent black
    content = await PhotoEncoder().content(body, "image/png")
    assert Image.open(io.BytesIO(content.content)).getpixel((5, 5)) == (255, 255, 255)


async def test_a_large_picture_is_kept_at_most_so_large():
    content = await PhotoEncoder().content(telephone_jpeg(8_000, 4_900, turned=False), "image/jpeg")
    assert content.width is not None
    assert content.height is not None
    assert max(content.width, content.height) == PHOTO_EDGE_PIXELS


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (png_flood(), "image/png", BodyTooLargeError),
        (png_flood(8_000, 5_001), "image/png", BodyTooLargeError),
        (png_flood(200, 200), "image/png", UnreadableBodyError),
        (telephone_jpeg()[:900], "image/jpeg", UnreadableBodyError),
        (b"\xff\xd8\xff" + b"SIMPLE  =                    T" * 90, "image/jpeg", UnreadableBodyError),
        (b"\xff\xd8\xff", "image/jpeg", UnreadableBodyError),
        (b"RIFF\x00\x00\x00\x00WEBP" + bytes(200), "image/webp", UnreadableBodyError),
        (picture_of("GIF", "P"), "image/png", UnreadableBodyError),
        (picture_of("BMP"), "image/jpeg", UnreadableBodyError),
    ],
)
async def test_what_is_no_good_picture_is_refused(body: bytes, kind: str, error: type[IOCError]):
    with pytest.raises(error):
        await PhotoEncoder().content(body, kind)


async def test_what_hides_behind_a_picture_is_not_kept():
    """A file that is a picture to one reader and a script or an archive to another."""
    hidden = b"<script>alert(1)</script>PK\x03\x04"
    content = await PhotoEncoder().content(telephone_jpeg() + hidden, "image/jpeg")
    assert b"script" not in content.content
    assert b"PK\x03\x04" not in content.content


def encoder_that(does: str, *, seconds_max: float = 20.0) -> PhotoEncoder:
    text = f"import socket, time\nfrom ioc.media import photo_encoder as p\np.bound_process()\n{does}"
    return PhotoEncoder((*ENCODER[:2], "-c", text), seconds_max=seconds_max)


async def test_a_process_that_hangs_is_ended():
    started = time.monotonic()
    with pytest.raises(UnreadableBodyError):
        await encoder_that("time.sleep(60)", seconds_max=1.5).content(b"x", "image/jpeg")
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "does",
    [
        "bytearray(3 << 30)",
        "open('/etc/hostname')",
        "socket.socket()",
        "p.sys.stdout.buffer.write(b'no head at all')",
        'p.sys.stdout.buffer.write(b\'{"photo": 5, "thumbnail": 5, "width": 1, "height": 1}\\nabc\')',
    ],
)
async def test_a_process_that_asks_for_more_than_a_picture_needs_gets_nothing(does: str):
    with pytest.raises(UnreadableBodyError):
        await encoder_that(does).content(b"x", "image/jpeg")


async def test_a_process_within_its_bounds_is_heard():
    """The control of those above: the same process, which does nothing wrong."""
    head = '{"photo": 2, "thumbnail": 1, "width": 1, "height": 1}'
    content = await encoder_that(f"p.sys.stdout.buffer.write(b'{head}\\nabc')").content(b"x", "image/jpeg")
    assert (content.content, content.thumbnail) == (b"ab", b"c")


def test_one_sender_has_few_places_and_all_have_so_many():
    encoder = PhotoEncoder()
    with contextlib.ExitStack() as held:
        for _ in range(UPLOADS_OF_ONE_MAX):
            held.enter_context(encoder.place("slow"))
        with pytest.raises(QueueFullError), encoder.place("slow"):
            pass
        for number in range(UPLOADS_MAX - UPLOADS_OF_ONE_MAX):
            held.enter_context(encoder.place(f"sender {number}"))
        with pytest.raises(QueueFullError), encoder.place("one more"):
            pass
    with encoder.place("slow"), encoder.place("one more"):
        pass


async def test_pictures_at_once_are_drawn_one_after_the_other():
    encoder, body = PhotoEncoder(), telephone_jpeg()
    made = await asyncio.gather(*(encoder.content(body, "image/jpeg") for _ in range(4)))
    assert len({one.sha256 for one in made}) == 1, "the same picture is drawn alike each time"


def test_a_file_is_told_by_its_first_bytes():
    assert file_type(telephone_jpeg()) == "image/jpeg"
    assert file_type(PDF) == "application/pdf"
    for other in (SVG, b"GIF89a/*", b"%PDF-1.7 without an end", b"", b"MZ", b"<html>", picture_of("GIF", "P")):
        assert file_type(other) is None
        with pytest.raises(UnsupportedMediaTypeError):
            check_content(other, "image/jpeg")
    with pytest.raises(UnsupportedMediaTypeError, match="sent as application/pdf and is image/jpeg"):
        check_content(telephone_jpeg(), "application/pdf")
    for declared in ("image/svg+xml", "text/html", ""):
        with pytest.raises(UnsupportedMediaTypeError):
            check_declared(declared)
