"""Limits by device, class of devices and area, with their days and history; devices have a class."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE dated_limit (
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            level TEXT,
            device TEXT,
            device_class TEXT,
            area TEXT,
            value DOUBLE PRECISION NOT NULL,
            unit TEXT NOT NULL,
            source TEXT NOT NULL,
            verified BOOLEAN NOT NULL,
            valid_from DATE,
            valid_to DATE,
            origin TEXT NOT NULL,
            version INTEGER NOT NULL,
            removed BOOLEAN DEFAULT false NOT NULL,
            changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
            changed_by TEXT,
            changed_why TEXT NOT NULL,
            CONSTRAINT pk_dated_limit PRIMARY KEY (id),
            CONSTRAINT ck_dated_limit_one_target CHECK (num_nonnulls(device, device_class, area) = 1),
            CONSTRAINT ck_dated_limit_origin CHECK (origin IN ('pack', 'site'))
        )""")
    op.execute(
        "COMMENT ON TABLE dated_limit IS "
        "'Limits by device, class of devices and area, each from its first day to its last'"
    )
    op.execute("CREATE INDEX ix_dated_limit_name ON dated_limit (name, id)")
    op.execute("CREATE INDEX ix_dated_limit_device ON dated_limit (device) WHERE device IS NOT NULL")
    op.execute("""
        CREATE TABLE dated_limit_history (
            limit_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            actor TEXT,
            action TEXT NOT NULL,
            why TEXT NOT NULL,
            version INTEGER NOT NULL,
            body JSONB,
            position BIGINT,
            CONSTRAINT pk_dated_limit_history PRIMARY KEY (limit_id, number)
        )""")
    op.execute(
        "COMMENT ON TABLE dated_limit_history IS "
        "'Every change of a limit: who, when, why, and how it stood after it (null: taken out)'"
    )
    op.execute("ALTER TABLE device ADD COLUMN device_class TEXT")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE device DROP COLUMN device_class")
    op.execute("DROP TABLE dated_limit_history")
    op.execute("DROP TABLE dated_limit")
