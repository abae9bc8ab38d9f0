"""Measures of the field as accumulators: NowCast, VN_AQI, antecedent rain, Nesterov's P (docs/rules.md, Windows)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from ioc.rules.aggregates.accumulators import MILLION, Accumulator, Stats, Value, simple
from ioc.rules.aggregates.cells import Cells, DayCell
from ioc.rules.aggregates.field.fire import FireDay, cumulative_p
from ioc.rules.aggregates.field.nowcast import HOURS, nowcast
from ioc.rules.aggregates.field.vn_aqi import Pollutant, hourly
from ioc.rules.language.kinds import Measure

DUST = (Pollutant.PM2_5, Pollutant.PM10)
GASES = (Pollutant.NO2, Pollutant.SO2, Pollutant.O3, Pollutant.CO)
RAIN_DECAY = 0.85
NESTEROV_HOUR = 13
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NowCast(Stats):
    """NowCast of one field over the hours before the one that runs."""

    __slots__ = ()

    def value(self, head: int) -> Value:
        """Return it; a negative mean, which no dust has, is no data.

        The last whole hour is c1. While it is empty the value stays that of the hour before: with a gap for c1 the
        decree's formula would halve it, and a station that was silent for an hour is no clean air.
        """
        hours = self.means(head - 1, HOURS + 1)
        if hours[0] is None and hours[1] is None:
            return None
        try:
            return nowcast(hours[:HOURS] if hours[0] is not None else hours[1:])
        except ValueError:
            return None


class AirQuality:
    """VN_AQI of the last whole hour: NowCast for dust, the hour's mean for gases."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[Pollutant, Stats] = {name: NowCast(name.value, "avg") for name in DUST}
        self.fields |= {name: Stats(name.value, "avg") for name in GASES}

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:
        """Take a reading into its hour."""
        added = [
            stats.add(pane, values, at_us) for stats in self.fields.values()
        ]  # each of them, whatever the first says
        return any(added)

    def drop(self, below: int) -> None:
        """Forget hours that have left."""
        for stats in self.fields.values():
            stats.drop(below)

    def oldest(self) -> int | None:
        """Return the oldest hour of any pollutant."""
        return min((pane for stats in self.fields.values() if (pane := stats.oldest()) is not None), default=None)

    def value(self, head: int) -> Value:
        """Return the index; None without dust. Gases are those of the hour before while the last one is empty."""
        empty = all(stats.means(head - 1, 1)[0] is None for stats in self.fields.values())
        hour = head - 2 if empty else head - 1
        amounts: dict[str, Value] = {name: self.fields[name].value(head) for name in DUST}
        amounts |= {name: self.fields[name].means(hour, 1)[0] for name in GASES}
        try:
            found = hourly({name: amount for name, amount in amounts.items() if amount is not None})
        except ValueError:
            return None
        return None if found is None else found.value

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return {name.value: stats.pack() for name, stats in self.fields.items()}

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        for name, stats in self.fields.items():
            stats.unpack(packed[name.value])


class AntecedentRain(Stats):
    """Rain of the days before, each day counting 0.85 of the one after it."""

    __slots__ = ("panes",)

    def __init__(self, field: str, panes: int) -> None:
        super().__init__(field, "sum")
        self.panes = panes

    def value(self, head: int) -> Value:
        """Return the sum, mm."""
        if not self.n:
            return None
        return sum(RAIN_DECAY**age * rain for age, rain in enumerate(self.sums(head, self.panes)))


class Nesterov(Cells[DayCell]):
    """Nesterov's P over days."""

    __slots__ = ("zone",)

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:
        """Take a reading into its day: the last of 13 h counts, and all rain."""
        rain = values.get("rain_mm")
        temperature, humidity = values.get("temperature_c"), values.get("humidity_pct")
        local = (EPOCH + timedelta(microseconds=at_us)).astimezone(self.zone)
        at_13 = local.hour == NESTEROV_HOUR and temperature is not None and humidity is not None
        if rain is None and not at_13:
            return False
        cell = self.cell(pane)
        if cell is None:
            cell = DayCell(pane)
            self.put(cell)
        if rain is not None:
            cell.rain = (cell.rain or 0) + round(rain * MILLION)
        if at_13 and (cell.at_us is None or at_us >= cell.at_us):
            cell.at_us, cell.temperature, cell.humidity = at_us, temperature, humidity
        return True

    def drop(self, below: int) -> None:
        """Forget days that have left."""
        while self.cells and self.cells[0].pane < below:
            self.cells.popleft()

    def value(self, head: int) -> Value:  # noqa: ARG002 - an accumulator's shape
        """Return P at the end of the newest day of the window."""
        if not self.cells:
            return None
        by_pane = {cell.pane: cell for cell in self.cells}
        days, nothing = [], DayCell(0)
        for pane in range(self.cells[0].pane, self.cells[-1].pane + 1):
            day = by_pane.get(pane, nothing)
            days.append(FireDay(temperature_c=day.temperature, humidity_pct=day.humidity,
                                rain_mm=None if day.rain is None else day.rain / MILLION))  # fmt: skip
        try:
            return cumulative_p(days, start=0.0)[-1]
        except ValueError:
            return None

    def pack(self) -> Any:
        """Return the cells."""
        return [[cell.pane, cell.at_us, cell.temperature, cell.humidity, cell.rain] for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        for pane, at_us, temperature, humidity, rain in packed:
            cell = DayCell(pane)
            cell.at_us, cell.temperature, cell.humidity, cell.rain = at_us, temperature, humidity, rain
            self.cells.append(cell)


def accumulator(measure: Measure, *, panes: int, zone: tzinfo) -> Accumulator:
    """Return an empty accumulator of a measure; ``zone`` is the city's, for measures that speak of the hour."""
    found = simple(measure)
    if found is not None:
        return found
    if measure.aggregate == "nowcast":
        return NowCast(measure.field or "", "avg")
    if measure.aggregate == "vn_aqi":
        return AirQuality()
    if measure.aggregate == "antecedent_rain":
        return AntecedentRain(measure.field or "", panes)
    assert measure.aggregate == "nesterov", measure.aggregate
    return Nesterov(zone)
