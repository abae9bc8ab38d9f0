"""Measures of the field as accumulators: NowCast, VN_AQI, antecedent rain, Nesterov's P (docs/rules.md, Windows)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from ioc.rules.accumulate import MILLION, Accumulator, Cells, Stats, Value, simple
from ioc.rules.field.fire import FireDay, cumulative_p
from ioc.rules.field.nowcast import HOURS, nowcast
from ioc.rules.field.vn_aqi import Pollutant, hourly
from ioc.rules.kinds import Measure

DUST = (Pollutant.PM2_5, Pollutant.PM10)
GASES = (Pollutant.NO2, Pollutant.SO2, Pollutant.O3, Pollutant.CO)
RAIN_DECAY = 0.85
NESTEROV_HOUR = 13
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NowCast(Stats):
    """NowCast of one field over hourly panes."""

    __slots__ = ()

    def value(self, head: int) -> Value:
        """Return it; a negative mean, which no dust has, is no data."""
        try:
            return nowcast(self.means(head, HOURS))
        except ValueError:
            return None


class AirQuality:
    """VN_AQI of the hour: NowCast for dust, the newest hour's mean for gases."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields = {name: Stats(name.value, "avg") for name in (*DUST, *GASES)}

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
        """Return the index; None without dust."""
        try:
            amounts = {name: nowcast(self.fields[name].means(head, HOURS)) for name in DUST}
            amounts |= {name: self.fields[name].means(head, 1)[0] for name in GASES}
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


class Nesterov(Cells):
    """Nesterov's P over days: a cell is [pane, time of the 13 h reading, temperature, humidity, rain in millionths]."""

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
            cell = [pane, None, None, None, None]
            self.put(cell)
        if rain is not None:
            cell[4] = (cell[4] or 0) + round(rain * MILLION)
        if at_13 and (cell[1] is None or at_us >= cell[1]):
            cell[1:4] = [at_us, temperature, humidity]
        return True

    def drop(self, below: int) -> None:
        """Forget days that have left."""
        while self.cells and self.cells[0][0] < below:
            self.cells.popleft()

    def value(self, head: int) -> Value:  # noqa: ARG002 - an accumulator's shape
        """Return P at the end of the newest day of the window."""
        if not self.cells:
            return None
        by_pane = {cell[0]: cell for cell in self.cells}
        days = []
        for pane in range(self.cells[0][0], self.cells[-1][0] + 1):
            _, _, temperature, humidity, rain = by_pane.get(pane, (pane, None, None, None, None))
            days.append(FireDay(temperature_c=temperature, humidity_pct=humidity,
                                rain_mm=None if rain is None else rain / MILLION))  # fmt: skip
        try:
            return cumulative_p(days, start=0.0)[-1]
        except ValueError:
            return None

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        for cell in packed:
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
