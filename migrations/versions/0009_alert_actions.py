"""What people do with an alert beside taking it: called, handed on, found to be a false alarm."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE alert_work
            ADD COLUMN called_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN called_by TEXT,
            ADD COLUMN dispatched_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN dispatched_by TEXT,
            ADD COLUMN false_alarm_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN false_alarm_by TEXT,
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state
                CHECK (state IN ('new','acknowledged','resolved','false_alarm')) NOT VALID""")
    # Checked apart: this reads every row, and does not keep anybody from writing meanwhile.
    op.execute("ALTER TABLE alert_work VALIDATE CONSTRAINT ck_alert_work_state")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("UPDATE alert_work SET state = 'acknowledged' WHERE state = 'false_alarm'")
    op.execute("""
        ALTER TABLE alert_work
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state CHECK (state IN ('new','acknowledged','resolved')),
            DROP COLUMN called_at,
            DROP COLUMN called_by,
            DROP COLUMN dispatched_at,
            DROP COLUMN dispatched_by,
            DROP COLUMN false_alarm_at,
            DROP COLUMN false_alarm_by""")
