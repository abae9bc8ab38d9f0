"""One DSN, several servers: each gets its own."""

from __future__ import annotations

import pytest

from ioc.store.postgres.addresses import servers_of, without_password


@pytest.mark.parametrize(
    ("dsn", "servers"),
    [
        ("postgresql://u:p@h/db", ["postgresql://u:p@h/db"]),
        (
            "postgresql+asyncpg://u:p%40@a:1,b:2/db?sslmode=require&target_session_attrs=read-write",
            ["postgresql://u:p%40@a:1/db?sslmode=require", "postgresql://u:p%40@b:2/db?sslmode=require"],
        ),
        (
            "postgresql://u:p@/db?host=/run/a,/run/b&port=5433,5434",
            ["postgresql://u:p@/db?host=/run/a&port=5433", "postgresql://u:p@/db?host=/run/b&port=5434"],
        ),
        (
            "postgresql://u@/db?host=a,b&port=9",
            ["postgresql://u@/db?host=a&port=9", "postgresql://u@/db?host=b&port=9"],
        ),
        ("postgresql://u@[::1]:5432/db", ["postgresql://u@[::1]:5432/db"]),
    ],
)
def test_each_server_of_a_dsn_has_its_own(dsn, servers):
    assert servers_of(dsn) == servers


def test_what_is_shown_of_a_server_is_no_secret():
    assert without_password("postgresql://u:secret@h:1/db") == "h:1"
    assert without_password("postgresql://u:secret@/db?host=/run/a&port=2") == "/run/a:2"
