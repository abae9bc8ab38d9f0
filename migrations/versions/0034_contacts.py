"""The directory: units, contacts and their history; a call in an alert's history says whom and what came of it."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

STANDING = """
    origin TEXT NOT NULL,
    version INTEGER NOT NULL,
    removed BOOLEAN DEFAULT false NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT,
    changed_why TEXT NOT NULL,
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(f"""
    CREATE TABLE unit (
        id TEXT NOT NULL,
        name_vi TEXT NOT NULL,
        name_en TEXT NOT NULL,
        function_vi TEXT,
        function_en TEXT,
        rank INTEGER NOT NULL,
        domains TEXT[] NOT NULL,
        areas TEXT[] NOT NULL,
        hours JSONB,
        parent TEXT,
        next_level TEXT,
        {STANDING}
        CONSTRAINT pk_unit PRIMARY KEY (id),
        CONSTRAINT ck_unit_origin CHECK (origin IN ('pack', 'site'))
    )
    """)
    op.execute(f"""
    CREATE TABLE contact (
        id TEXT NOT NULL,
        unit TEXT NOT NULL,
        title_vi TEXT NOT NULL,
        title_en TEXT NOT NULL,
        rank INTEGER NOT NULL,
        methods JSONB NOT NULL,
        hours JSONB,
        severity_from TEXT NOT NULL,
        deputy TEXT,
        person TEXT,
        {STANDING}
        CONSTRAINT pk_contact PRIMARY KEY (id),
        CONSTRAINT ck_contact_origin CHECK (origin IN ('pack', 'site')),
        CONSTRAINT fk_contact_unit FOREIGN KEY (unit) REFERENCES unit (id)
    )
    """)
    op.execute("CREATE INDEX ix_contact_unit ON contact (unit)")
    op.execute("""
    CREATE TABLE directory_history (
        noun TEXT NOT NULL,
        id TEXT NOT NULL,
        number INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor TEXT,
        action TEXT NOT NULL,
        why TEXT NOT NULL,
        version INTEGER NOT NULL,
        body JSONB,
        CONSTRAINT pk_directory_history PRIMARY KEY (noun, id, number),
        CONSTRAINT ck_directory_history_noun CHECK (noun IN ('unit', 'contact'))
    )
    """)
    op.execute("""
    COMMENT ON TABLE unit IS
    'Agencies and teams that act: for which domains and areas (none: all), when, and who is above them'
    """)
    op.execute("""
    COMMENT ON TABLE contact IS
    'Functions of units that can be called, by rank; person: the reference of who holds it, in person_data'
    """)
    op.execute("""
    COMMENT ON TABLE directory_history IS
    'Every change of a unit or a contact: who, when, why, and how it stood after it (null: taken out)'
    """)
    op.execute("ALTER TABLE alert_history ADD COLUMN call JSONB")
    # Who holds a function belongs to no event, and stays until somebody else holds it.
    op.execute("ALTER TABLE person_data ALTER COLUMN event DROP NOT NULL, ALTER COLUMN log_time DROP NOT NULL")
    op.execute("""
    COMMENT ON TABLE person_data IS
    'Who a person is or how to reach them, by the reference that an event or a contact holds; may be erased'
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DELETE FROM person_data WHERE event IS NULL OR log_time IS NULL")
    op.execute("ALTER TABLE person_data ALTER COLUMN event SET NOT NULL, ALTER COLUMN log_time SET NOT NULL")
    op.execute("""
    COMMENT ON TABLE person_data IS
    'Who a person is or how to reach them, by the reference that an event holds; may be erased'
    """)
    op.execute("ALTER TABLE alert_history DROP COLUMN call")
    op.execute("DROP TABLE directory_history, contact, unit")
