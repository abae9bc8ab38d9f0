"""People have seven roles, each a preset of capabilities; those of before keep theirs."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE = "'admin','operator','viewer'"
SINCE = "'admin','shift_leader','operator','unit_officer','leader','auditor','viewer'"


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    _allow(SINCE)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # Nobody may more than before: who handles alerts stays an operator, everybody else sees.
    op.execute("UPDATE account SET role = 'operator' WHERE role IN ('shift_leader','unit_officer')")
    op.execute("UPDATE account SET role = 'viewer' WHERE role IN ('leader','auditor')")
    _allow(BEFORE)


def _allow(roles: str) -> None:
    op.execute("ALTER TABLE account DROP CONSTRAINT ck_account_role")
    op.execute(f"ALTER TABLE account ADD CONSTRAINT ck_account_role CHECK (role IN ({roles}))")
