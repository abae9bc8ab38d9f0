"""The engine publishes its pace beside its cursor: fair intake goes by it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE cursor ADD COLUMN events_per_second DOUBLE PRECISION DEFAULT 0 NOT NULL")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE cursor DROP COLUMN events_per_second")
