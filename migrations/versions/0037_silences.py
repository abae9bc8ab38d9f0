"""Silences: alerts of which nothing is heard for a while."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE silence (
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            owner TEXT NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            changed_at TIMESTAMPTZ NOT NULL,
            changed_by TEXT NOT NULL,
            due_at TIMESTAMPTZ,
            running_until TIMESTAMPTZ,
            before JSONB,
            starts_at TIMESTAMPTZ NOT NULL,
            ends_at TIMESTAMPTZ NOT NULL,
            reason TEXT NOT NULL,
            rules TEXT[] NOT NULL,
            domains TEXT[] NOT NULL,
            areas TEXT[] NOT NULL,
            devices TEXT[] NOT NULL,
            severity_max TEXT NOT NULL,
            severity_rank_max SMALLINT NOT NULL,
            active JSONB,
            CONSTRAINT pk_silence PRIMARY KEY (id)
        )""")
    op.execute("CREATE INDEX ix_silence_due_at ON silence (due_at)")
    op.execute("CREATE INDEX ix_silence_running ON silence (running_until) WHERE running_until IS NOT NULL")
    op.execute(
        "COMMENT ON TABLE silence IS 'Which alerts make no sound and leave the default list, from when to when; "
        "due_at: when something of it begins or ends next, null once it is over; before: for who takes a step back'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # What was silenced is heard again.
    op.execute("DROP TABLE silence")
