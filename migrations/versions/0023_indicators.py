"""Indicators: their figures by period, and the imports that bring them."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE indicator_figure (
            indicator TEXT NOT NULL,
            period TEXT NOT NULL,
            plan DOUBLE PRECISION,
            actual DOUBLE PRECISION,
            extra JSONB NOT NULL,
            changed_by TEXT NOT NULL,
            changed_at TIMESTAMPTZ NOT NULL,
            event BYTEA,
            event_id TEXT,
            event_time TIMESTAMPTZ,
            CONSTRAINT pk_indicator_figure PRIMARY KEY (indicator, period)
        )""")
    op.execute(
        "COMMENT ON TABLE indicator_figure IS 'What counts of each indicator and period: by the import that wrote it "
        "last, with its event in the log'"
    )
    op.execute("""
        CREATE TABLE indicator_import (
            id TEXT NOT NULL,
            number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
            state TEXT NOT NULL,
            version INTEGER NOT NULL,
            file_name TEXT,
            file_hash BYTEA NOT NULL,
            row_count INTEGER NOT NULL,
            sent_by TEXT NOT NULL,
            sent_at TIMESTAMPTZ NOT NULL,
            decided_by TEXT,
            decided_at TIMESTAMPTZ,
            undone_by TEXT,
            undone_at TIMESTAMPTZ,
            reason TEXT,
            CONSTRAINT pk_indicator_import PRIMARY KEY (id),
            CONSTRAINT ck_indicator_import_state CHECK (state IN ('pending', 'approved', 'rejected', 'undone'))
        )""")
    op.execute("CREATE UNIQUE INDEX ix_indicator_import_number ON indicator_import (number)")
    op.execute(
        "COMMENT ON TABLE indicator_import IS 'Sheets of figures: who sent each, who approved, rejected or undid it, "
        "and why'"
    )
    op.execute("""
        CREATE TABLE indicator_import_row (
            import TEXT NOT NULL,
            number INTEGER NOT NULL,
            indicator TEXT NOT NULL,
            period TEXT NOT NULL,
            plan DOUBLE PRECISION,
            actual DOUBLE PRECISION,
            extra JSONB NOT NULL,
            before JSONB,
            CONSTRAINT pk_indicator_import_row PRIMARY KEY (import, number)
        )""")
    op.execute(
        "COMMENT ON TABLE indicator_import_row IS 'The rows of each import; before: what its approval found in their "
        "place, which undoing brings back'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE indicator_import_row")
    op.execute("DROP TABLE indicator_import")
    op.execute("DROP TABLE indicator_figure")
