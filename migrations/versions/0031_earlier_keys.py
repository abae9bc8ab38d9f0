"""Ids without a time are looked up behind the log's lock in one question to PostgreSQL; it took two of every batch."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # VOLATILE: each statement sees what was committed when it began, so the search sees what the lock waited for.
    op.execute("""
    CREATE FUNCTION earlier_event_keys(keys bytea[], key_times timestamptz[], since timestamptz)
    RETURNS TABLE (known bytea) LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM 1 FROM log_head WHERE id = 1 FOR UPDATE;
        RETURN QUERY SELECT e.key FROM unnest(keys, key_times) AS u(k, t)
            JOIN event_key e ON e.key = u.k AND e.key_time = u.t WHERE e.log_time > since;
    END $$
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP FUNCTION earlier_event_keys(bytea[], timestamptz[], timestamptz)")
