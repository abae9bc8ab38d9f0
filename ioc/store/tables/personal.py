"""What says who a person is. The log holds references to it, so that it can be deleted and the log stays as it is."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import Moment, metadata

person_data = Table(
    "person_data",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("event", LargeBinary),
    Column("feed", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Column("log_time", Moment),
    Index("ix_person_data_event", "event"),
    Index("ix_person_data_log_time", "log_time"),
    comment="Who a person is or how to reach them, by the reference that an event or a contact holds; may be erased",
)
