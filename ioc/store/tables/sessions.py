"""Doors, sessions, wills and messages of devices over MQTT."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import EMPTY_OBJECT, Moment, metadata

mqtt_door = Table(
    "mqtt_door",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    comment="One row per running MQTT door; who sees that its beat stands still ends what it held",
)

connect_refusal = Table(
    "connect_refusal",
    metadata,
    Column("username", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    PrimaryKeyConstraint("username", "address", "reason"),
    comment="Who was not let in at an MQTT door, by user name, address and reason; at most 500, for 30 days",
)

mqtt_session = Table(
    "mqtt_session",
    metadata,
    Column("device", Text, primary_key=True),
    Column("connection", BigInteger, nullable=False),
    Column("door", Text),
    Column("since", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("present", Boolean, nullable=False),
    Column("expiry_seconds", BigInteger, nullable=False),
    Column("expires_at", Moment),
    Column("filters", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    Column("number", BigInteger, nullable=False, server_default=text("0")),
    Column("sent_to", BigInteger),
    Column("waiting", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("waiting >= 0", name="waiting"),
    Index("ix_mqtt_session_door", "door"),
    Index("ix_mqtt_session_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    comment="The one session of each device, and its presence: online while a door holds it",
)

mqtt_will = Table(
    "mqtt_will",
    metadata,
    Column("device", Text, nullable=False),
    Column("connection", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("content_type", Text),
    Column("delay_seconds", BigInteger, nullable=False),
    Column("due_at", Moment),
    PrimaryKeyConstraint("device", "connection"),
    Index("ix_mqtt_will_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    comment="The last will of each connection, until it is published or taken back",
)

outbound = Table(
    "outbound",
    metadata,
    Column("device", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("qos", SmallInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    Column("outcome", Text),
    Column("closed_at", Moment),
    Column("meant_for", Text),
    PrimaryKeyConstraint("device", "number"),
    Index("ix_outbound_waiting", "device", "number", postgresql_where=text("outcome IS NULL")),
    Index("ix_outbound_closed_at", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    Index("ix_outbound_meant_for", "meant_for", "created_at", postgresql_where=text("meant_for IS NOT NULL")),
    comment="What the house tells devices, numbered within each in commit order; without outcome it waits",
)
