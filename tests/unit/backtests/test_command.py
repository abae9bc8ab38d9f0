"""What `ioc backtest` prints for people."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

from ioc.backtests.command import table

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def side(*opened: int) -> dict[str, Any]:
    days = [{"day": f"2026-11-{number + 1:02}", "opened": count, "firing_seconds": 1_800.0 * count}
            for number, count in enumerate(opened)]  # fmt: skip
    alerts = [
        {"key": f"m-{number}", "severity": "high", "opened_at": "2026-11-01T18:00:00.000Z", "cleared_at": None,
         "summary": {"vi": "Cao", "en": "High"}}
        for number in range(min(sum(opened), 500))
    ]  # fmt: skip
    return {"opened": sum(opened), "firing_seconds": 1_800.0 * sum(opened), "days": days, "alerts": alerts}


def result(candidate: dict[str, Any], present: dict[str, Any] | None) -> dict[str, Any]:
    counts = {"events": 1_234, "late": 0, "no_data": 3, "errors": 0, "full": 0}
    span = {"from": "2026-10-31T17:00:00.000Z", "to": "2026-11-02T17:00:00.000Z", "seconds": 0.5}
    return {**span, **counts, "candidate": candidate, "present": present}


def test_days_with_an_alert_stand_side_by_side_in_local_time():
    assert table("t.rule", result(side(0, 3), side(1, 0)), ZONE)[:9] == [
        "t.rule, 2026-11-01 00:00:00+07:00 to 2026-11-03 00:00:00+07:00: 1,234 readings evaluated in 0.5 s",
        "",
        "day                        candidate                in force",
        "                opened  hours firing    opened  hours firing",
        "2026-11-01           0          0.00         1          0.50",
        "2026-11-02           3          1.50         0          0.00",
        "sum                  3          1.50         1          0.50",
        "",
        "no_data: 3",
    ]


def test_without_a_form_in_force_there_is_one_column_and_it_says_so():
    lines = table("t.rule", result(side(0, 0), None), ZONE)
    assert lines[1] == "no form of this rule is in the log: there is nothing beside it"
    assert lines[2] == "day                        candidate"
    assert "no day with an alert" in lines


def test_the_newest_alerts_are_shown_and_how_many_are_not():
    lines = table("t.rule", result(side(700), side(700)), ZONE)
    assert lines[-2] == "2026-11-02 01:00:00+07:00 to still firing  high     m-19: Cao"
    assert lines[-1] == "(680 earlier alerts are not shown)"


def test_a_backtest_gives_way_to_whatever_is_live():
    code = (
        "import os; from ioc.backtests.command import give_way; give_way(); "
        "print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, len(os.sched_getaffinity(0)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["10", "True", "1"]
