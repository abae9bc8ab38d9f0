"""What the declarations of all tables share: one schema, the names of its constraints, and types used everywhere.

Times are timestamptz and come from the log clock: no statement here or elsewhere calls now().
"""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Moment = DateTime(timezone=True)
EMPTY_LIST = text("'{}'")
EMPTY_OBJECT = text("'{}'::jsonb")
