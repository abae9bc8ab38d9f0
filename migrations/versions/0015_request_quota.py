"""How many requests a key or account has left, for all processes together."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE request_quota (
            policy TEXT NOT NULL,
            name TEXT NOT NULL,
            remaining DOUBLE PRECISION NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_request_quota PRIMARY KEY (policy, name)
        )""")
    op.execute(
        "COMMENT ON TABLE request_quota IS 'How many requests a key or account has left, for all processes together'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE request_quota")
