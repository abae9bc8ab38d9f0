"""Alerts that only people end, and until when somebody must have one and tell its outcome."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE alert
            ADD COLUMN ends TEXT DEFAULT 'condition' NOT NULL,
            ADD COLUMN acknowledge_due TIMESTAMP WITH TIME ZONE,
            ADD COLUMN resolve_due TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT ck_alert_ends CHECK (ends IN ('condition','person')) NOT VALID""")
    op.execute("CREATE INDEX ix_alert_by_person ON alert (id) WHERE ends = 'person'")
    # Checked apart: this reads every row, and does not keep anybody from writing meanwhile.
    op.execute("ALTER TABLE alert VALIDATE CONSTRAINT ck_alert_ends")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE alert
            DROP CONSTRAINT ck_alert_ends,
            DROP COLUMN ends,
            DROP COLUMN acknowledge_due,
            DROP COLUMN resolve_due""")
