"""Backtests that people ask for, and the way to the entries that are no readings."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # One entry in a thousand is no reading: without this, finding the registry's or a gap reads the whole log.
    op.execute("CREATE INDEX ix_event_kind ON event (kind, position) WHERE kind <> 'event'")
    op.execute("""
        CREATE TABLE backtest (
            id TEXT NOT NULL,
            rule TEXT NOT NULL,
            body JSONB NOT NULL,
            hash TEXT NOT NULL,
            version INTEGER,
            present JSONB,
            span_from TIMESTAMP WITH TIME ZONE NOT NULL,
            span_to TIMESTAMP WITH TIME ZONE NOT NULL,
            include_history BOOLEAN NOT NULL,
            asked_by TEXT NOT NULL,
            asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE,
            ended_at TIMESTAMP WITH TIME ZONE,
            beat_at TIMESTAMP WITH TIME ZONE,
            state TEXT NOT NULL,
            cancel BOOLEAN DEFAULT false NOT NULL,
            moves INTEGER DEFAULT 0 NOT NULL,
            done BIGINT DEFAULT 0 NOT NULL,
            total BIGINT DEFAULT 0 NOT NULL,
            events_per_second DOUBLE PRECISION DEFAULT 0 NOT NULL,
            reason TEXT,
            result JSONB,
            CONSTRAINT pk_backtest PRIMARY KEY (id),
            CONSTRAINT ck_backtest_state CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'failed'))
        )""")
    op.execute(
        "COMMENT ON TABLE backtest IS 'Backtests that people asked for: the form tried, how far it is, what it did'"
    )
    op.execute("CREATE UNIQUE INDEX uq_backtest_running ON backtest (state) WHERE state = 'running'")
    op.execute("CREATE INDEX ix_backtest_rule_asked_at ON backtest (rule, asked_at)")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE backtest")
    op.execute("DROP INDEX ix_event_kind")
