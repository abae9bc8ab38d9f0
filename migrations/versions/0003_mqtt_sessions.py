"""Sessions of devices over MQTT, their last wills, and what the house tells them: new tables only."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = [
    """
CREATE TABLE mqtt_door (
    id TEXT NOT NULL,
    beat BIGINT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_mqtt_door PRIMARY KEY (id)
)
    """,
    """
COMMENT ON TABLE mqtt_door IS 'One row per running MQTT door; who sees that its beat stands still ends what it held'
    """,
    """
CREATE TABLE mqtt_session (
    device TEXT NOT NULL,
    connection BIGINT NOT NULL,
    door TEXT,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT NOT NULL,
    present BOOLEAN NOT NULL,
    expiry_seconds BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    filters JSONB DEFAULT '{}'::jsonb NOT NULL,
    number BIGINT DEFAULT 0 NOT NULL,
    sent_to BIGINT,
    waiting INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_mqtt_session PRIMARY KEY (device),
    CONSTRAINT ck_mqtt_session_waiting CHECK (waiting >= 0)
)
    """,
    """
COMMENT ON TABLE mqtt_session IS 'The one session of each device, and its presence: online while a door holds it'
    """,
    "CREATE INDEX ix_mqtt_session_door ON mqtt_session (door)",
    "CREATE INDEX ix_mqtt_session_expires_at ON mqtt_session (expires_at) WHERE expires_at IS NOT NULL",
    """
CREATE TABLE mqtt_will (
    device TEXT NOT NULL,
    connection BIGINT NOT NULL,
    topic TEXT NOT NULL,
    payload BYTEA NOT NULL,
    content_type TEXT,
    delay_seconds BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_mqtt_will PRIMARY KEY (device, connection)
)
    """,
    """
COMMENT ON TABLE mqtt_will IS 'The last will of each connection, until it is published or taken back'
    """,
    "CREATE INDEX ix_mqtt_will_due_at ON mqtt_will (due_at) WHERE due_at IS NOT NULL",
    """
CREATE TABLE outbound (
    device TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BYTEA NOT NULL,
    qos SMALLINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    released BOOLEAN DEFAULT false NOT NULL,
    outcome TEXT,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_outbound PRIMARY KEY (device, number)
)
    """,
    """
COMMENT ON TABLE outbound IS
'What the house tells devices, numbered within each in commit order; without outcome it waits'
    """,
    "CREATE INDEX ix_outbound_waiting ON outbound (device, number) WHERE outcome IS NULL",
    "CREATE INDEX ix_outbound_closed_at ON outbound (closed_at) WHERE closed_at IS NOT NULL",
]


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for table in ("outbound", "mqtt_will", "mqtt_session", "mqtt_door"):
        op.execute(f"DROP TABLE {table}")
