"""Named parameters become places once; a call that forgets or invents one is refused before PostgreSQL sees it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Column, Double, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from ioc.domain.recorded import NowRow
from ioc.domain.rules.health import RuleHealth
from ioc.store.alerts.now import WRITE
from ioc.store.postgres.statement import (
    arrays,
    arrays_of,
    columns_of,
    insert,
    named,
    select_list,
    update,
    upsert,
    values_of,
)
from ioc.store.rules.health import SAVE
from ioc.store.tables.alerts import alert_now
from ioc.store.tables.rules import rule_health


@dataclass(frozen=True, slots=True)
class Gauge:
    id: str
    depth_m: float


def test_a_name_has_one_place_however_often_it_stands_there_and_a_cast_is_none():
    statement = named("SELECT :at::timestamptz FROM t WHERE a = :a AND b >= :at AND c::text = 'x'")
    assert statement.sql == "SELECT $1::timestamptz FROM t WHERE a = $2 AND b >= $1 AND c::text = 'x'"
    assert statement(a=2, at=1) == (statement.sql, 1, 2)


@pytest.mark.parametrize("values", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {}])
def test_a_value_too_few_or_too_many_is_refused(values):
    with pytest.raises(TypeError, match="parameters"):
        named("SELECT :a, :b")(**values)


def test_statements_follow_from_a_nouns_fields():
    columns = columns_of(Gauge)
    assert insert("gauge", columns).sql == "INSERT INTO gauge (id, depth_m) VALUES ($1, $2)"
    put = upsert("gauge", columns, key="id")
    assert put.sql.endswith("VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET depth_m = excluded.depth_m")
    moved = update("gauge", ["depth_m"], where="id = :id")
    assert moved(**values_of(Gauge("g-1", 2.5))) == ("UPDATE gauge SET depth_m = $1 WHERE id = $2", 2.5, "g-1")
    next_one = insert("gauge", columns, computed={"id": "(SELECT max(id) FROM gauge WHERE depth_m > :depth_m)"})
    assert next_one.sql.endswith("VALUES ((SELECT max(id) FROM gauge WHERE depth_m > $1), $1)")
    listed = select_list(columns, of="g", prefix="row_", computed={"depth_m": "g.depth_m / 2"})
    assert listed == "g.id AS row_id, g.depth_m / 2 AS row_depth_m"


def test_many_rows_are_one_statement_whose_types_are_the_tables():
    table = Table("gauge", MetaData(), Column("id", Text), Column("depth_m", Double), Column("full", JSONB))
    statement = named(f"INSERT INTO gauge SELECT t.* FROM {arrays(table, ['id', 'depth_m', 'full'])}")
    assert statement.sql.endswith(
        'unnest($1::TEXT[], $2::DOUBLE PRECISION[], $3::JSONB[]) AS t("id", "depth_m", "full")'
    )
    rows = [Gauge("g-1", 2.5), Gauge("g-2", 3.5)]
    assert arrays_of(rows, columns_of(Gauge)) == {"id": ["g-1", "g-2"], "depth_m": [2.5, 3.5]}


def test_what_the_engine_writes_of_alerts_and_rules_follows_from_nouns_alone():
    """A field more is a column more: in no statement is there a list of them to forget."""
    for statement, noun, apart in ((WRITE, NowRow, {"rule", "key"}), (SAVE, RuleHealth, {"turned"})):
        assert set(statement.names) >= set(columns_of(noun)) - apart
    for table, noun, apart in ((alert_now, NowRow, {"rule", "key"}), (rule_health, RuleHealth, {"turned"})):
        assert (
            set(table.c.keys()) - {"log_time", "written", "change_position", "updated_at"}
            == set(columns_of(noun)) - apart
        )
