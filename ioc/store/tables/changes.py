"""The change feed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import Moment, metadata

change_head = Table(
    "change_head",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="Each change locks this row: change positions are in commit order",
)

change = Table(
    "change",
    metadata,
    Column("position", BigInteger, primary_key=True),
    Column("log_time", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("area", Text),
    Column("zone", Text),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("restricted", Boolean, nullable=False, server_default=text("false")),
    Column("data", JSONB),
    Index("ix_change_log_time", "log_time"),
    comment="Every change of a noun that people see; streams and district systems read only this",
)
