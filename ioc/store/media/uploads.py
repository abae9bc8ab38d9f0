"""What somebody sends in: its content once, the use of it with who sent it, and the bounds of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ioc.errors import MediaFullError
from ioc.media.medium import MediaContent, new_media_id
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.media.attachments import attach
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import named

"""Held by who adds or deletes content: bounds are exact, and no content goes while somebody takes it into use."""
QUOTA_SPAN = timedelta(days=1)
OF_ACCOUNT = named("""
SELECT coalesce(sum(c.bytes), 0)::bigint FROM media m JOIN media_content c ON c.sha256 = m.sha256
WHERE m.uploaded_by = :uploader AND m.uploaded_at > :since
""")
TOTAL = "SELECT coalesce(sum(bytes + coalesce(octet_length(thumbnail), 0)), 0)::bigint FROM media_content"
KNOWN = "SELECT EXISTS (SELECT 1 FROM media_content WHERE sha256 = $1)"
KEEP = named("""
INSERT INTO media_content (sha256, bytes, width, height, content, thumbnail, stored_at)
VALUES (:sha256, :bytes, :width, :height, :content, :thumbnail, :now)
""")
USE = named("""
INSERT INTO media (id, sha256, type, uploaded_by, uploaded_at) VALUES (:id, :sha256, :type, :uploader, :now)
""")


@dataclass(frozen=True, slots=True)
class MediaBounds:
    """How much there may be, in bytes."""

    account_bytes_per_day: int
    total_bytes_max: int


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who sends a medium in, and from where: an account by its name, a key by its id."""

    name: str
    address: str | None


@dataclass(frozen=True, slots=True)
class AttachedTo:
    """The event that a medium is sent for: its key, and the position of the revision that the sender sees."""

    event: bytes
    position: int


async def lock_media(connection: Connection) -> None:
    """Let nobody else add or delete content until the transaction ends."""
    await take_lock(connection, AdvisoryLock.MEDIA)


async def total_bytes(connection: Connection) -> int:
    """Return the bytes of all media."""
    return int(await connection.fetchval(TOTAL))


async def keep_medium(
    database: Database,
    content: MediaContent,
    uploader: Uploader,
    *,
    bounds: MediaBounds,
    now: datetime,
    to: AttachedTo | None = None,
) -> str:
    """Keep a medium, attach it where it is sent ``to`` an event, and return its id. On return it is committed.

    Raises:
        MediaFullError: its sender's day is used up, or the room for all media.
        InvalidFieldsError: the event has as many as it may.
    """
    identifier, size = new_media_id(), len(content.content)
    async with database.transaction() as connection:
        await lock_media(connection)
        of_account = await connection.fetchval(*OF_ACCOUNT(uploader=uploader.name, since=now - QUOTA_SPAN))
        if of_account + size > bounds.account_bytes_per_day:
            mebibytes = bounds.account_bytes_per_day >> 20
            raise MediaFullError(f"you may send {mebibytes} MiB in 24 hours: send the rest tomorrow", reason="account")
        if not await connection.fetchval(KNOWN, content.sha256):
            more = size + len(content.thumbnail or b"")
            if await total_bytes(connection) + more > bounds.total_bytes_max:
                raise MediaFullError(
                    "all room for media is used: whoever runs this instance raises IOC_MEDIA_TOTAL_MIB_MAX",
                    reason="total",
                )
            await connection.execute(*KEEP(
                sha256=content.sha256, bytes=size, width=content.width, height=content.height,
                content=content.content, thumbnail=content.thumbnail, now=now,
            ))  # fmt: skip
        await connection.execute(
            *USE(id=identifier, sha256=content.sha256, type=str(content.type), uploader=uploader.name, now=now)
        )
        detail: dict[str, Any] = {"type": str(content.type), "bytes": size, "sha256": content.sha256.hex()}
        if to is not None:
            await attach(
                connection, [identifier], event=to.event, position=to.position, uploader=uploader.name, now=now
            )
            detail["event"] = to.event.hex()
        await append_audit(
            connection, AuditEntry(uploader.name, "media.add", identifier, uploader.address, detail), now
        )
    return identifier
