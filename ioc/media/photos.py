"""Pictures drawn anew by a process of its own each, at most some at a time; one that hangs is ended."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from ioc.errors import BodyTooLargeError, QueueFullError, UnreadableBodyError
from ioc.media.file_type import PDF
from ioc.media.medium import MediaContent, MediaType

ENCODER = (sys.executable, "-I", "-m", "ioc.media.photo_encoder")
ENCODE_SECONDS_MAX = 20.0
ENCODERS_MAX = 2
"""Pictures that one process has drawn at the same time."""
UPLOADS_MAX = 16
"""Files whose bytes one process holds at the same time; who comes meanwhile is told to come back."""
UPLOADS_OF_ONE_MAX = 4
"""Of these of one account or key: one that sends slowly takes nobody else's place."""
ANSWER_BYTES_MAX = 32 << 20
HEAD_BYTES_MAX = 200
WORDS = {
    "too_many_pixels": "the picture has more than 40 million pixels: make it smaller and send it again",
    "damaged": "the picture cannot be read: open it, save it anew and send it again",
}


class PhotoEncoder:
    """Makes of a file what is stored of it."""

    def __init__(self, command: Sequence[str] = ENCODER, *, seconds_max: float = ENCODE_SECONDS_MAX) -> None:
        self._command = command
        self._seconds_max = seconds_max
        self._uploads: Counter[str] = Counter()
        self._encoders = asyncio.Semaphore(ENCODERS_MAX)

    @contextlib.contextmanager
    def place(self, uploader: str) -> Iterator[None]:
        """Hold a place for a file while its bytes come.

        Raises:
            QueueFullError: all places are taken, or all that one sender has.
        """
        if self._uploads.total() >= UPLOADS_MAX or self._uploads[uploader] >= UPLOADS_OF_ONE_MAX:
            raise QueueFullError("other pictures are being taken in: send it again in some seconds")
        self._uploads[uploader] += 1
        try:
            yield
        finally:
            self._uploads[uploader] -= 1
            self._uploads += Counter()  # who has none any more is forgotten

    async def content(self, body: bytes, kind: str) -> MediaContent:
        """Return what is stored of a file of a kind that is taken: of a picture its pixels, a paper as it is.

        Raises:
            BodyTooLargeError: the picture has too many pixels. UnreadableBodyError: it cannot be read.
        """
        if kind == PDF:
            return MediaContent(hashlib.sha256(body).digest(), MediaType.PDF, body)
        async with self._encoders:
            head, pictures = await self._ask(body)
        fault = head.get("fault")
        if fault == "too_many_pixels":
            raise BodyTooLargeError(WORDS["too_many_pixels"])
        if fault is not None:
            raise UnreadableBodyError(WORDS["damaged"], code="damaged")
        photo, thumbnail = pictures[: head["photo"]], pictures[head["photo"] :]
        if len(thumbnail) != head["thumbnail"]:
            raise UnreadableBodyError(WORDS["damaged"], code="damaged")
        return MediaContent(
            hashlib.sha256(photo).digest(), MediaType.JPEG, photo, thumbnail, head["width"], head["height"]
        )

    async def _ask(self, body: bytes) -> tuple[dict[str, Any], bytes]:
        process = await asyncio.create_subprocess_exec(
            *self._command, env={}, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=ANSWER_BYTES_MAX,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(body), self._seconds_max)
        except TimeoutError as error:
            raise UnreadableBodyError(WORDS["damaged"], code="damaged") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        head, _, pictures = out.partition(b"\n")
        if process.returncode != 0 or len(out) > ANSWER_BYTES_MAX or not 0 < len(head) <= HEAD_BYTES_MAX:
            # It was ended by one of its bounds, or broke: a camera's picture does neither.
            raise UnreadableBodyError(WORDS["damaged"], code="damaged")
        try:
            found: dict[str, Any] = orjson.loads(head)
        except orjson.JSONDecodeError as error:
            raise UnreadableBodyError(WORDS["damaged"], code="damaged") from error
        return found, pictures
