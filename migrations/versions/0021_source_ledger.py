"""The account of each source: what was stored by hour and day, and what was a duplicate or refused."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE source_ledger (
            feed TEXT NOT NULL,
            device TEXT NOT NULL,
            step INTEGER NOT NULL,
            bucket TIMESTAMPTZ NOT NULL,
            stored BIGINT NOT NULL DEFAULT 0,
            released BIGINT NOT NULL DEFAULT 0,
            history BIGINT NOT NULL DEFAULT 0,
            late BIGINT NOT NULL DEFAULT 0,
            suspect BIGINT NOT NULL DEFAULT 0,
            clock_fault BIGINT NOT NULL DEFAULT 0,
            skewed BIGINT NOT NULL DEFAULT 0,
            measured BIGINT NOT NULL DEFAULT 0,
            lags BIGINT NOT NULL DEFAULT 0,
            lag_sum DOUBLE PRECISION NOT NULL DEFAULT 0,
            lag_min DOUBLE PRECISION,
            lag_max DOUBLE PRECISION,
            CONSTRAINT pk_source_ledger PRIMARY KEY (feed, device, step, bucket),
            CONSTRAINT ck_source_ledger_step CHECK (step IN (3600, 86400))
        )""")
    op.execute("CREATE INDEX ix_source_ledger_step_bucket ON source_ledger (step, bucket)")
    op.execute(
        "COMMENT ON TABLE source_ledger IS 'What each registered source stored in an hour and a local day: counts, "
        "marks, lag in seconds; without a device: sources that are not registered'"
    )
    op.execute("""
        CREATE TABLE intake_ledger (
            feed TEXT NOT NULL,
            device TEXT NOT NULL,
            step INTEGER NOT NULL,
            bucket TIMESTAMPTZ NOT NULL,
            duplicate BIGINT NOT NULL,
            refused BIGINT NOT NULL,
            not_kept BIGINT NOT NULL,
            CONSTRAINT pk_intake_ledger PRIMARY KEY (feed, device, step, bucket),
            CONSTRAINT ck_intake_ledger_step CHECK (step IN (3600, 86400))
        )""")
    op.execute("CREATE INDEX ix_intake_ledger_step_bucket ON intake_ledger (step, bucket)")
    op.execute(
        "COMMENT ON TABLE intake_ledger IS 'What of each source was not stored in an hour and a local day, committed "
        "with the answers'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE intake_ledger")
    op.execute("DROP TABLE source_ledger")
