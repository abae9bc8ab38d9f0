"""The account of each source: what of it was stored, when it was measured, and what of it was not stored."""

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

from ioc.store.tables.schema import Moment, metadata

ZERO = text("0")
STEPS = "step IN (3600, 86400)"

source_ledger = Table(
    "source_ledger",
    metadata,
    Column("feed", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("stored", BigInteger, nullable=False, server_default=ZERO),
    Column("released", BigInteger, nullable=False, server_default=ZERO),
    Column("history", BigInteger, nullable=False, server_default=ZERO),
    Column("late", BigInteger, nullable=False, server_default=ZERO),
    Column("suspect", BigInteger, nullable=False, server_default=ZERO),
    Column("clock_fault", BigInteger, nullable=False, server_default=ZERO),
    Column("skewed", BigInteger, nullable=False, server_default=ZERO),
    Column("measured", BigInteger, nullable=False, server_default=ZERO),
    Column("lags", BigInteger, nullable=False, server_default=ZERO),
    Column("lag_sum", Double, nullable=False, server_default=ZERO),
    Column("lag_min", Double),
    Column("lag_max", Double),
    PrimaryKeyConstraint("feed", "device", "step", "bucket"),
    Index("ix_source_ledger_step_bucket", "step", "bucket"),
    CheckConstraint(STEPS, name="step"),
    comment="What each registered source stored in an hour and a local day: counts, marks, lag in seconds; "
    "without a device: sources that are not registered",
)

intake_ledger = Table(
    "intake_ledger",
    metadata,
    Column("feed", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("not_kept", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "device", "step", "bucket"),
    Index("ix_intake_ledger_step_bucket", "step", "bucket"),
    CheckConstraint(STEPS, name="step"),
    comment="What of each source was not stored in an hour and a local day, committed with the answers",
)
