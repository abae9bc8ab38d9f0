"""The evaluator's formulas and the engine's were written apart: on any readings they say the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.rules.aggregates.field.digest import Digest
from ioc.rules.aggregates.field.fire import FireDay, cumulative_p
from ioc.rules.aggregates.field.nowcast import nowcast as nowcast_of_the_engine
from ioc.rules.aggregates.field.vn_aqi import hourly
from proof.evaluator.formulas import CONCENTRATIONS, hourly_index, index_of, nesterov_p, nowcast, percentile

tenths = st.integers(0, 60_000).map(lambda number: number / 10)


def same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=1e-12)


hours = st.lists(st.none() | tenths, min_size=12, max_size=12)


@given(hours)
def test_nowcast(means: list[float | None]):
    assert same(nowcast(means), nowcast_of_the_engine(means))


@given(st.dictionaries(st.sampled_from(sorted(CONCENTRATIONS)), st.none() | tenths))
def test_the_hourly_index(figures: dict[str, float | None]):
    index = hourly(figures)
    assert hourly_index(figures) == (None if index is None else index.value)


@pytest.mark.parametrize("pollutant", CONCENTRATIONS)
def test_the_index_at_each_breakpoint_and_beside_it(pollutant: str):
    for point in CONCENTRATIONS[pollutant]:
        for figure in (max(point - 0.1, 0.0), float(point), point + 0.1):
            index = hourly({"pm2_5": 0.0, pollutant: figure})
            assert index is not None
            assert index_of(pollutant, figure) == index.value, figure


def test_the_decree_s_own_example_is_rounded_up():
    """PM2.5 of 55.7 µg/m³ is 109.5, printed as 110."""
    assert index_of("pm2_5", 55.7) == 110


days = st.lists(
    st.tuples(
        st.none() | st.sampled_from([0.0, 2.9, 3.0, 4.9, 5.0, 5.1, 80.0]),
        st.none() | st.floats(-5, 45),
        st.none() | st.floats(0, 110),
    ),
    min_size=1,
    max_size=12,
)


@given(days)
def test_nesterov_s_p(given_days: list[tuple[float | None, float | None, float | None]]):
    of_the_engine = cumulative_p(
        [FireDay(rain_mm=rain, temperature_c=warm, humidity_pct=damp) for rain, warm, damp in given_days], start=0.0
    )
    assert same(nesterov_p(given_days), of_the_engine[-1])


@given(st.lists(st.integers(-500, 500).map(lambda number: number / 8), min_size=1, max_size=80), st.integers(1, 99))
def test_a_percentile(values: list[float], percent: int):
    digest = Digest()
    for value in values:
        digest.add(value)
    if not digest.clamped:  # the evaluator knows no bound; docs/rules.md says where the engine's begins
        assert same(percentile(values, percent), digest.percentile(percent))
