"""Map layers of the site, and messages to a device that go through its gateway."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE map_layer (
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            label JSONB NOT NULL,
            geojson JSONB NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            updated_by TEXT NOT NULL,
            CONSTRAINT pk_map_layer PRIMARY KEY (id),
            CONSTRAINT ck_map_layer_kind CHECK (kind IN ('water','road'))
        )""")
    op.execute(
        "COMMENT ON TABLE map_layer IS "
        "'Map layers of the site, drawn in place of the pack''s of the same name or beside them'"
    )
    op.execute("ALTER TABLE outbound ADD COLUMN meant_for TEXT")
    op.execute("CREATE INDEX ix_outbound_meant_for ON outbound (meant_for, created_at) WHERE meant_for IS NOT NULL")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP INDEX ix_outbound_meant_for")
    op.execute("ALTER TABLE outbound DROP COLUMN meant_for")
    op.execute("DROP TABLE map_layer")
