"""Readings that people enter by hand: who entered, corrected or took back each, and why."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE manual_entry (
            event BYTEA NOT NULL,
            revision INTEGER NOT NULL,
            position BIGINT NOT NULL,
            log_time TIMESTAMPTZ NOT NULL,
            submission TEXT,
            action TEXT NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT,
            feed TEXT NOT NULL,
            area TEXT,
            zone TEXT,
            CONSTRAINT pk_manual_entry PRIMARY KEY (event, revision)
        )""")
    op.execute("CREATE INDEX ix_manual_entry_position ON manual_entry (position)")
    op.execute("CREATE INDEX ix_manual_entry_log_time ON manual_entry (log_time)")
    op.execute(
        "CREATE UNIQUE INDEX ix_manual_entry_submission ON manual_entry (submission) WHERE submission IS NOT NULL"
    )
    op.execute(
        "COMMENT ON TABLE manual_entry IS 'Each revision of an event that came in by hand: who made it, and why; "
        "its content is in the log'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE manual_entry")
