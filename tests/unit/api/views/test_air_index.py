"""VN_AQI from stored hourly means: the worked examples of QĐ 1459/QĐ-TCMT, and what is not there is no figure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ioc.api.views.air_index import HOUR, daily_index, hourly_index, last_hour, station, worst_station
from ioc.domain.moment import LOCAL_ZONE

NOW = datetime(2026, 11, 23, 13, 25, tzinfo=UTC)
C1 = datetime(2026, 11, 23, 19, tzinfo=LOCAL_ZONE)
"""The last hour that is over at 20:25 local time."""
EXAMPLE = (20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9)
"""PM2.5 of the decision's example, c1 first."""


def dust(values=EXAMPLE):
    return {("pm2_5", C1 - age * HOUR): value for age, value in enumerate(values) if value is not None}


def test_the_hour_is_the_last_that_is_over_and_its_example_is_the_decisions():
    assert last_hour(NOW) == C1
    found = hourly_index(dust(), C1)
    assert found == (41, "pm2_5")
    assert hourly_index({**dust(), ("o3", C1): 136.1}, C1) == (43, "o3")
    running = {**dust(), ("pm2_5", C1 + HOUR): 400.0, ("o3", C1 + HOUR): 900.0}
    assert station(running, now=NOW, hours=1, days=1)["hourly"]["value"]["index"] == 41, "the running hour says nothing"


def test_without_two_of_the_newest_three_hours_there_is_no_index_and_no_zero():
    told = station(dust((None, None, 22.4, 20.3)), now=NOW, hours=2, days=1)
    assert told["hourly"] == {"t": "2026-11-23T13:00:00.000Z", "value": None}
    assert hourly_index({("o3", C1): 136.1}, C1) is None, "dust is mandatory"


def test_the_day_is_the_one_before_by_local_hours():
    begins = datetime(2026, 11, 22, tzinfo=LOCAL_ZONE)
    means = {("pm2_5", begins + hour * HOUR): 55.7 for hour in range(24)}
    means |= {("no2", begins + timedelta(hours=9)): 130.8}
    assert daily_index(means, date(2026, 11, 22)) == (110, "pm2_5")
    assert daily_index({key: value for key, value in means.items() if key[1].hour < 17}, date(2026, 11, 22)) is None
    told = station(means, now=NOW, hours=1, days=2)
    assert told["daily"]["day"] == "2026-11-22"
    assert told["daily"]["value"] == {
        "index": 110, "pollutant": "pm2_5", "band": {"vi": "Kém", "en": "Poor"}, "from": 101, "to": 150,
        "colour": "#FF7E00", "colour_name": {"vi": "Da cam", "en": "Orange"}, "advice": "reduce_sensitive",
        "health": told["daily"]["value"]["health"],
    }  # fmt: skip
    assert told["days"] == [{"day": "2026-11-21", "value": None}]


def test_the_worst_of_several_stations_speaks_and_one_without_dust_does_not():
    def rows(name, values):
        return [
            {"device": name, "name_vi": name, "name_en": name, "field": field, "bucket": bucket, "v": value}
            for (field, bucket), value in values.items()
        ]

    given = [*rows("a", dust()), *rows("b", dust((90.0,) * 12)), *rows("c", {("o3", C1): 900.0}),
             *rows("d", dust((-1.0,) * 12))]  # fmt: skip
    found = worst_station(given, NOW)
    assert found is not None
    assert (found["device"], found["value"]["band"]["vi"], found["stations"]) == ("b", "Xấu", 2)
    assert worst_station([], NOW) is None
