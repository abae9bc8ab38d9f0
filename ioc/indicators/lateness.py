"""Late figures told as readings, one a day for each: the rules over reports then name the agency. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ioc.domain.event import Message, canonical, hash16, identity
from ioc.domain.indicators.indicator import Figure, Indicator, Period
from ioc.domain.manual_entry import DOOR
from ioc.indicators.standing import late_periods

REPORT_CHARS_MAX = 100
TOLD_DAYS_MAX = 7
"""A figure that came after it was late is told of for so long."""


@dataclass(frozen=True, slots=True)
class Told:
    """A late figure that has come, and the keys of the readings that said it was late: one of them must be there."""

    message: Message
    said_late: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Lateness:
    """Where lateness is told, for which local day, and when that is."""

    feed: str
    zone: ZoneInfo
    today: date
    now: datetime

    def late(self, indicators: Iterable[Indicator], figures: Mapping[str, Mapping[str, Figure]]) -> list[Message]:
        """Return a reading for each late figure of each indicator; told again on the same day it is the same one."""
        return [
            self._late(one, period, self.today)
            for one in indicators
            for period in late_periods(one, figures.get(one.code, {}), self.today)
        ]

    def come(self, indicators: Iterable[Indicator], figures: Mapping[str, Mapping[str, Figure]]) -> list[Told]:
        """Return a reading for each figure that has come lately and after its time, which ends its being late."""
        found = []
        for one in indicators:
            for figure in figures.get(one.code, {}).values():
                period, day = Period.of_code(figure.period), figure.changed_at.astimezone(self.zone).date()
                if figure.actual is None or period is None or period.kind is not one.period_kind:
                    continue
                if one.due_day(period) < day and day > self.today - timedelta(days=TOLD_DAYS_MAX):
                    said = tuple(self._late(one, period, each).key for each in (day, day - timedelta(days=1)))
                    found.append(Told(self._submitted(one, period, figure.changed_at), said))
        return found

    def _late(self, one: Indicator, period: Period, day: date) -> Message:
        moment = datetime.combine(day, time.min, self.zone).astimezone(UTC)
        days = (day - one.due_day(period)).days
        return self._message(one, period, moment, "late", {"overdue_days": days, "submitted": False})

    def _submitted(self, one: Indicator, period: Period, at: datetime) -> Message:
        return self._message(one, period, at, "come", {"overdue_days": 0, "submitted": True})

    def _message(self, one: Indicator, period: Period, at: datetime, deed: str, told: Mapping[str, Any]) -> Message:
        number = (
            f"{period.number:02}/{period.year}" if period.code.count("-") and "Q" not in period.code else period.code
        )
        name = f" ({number})"
        data = {
            "report": one.label.vi[: REPORT_CHARS_MAX - len(name)] + name,
            "agency": one.agency.name.vi[:REPORT_CHARS_MAX],
            **told,
        }
        message_id = hash16(*(part.encode() for part in (deed, one.code, period.code))).hex()
        content = hash16(canonical(data))
        key, key_time = identity(f"{self.feed}/{one.agency.id}", message_id, at, content)
        return Message(
            self.feed, one.agency.id, key, key_time, content, data, self.now, DOOR, message_id, at, None, None,
            one.area, one.zone, (), revise=True,
        )  # fmt: skip
