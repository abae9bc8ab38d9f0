"""Work on an alert has a beginning and an end of its own: somebody deals with it, and nothing is left to do."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE alert_work
            ADD COLUMN started_at timestamptz,
            ADD COLUMN started_by text,
            ADD COLUMN closed_at timestamptz,
            ADD COLUMN closed_by text,
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state CHECK (
                state IN ('new','acknowledged','in_progress','resolved','false_alarm','shelved','closed')) NOT VALID""")
    # Checked apart: this reads every row, and does not keep anybody from writing meanwhile.
    op.execute("ALTER TABLE alert_work VALIDATE CONSTRAINT ck_alert_work_state")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # To the nearest word of before: somebody has it, and it was done.
    op.execute("UPDATE alert_work SET state = 'acknowledged' WHERE state = 'in_progress'")
    op.execute("UPDATE alert_work SET state = 'resolved' WHERE state = 'closed'")
    op.execute("""
        ALTER TABLE alert_work
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state
                CHECK (state IN ('new','acknowledged','resolved','false_alarm','shelved')),
            DROP COLUMN started_at,
            DROP COLUMN started_by,
            DROP COLUMN closed_at,
            DROP COLUMN closed_by""")
