"""Rules that the site edits: the form in force, every form before it, how each rule does, what monitored ones saw."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE pack_item ADD COLUMN yaml TEXT")
    op.execute("""
        CREATE TABLE rule (
            id TEXT NOT NULL,
            origin TEXT NOT NULL,
            version INTEGER NOT NULL,
            hash TEXT NOT NULL,
            body JSONB NOT NULL,
            yaml TEXT,
            enabled BOOLEAN NOT NULL,
            removed BOOLEAN DEFAULT false NOT NULL,
            pack_hash TEXT,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            changed_at TIMESTAMP WITH TIME ZONE,
            changed_by TEXT,
            changed_why TEXT,
            changed_action TEXT,
            CONSTRAINT pk_rule PRIMARY KEY (id),
            CONSTRAINT ck_rule_origin CHECK (origin IN ('pack', 'overlay', 'site'))
        )""")
    op.execute(
        "COMMENT ON TABLE rule IS 'Each rule in the form in force: the pack''s, the site''s form of it, or the site''s own'"
    )
    op.execute("""
        CREATE TABLE rule_history (
            rule TEXT NOT NULL,
            number INTEGER NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            actor TEXT,
            action TEXT NOT NULL,
            why TEXT NOT NULL,
            version INTEGER NOT NULL,
            hash TEXT NOT NULL,
            body JSONB NOT NULL,
            yaml TEXT,
            position BIGINT,
            CONSTRAINT pk_rule_history PRIMARY KEY (rule, number)
        )""")
    op.execute(
        "COMMENT ON TABLE rule_history IS 'Every change of a rule: who, when, why, and the form in force after it'"
    )
    op.execute("CREATE INDEX ix_rule_history_rule_version ON rule_history (rule, version)")
    op.execute("""
        CREATE TABLE rule_health (
            rule TEXT NOT NULL,
            version INTEGER NOT NULL,
            since TIMESTAMP WITH TIME ZONE NOT NULL,
            evaluated BIGINT NOT NULL,
            errors BIGINT NOT NULL,
            no_data BIGINT NOT NULL,
            late BIGINT NOT NULL,
            "full" BIGINT NOT NULL,
            monitored BIGINT NOT NULL,
            keys INTEGER NOT NULL,
            degraded_keys INTEGER NOT NULL,
            refused TEXT,
            last_evaluated_at TIMESTAMP WITH TIME ZONE,
            last_transition_at TIMESTAMP WITH TIME ZONE,
            updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_rule_health PRIMARY KEY (rule)
        )""")
    op.execute("COMMENT ON TABLE rule_health IS 'How each rule does, as its engine counts: written every few seconds'")
    op.execute("""
        CREATE TABLE rule_monitored (
            rule TEXT NOT NULL,
            position BIGINT NOT NULL,
            number INTEGER NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            log_time TIMESTAMP WITH TIME ZONE NOT NULL,
            version INTEGER NOT NULL,
            alert TEXT NOT NULL,
            key TEXT NOT NULL,
            kind TEXT NOT NULL,
            severity TEXT NOT NULL,
            summary JSONB NOT NULL,
            evidence JSONB NOT NULL,
            reason TEXT NOT NULL,
            feed TEXT NOT NULL,
            device TEXT,
            area TEXT,
            zone TEXT,
            retrospective BOOLEAN NOT NULL,
            restricted BOOLEAN NOT NULL,
            CONSTRAINT pk_rule_monitored PRIMARY KEY (rule, position, number)
        )""")
    op.execute(
        "COMMENT ON TABLE rule_monitored IS 'Moves of rules in monitor mode, the newest of each: they raise nothing'"
    )
    op.execute("""
        INSERT INTO rule (id, origin, version, hash, body, enabled, removed, pack_hash, updated_at)
        SELECT id, 'pack', version, hash, body, coalesce((body->>'enabled')::boolean, true), removed, hash, updated_at
        FROM pack_item WHERE kind = 'rule'""")
    op.execute("""
        INSERT INTO rule_history (rule, number, at, action, why, version, hash, body)
        SELECT id, 1, updated_at, 'pack', '', version, hash, body FROM pack_item WHERE kind = 'rule'""")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP TABLE rule_monitored")
    op.execute("DROP TABLE rule_health")
    op.execute("DROP TABLE rule_history")
    op.execute("DROP TABLE rule")
    op.execute("ALTER TABLE pack_item DROP COLUMN yaml")
