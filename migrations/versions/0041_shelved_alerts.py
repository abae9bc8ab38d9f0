"""An alert can be put aside until a time: it is silent, comes back by itself, and is found by its state."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        ALTER TABLE alert_work
            ADD COLUMN shelved_at timestamptz,
            ADD COLUMN shelved_by text,
            ADD COLUMN shelved_until timestamptz,
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state
                CHECK (state IN ('new','acknowledged','resolved','false_alarm','shelved')) NOT VALID""")
    # Checked apart: this reads every row, and does not keep anybody from writing meanwhile.
    op.execute("ALTER TABLE alert_work VALIDATE CONSTRAINT ck_alert_work_state")
    op.execute("COMMENT ON TABLE alert_work IS 'What people did with each alert, never written by the engine'")
    op.execute("ALTER TABLE alert_history ADD COLUMN until timestamptz")
    op.execute("DROP INDEX ix_alert_work_not_taken")
    op.execute(
        "CREATE INDEX ix_alert_work_not_taken ON alert_work (alert) WHERE state IN ('new', 'false_alarm', 'shelved')"
    )
    op.execute("CREATE INDEX ix_alert_work_shelved ON alert_work (alert) WHERE state = 'shelved'")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # What was put aside is everybody's again: a version that does not know it must not hide it.
    op.execute("UPDATE alert_work SET state = 'new' WHERE state = 'shelved'")
    op.execute("DROP INDEX ix_alert_work_shelved")
    op.execute("DROP INDEX ix_alert_work_not_taken")
    op.execute("CREATE INDEX ix_alert_work_not_taken ON alert_work (alert) WHERE state IN ('new', 'false_alarm')")
    op.execute("COMMENT ON TABLE alert_work IS 'What people did with each alert, written by people only'")
    op.execute("ALTER TABLE alert_history DROP COLUMN until")
    op.execute("""
        ALTER TABLE alert_work
            DROP CONSTRAINT ck_alert_work_state,
            ADD CONSTRAINT ck_alert_work_state
                CHECK (state IN ('new','acknowledged','resolved','false_alarm')),
            DROP COLUMN shelved_at,
            DROP COLUMN shelved_by,
            DROP COLUMN shelved_until""")
