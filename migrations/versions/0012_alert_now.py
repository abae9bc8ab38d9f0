"""How things are with each alert, beside its condition: written by the engine, sent on the stream, no version of it."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("CREATE SEQUENCE alert_now_written")
    op.execute("""
        CREATE TABLE alert_now (
            alert TEXT NOT NULL,
            position BIGINT NOT NULL,
            log_time TIMESTAMP WITH TIME ZONE NOT NULL,
            headline JSONB NOT NULL,
            now JSONB,
            peak JSONB,
            trend TEXT,
            written BIGINT NOT NULL,
            change_position BIGINT NOT NULL,
            CONSTRAINT pk_alert_now PRIMARY KEY (alert),
            CONSTRAINT fk_alert_now_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE,
            CONSTRAINT ck_alert_now_trend CHECK (trend IN ('rising','falling','steady'))
        )""")
    op.execute("COMMENT ON TABLE alert_now IS 'How things are with each alert by its newest reading, written by the "
               "engine only'")  # fmt: skip
    op.execute("CREATE INDEX ix_alert_now_written ON alert_now (written)")
    op.execute("CREATE INDEX ix_alert_now_change_position ON alert_now (change_position)")
    # Open alerts are found by two indexes: those that fire, and those that nobody has taken note of.
    op.execute("CREATE INDEX ix_alert_work_not_taken ON alert_work (alert) WHERE state IN ('new', 'false_alarm')")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP INDEX ix_alert_work_not_taken")
    op.execute("DROP TABLE alert_now")
    op.execute("DROP SEQUENCE alert_now_written")
