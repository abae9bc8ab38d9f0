"""The figures that a demo begins with: whole periods with a year before, within what is possible, never late."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ioc.domain.indicators.indicator import Period, PeriodKind
from ioc.errors import InvalidInputError
from ioc.indicators.demo_figures import load_demo_figures
from ioc.packs.loader import load_pack

FILE = Path("ioc/packs/hoabinh/demo/indicators.yaml")


@pytest.fixture(scope="module")
def indicators():
    return {one.code: one for one in load_pack("hoabinh", shapes=False).indicators}


@pytest.mark.parametrize("today", [date(2026, 11, 28), date(2027, 1, 3), date(2027, 4, 1), date(2028, 2, 29)])
def test_every_figure_is_of_a_period_that_is_over_and_possible(indicators, today):
    rows = load_demo_figures(FILE).rows(indicators, today)
    assert len({(row.indicator, row.period) for row in rows}) == len(rows) <= 2_000
    for row in rows:
        one = indicators[row.indicator]
        if row.actual is None:
            assert row.period.kind is PeriodKind.YEAR, "the plan of the whole year"
            continue
        assert row.period.last_day < today
        assert one.possible_min is None or one.possible_min <= row.actual
        assert one.possible_max is None or row.actual <= one.possible_max


def test_no_figure_is_late_and_each_has_the_year_before(indicators):
    today = date(2026, 11, 28)
    known = {(row.indicator, row.period): row for row in load_demo_figures(FILE).rows(indicators, today)}
    for code in {code for code, _ in known}:
        newest = indicators[code].newest_due(today)
        assert known[code, newest].actual is not None
        assert known[code, newest.a_year_before].actual is not None
    revenue = known["budget_revenue", Period(PeriodKind.MONTH, 2026, 10)]
    before = known["budget_revenue", Period(PeriodKind.MONTH, 2025, 10)]
    assert revenue.actual is not None
    assert before.actual is not None
    assert revenue.actual / before.actual == pytest.approx(1.079, abs=0.001)
    assert known["budget_revenue", Period(PeriodKind.YEAR, 2026)].plan == 182 * 12


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sent_by: a\napproved_by: b\nfigures: {}\n", "figures"),
        ("sent_by: a\napproved_by: b\nfigures: {cpi: {plan: 0, reached: [1], growth: 1}}\n", "figures.cpi.plan"),
        ("sent_by: a\napproved_by: b\nfigures: {cpi: {plan: 1, reached: [1], growth: 1, x: 1}}\n", "figures.cpi.x"),
        ("- [", "indicators.yaml"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_its_place(tmp_path, text, what):
    path = tmp_path / "indicators.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=what):
        load_demo_figures(path)
