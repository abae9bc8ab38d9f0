"""Sheets of limits: who sent each, and what it found in the place of what it wrote, for undoing."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE limit_import (
            id TEXT NOT NULL,
            number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
            state TEXT NOT NULL,
            version INTEGER NOT NULL,
            file_name TEXT,
            file_hash BYTEA NOT NULL,
            new_count INTEGER NOT NULL,
            changed_count INTEGER NOT NULL,
            unchanged_count INTEGER NOT NULL,
            why TEXT NOT NULL,
            sent_by TEXT NOT NULL,
            sent_at TIMESTAMPTZ NOT NULL,
            undone_by TEXT,
            undone_at TIMESTAMPTZ,
            reason TEXT,
            CONSTRAINT pk_limit_import PRIMARY KEY (id),
            CONSTRAINT ck_limit_import_state CHECK (state IN ('applied', 'undone'))
        )""")
    op.execute("CREATE UNIQUE INDEX ix_limit_import_number ON limit_import (number)")
    op.execute("COMMENT ON TABLE limit_import IS 'Sheets of limits: who imported each and why, who undid it and why'")
    op.execute("""
        CREATE TABLE limit_import_row (
            import TEXT NOT NULL,
            limit_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            body JSONB NOT NULL,
            before JSONB,
            CONSTRAINT pk_limit_import_row PRIMARY KEY (import, limit_id)
        )""")
    op.execute(
        "COMMENT ON TABLE limit_import_row IS 'The limits of each import with their version after it; before: what it "
        "found, null where it was new'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE limit_import_row")
    op.execute("DROP TABLE limit_import")
