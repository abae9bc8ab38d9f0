"""Rows of lookup tables with their history; the sheets of limits become those of every kind of dated rows."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
COLUMNS = (
    "id, number, state, version, file_name, file_hash, new_count, changed_count, unchanged_count, why, sent_by, sent_at, "
    "undone_by, undone_at, reason"
)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE lookup_row (
            id TEXT NOT NULL,
            table_id TEXT NOT NULL,
            key TEXT NOT NULL,
            match_key TEXT NOT NULL,
            device TEXT,
            data JSONB NOT NULL,
            source TEXT NOT NULL,
            verified BOOLEAN NOT NULL,
            valid_from DATE,
            valid_to DATE,
            version INTEGER NOT NULL,
            removed BOOLEAN NOT NULL DEFAULT false,
            changed_at TIMESTAMPTZ NOT NULL,
            changed_by TEXT,
            changed_why TEXT NOT NULL,
            CONSTRAINT pk_lookup_row PRIMARY KEY (id)
        )""")
    op.execute("CREATE INDEX ix_lookup_row_table_id_match_key ON lookup_row (table_id, match_key, id)")
    op.execute("CREATE INDEX ix_lookup_row_device ON lookup_row (device) WHERE device IS NOT NULL")
    op.execute(
        "COMMENT ON TABLE lookup_row IS 'Rows of the lookup tables that a pack declares: what is known of a device or "
        "of a code in readings, from a first day to a last'"
    )
    op.execute("""
        CREATE TABLE lookup_row_history (
            row_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            at TIMESTAMPTZ NOT NULL,
            actor TEXT,
            action TEXT NOT NULL,
            why TEXT NOT NULL,
            version INTEGER NOT NULL,
            body JSONB,
            CONSTRAINT pk_lookup_row_history PRIMARY KEY (row_id, number)
        )""")
    op.execute(
        "COMMENT ON TABLE lookup_row_history IS 'Every change of a row of a lookup table: who, when, why, and how it "
        "stood after it (null: taken out)'"
    )
    # Copied, not renamed: PostgreSQL 18 names what is not null after the table, and earlier ones cannot rename that.
    op.execute("""
        CREATE TABLE row_import (
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
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
            CONSTRAINT pk_row_import PRIMARY KEY (id),
            CONSTRAINT ck_row_import_state CHECK (state IN ('applied', 'undone'))
        )""")
    op.execute(
        f"INSERT INTO row_import (kind, {COLUMNS}) OVERRIDING SYSTEM VALUE SELECT 'limit', {COLUMNS} FROM limit_import"  # noqa: S608 - own names
    )
    op.execute(
        "SELECT setval(pg_get_serial_sequence('row_import', 'number'), max(number)) FROM row_import HAVING max(number) > 0"
    )
    op.execute("CREATE UNIQUE INDEX ix_row_import_kind_number ON row_import (kind, number)")
    op.execute(
        "COMMENT ON TABLE row_import IS 'Sheets of limits and of rows of lookup tables: who imported each and why, who "
        "undid it and why'"
    )
    op.execute("""
        CREATE TABLE row_import_line (
            import TEXT NOT NULL,
            row_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            body JSONB NOT NULL,
            before JSONB,
            CONSTRAINT pk_row_import_line PRIMARY KEY (import, row_id)
        )""")
    op.execute(
        "INSERT INTO row_import_line (import, row_id, version, body, before) "
        "SELECT import, limit_id, version, body, before FROM limit_import_row"
    )
    op.execute(
        "COMMENT ON TABLE row_import_line IS 'The rows of each import with their version after it; before: what it "
        "found, null where it was new'"
    )
    op.execute("DROP TABLE limit_import_row")
    op.execute("DROP TABLE limit_import")


def downgrade() -> None:
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
    op.execute(
        f"INSERT INTO limit_import ({COLUMNS}) OVERRIDING SYSTEM VALUE "  # noqa: S608 - own names
        f"SELECT {COLUMNS} FROM row_import WHERE kind = 'limit'"
    )
    op.execute(
        "SELECT setval(pg_get_serial_sequence('limit_import', 'number'), max(number)) FROM limit_import "
        "HAVING max(number) > 0"
    )
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
        "INSERT INTO limit_import_row (import, limit_id, version, body, before) "
        "SELECT l.import, l.row_id, l.version, l.body, l.before "
        "FROM row_import_line l JOIN limit_import i ON i.id = l.import"
    )
    op.execute(
        "COMMENT ON TABLE limit_import_row IS 'The limits of each import with their version after it; before: what it "
        "found, null where it was new'"
    )
    op.execute("DROP TABLE row_import_line")
    op.execute("DROP TABLE row_import")
    op.execute("DROP TABLE lookup_row_history")
    op.execute("DROP TABLE lookup_row")
