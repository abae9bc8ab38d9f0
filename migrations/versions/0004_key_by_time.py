"""The index of identities runs by time first: live events touch its newest pages only, however many keys there are."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE event_key DROP CONSTRAINT pk_event_key")
    op.execute("ALTER TABLE event_key ADD CONSTRAINT pk_event_key PRIMARY KEY (key_time, key)")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE event_key DROP CONSTRAINT pk_event_key")
    op.execute("ALTER TABLE event_key ADD CONSTRAINT pk_event_key PRIMARY KEY (key, key_time)")
