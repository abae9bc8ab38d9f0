"""Unknown devices: which are ignored, which releases registered theirs, and an index of what unknown devices sent."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE ignored_device (
            device TEXT NOT NULL,
            ignored_at TIMESTAMPTZ NOT NULL,
            ignored_by TEXT NOT NULL,
            reason TEXT NOT NULL,
            CONSTRAINT pk_ignored_device PRIMARY KEY (device)
        )""")
    op.execute(
        "COMMENT ON TABLE ignored_device IS 'Unknown devices that somebody does not want to see for a while: who, why'"
    )
    op.execute("ALTER TABLE letter_release ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE letter_release ADD COLUMN device_removed BOOLEAN NOT NULL DEFAULT false")
    op.execute(
        "CREATE INDEX ix_dead_letter_unknown ON dead_letter (id) "
        "WHERE reason = 'unknown_device' AND released_at IS NULL AND device IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP INDEX ix_dead_letter_unknown")
    op.execute("ALTER TABLE letter_release DROP COLUMN device_removed")
    op.execute("ALTER TABLE letter_release DROP COLUMN adopted")
    op.execute("DROP TABLE ignored_device")
