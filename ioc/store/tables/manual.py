"""What people entered by hand: who, when, and why it was corrected or taken back. The readings are in the log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from ioc.store.tables.schema import Moment, metadata

manual_entry = Table(
    "manual_entry",
    metadata,
    Column("event", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("submission", Text),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("feed", Text, nullable=False),
    Column("area", Text),
    Column("zone", Text),
    PrimaryKeyConstraint("event", "revision"),
    Index("ix_manual_entry_position", "position"),
    Index("ix_manual_entry_log_time", "log_time"),
    Index("ix_manual_entry_submission", "submission", unique=True, postgresql_where=text("submission IS NOT NULL")),
    comment="Each revision of an event that came in by hand: who made it, and why; its content is in the log",
)
