"""What the roll-ups make of the log: newest values, buckets, the ledger."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ioc.store.tables.schema import EMPTY_LIST, Moment, metadata

latest = Table(
    "latest",
    metadata,
    Column("device", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Column("effective", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("flags", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    PrimaryKeyConstraint("device", "feed", "field"),
    comment="The newest value of each field of each device",
)

device_seen = Table(
    "device_seen",
    metadata,
    Column("device", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("effective", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("device", "feed"),
    comment="When each device last reported, by its own time and by ours",
)

series = Table(
    "series",
    metadata,
    Column("feed", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("sum", Double, nullable=False),
    Column("min", Double, nullable=False),
    Column("max", Double, nullable=False),
    Column("first", Double, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last", Double, nullable=False),
    Column("last_at", Moment, nullable=False),
    PrimaryKeyConstraint("device", "field", "step", "bucket", "feed"),
    Index("ix_series_step_bucket", "step", "bucket"),
    CheckConstraint("step IN (300, 3600, 86400)", name="step"),
    comment="Buckets of 5 min folded from the log, 1 h and 1 day (local) derived from them; step in seconds",
)

ledger = Table(
    "ledger",
    metadata,
    Column("feed", Text, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("suspect", BigInteger, nullable=False),
    Column("clock_fault", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "bucket"),
    comment="Events per feed and 5 min of log time, with their marks",
)
