"""An account's columns are its noun's, beside the hash of its password."""

from __future__ import annotations

from ioc.domain.people.account import Account
from ioc.store.accounts.accounts import INSERT, OF_SESSION
from ioc.store.postgres.statement import columns_of
from ioc.store.tables import metadata


def test_the_noun_and_the_table_have_the_same_columns():
    assert {*columns_of(Account), "password_hash"} == set(metadata.tables["account"].columns.keys())
    assert set(INSERT.names) == set(metadata.tables["account"].columns.keys())


def test_what_a_session_says_of_its_account_is_of_the_noun():
    assert set(OF_SESSION) < set(columns_of(Account))
