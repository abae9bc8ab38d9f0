"""The audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import EMPTY_OBJECT, Moment, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("log_time", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("address", Text),
    Column("detail", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    comment="Append-only trail; each row carries the hash of the one before it",
)
