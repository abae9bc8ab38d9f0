"""A row per process of a role, whose beat rises while its working loops turn: a frozen one is seen from outside."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE role_beat (
            role TEXT NOT NULL,
            place TEXT NOT NULL,
            beat BIGINT NOT NULL,
            working BOOLEAN NOT NULL,
            beat_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_role_beat PRIMARY KEY (role, place)
        )
    """)
    op.execute(
        "COMMENT ON TABLE role_beat IS 'One row per process of a role; its beat rises while its working loops turn'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE role_beat")
