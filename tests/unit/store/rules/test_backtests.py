"""The nouns of backtests and their table have the same columns."""

from __future__ import annotations

from ioc.store.postgres.statement import columns_of
from ioc.store.rules.backtests import ASK, BacktestRow, NewBacktest
from ioc.store.tables import metadata

COLUMNS = set(metadata.tables["backtest"].columns.keys())
OF_THE_QUEUE = {"beat_at", "cancel"}
"""Between the process that runs it and who asked; nobody is shown them."""


def test_each_column_is_of_what_is_asked_of_what_is_shown_or_of_the_queue():
    assert {*columns_of(NewBacktest), *columns_of(BacktestRow), "result", *OF_THE_QUEUE} == COLUMNS


def test_what_is_asked_writes_its_own_columns_and_who_asked():
    assert set(ASK.names) == {*columns_of(NewBacktest), "id", "asked_by", "asked_at", "state"}
