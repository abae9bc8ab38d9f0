"""Alembic migrations: expand, backfill, contract. They ship inside the package."""
