"""Imports of devices: who sent each sheet, and what it found in the place of what it wrote, for undoing."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE device_import (
            id TEXT NOT NULL,
            number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
            state TEXT NOT NULL,
            version INTEGER NOT NULL,
            file_name TEXT,
            file_hash BYTEA NOT NULL,
            new_count INTEGER NOT NULL,
            changed_count INTEGER NOT NULL,
            unchanged_count INTEGER NOT NULL,
            areas TEXT[] NOT NULL,
            feeds TEXT[] NOT NULL,
            without_area BOOLEAN NOT NULL,
            log_time TIMESTAMPTZ NOT NULL,
            sent_by TEXT NOT NULL,
            sent_at TIMESTAMPTZ NOT NULL,
            undone_by TEXT,
            undone_at TIMESTAMPTZ,
            reason TEXT,
            CONSTRAINT pk_device_import PRIMARY KEY (id),
            CONSTRAINT ck_device_import_state CHECK (state IN ('applied', 'undone'))
        )""")
    op.execute("CREATE UNIQUE INDEX ix_device_import_number ON device_import (number)")
    op.execute(
        "COMMENT ON TABLE device_import IS 'Sheets of devices: who imported each, who undid it and why; areas and "
        "feeds of all that it touched'"
    )
    op.execute("""
        CREATE TABLE device_import_row (
            import TEXT NOT NULL,
            device TEXT NOT NULL,
            version INTEGER NOT NULL,
            columns TEXT[] NOT NULL,
            before JSONB,
            CONSTRAINT pk_device_import_row PRIMARY KEY (import, device)
        )""")
    op.execute(
        "COMMENT ON TABLE device_import_row IS 'The devices of each import with their version after it; before: what "
        "it found, null where it was new'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE device_import_row")
    op.execute("DROP TABLE device_import")
