"""The newest dead letters of one device, which its screen asks for, are found without reading those of all."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_dead_letter_device ON dead_letter (device, id)")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP INDEX ix_dead_letter_device")
