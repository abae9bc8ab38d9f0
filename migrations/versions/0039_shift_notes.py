"""The shift log: free lines of people on their shift, append-only."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
    CREATE TABLE shift_note (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        area TEXT,
        zone TEXT,
        alert TEXT,
        corrects BIGINT,
        CONSTRAINT pk_shift_note PRIMARY KEY (id),
        CONSTRAINT fk_shift_note_corrects FOREIGN KEY (corrects) REFERENCES shift_note (id)
    )
    """)
    op.execute("CREATE INDEX ix_shift_note_at ON shift_note (at)")
    op.execute("CREATE INDEX ix_shift_note_corrects ON shift_note (corrects)")
    op.execute("""
    CREATE FUNCTION refuse_shift_note_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the shift log is append-only'; END $$
    """)
    op.execute("""
    CREATE TRIGGER shift_note_append_only BEFORE UPDATE OR DELETE ON shift_note
    FOR EACH ROW EXECUTE FUNCTION refuse_shift_note_change()
    """)
    op.execute("""
    COMMENT ON TABLE shift_note IS
    'The shift log: free lines, never changed; corrects: the line that a new one corrects. No area: the whole site'
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE shift_note")
    op.execute("DROP FUNCTION refuse_shift_note_change()")
