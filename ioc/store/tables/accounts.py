"""People, their sessions, and what each may still ask."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from ioc.store.tables.schema import Moment, metadata

account = Table(
    "account",
    metadata,
    Column("username", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("area", Text),
    Column("must_change", Boolean, nullable=False, server_default=text("false")),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("temporary", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint(
        "role IN ('admin','shift_leader','operator','unit_officer','leader','auditor','viewer')", name="role"
    ),
    comment="People; passwords as argon2id",
)

session = Table(
    "session",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("username", Text, ForeignKey("account.username", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("address", Text),
    Column("agent", Text),
    Index("ix_session_username", "username"),
    comment="Signed-in sessions: only the SHA-256 of the cookie is kept",
)

known_device = Table(
    "known_device",
    metadata,
    Column("hash", LargeBinary, nullable=False),
    Column("username", Text, ForeignKey("account.username", ondelete="CASCADE"), nullable=False),
    Column("used_at", Moment, nullable=False),
    PrimaryKeyConstraint("hash", "username"),
    Index("ix_known_device_username", "username"),
    comment="Browsers that an account has signed in with: a hash of their cookie",
)

request_quota = Table(
    "request_quota",
    metadata,
    Column("policy", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("remaining", Double, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("policy", "name"),
    comment="How many requests a key or account has left, for all processes together",
)
