"""What a device had sent that left the registry is no longer taken for that of its successor under the same id."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # Sums of the log, which stays: what was stored before a device was registered is another's.
    for table in ("device_seen", "latest"):
        op.execute(
            f"DELETE FROM {table} s USING device d "  # noqa: S608 - own names
            "WHERE d.id = s.device AND s.log_time < d.registered_at"
        )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")  # the older version reads the same tables: nothing to bring back
