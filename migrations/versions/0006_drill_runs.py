"""Drills that people start from their screens, and how they were handled."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE drill_run (
            id TEXT NOT NULL,
            scenario TEXT NOT NULL,
            title JSONB NOT NULL,
            speed DOUBLE PRECISION NOT NULL,
            starts TIMESTAMP WITH TIME ZONE NOT NULL,
            ends TIMESTAMP WITH TIME ZONE NOT NULL,
            started_by TEXT NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            state TEXT NOT NULL,
            problem TEXT,
            score JSONB,
            CONSTRAINT pk_drill_run PRIMARY KEY (id)
        )""")
    op.execute("COMMENT ON TABLE drill_run IS 'Drills that people started: who, when, how it ended, its scores'")
    op.execute("CREATE UNIQUE INDEX ix_drill_run_running ON drill_run (state) WHERE state = 'running'")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE drill_run")
