"""What a file is by its own first bytes. What its sender calls it counts for nothing, but must not contradict them."""

from __future__ import annotations

from ioc.errors import UnsupportedMediaTypeError

PDF = "application/pdf"
PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
TAKEN = (*PHOTO_TYPES, PDF)
TRAILER_BYTES = 2_048
"""So far from the end of a PDF its end mark may stand; some programs write a little behind it."""
WORDS = "send a JPEG, PNG or WebP picture, or a PDF"


def file_type(body: bytes) -> str | None:
    """Return the media type that the first bytes of a file say, None where it is none that is taken."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "image/webp"
    if body.startswith(b"%PDF-") and b"%%EOF" in body[-TRAILER_BYTES:]:
        return PDF
    return None


def check_declared(declared: str) -> None:
    """Refuse a type that is not taken, before its body is read.

    Raises:
        UnsupportedMediaTypeError: it is none of those.
    """
    if declared not in TAKEN:
        raise UnsupportedMediaTypeError(f"{declared:.60} is not taken: {WORDS}" if declared else WORDS)


def check_content(body: bytes, declared: str) -> str:
    """Return what a file is, which is what its sender says that it is.

    Raises:
        UnsupportedMediaTypeError: it is something else, damaged at its very beginning, or a PDF without an end.
    """
    found = file_type(body)
    if found is None:
        raise UnsupportedMediaTypeError(f"the file is not what its name says: {WORDS}")
    if found != declared:
        raise UnsupportedMediaTypeError(f"it was sent as {declared:.60} and is {found}: send it as {found}")
    return found
