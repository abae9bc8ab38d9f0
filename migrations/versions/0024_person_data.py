"""Who a person is leaves the log: the contact of each citizen report moves into person_data, the event keeps a reference."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        CREATE TABLE person_data (
            reference TEXT NOT NULL,
            event BYTEA NOT NULL,
            feed TEXT NOT NULL,
            field TEXT NOT NULL,
            value JSONB NOT NULL,
            log_time TIMESTAMPTZ NOT NULL,
            CONSTRAINT pk_person_data PRIMARY KEY (reference)
        )""")
    op.execute("CREATE INDEX ix_person_data_event ON person_data (event)")
    op.execute("CREATE INDEX ix_person_data_log_time ON person_data (log_time)")
    op.execute(
        "COMMENT ON TABLE person_data IS "
        "'Who a person is or how to reach them, by the reference that an event holds; may be erased'"
    )
    # The one place where the log is rewritten: position, key, time and every other value stay as they are.
    op.execute("""
        CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
        SELECT e.position, e.log_time, e.key, e.data -> 'contact' AS value,
               'person:' || replace(gen_random_uuid()::text, '-', '') AS reference
        FROM event e
        WHERE e.kind = 'event' AND e.feed = 'citizen_report' AND jsonb_typeof(e.data -> 'contact') = 'string'
          AND NOT e.data ->> 'contact' ~ '^person:[0-9a-f]{32}$'
        """)
    op.execute("""
        INSERT INTO person_data (reference, event, feed, field, value, log_time)
        SELECT reference, key, 'citizen_report', 'contact', value, log_time FROM moved""")
    op.execute("""
        UPDATE event e SET data = jsonb_set(e.data, '{contact}', to_jsonb(m.reference))
        FROM moved m WHERE e.position = m.position AND e.log_time = m.log_time""")

    # What the worker writes of readings from now on is the reference.
    op.execute("DELETE FROM latest WHERE feed = 'citizen_report' AND field = 'contact'")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
        UPDATE event e SET data = jsonb_set(e.data, ARRAY[p.field], p.value)
        FROM person_data p WHERE e.key = p.event AND e.kind = 'event' AND e.data ->> p.field = p.reference""")
    op.execute("DROP TABLE person_data")
