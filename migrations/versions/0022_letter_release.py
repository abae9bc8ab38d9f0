"""Dead letters say which field does not fit; who let which of them in, and the events that came of it."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE dead_letter ADD COLUMN field TEXT")
    op.execute("ALTER TABLE dead_letter ADD COLUMN release BIGINT")
    op.execute("CREATE INDEX ix_dead_letter_release ON dead_letter (release) WHERE release IS NOT NULL")
    op.execute("""
        CREATE TABLE letter_release (
            id BIGSERIAL CONSTRAINT pk_letter_release PRIMARY KEY,
            created_at TIMESTAMPTZ NOT NULL,
            created_by TEXT NOT NULL,
            why TEXT NOT NULL,
            feed TEXT,
            device TEXT,
            reason TEXT NOT NULL,
            field TEXT,
            letter BIGINT,
            names JSONB NOT NULL,
            upto BIGINT NOT NULL,
            after BIGINT NOT NULL DEFAULT 0,
            total BIGINT NOT NULL,
            released BIGINT NOT NULL DEFAULT 0,
            events BIGINT NOT NULL DEFAULT 0,
            duplicates BIGINT NOT NULL DEFAULT 0,
            left_out BIGINT NOT NULL DEFAULT 0,
            undone BIGINT NOT NULL DEFAULT 0,
            kept BIGINT NOT NULL DEFAULT 0,
            undone_at TIMESTAMPTZ,
            undone_by TEXT,
            undo_reason TEXT
        )""")
    op.execute(
        "COMMENT ON TABLE letter_release IS 'One decision to let the dead letters of a cause in: who, why, with which "
        "members renamed, how far it is'"
    )
    op.execute("""
        CREATE TABLE released_event (
            release BIGINT NOT NULL,
            position BIGINT NOT NULL,
            log_time TIMESTAMPTZ NOT NULL,
            event BYTEA NOT NULL,
            key_time TIMESTAMPTZ NOT NULL,
            letter BIGINT NOT NULL,
            feed TEXT NOT NULL,
            area TEXT,
            zone TEXT,
            undone BOOLEAN,
            CONSTRAINT pk_released_event PRIMARY KEY (release, position)
        )""")
    op.execute("CREATE INDEX ix_released_event_log_time ON released_event (log_time)")
    op.execute(
        "COMMENT ON TABLE released_event IS 'The events that a release stored; undone: taken back, false: revised "
        "since and so left as it is'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE released_event")
    op.execute("DROP TABLE letter_release")
    op.execute("DROP INDEX ix_dead_letter_release")
    op.execute("ALTER TABLE dead_letter DROP COLUMN release")
    op.execute("ALTER TABLE dead_letter DROP COLUMN field")
