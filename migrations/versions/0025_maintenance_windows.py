"""Maintenance windows: from when to when a device may be silent."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE maintenance_window (
            id TEXT NOT NULL,
            device TEXT NOT NULL,
            with_children BOOLEAN NOT NULL,
            starts_at TIMESTAMPTZ NOT NULL,
            ends_at TIMESTAMPTZ NOT NULL,
            repeat TEXT NOT NULL,
            repeat_until DATE,
            reason TEXT NOT NULL,
            version INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            due_at TIMESTAMPTZ,
            running_until TIMESTAMPTZ,
            CONSTRAINT pk_maintenance_window PRIMARY KEY (id),
            CONSTRAINT ck_maintenance_window_repeat CHECK (repeat IN ('never', 'daily', 'weekly'))
        )""")
    op.execute("CREATE INDEX ix_maintenance_window_device ON maintenance_window (device)")
    op.execute("CREATE INDEX ix_maintenance_window_due_at ON maintenance_window (due_at)")
    op.execute(
        "COMMENT ON TABLE maintenance_window IS 'When devices may be silent; due_at: when something of it begins or "
        "ends next, null once it is over'"
    )
    op.execute("ALTER TABLE device ADD COLUMN maintenance_window TEXT")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # Nobody would end them: what a window keeps silent reports again.
    op.execute("UPDATE device SET state = 'active', version = version + 1 WHERE maintenance_window IS NOT NULL")
    op.execute("ALTER TABLE device DROP COLUMN maintenance_window")
    op.execute("DROP TABLE maintenance_window")
