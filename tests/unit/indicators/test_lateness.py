"""Late figures as readings: one a day for each, the same however often it is told, and ended when the figure comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from ioc.indicators.lateness import Lateness
from tests.unit.indicators.test_standing import EXPORTS, figures

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def on(day: int, hour: int = 9) -> Lateness:
    return Lateness("report_submission", ZONE, date(2026, 11, day), datetime(2026, 11, day, hour, tzinfo=UTC))


def test_a_late_figure_is_one_reading_a_day_however_often_it_is_told():
    known = {"exports": figures(m2026_09=(10.0, 9.0))}
    assert on(10).late([EXPORTS], known) == [], "its last day is in time"
    (first,) = on(11).late([EXPORTS], known)
    (again,) = on(11, 15).late([EXPORTS], known)
    (next_day,) = on(12).late([EXPORTS], known)
    assert first.data == {"report": "x (10/2026)", "agency": "x", "overdue_days": 1, "submitted": False}
    assert (first.key, first.content) == (again.key, again.content)
    assert next_day.key != first.key
    assert next_day.data["overdue_days"] == 2
    assert on(12).late([EXPORTS], {"exports": {}}) == [], "nobody was asked for it"


def test_what_comes_late_ends_what_was_told_of_it_and_what_was_in_time_says_nothing():
    known = figures(m2026_09=(10.0, 9.0), m2026_10=(10.0, 9.0))
    at = datetime(2026, 11, 12, 3, tzinfo=UTC)
    known = {code: replace(figure, changed_at=at) for code, figure in known.items()}
    told = {one.message.data["report"]: one for one in on(12).come([EXPORTS], {"exports": known})}
    one = told["x (10/2026)"]
    (late,) = on(12).late([EXPORTS], {"exports": {"2026-09": known["2026-09"]}})
    assert late.key in one.said_late
    assert one.message.data == {"report": "x (10/2026)", "agency": "x", "overdue_days": 0, "submitted": True}
    assert one.message.time == at
    assert on(25).come([EXPORTS], {"exports": known}) == [], "long ago is not told of again"
    in_time = {"2026-10": replace(known["2026-10"], changed_at=datetime(2026, 11, 9, tzinfo=UTC))}
    assert on(12).come([EXPORTS], {"exports": in_time}) == []
