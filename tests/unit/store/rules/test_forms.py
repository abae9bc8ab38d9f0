"""A rule as it stands is read back from the columns that were written, and each column of the table is one of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.store.rules.forms import Form, HistoryStep, RuleRow, row_of, rule_columns
from ioc.store.tables import metadata

AT = datetime(2026, 11, 28, 3, tzinfo=UTC)
FORM = Form(hash="h", body={"rule": "rain.24h", "enabled": False}, yaml="rule: rain.24h")
STEP = HistoryStep(AT, RuleAction.EDIT, "mùa mưa", "an")


@pytest.mark.parametrize(
    "row",
    [
        RuleRow("rain.24h", RuleOrigin.OVERLAY, 3, FORM, pack_hash="p", changed=STEP),
        RuleRow("rain.24h", RuleOrigin.PACK, 1, FORM, removed=True),
    ],
)
def test_what_is_written_of_a_rule_is_every_column_and_reads_back_as_the_rule(row: RuleRow):
    values = rule_columns(row, AT)
    assert set(values) == set(metadata.tables["rule"].columns.keys())
    assert row_of(values) == row
    assert row_of(values).changed == row.changed
    assert (values["enabled"], values["updated_at"]) == (False, AT)
