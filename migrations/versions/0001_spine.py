"""The log, the roll-ups, the registry, alerts, changes and audit: the first tables, in one step because they refer to each other.

Past 400 lines: a migration that has run is never split.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    """
CREATE TABLE account (
    username TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    area TEXT,
    must_change BOOLEAN DEFAULT false NOT NULL,
    disabled BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (username),
    CONSTRAINT ck_account_role CHECK (role IN ('admin','operator','viewer'))
)
    """,
    """
COMMENT ON TABLE account IS 'People; passwords as argon2id'
    """,
    """
CREATE TABLE alert (
    id TEXT NOT NULL,
    number TEXT NOT NULL,
    rule TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    rule_hash TEXT NOT NULL,
    key TEXT NOT NULL,
    condition TEXT NOT NULL,
    severity TEXT NOT NULL,
    severity_rank SMALLINT NOT NULL,
    peak_severity TEXT NOT NULL,
    title JSONB NOT NULL,
    summary JSONB NOT NULL,
    domain TEXT NOT NULL,
    feed TEXT NOT NULL,
    device TEXT,
    area TEXT,
    zone TEXT,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_position BIGINT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    cleared_at TIMESTAMP WITH TIME ZONE,
    flap_count INTEGER DEFAULT 0 NOT NULL,
    retrospective BOOLEAN DEFAULT false NOT NULL,
    restricted BOOLEAN DEFAULT false NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    transitions INTEGER DEFAULT 1 NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_alert PRIMARY KEY (id),
    CONSTRAINT ck_alert_condition CHECK (condition IN ('firing','cleared')),
    UNIQUE (number)
)
    """,
    """
CREATE INDEX ix_alert_condition ON alert (condition, severity_rank)
    """,
    """
CREATE INDEX ix_alert_device ON alert (device)
    """,
    """
CREATE INDEX ix_alert_opened_at ON alert (opened_at)
    """,
    """
CREATE UNIQUE INDEX uq_alert_firing ON alert (rule, key) WHERE condition = 'firing'
    """,
    """
COMMENT ON TABLE alert IS 'The condition of each alert, written by the engine only'
    """,
    """
CREATE TABLE alert_number (
    day DATE NOT NULL,
    number INTEGER NOT NULL,
    CONSTRAINT pk_alert_number PRIMARY KEY (day)
)
    """,
    """
COMMENT ON TABLE alert_number IS 'The last number given out on a local day'
    """,
    """
CREATE TABLE area (
    code TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    name_vi TEXT NOT NULL,
    name_en TEXT NOT NULL,
    short_vi TEXT,
    short_en TEXT,
    level TEXT NOT NULL,
    zone TEXT NOT NULL,
    parent TEXT,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    aliases TEXT[] DEFAULT '{}' NOT NULL,
    successors TEXT[] DEFAULT '{}' NOT NULL,
    shape JSONB,
    shape_source TEXT DEFAULT 'sketch' NOT NULL,
    CONSTRAINT pk_area PRIMARY KEY (code, valid_from)
)
    """,
    """
COMMENT ON TABLE area IS 'Administrative units with validity; codes were re-used on 2025-07-01'
    """,
    """
CREATE TABLE audit (
    id BIGINT NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    address TEXT,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
)
    """,
    """
COMMENT ON TABLE audit IS 'Append-only trail; each row carries the hash of the one before it'
    """,
    """
CREATE TABLE change (
    position BIGSERIAL NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    area TEXT,
    zone TEXT,
    version BIGINT DEFAULT 0 NOT NULL,
    restricted BOOLEAN DEFAULT false NOT NULL,
    data JSONB,
    CONSTRAINT pk_change PRIMARY KEY (position)
)
    """,
    """
CREATE INDEX ix_change_log_time ON change (log_time)
    """,
    """
COMMENT ON TABLE change IS 'Every change of a noun that people see; streams and district systems read only this'
    """,
    """
CREATE TABLE change_head (
    id SMALLSERIAL NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_change_head PRIMARY KEY (id),
    CONSTRAINT ck_change_head_one_row CHECK (id = 1)
)
    """,
    """
COMMENT ON TABLE change_head IS 'Each change locks this row: change positions are in commit order'
    """,
    """
CREATE TABLE cursor (
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    fence BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_cursor PRIMARY KEY (name)
)
    """,
    """
COMMENT ON TABLE cursor IS 'How far each reader of the log has come; the fence makes a lost lease harmless'
    """,
    """
CREATE TABLE dead_letter (
    id BIGSERIAL NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    door TEXT NOT NULL,
    feed TEXT,
    device TEXT,
    topic TEXT,
    content_type TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    raw BYTEA NOT NULL,
    raw_bytes BIGINT NOT NULL,
    area TEXT,
    released_at TIMESTAMP WITH TIME ZONE,
    released_by TEXT,
    CONSTRAINT pk_dead_letter PRIMARY KEY (id)
)
    """,
    """
CREATE INDEX ix_dead_letter_feed ON dead_letter (feed, id)
    """,
    """
CREATE INDEX ix_dead_letter_log_time ON dead_letter (log_time)
    """,
    """
COMMENT ON TABLE dead_letter IS 'Refused messages with their raw bytes (bounded) and reason'
    """,
    """
CREATE TABLE device (
    id TEXT NOT NULL,
    feed TEXT NOT NULL,
    name_vi TEXT NOT NULL,
    name_en TEXT NOT NULL,
    area TEXT,
    zone TEXT,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    parent TEXT,
    owner TEXT,
    place TEXT,
    expected_period_seconds INTEGER,
    critical BOOLEAN DEFAULT false NOT NULL,
    gateway BOOLEAN DEFAULT false NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    extra JSONB DEFAULT '{}'::jsonb NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    origin TEXT DEFAULT 'site' NOT NULL,
    CONSTRAINT pk_device PRIMARY KEY (id),
    CONSTRAINT ck_device_state CHECK (state IN ('active','maintenance','retired'))
)
    """,
    """
CREATE INDEX ix_device_area ON device (area)
    """,
    """
CREATE INDEX ix_device_feed ON device (feed)
    """,
    """
COMMENT ON TABLE device IS 'The registry; origin is pack or site'
    """,
    """
CREATE TABLE device_seen (
    device TEXT NOT NULL,
    feed TEXT NOT NULL,
    effective TIMESTAMP WITH TIME ZONE NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    position BIGINT NOT NULL,
    events BIGINT NOT NULL,
    late BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_device_seen PRIMARY KEY (device, feed)
)
    """,
    """
COMMENT ON TABLE device_seen IS 'When each device last reported, by its own time and by ours'
    """,
    """
CREATE TABLE event (
    position BIGINT NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    key BYTEA,
    feed TEXT,
    device TEXT,
    id TEXT,
    time TIMESTAMP WITH TIME ZONE,
    effective TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE,
    data JSONB,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    area TEXT,
    zone TEXT,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    revision INTEGER DEFAULT 0 NOT NULL,
    door TEXT,
    subject TEXT,
    CONSTRAINT pk_event PRIMARY KEY (position, log_time)
)
 PARTITION BY RANGE (log_time)
    """,
    """
CREATE INDEX ix_event_device_effective ON event (device, effective)
    """,
    """
CREATE INDEX ix_event_feed_effective ON event (feed, effective)
    """,
    """
CREATE INDEX ix_event_key ON event (key)
    """,
    """
COMMENT ON TABLE event IS 'The append-only log, partitioned by day of log_time'
    """,
    """
CREATE TABLE event_key (
    key BYTEA NOT NULL,
    key_time TIMESTAMP WITH TIME ZONE NOT NULL,
    content BYTEA NOT NULL,
    position BIGINT NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_event_key PRIMARY KEY (key, key_time)
)
 PARTITION BY RANGE (key_time)
    """,
    """
COMMENT ON TABLE event_key IS 'Identity of each stored event, partitioned by month of its time; what makes a resend one event'
    """,
    """
CREATE TABLE latest (
    device TEXT NOT NULL,
    feed TEXT NOT NULL,
    field TEXT NOT NULL,
    value JSONB NOT NULL,
    effective TIMESTAMP WITH TIME ZONE NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    position BIGINT NOT NULL,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_latest PRIMARY KEY (device, feed, field)
)
    """,
    """
COMMENT ON TABLE latest IS 'The newest value of each field of each device'
    """,
    """
CREATE TABLE ledger (
    feed TEXT NOT NULL,
    bucket TIMESTAMP WITH TIME ZONE NOT NULL,
    stored BIGINT NOT NULL,
    late BIGINT NOT NULL,
    suspect BIGINT NOT NULL,
    clock_fault BIGINT NOT NULL,
    CONSTRAINT pk_ledger PRIMARY KEY (feed, bucket)
)
    """,
    """
COMMENT ON TABLE ledger IS 'Events per feed and 5 min of log time, with their marks'
    """,
    """
CREATE TABLE log_head (
    id SMALLSERIAL NOT NULL,
    position BIGINT NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_log_head PRIMARY KEY (id),
    CONSTRAINT ck_log_head_one_row CHECK (id = 1)
)
    """,
    """
COMMENT ON TABLE log_head IS 'Each append locks this row: positions are in commit order, log_time never goes back'
    """,
    """
CREATE TABLE pack_item (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    body JSONB NOT NULL,
    enabled BOOLEAN DEFAULT true NOT NULL,
    removed BOOLEAN DEFAULT false NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    position BIGINT,
    CONSTRAINT pk_pack_item PRIMARY KEY (kind, id)
)
    """,
    """
COMMENT ON TABLE pack_item IS 'What of the pack was applied last (rules, feeds, domains, ...), by content hash'
    """,
    """
CREATE TABLE registry_version (
    id SMALLSERIAL NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_registry_version PRIMARY KEY (id),
    CONSTRAINT ck_registry_version_one_row CHECK (id = 1)
)
    """,
    """
COMMENT ON TABLE registry_version IS 'Rises with every change of devices, keys or areas; doors reload when it does'
    """,
    """
CREATE TABLE rule_memory (
    shard TEXT NOT NULL,
    position BIGINT NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    memory BYTEA NOT NULL,
    CONSTRAINT pk_rule_memory PRIMARY KEY (shard)
)
    """,
    """
COMMENT ON TABLE rule_memory IS 'Snapshot of the engine''s memory at a position; after a crash it refolds from here up to the cursor'
    """,
    """
CREATE TABLE series (
    feed TEXT NOT NULL,
    device TEXT NOT NULL,
    field TEXT NOT NULL,
    step INTEGER NOT NULL,
    bucket TIMESTAMP WITH TIME ZONE NOT NULL,
    n BIGINT NOT NULL,
    sum DOUBLE PRECISION NOT NULL,
    min DOUBLE PRECISION NOT NULL,
    max DOUBLE PRECISION NOT NULL,
    first DOUBLE PRECISION NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last DOUBLE PRECISION NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_series PRIMARY KEY (device, field, step, bucket, feed),
    CONSTRAINT ck_series_step CHECK (step IN (300, 3600, 86400))
)
    """,
    """
CREATE INDEX ix_series_step_bucket ON series (step, bucket)
    """,
    """
COMMENT ON TABLE series IS 'Buckets of 5 min folded from the log, 1 h and 1 day (local) derived from them; step in seconds'
    """,
    """
CREATE TABLE alert_history (
    alert TEXT NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    log_time TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT,
    severity TEXT,
    summary JSONB,
    reason TEXT,
    text TEXT,
    evidence JSONB,
    position BIGINT,
    CONSTRAINT pk_alert_history PRIMARY KEY (alert, number),
    CONSTRAINT fk_alert_history_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
)
    """,
    """
COMMENT ON TABLE alert_history IS 'Every move of an alert, the engine''s (actor null, with evidence) and people''s, in order'
    """,
    """
CREATE TABLE alert_work (
    alert TEXT NOT NULL,
    state TEXT DEFAULT 'new' NOT NULL,
    owner TEXT,
    version INTEGER DEFAULT 1 NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by TEXT,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by TEXT,
    comments INTEGER DEFAULT 0 NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_alert_work PRIMARY KEY (alert),
    CONSTRAINT ck_alert_work_state CHECK (state IN ('new','acknowledged','resolved')),
    CONSTRAINT fk_alert_work_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
)
    """,
    """
COMMENT ON TABLE alert_work IS 'What people did with each alert, written by people only'
    """,
    """
CREATE TABLE api_key (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    device TEXT,
    feed TEXT,
    area TEXT,
    scopes TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_key PRIMARY KEY (id),
    CONSTRAINT ck_api_key_kind CHECK (kind IN ('device','feed','district','metrics','display')),
    UNIQUE (hash),
    CONSTRAINT fk_api_key_device FOREIGN KEY(device) REFERENCES device (id) ON DELETE CASCADE
)
    """,
    """
CREATE INDEX ix_api_key_device ON api_key (device)
    """,
    """
COMMENT ON TABLE api_key IS 'Machine keys: only the SHA-256 of a random secret is kept'
    """,
    """
CREATE TABLE session (
    hash BYTEA NOT NULL,
    id TEXT NOT NULL,
    username TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    address TEXT,
    agent TEXT,
    CONSTRAINT pk_session PRIMARY KEY (hash),
    UNIQUE (id),
    CONSTRAINT fk_session_username FOREIGN KEY(username) REFERENCES account (username) ON DELETE CASCADE
)
    """,
    """
CREATE INDEX ix_session_username ON session (username)
    """,
    """
COMMENT ON TABLE session IS 'Signed-in sessions: only the SHA-256 of the cookie is kept'
    """,
]

AFTER = [
    "CREATE TABLE event_default PARTITION OF event DEFAULT",
    "CREATE TABLE event_key_default PARTITION OF event_key DEFAULT",
    "INSERT INTO log_head (id, position, log_time) VALUES (1, 0, '1970-01-01 00:00+00')",
    "INSERT INTO change_head (id, position) VALUES (1, 0)",
    "INSERT INTO registry_version (id, version) VALUES (1, 1)",
    # The audit trail can only grow, whoever asks: not even the owner changes a row without dropping the trigger.
    """
    CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit is append-only' USING ERRCODE = '42501';
    END $$
    """,
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    EXECUTE FUNCTION audit_append_only()
    """,
]


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for statement in (*TABLES, *AFTER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for statement in reversed(TABLES):
        words = statement.split()
        if words[:2] == ["CREATE", "TABLE"]:
            op.execute(f"DROP TABLE {words[2]} CASCADE")
    op.execute("DROP FUNCTION audit_append_only()")
