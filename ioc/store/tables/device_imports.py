"""Sheets of devices that were imported, and what each found in the place of what it wrote."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ioc.store.tables.schema import Moment, metadata

device_import = Table(
    "device_import",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("file_name", Text),
    Column("file_hash", LargeBinary, nullable=False),
    Column("new_count", Integer, nullable=False),
    Column("changed_count", Integer, nullable=False),
    Column("unchanged_count", Integer, nullable=False),
    Column("areas", ARRAY(Text), nullable=False),
    Column("feeds", ARRAY(Text), nullable=False),
    Column("without_area", Boolean, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("undone_by", Text),
    Column("undone_at", Moment),
    Column("reason", Text),
    CheckConstraint("state IN ('applied', 'undone')", name="state"),
    Index("ix_device_import_number", "number", unique=True),
    comment="Sheets of devices: who imported each, who undid it and why; areas and feeds of all that it touched",
)

device_import_row = Table(
    "device_import_row",
    metadata,
    Column("import", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("columns", ARRAY(Text), nullable=False),
    Column("before", JSONB),
    PrimaryKeyConstraint("import", "device"),
    comment="The devices of each import with their version after it; before: what it found, null where it was new",
)
