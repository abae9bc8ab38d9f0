"""The process that draws one picture anew: bytes in, a JPEG and its thumbnail out, with bounds that the kernel keeps.

    python -m ioc.media.photo_encoder <picture

It answers a line of JSON, `{"width", "height", "photo", "thumbnail"}` (the last two in bytes), with the two pictures
behind it, or `{"fault": "..."}`. Only this module speaks to Pillow. What comes out holds pixels alone: position, time,
serial number, comments, preview and whatever was written behind the picture stay behind. Once the picture is read this
process can open nothing any more, neither a file nor a socket.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import warnings

from PIL import (
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

MEMORY_BYTES_MAX = 1 << 30
CPU_SECONDS_MAX = 15
PIXELS_MAX = 40_000_000
PHOTO_EDGE_PIXELS = 2_560
"""The longer edge of what is kept: a number plate that could be read in the original can be read in it."""
THUMBNAIL_EDGE_PIXELS = 320
PHOTO_QUALITY, THUMBNAIL_QUALITY = 85, 75
FORMATS = ("JPEG", "PNG", "WEBP")
ONE_BYTE_MODES = ("1", "L", "P")
PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Loaded before this process shuts itself in: afterwards nothing can be. EXIF is read as TIFF is, and what a telephone
calls JPEG may be several in one file."""


class FaultError(Exception):
    """The picture is not taken; the message is the code of why."""


def bound_process() -> None:
    """Let the kernel end this process where it asks for more than a picture needs, and let it open nothing more.

    A process that may have no further descriptor has no socket: that needs no rights, unlike a network namespace.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def pixels_of(body: bytes) -> Image.Image:
    """Return the picture upright, in red, green and blue, at most as large as is kept.

    Raises:
        FaultError: it has too many pixels, is damaged, or is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened = Image.open(io.BytesIO(body), formats=FORMATS)
        if opened.width * opened.height > PIXELS_MAX:
            raise FaultError("too_many_pixels")
        opened.draft("RGB", (PHOTO_EDGE_PIXELS, PHOTO_EDGE_PIXELS))  # a large JPEG is decoded smaller at once
        opened.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FaultError("too_many_pixels") from error
    # What a decoder raises for a file that was made to break it is no closed set; all of it is the file's fault.
    except (OSError, ValueError, TypeError, KeyError, IndexError, SyntaxError, EOFError, struct.error,
            OverflowError, AttributeError, UserWarning) as error:  # fmt: skip
        raise FaultError("damaged") from error
    small = opened.mode not in ONE_BYTE_MODES
    if small:  # before it is turned: a copy of the whole would double what it needs
        opened.thumbnail((PHOTO_EDGE_PIXELS, PHOTO_EDGE_PIXELS), Image.Resampling.LANCZOS)
    picture = _on_white(ImageOps.exif_transpose(opened))
    if not small:
        picture.thumbnail((PHOTO_EDGE_PIXELS, PHOTO_EDGE_PIXELS), Image.Resampling.LANCZOS)
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    """Return it without transparency."""
    if picture.mode.startswith(("I", "F")):  # 16 bits a pixel: the upper eight
        picture = picture.point(lambda value: value / 256).convert("L")
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        drawn = picture.convert("RGBA")
        white = Image.new("RGB", drawn.size, (255, 255, 255))
        white.paste(drawn, mask=drawn.getchannel("A"))
        return white
    return picture.convert("RGB")


def jpeg_of(picture: Image.Image, quality: int) -> bytes:
    """Return its pixels as JPEG, and nothing beside them."""
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def encoded(body: bytes) -> tuple[dict[str, int | str], bytes]:
    """Return the head of the answer and the two pictures behind it."""
    picture = pixels_of(body)
    photo = jpeg_of(picture, PHOTO_QUALITY)
    width, height = picture.size
    picture.thumbnail((THUMBNAIL_EDGE_PIXELS, THUMBNAIL_EDGE_PIXELS), Image.Resampling.LANCZOS)
    thumbnail = jpeg_of(picture, THUMBNAIL_QUALITY)
    head: dict[str, int | str] = {"width": width, "height": height, "photo": len(photo), "thumbnail": len(thumbnail)}
    return head, photo + thumbnail


def main() -> None:
    """Read standard input and answer on standard output."""
    body = sys.stdin.buffer.read()
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    Image.preinit()
    bound_process()
    try:
        head, pictures = encoded(body)
    except FaultError as error:
        head, pictures = {"fault": str(error)}, b""
    except MemoryError:
        head, pictures = {"fault": "damaged"}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + pictures)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
