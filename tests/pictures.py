"""Pictures and papers as telephones, cameras and attackers send them."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
CAMERA = "Máy ảnh của Nguyễn Văn A"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def telephone_jpeg(width: int = 640, height: int = 480, *, turned: bool = True, color: str = "olive") -> bytes:
    """A JPEG with what a telephone writes into it: where, when, with which camera, and that it is to be turned."""
    exif = Image.Exif()
    exif[0x010F] = CAMERA
    if turned:
        exif[0x0112] = 6  # a quarter to the right
    exif[0x0132] = "2026:10:11 05:12:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (20.0, 49.0, 4.0), "E", (105.0, 20.0, 17.0)
    picture = Image.new("RGB", (width, height), color)
    picture.paste("white", (0, 0, width // 2, height // 2))
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, xmp=b"<x:xmpmeta>20.8178,105.3378</x:xmpmeta>", comment=CAMERA.encode())
    return out.getvalue()


def picture_of(kind: str, mode: str = "RGB", size: tuple[int, int] = (300, 200)) -> bytes:
    """A picture of a format and mode."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


def png_flood(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few bytes that asks for gigabytes of pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
