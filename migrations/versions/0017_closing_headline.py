"""An alert that is over says in one line how bad it was and for how long; those from before keep their sentence."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE alert_now ADD COLUMN closing JSONB")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE alert_now DROP COLUMN closing")
