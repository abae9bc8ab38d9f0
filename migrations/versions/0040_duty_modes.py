"""Duty modes as people have declared them."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
    CREATE TABLE duty_mode (
        id TEXT NOT NULL,
        mode TEXT NOT NULL,
        level INTEGER,
        decision TEXT,
        starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE,
        why TEXT NOT NULL,
        declared_at TIMESTAMP WITH TIME ZONE NOT NULL,
        declared_by TEXT NOT NULL,
        ended_by TEXT,
        ended_why TEXT,
        version INTEGER NOT NULL,
        CONSTRAINT pk_duty_mode PRIMARY KEY (id),
        CONSTRAINT ck_duty_mode_mode CHECK (mode IN ('reinforced', 'emergency')),
        CONSTRAINT ck_duty_mode_level CHECK (level IN (1, 2, 3)),
        CONSTRAINT ck_duty_mode_times CHECK (ends_at IS NULL OR starts_at <= ends_at)
    )
    """)
    op.execute("CREATE INDEX ix_duty_mode_starts_at ON duty_mode (starts_at)")
    op.execute("""
    COMMENT ON TABLE duty_mode IS
    'Duty modes as people have declared them; level: the civil-defence level by decision. No row holds: the normal mode'
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE duty_mode")
