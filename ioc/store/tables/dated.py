"""Dated rows: limits by device, class and area, rows of lookup tables, who changed them why, and their sheets."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import Moment, metadata

dated_limit = Table(
    "dated_limit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Text),
    Column("device", Text),
    Column("device_class", Text),
    Column("area", Text),
    Column("value", Double, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("origin", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("removed", Boolean, nullable=False, server_default=text("false")),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Text),
    Column("changed_why", Text, nullable=False),
    CheckConstraint("num_nonnulls(device, device_class, area) = 1", name="one_target"),
    CheckConstraint("origin IN ('pack', 'site')", name="origin"),
    Index("ix_dated_limit_name", "name", "id"),
    Index("ix_dated_limit_device", "device", postgresql_where=text("device IS NOT NULL")),
    comment="Limits by device, class of devices and area, each from its first day to its last",
)

dated_limit_history = Table(
    "dated_limit_history",
    metadata,
    Column("limit_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
    Column("action", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB),
    Column("position", BigInteger),
    PrimaryKeyConstraint("limit_id", "number"),
    comment="Every change of a limit: who, when, why, and how it stood after it (null: taken out)",
)

lookup_row = Table(
    "lookup_row",
    metadata,
    Column("id", Text, primary_key=True),
    Column("table_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("match_key", Text, nullable=False),
    Column("device", Text),
    Column("data", JSONB, nullable=False),
    Column("source", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("version", Integer, nullable=False),
    Column("removed", Boolean, nullable=False, server_default=text("false")),
    Column("changed_at", Moment, nullable=False),
    Column("changed_by", Text),
    Column("changed_why", Text, nullable=False),
    Index("ix_lookup_row_table_id_match_key", "table_id", "match_key", "id"),
    Index("ix_lookup_row_device", "device", postgresql_where=text("device IS NOT NULL")),
    comment="Rows of the lookup tables that a pack declares: what is known of a device or of a code in readings, "
    "from a first day to a last",
)

lookup_row_history = Table(
    "lookup_row_history",
    metadata,
    Column("row_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
    Column("action", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB),
    PrimaryKeyConstraint("row_id", "number"),
    comment="Every change of a row of a lookup table: who, when, why, and how it stood after it (null: taken out)",
)

row_import = Table(
    "row_import",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("file_name", Text),
    Column("file_hash", LargeBinary, nullable=False),
    Column("new_count", Integer, nullable=False),
    Column("changed_count", Integer, nullable=False),
    Column("unchanged_count", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("undone_by", Text),
    Column("undone_at", Moment),
    Column("reason", Text),
    CheckConstraint("state IN ('applied', 'undone')", name="state"),
    Index("ix_row_import_kind_number", "kind", "number", unique=True),
    comment="Sheets of limits and of rows of lookup tables: who imported each and why, who undid it and why",
)

row_import_line = Table(
    "row_import_line",
    metadata,
    Column("import", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("before", JSONB),
    PrimaryKeyConstraint("import", "row_id"),
    comment="The rows of each import with their version after it; before: what it found, null where it was new",
)
