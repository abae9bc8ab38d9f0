"""The quick look at revisions says the same as the migration tools."""

from __future__ import annotations

import pytest

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.migrate import current_revision, head_revision
from ioc.store.postgres.revision import applied_revision, newest_revision


def test_the_newest_revision_is_the_head_of_the_migrations():
    assert newest_revision() == head_revision()


async def test_a_migrated_database_is_at_it_and_an_empty_one_at_none(databases, database_dsn):
    assert await applied_revision(database_dsn) == await current_revision(database_dsn) == head_revision()
    empty = databases.create(template="template0")
    try:
        assert await applied_revision(databases.dsn_of(empty)) is None
    finally:
        databases.drop(empty)


async def test_a_database_that_is_away_is_said_so():
    with pytest.raises(StoreUnavailableError):
        await applied_revision("postgresql://ioc:x@127.0.0.1:1/ioc")
