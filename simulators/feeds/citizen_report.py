"""Citizens' reports: a few everyday ones at any hour, and those that the scenario tells at their own seconds."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.roster import Device
from simulators.scenario import ScriptedReport
from simulators.world import Moment, World

Reading = dict[str, object]

PAUSE_MEAN_SECONDS = 240.0
PAUSE_MIN_SECONDS = 60.0
PAUSE_MAX_SECONDS = 900.0
FALLBACK_POINT = (20.8172, 105.3375)
SCATTER_DEGREES = 0.004
CHANNELS = ("app", "app", "zalo", "hotline", "web", "social")

EVERYDAY = (
    ("street_lighting", "Đèn đường trước cổng trường không sáng từ tối qua."),
    ("street_lighting", "Cột đèn đầu ngõ chập chờn, tối rất khó đi."),
    ("sanitation", "Rác thải tồn đọng ở góc chợ, đã hai ngày chưa thu gom."),
    ("urban_order", "Xe tải đỗ lấn hết vỉa hè, người đi bộ phải xuống lòng đường."),
    ("traffic_safety", "Ổ gà lớn giữa đường, xe máy dễ ngã khi trời tối."),
    ("trees", "Cành cây gãy treo lơ lửng trên dây điện."),
    ("water_drainage", "Nắp cống bị vỡ, cần thay trước khi có người sa chân."),
    ("electricity", "Cả xóm mất điện từ sáng, chưa thấy thông báo."),
)
"""Everyday reports, of normal urgency: they are work for their units, not alarms."""


class CitizenReport:
    """All citizens together: the scenario's reports first, everyday ones in between."""

    def __init__(self, devices: Sequence[Device], world: World) -> None:
        self._random = world.random_for("citizens")
        self._channels = world.random_for("citizens' channels")
        self._told = list(reversed(world.scenario.reports))
        self._points = [(device.lat, device.lon) for device in devices] or [FALLBACK_POINT]
        self._next_seconds = self._pause()

    def _pause(self) -> float:
        """Return the seconds to the next everyday report."""
        pause = self._random.expovariate(1 / PAUSE_MEAN_SECONDS)
        return max(PAUSE_MIN_SECONDS, min(PAUSE_MAX_SECONDS, pause))

    def due_seconds(self) -> float:
        """Return the scenario second of the next report."""
        return min(self._told[-1].at_seconds, self._next_seconds) if self._told else self._next_seconds

    def reading(self, moment: Moment) -> Reading | None:
        """Return the report that is due, or None when none is."""
        if self._told and self._told[-1].at_seconds <= moment.seconds:
            return self._as_reading(self._told.pop())
        if self._next_seconds > moment.seconds:
            return None
        self._next_seconds = moment.seconds + self._pause()
        return self._everyday()

    def _as_reading(self, report: ScriptedReport) -> Reading:
        """Return a scenario's report as the feed's fields."""
        return {
            "category": report.category,
            "text": report.text,
            "urgency": report.urgency,
            "channel": "hotline" if report.urgency == "urgent" else "app",
            "lat": report.lat,
            "lon": report.lon,
        }

    def _everyday(self) -> Reading:
        """Return an everyday report near one of the city's devices."""
        category, text = self._random.choice(EVERYDAY)
        lat, lon = self._random.choice(self._points)
        return {
            "category": category,
            "text": text,
            "urgency": "normal",
            "channel": self._channels.choice(CHANNELS),
            "lat": round(lat + self._random.uniform(-SCATTER_DEGREES, SCATTER_DEGREES), 5),
            "lon": round(lon + self._random.uniform(-SCATTER_DEGREES, SCATTER_DEGREES), 5),
        }
