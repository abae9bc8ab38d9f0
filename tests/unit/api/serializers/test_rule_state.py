"""A rule as it stands, as JSON: dated limits, the pack's form beside the site's, and bodies that no check let pass."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ioc.api.serializers import rule_state as rule_state_json
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from tests.unit.rules.builders import rule_body

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FEEDS = {
    "meter": FeedSpec("meter", Label("Đồng hồ", "Meter"), "test", {"value": FieldSpec("value", Label("Mức", "Level"))})
}
AROUND = rule_state_json.RuleSetting(FEEDS, {}, date(2026, 11, 23), NOW, {}, "vi")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "meter.level", "origin": "pack", "version": 1, "hash": "h", "body": rule_body(), "yaml": None,
        "enabled": True, "pack_hash": "h", "pack_form_hash": None, "updated_at": NOW, "changed_at": None,
        "health": None, "since": None, "last_evaluated_at": None, "last_transition_at": None, "health_at": None,
        **changes,
    }  # fmt: skip


def limit(value: int, since: str | None) -> dict[str, Any]:
    return {
        "value": value,
        "unit": "cm",
        "source": "QĐ 1",
        "verified": True,
        **({"valid_from": since} if since else {}),
    }


def test_of_dated_limits_one_is_in_force_today():
    body = rule_body(
        limit=[limit(1, "2020-01-01"), limit(2, "2026-11-23"), limit(3, "2027-01-01")],
        levels=[{"severity": "high", "when": "value > 1.0", "limit": limit(4, "2027-01-01")},
                {"severity": "critical", "when": "value > 2.0", "limit": limit(5, None)}],
    )  # fmt: skip
    found = rule_state_json.limits(body, date(2026, 11, 23))
    assert [(item["value"], item["severity"], item["in_force"]) for item in found] == [
        (1, None, False), (2, None, True), (3, None, False), (4, "high", False), (5, "critical", True),
    ]  # fmt: skip


def test_a_diff_shows_what_changed_and_is_left_out_where_it_would_take_long():
    assert rule_state_json.diff("a\nb\n", "a\nc\n") == "@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert rule_state_json.diff("a\n", "a\n") == ""
    assert rule_state_json.diff("a\n" * 1_501, "b\n") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": [3]}, {"levels": 3}, {"levels": [{}]}, {"levels": [{"severity": "nope", "when": 3}]}, {"limit": 3},
        {"limit": {"value": 1}}, {"feed": [[1]]}, {"feed": 3}, {"clear": 3}, {"measure": {"a": 3}, "over": "1h"},
        {"near": 3}, {"by": 3}, {"enter": 3}, {"active": {"days": 3}}, {"sequence": [3], "within": 3},
    ],
    ids=str,
)  # fmt: skip
def test_a_body_that_no_check_let_pass_is_shown_by_its_text(wrong: dict[str, Any]):
    """One rule that cannot be told in words must not take the list of all rules away."""
    told = rule_state_json.rule(row(body=rule_body(**wrong), yaml="as: written\n"), AROUND, open_alerts=0)
    assert (told["id"], told["yaml"], told["levels"], told["limits"]) == ("meter.level", "as: written\n", [], [])
    assert told["title"] == rule_body()["title"], "people know it by its name"
