"""A row per role that readiness writes each second: only a commit proves that commits are possible."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(
        """
CREATE TABLE heartbeat (
    role TEXT NOT NULL,
    beat_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_heartbeat PRIMARY KEY (role)
)
"""
    )
    op.execute("COMMENT ON TABLE heartbeat IS 'A commit a second per role that answers for readiness; nobody reads it'")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE heartbeat")
