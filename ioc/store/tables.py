"""Every table, as SQLAlchemy Core. The migrations make them; a test proves that both agree.

Times are timestamptz and come from the log clock: no statement here or elsewhere calls now().
One file past 400 lines on purpose: a reader of one table needs its neighbours, and there is no code in it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Moment = DateTime(timezone=True)
EMPTY_LIST = text("'{}'")
EMPTY_OBJECT = text("'{}'::jsonb")

# ---------------------------------------------------------------- the log

log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("log_time", Moment, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="Each append locks this row: positions are in commit order, log_time never goes back",
)

event = Table(
    "event",
    metadata,
    Column("position", BigInteger, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", LargeBinary),
    Column("feed", Text),
    Column("device", Text),
    Column("id", Text),
    Column("time", Moment),
    Column("effective", Moment),
    Column("received_at", Moment),
    Column("data", JSONB),
    Column("flags", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    Column("area", Text),
    Column("zone", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("door", Text),
    Column("subject", Text),
    PrimaryKeyConstraint("position", "log_time"),
    Index("ix_event_key", "key"),
    Index("ix_event_device_effective", "device", "effective"),
    Index("ix_event_feed_effective", "feed", "effective"),
    Index("ix_event_kind", "kind", "position", postgresql_where=text("kind <> 'event'")),
    postgresql_partition_by="RANGE (log_time)",
    comment="The append-only log, partitioned by day of log_time",
)

event_key = Table(
    "event_key",
    metadata,
    Column("key", LargeBinary, nullable=False),
    Column("key_time", Moment, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("log_time", Moment, nullable=False),
    PrimaryKeyConstraint("key_time", "key"),  # by time first: hashes alone would touch every page of a large index
    postgresql_partition_by="RANGE (key_time)",
    comment="Identity of each stored event, partitioned by month of its time; what makes a resend one event",
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("log_time", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("door", Text, nullable=False),
    Column("feed", Text),
    Column("device", Text),
    Column("topic", Text),
    Column("content_type", Text),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("raw_bytes", BigInteger, nullable=False),
    Column("area", Text),
    Column("released_at", Moment),
    Column("released_by", Text),
    Index("ix_dead_letter_log_time", "log_time"),
    Index("ix_dead_letter_feed", "feed", "id"),
    comment="Refused messages with their raw bytes (bounded) and reason",
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("role", Text, primary_key=True),
    Column("beat_at", Moment, nullable=False),
    comment="A commit a second per role that answers for readiness; nobody reads it",
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("fence", BigInteger, nullable=False, server_default=text("0")),
    Column("events_per_second", Double, nullable=False, server_default=text("0")),
    comment="How far each reader of the log has come; the fence makes a lost lease harmless",
)

# ---------------------------------------------------------------- roll-ups

latest = Table(
    "latest",
    metadata,
    Column("device", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Column("effective", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("flags", ARRAY(Text), nullable=False, server_default=EMPTY_LIST),
    PrimaryKeyConstraint("device", "feed", "field"),
    comment="The newest value of each field of each device",
)

device_seen = Table(
    "device_seen",
    metadata,
    Column("device", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("effective", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("device", "feed"),
    comment="When each device last reported, by its own time and by ours",
)

series = Table(
    "series",
    metadata,
    Column("feed", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("sum", Double, nullable=False),
    Column("min", Double, nullable=False),
    Column("max", Double, nullable=False),
    Column("first", Double, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last", Double, nullable=False),
    Column("last_at", Moment, nullable=False),
    PrimaryKeyConstraint("device", "field", "step", "bucket", "feed"),
    Index("ix_series_step_bucket", "step", "bucket"),
    CheckConstraint("step IN (300, 3600, 86400)", name="step"),
    comment="Buckets of 5 min folded from the log, 1 h and 1 day (local) derived from them; step in seconds",
)

ledger = Table(
    "ledger",
    metadata,
    Column("feed", Text, nullable=False),
    Column("bucket", Moment, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("suspect", BigInteger, nullable=False),
    Column("clock_fault", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "bucket"),
    comment="Events per feed and 5 min of log time, with their marks",
)

# ---------------------------------------------------------------- registry

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
    Index("ix_device_feed", "feed"),
    Index("ix_device_area", "area"),
    CheckConstraint("state IN ('active','maintenance','retired')", name="state"),
    comment="The registry; origin is pack or site",
)

pack_item = Table(
    "pack_item",
    metadata,
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("removed", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at", Moment, nullable=False),
    Column("position", BigInteger),
    Column("yaml", Text),
    PrimaryKeyConstraint("kind", "id"),
    comment="What of the pack was applied last (rules, feeds, domains, ...), by content hash",
)

rule = Table(
    "rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("yaml", Text),
    Column("enabled", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False, server_default=text("false")),
    Column("pack_hash", Text),
    Column("updated_at", Moment, nullable=False),
    Column("changed_at", Moment),
    Column("changed_by", Text),
    Column("changed_why", Text),
    Column("changed_action", Text),
    CheckConstraint("origin IN ('pack', 'overlay', 'site')", name="origin"),
    comment="Each rule in the form in force: the pack's, the site's form of it, or the site's own",
)

rule_history = Table(
    "rule_history",
    metadata,
    Column("rule", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
    Column("action", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("yaml", Text),
    Column("position", BigInteger),
    PrimaryKeyConstraint("rule", "number"),
    Index(None, "rule", "version"),
    comment="Every change of a rule: who, when, why, and the form in force after it",
)

rule_health = Table(
    "rule_health",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("evaluated", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("no_data", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("full", BigInteger, nullable=False),
    Column("monitored", BigInteger, nullable=False),
    Column("keys", Integer, nullable=False),
    Column("degraded_keys", Integer, nullable=False),
    Column("refused", Text),
    Column("last_evaluated_at", Moment),
    Column("last_transition_at", Moment),
    Column("updated_at", Moment, nullable=False),
    comment="How each rule does, as its engine counts: written every few seconds",
)

rule_monitored = Table(
    "rule_monitored",
    metadata,
    Column("rule", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Column("alert", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("device", Text),
    Column("area", Text),
    Column("zone", Text),
    Column("retrospective", Boolean, nullable=False),
    Column("restricted", Boolean, nullable=False),
    PrimaryKeyConstraint("rule", "position", "number"),
    comment="Moves of rules in monitor mode, the newest of each: they raise nothing",
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
    CheckConstraint("role IN ('admin','operator','viewer')", name="role"),
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

# ---------------------------------------------------------------- alerts

rule_memory = Table(
    "rule_memory",
    metadata,
    Column("shard", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Column("memory", LargeBinary, nullable=False),
    comment="Snapshot of the engine's memory at a position; after a crash it refolds from here up to the cursor",
)

alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("rule", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("rule_hash", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("severity_rank", SmallInteger, nullable=False),
    Column("peak_severity", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("domain", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("device", Text),
    Column("area", Text),
    Column("zone", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("opened_at", Moment, nullable=False),
    Column("opened_position", BigInteger, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("cleared_at", Moment),
    Column("flap_count", Integer, nullable=False, server_default=text("0")),
    Column("retrospective", Boolean, nullable=False, server_default=text("false")),
    Column("restricted", Boolean, nullable=False, server_default=text("false")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("transitions", Integer, nullable=False, server_default=text("1")),
    Column("position", BigInteger, nullable=False),
    Index("uq_alert_firing", "rule", "key", unique=True, postgresql_where=text("condition = 'firing'")),
    Index("ix_alert_opened_at", "opened_at"),
    Index("ix_alert_condition", "condition", "severity_rank"),
    Index("ix_alert_device", "device"),
    CheckConstraint("condition IN ('firing','cleared')", name="condition"),
    comment="The condition of each alert, written by the engine only",
)

alert_work = Table(
    "alert_work",
    metadata,
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, nullable=False, server_default=text("'new'")),
    Column("owner", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Text),
    Column("resolved_at", Moment),
    Column("resolved_by", Text),
    Column("comments", Integer, nullable=False, server_default=text("0")),
    Column("updated_at", Moment, nullable=False),
    CheckConstraint("state IN ('new','acknowledged','resolved')", name="state"),
    comment="What people did with each alert, written by people only",
)

alert_history = Table(
    "alert_history",
    metadata,
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("log_time", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text),
    Column("severity", Text),
    Column("summary", JSONB),
    Column("reason", Text),
    Column("text", Text),
    Column("evidence", JSONB),
    Column("position", BigInteger),
    PrimaryKeyConstraint("alert", "number"),
    comment="Every move of an alert, the engine's (actor null, with evidence) and people's, in order",
)

alert_number = Table(
    "alert_number",
    metadata,
    Column("day", Date, primary_key=True),
    Column("number", Integer, nullable=False),
    comment="The last number given out on a local day",
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

backtest = Table(
    "backtest",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("hash", Text, nullable=False),
    Column("version", Integer),
    Column("present", JSONB),
    Column("span_from", Moment, nullable=False),
    Column("span_to", Moment, nullable=False),
    Column("include_history", Boolean, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("beat_at", Moment),
    Column("state", Text, nullable=False),
    Column("cancel", Boolean, nullable=False, server_default=text("false")),
    Column("moves", Integer, nullable=False, server_default=text("0")),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger, nullable=False, server_default=text("0")),
    Column("events_per_second", Double, nullable=False, server_default=text("0")),
    Column("reason", Text),
    Column("result", JSONB),
    Index("uq_backtest_running", "state", unique=True, postgresql_where=text("state = 'running'")),
    Index("ix_backtest_rule_asked_at", "rule", "asked_at"),
    CheckConstraint("state IN ('queued','running','done','cancelled','failed')", name="state"),
    comment="Backtests that people asked for: the form tried, how far it is, what it did",
)

# ---------------------------------------------------------------- changes and audit

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

# ---------------------------------------------------------------- devices over MQTT

mqtt_door = Table(
    "mqtt_door",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    comment="One row per running MQTT door; who sees that its beat stands still ends what it held",
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
    PrimaryKeyConstraint("device", "number"),
    Index("ix_outbound_waiting", "device", "number", postgresql_where=text("outcome IS NULL")),
    Index("ix_outbound_closed_at", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    comment="What the house tells devices, numbered within each in commit order; without outcome it waits",
)
