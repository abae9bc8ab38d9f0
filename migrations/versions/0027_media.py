"""Pictures and papers can be attached to what people enter."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE media_content (
            sha256 BYTEA NOT NULL,
            bytes INTEGER NOT NULL,
            width INTEGER,
            height INTEGER,
            content BYTEA NOT NULL,
            thumbnail BYTEA,
            stored_at TIMESTAMPTZ NOT NULL,
            CONSTRAINT pk_media_content PRIMARY KEY (sha256)
        )""")
    # Pictures do not shrink: packing them would cost time and save nothing.
    op.execute("ALTER TABLE media_content ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE media_content ALTER COLUMN thumbnail SET STORAGE EXTERNAL")
    op.execute(
        "COMMENT ON TABLE media_content IS "
        "'The bytes of media, each content once; what nothing uses any more is deleted'"
    )
    op.execute("""
        CREATE TABLE media (
            id TEXT NOT NULL,
            sha256 BYTEA,
            type TEXT NOT NULL,
            uploaded_by TEXT NOT NULL,
            uploaded_at TIMESTAMPTZ NOT NULL,
            event BYTEA,
            position BIGINT,
            feed TEXT,
            area TEXT,
            zone TEXT,
            attached_at TIMESTAMPTZ,
            removed_at TIMESTAMPTZ,
            removed_by TEXT,
            CONSTRAINT pk_media PRIMARY KEY (id),
            CONSTRAINT fk_media_sha256 FOREIGN KEY (sha256) REFERENCES media_content (sha256),
            CONSTRAINT ck_media_attached CHECK ((event IS NULL) = (attached_at IS NULL)),
            CONSTRAINT ck_media_removed CHECK ((sha256 IS NULL) = (removed_at IS NOT NULL))
        )""")
    op.execute("CREATE INDEX ix_media_sha256 ON media (sha256)")
    op.execute("CREATE INDEX ix_media_event ON media (event)")
    op.execute("CREATE INDEX ix_media_position ON media (position) WHERE position IS NOT NULL")
    op.execute("CREATE INDEX ix_media_uploaded_by ON media (uploaded_by, uploaded_at)")
    op.execute("CREATE INDEX ix_media_uploaded_at ON media (uploaded_at)")
    op.execute(
        "COMMENT ON TABLE media IS "
        "'Each medium that somebody sent in, and the event that has it; one that was removed has no content'"
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE media")
    op.execute("DROP TABLE media_content")
