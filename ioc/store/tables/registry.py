"""Devices and when they may be silent, areas, the layers of the map, and the keys of machines."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ioc.store.tables.schema import EMPTY_LIST, EMPTY_OBJECT, Moment, metadata

registry_version = Table(
    "registry_version",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="Rises with every change of devices, keys or areas; doors reload when it does",
)

area = Table(
    "area",
    metadata,
    Column("code", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("short_vi", Text),
    Column("short_en", Text),
    Column("level", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("parent", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("aliases", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    Column("successors", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    Column("shape", JSONB),
    Column("shape_source", Text, nullable=False, server_default=text("'sketch'")),
    PrimaryKeyConstraint("code", "valid_from"),
    comment="Administrative units with validity; codes were re-used on 2025-07-01",
)

device = Table(
    "device",
    metadata,
    Column("id", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("area", Text),
    Column("zone", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("parent", Text),
    Column("owner", Text),
    Column("place", Text),
    Column("expected_period_seconds", Integer),
    Column("critical", Boolean, nullable=False, server_default=text("false")),
    Column("gateway", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    Column("extra", JSONB, nullable=False, server_default=EMPTY_OBJECT),
    Column("registered_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("origin", Text, nullable=False, server_default=text("'site'")),
    Column("device_class", Text),
    Column("maintenance_window", Text),
    Index("ix_device_feed", "feed"),
    Index("ix_device_area", "area"),
    CheckConstraint("state IN ('active','maintenance','retired')", name="state"),
    comment="The registry; origin is pack or site",
)

map_layer = Table(
    "map_layer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", JSONB, nullable=False),
    Column("geojson", JSONB, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", Text, nullable=False),
    CheckConstraint("kind IN ('water','road')", name="kind"),
    comment="Map layers of the site, drawn in place of the pack's of the same name or beside them",
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("device", Text, ForeignKey("device.id", ondelete="CASCADE")),
    Column("feed", Text),
    Column("area", Text),
    Column("scopes", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    Index("ix_api_key_device", "device"),
    CheckConstraint("kind IN ('device','feed','district','metrics','display')", name="kind"),
    comment="Machine keys: only the SHA-256 of a random secret is kept",
)

ignored_device = Table(
    "ignored_device",
    metadata,
    Column("device", Text, primary_key=True),
    Column("ignored_at", Moment, nullable=False),
    Column("ignored_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    comment="Unknown devices that somebody does not want to see for a while: who, why",
)

maintenance_window = Table(
    "maintenance_window",
    metadata,
    Column("id", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("with_children", Boolean, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("repeat", Text, nullable=False),
    Column("repeat_until", Date),
    Column("reason", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("running_until", Moment),
    Index("ix_maintenance_window_device", "device"),
    Index("ix_maintenance_window_due_at", "due_at"),
    CheckConstraint("repeat IN ('never','daily','weekly')", name="repeat"),
    comment="When devices may be silent; due_at: when something of it begins or ends next, null once it is over",
)
