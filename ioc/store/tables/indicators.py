"""Figures of indicators by period, and the imports that bring them. What counted also stands in the log, as events."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import Moment, metadata

indicator_figure = Table(
    "indicator_figure",
    metadata,
    Column("indicator", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("plan", Double),
    Column("actual", Double),
    Column("extra", JSONB, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("event", LargeBinary),
    Column("event_id", Text),
    Column("event_time", Moment),
    PrimaryKeyConstraint("indicator", "period"),
    comment="What counts of each indicator and period: by the import that wrote it last, with its event in the log",
)

indicator_import = Table(
    "indicator_import",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("file_name", Text),
    Column("file_hash", LargeBinary, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("undone_by", Text),
    Column("undone_at", Moment),
    Column("reason", Text),
    CheckConstraint("state IN ('pending', 'approved', 'rejected', 'undone')", name="state"),
    Index("ix_indicator_import_number", "number", unique=True),
    comment="Sheets of figures: who sent each, who approved, rejected or undid it, and why",
)

indicator_import_row = Table(
    "indicator_import_row",
    metadata,
    Column("import", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("plan", Double),
    Column("actual", Double),
    Column("extra", JSONB, nullable=False),
    Column("before", JSONB),
    PrimaryKeyConstraint("import", "number"),
    comment="The rows of each import; before: what its approval found in their place, which undoing brings back",
)
