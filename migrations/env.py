"""Run migrations on the connection handed over by ioc.store.postgres.migrate."""

from alembic import context

from ioc.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
