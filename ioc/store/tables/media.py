"""Pictures and papers that people attach: the bytes once by their hash, and each use of them with whose it is."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from ioc.store.tables.schema import Moment, metadata

media_content = Table(
    "media_content",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("bytes", Integer, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("content", LargeBinary, nullable=False),
    Column("thumbnail", LargeBinary),
    Column("stored_at", Moment, nullable=False),
    comment="The bytes of media, each content once; what nothing uses any more is deleted",
)

media = Table(
    "media",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sha256", LargeBinary, ForeignKey("media_content.sha256")),
    Column("type", Text, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("uploaded_at", Moment, nullable=False),
    Column("event", LargeBinary),
    Column("position", BigInteger),
    Column("feed", Text),
    Column("area", Text),
    Column("zone", Text),
    Column("attached_at", Moment),
    Column("removed_at", Moment),
    Column("removed_by", Text),
    Index("ix_media_sha256", "sha256"),
    Index("ix_media_event", "event"),
    Index("ix_media_position", "position", postgresql_where=text("position IS NOT NULL")),
    Index("ix_media_uploaded_by", "uploaded_by", "uploaded_at"),
    Index("ix_media_uploaded_at", "uploaded_at"),
    CheckConstraint("(event IS NULL) = (attached_at IS NULL)", name="attached"),
    CheckConstraint("(sha256 IS NULL) = (removed_at IS NOT NULL)", name="removed"),
    comment="Each medium that somebody sent in, and the event that has it; one that was removed has no content",
)
