"""Alerts of one situation are grouped: incidents and their members, from now on. What is open stays alone."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE incident (
            id text NOT NULL,
            ordinal bigint NOT NULL,
            number text NOT NULL,
            family text NOT NULL,
            key text NOT NULL,
            title jsonb NOT NULL,
            opened_at timestamptz NOT NULL,
            opened_position bigint NOT NULL,
            changed_at timestamptz NOT NULL,
            position bigint NOT NULL,
            moves integer NOT NULL,
            firing integer NOT NULL,
            CONSTRAINT pk_incident PRIMARY KEY (id),
            CONSTRAINT incident_ordinal_key UNIQUE (ordinal),
            CONSTRAINT incident_number_key UNIQUE (number)
        )
    """)
    op.execute("CREATE INDEX ix_incident_firing ON incident (ordinal) WHERE firing > 0")
    op.execute("CREATE INDEX ix_incident_changed_at ON incident (changed_at)")
    op.execute("COMMENT ON TABLE incident IS 'Each incident as the engine groups alerts, written by the engine only'")
    op.execute("""
        CREATE TABLE incident_member (
            alert text NOT NULL,
            incident text NOT NULL,
            number integer NOT NULL,
            position bigint NOT NULL,
            CONSTRAINT pk_incident_member PRIMARY KEY (alert),
            CONSTRAINT fk_incident_member_alert FOREIGN KEY (alert) REFERENCES alert (id) ON DELETE CASCADE,
            CONSTRAINT fk_incident_member_incident FOREIGN KEY (incident)
                REFERENCES incident (id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE UNIQUE INDEX uq_incident_member_number ON incident_member (incident, number)")
    op.execute("""
        COMMENT ON TABLE incident_member IS
        'Which incident an alert belongs to, from its opening on, written by the engine only'
    """)
    op.execute("""
        CREATE TABLE incident_number (
            day date NOT NULL, number integer NOT NULL, CONSTRAINT pk_incident_number PRIMARY KEY (day)
        )
    """)
    op.execute("COMMENT ON TABLE incident_number IS 'The last number of an incident given out on a local day'")
    op.execute("""
        CREATE TABLE incident_grouping (
            position bigint NOT NULL, mark text NOT NULL, CONSTRAINT pk_incident_grouping PRIMARY KEY (position)
        )
    """)
    op.execute("""
        COMMENT ON TABLE incident_grouping IS 'After which position alerts are grouped by which families of the pack'
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for table in ("incident_grouping", "incident_number", "incident_member", "incident"):
        op.execute(f"DROP TABLE {table}")
