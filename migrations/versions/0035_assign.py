"""An alert can be handed to somebody: who has it is no longer only who took it."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE alert_work ADD COLUMN assigned_at timestamptz, ADD COLUMN assigned_by text")
    op.execute("ALTER TABLE alert_history ADD COLUMN assignee text")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE alert_history DROP COLUMN assignee")
    op.execute("ALTER TABLE alert_work DROP COLUMN assigned_at, DROP COLUMN assigned_by")
