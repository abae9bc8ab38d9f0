"""The duty roster: shifts of units' contacts, and their history."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("""
    CREATE TABLE shift (
        id TEXT NOT NULL,
        unit TEXT NOT NULL,
        contact TEXT NOT NULL,
        role TEXT NOT NULL,
        starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        overrides JSONB NOT NULL,
        pattern TEXT,
        version INTEGER NOT NULL,
        removed BOOLEAN DEFAULT false NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_by TEXT NOT NULL,
        changed_why TEXT NOT NULL,
        CONSTRAINT pk_shift PRIMARY KEY (id),
        CONSTRAINT ck_shift_times CHECK (starts_at < ends_at),
        CONSTRAINT fk_shift_unit FOREIGN KEY (unit) REFERENCES unit (id),
        CONSTRAINT fk_shift_contact FOREIGN KEY (contact) REFERENCES contact (id)
    )
    """)
    op.execute("CREATE INDEX ix_shift_ends_at ON shift (ends_at)")
    op.execute("CREATE INDEX ix_shift_contact ON shift (contact)")
    op.execute("CREATE INDEX ix_shift_pattern ON shift (pattern)")
    op.execute("CREATE INDEX ix_shift_changed_at ON shift (changed_at)")
    op.execute("""
    CREATE TABLE shift_history (
        shift TEXT NOT NULL,
        number INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        why TEXT NOT NULL,
        version INTEGER NOT NULL,
        other TEXT,
        body JSONB,
        CONSTRAINT pk_shift_history PRIMARY KEY (shift, number),
        CONSTRAINT fk_shift_history_shift FOREIGN KEY (shift) REFERENCES shift (id)
    )
    """)
    op.execute("""
    COMMENT ON TABLE shift IS
    'Contacts of units on duty, from and to; overrides: who stands in for a part of it'
    """)
    op.execute("""
    COMMENT ON TABLE shift_history IS
    'Every change of a shift: who, when, why, how it stood after it (null: taken out); other: swapped with it'
    """)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE shift_history, shift")
