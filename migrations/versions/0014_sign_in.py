"""Browsers that are known, and temporary passwords, which open nothing but their own change."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE known_device (
            hash BYTEA NOT NULL,
            username TEXT NOT NULL,
            used_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_known_device PRIMARY KEY (hash, username),
            CONSTRAINT fk_known_device_username FOREIGN KEY (username) REFERENCES account (username) ON DELETE CASCADE
        )""")
    op.execute("COMMENT ON TABLE known_device IS 'Browsers that an account has signed in with: a hash of their cookie'")
    op.execute("CREATE INDEX ix_known_device_username ON known_device (username)")
    # Beside `must_change`, which stands on every password that somebody else made: those that the command line printed
    # for scripts go on as they were.
    op.execute("ALTER TABLE account ADD COLUMN temporary BOOLEAN DEFAULT false NOT NULL")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE account DROP COLUMN temporary")
    op.execute("DROP TABLE known_device")
