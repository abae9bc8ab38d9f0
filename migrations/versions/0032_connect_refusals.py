"""Who is refused at the MQTT door is kept for people to read: it was in the metrics and the log alone."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
    CREATE TABLE connect_refusal (
        username text NOT NULL, address text NOT NULL, reason text NOT NULL, detail text, count bigint NOT NULL,
        first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
        CONSTRAINT pk_connect_refusal PRIMARY KEY (username, address, reason)
    )
    """)
    op.execute(
        "COMMENT ON TABLE connect_refusal IS "
        "'Who was not let in at an MQTT door, by user name, address and reason; at most 500, for 30 days'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE connect_refusal")
