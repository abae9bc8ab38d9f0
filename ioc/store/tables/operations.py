"""What keeps an instance running: beats, and drills that people started."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from ioc.store.tables.schema import Moment, metadata

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("role", Text, primary_key=True),
    Column("beat_at", Moment, nullable=False),
    comment="A commit a second per role that answers for readiness; nobody reads it",
)

role_beat = Table(
    "role_beat",
    metadata,
    Column("role", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("working", Boolean, nullable=False),
    Column("beat_at", Moment, nullable=False),
    PrimaryKeyConstraint("role", "place"),
    comment="One row per process of a role; its beat rises while its working loops turn",
)

drill_run = Table(
    "drill_run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scenario", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("speed", Double, nullable=False),
    Column("starts", Moment, nullable=False),
    Column("ends", Moment, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("state", Text, nullable=False),
    Column("problem", Text),
    Column("score", JSONB),
    Index("ix_drill_run_running", "state", unique=True, postgresql_where=text("state = 'running'")),
    comment="Drills that people started: who, when, how it ended, its scores",
)
