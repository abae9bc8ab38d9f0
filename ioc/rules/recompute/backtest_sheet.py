"""What one form of a rule did in a backtest: how often it fired and for how long, day by day, and its newest alerts.

Bounded whatever the log holds: figures by local day, one open alert per key, and the newest alerts with their evidence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.moment import format_time
from ioc.domain.severity import Severity
from ioc.rules.language.rule import REFIRE_US, SECOND_US, from_us, to_us

ALERTS_MAX = 500
"""Alerts listed, the newest; the figures count all of them."""
NEWEST_SPARE = 20_000
"""Keys whose alert has ended for good are swept once they outnumber the others by more than this."""
SWEEP_MARGIN_US = 3_600 * SECOND_US
"""Moves of different keys are told in the order of the log, not of their own times."""
DAY = timedelta(days=1)


@dataclass(slots=True)
class Alert:
    """One alert as the backtest saw it."""

    key: str
    opened_us: int
    severity: Severity
    """The highest that it has shown."""
    transition: Transition
    """The one that brought it there: its sentence and its evidence."""
    number: int
    """Which one it is, counted from the first."""
    counted: bool
    """Whether it was opened inside the span."""
    cleared_us: int | None = None
    reason: str = ""
    flaps: int = 0
    retrospective: bool = False
    chattering: bool = False


@dataclass(slots=True)
class Day:
    """The figures of one local day."""

    opened: int = 0
    firing_us: int = 0


@dataclass(slots=True)
class Sheet:
    """Takes one form's transitions in order. ``from_us`` to ``to_us`` is the span; what lies before warms it up."""

    from_us: int
    to_us: int
    zone: tzinfo
    refire_us: int = REFIRE_US
    """How long after its end an alert may come back."""
    alerts_max: int = ALERTS_MAX
    opened: int = 0
    reopened: int = 0
    firing_us: int = 0
    truncated: bool = False
    severities: Counter[Severity] = field(default_factory=Counter)
    days: dict[date, Day] = field(default_factory=dict)
    _newest: dict[str, Alert] = field(default_factory=dict)
    """The newest alert of each key whose alert fires, or ended not long ago."""
    _since: dict[str, int] = field(default_factory=dict)
    """Since when each firing key fires."""
    _listed: dict[int, Alert] = field(default_factory=dict)
    _number: int = 0
    _newest_max: int = 0

    def note(self, transition: Transition) -> None:
        """Take the next transition of the form."""
        at_us, kind = to_us(transition.at), transition.kind
        if at_us >= self.to_us:
            return
        if kind is TransitionKind.OPENED:
            self._open(transition, at_us)
            return
        alert = self._newest.get(transition.key)
        assert alert is not None, "an alert is opened before it moves"
        alert.flaps, alert.retrospective = transition.flap_count, transition.retrospective
        alert.chattering = alert.chattering or "chattering" in transition.labels
        if kind is TransitionKind.CLEARED:
            self._clear(alert, at_us, transition.reason)
            return
        if kind is TransitionKind.REOPENED:
            alert.cleared_us, alert.reason = None, ""
            self._since[alert.key] = at_us
            if at_us >= self.from_us:
                self.reopened += 1
        if transition.severity.rank > alert.severity.rank:
            self._raise(alert, transition)

    def close(self) -> None:
        """End the span: what fires has fired until then."""
        for key, since_us in self._since.items():
            self._add_firing(since_us, self.to_us)
            self._list(self._newest[key])
        self._since.clear()

    def result(self) -> dict[str, Any]:
        """Return the figures and alerts as JSON-ready members; days without anything are there too."""
        listed = [alert for _, alert in sorted(self._listed.items()) if self._inside(alert)]
        return {
            "opened": self.opened,
            "reopened": self.reopened,
            "firing_seconds": round(self.firing_us / SECOND_US, 3),
            "severities": {severity.value: self.severities[severity] for severity in Severity
                           if self.severities[severity]},
            "days": [self._day(day) for day in local_days(self.from_us, self.to_us, self.zone)],
            "alerts": [described(alert) for alert in reversed(listed)],
        }  # fmt: skip

    def _open(self, transition: Transition, at_us: int) -> None:
        self._number += 1
        counted = at_us >= self.from_us
        alert = Alert(
            transition.key, at_us, transition.severity, transition, self._number, counted,
            retrospective=transition.retrospective,
        )  # fmt: skip
        self._newest[alert.key], self._since[alert.key] = alert, at_us
        if len(self._newest) > self._newest_max:
            self._sweep(at_us)
        if counted:
            self.opened += 1
            self.severities[alert.severity] += 1
            self._figures(self._day_of(at_us)).opened += 1
        self._list(alert)

    def _sweep(self, at_us: int) -> None:
        """Forget alerts that can no longer come back: a rule with a key for each event has no end of them."""
        self._newest = {
            key: alert
            for key, alert in self._newest.items()
            if alert.cleared_us is None or at_us - alert.cleared_us <= self.refire_us + SWEEP_MARGIN_US
        }
        self._newest_max = 2 * len(self._newest) + NEWEST_SPARE

    def _raise(self, alert: Alert, transition: Transition) -> None:
        if alert.counted:
            self.severities[alert.severity] -= 1
            self.severities[transition.severity] += 1
        alert.severity, alert.transition = transition.severity, transition

    def _clear(self, alert: Alert, at_us: int, reason: str) -> None:
        alert.cleared_us, alert.reason = at_us, reason
        since_us = self._since.pop(alert.key, None)
        if since_us is not None:
            self._add_firing(since_us, at_us)

    def _list(self, alert: Alert) -> None:
        """Keep an alert for the list; the oldest makes room."""
        self._listed[alert.number] = alert
        while len(self._listed) > self.alerts_max:
            oldest = self._listed.pop(min(self._listed) if alert.number < self._number else next(iter(self._listed)))
            self.truncated = self.truncated or self._inside(oldest)

    def _inside(self, alert: Alert) -> bool:
        """Tell whether an alert fired at some time of the span."""
        return alert.cleared_us is None or alert.cleared_us > self.from_us or alert.counted

    def _add_firing(self, since_us: int, until_us: int) -> None:
        """Spread a stretch of firing over the local days that it touches."""
        since_us, until_us = max(since_us, self.from_us), min(until_us, self.to_us)
        while since_us < until_us:
            day = self._day_of(since_us)
            end_us = min(until_us, midnight_us(day + DAY, self.zone))
            self._figures(day).firing_us += end_us - since_us
            self.firing_us += end_us - since_us
            since_us = end_us

    def _figures(self, day: date) -> Day:
        found = self.days.get(day)
        if found is None:
            found = self.days[day] = Day()
        return found

    def _day(self, day: date) -> dict[str, Any]:
        found = self.days.get(day) or Day()
        return {"day": day.isoformat(), "opened": found.opened, "firing_seconds": round(found.firing_us / SECOND_US, 3)}

    def _day_of(self, at_us: int) -> date:
        return from_us(at_us).astimezone(self.zone).date()


def described(alert: Alert) -> dict[str, Any]:
    """Return one alert of the list, JSON-ready: its life, its highest severity, and the evidence of that."""
    transition = alert.transition
    evidence = transition.evidence
    limit = evidence.limit
    return {
        "key": alert.key,
        "severity": alert.severity.value,
        "opened_at": format_time(from_us(alert.opened_us)),
        "cleared_at": None if alert.cleared_us is None else format_time(from_us(alert.cleared_us)),
        "reason": alert.reason,
        "summary": {"vi": transition.summary.vi, "en": transition.summary.en},
        "retrospective": alert.retrospective,
        "chattering": alert.chattering,
        "flaps": alert.flaps,
        "device": transition.device,
        "area": transition.area,
        "zone": transition.zone,
        "clause": evidence.clause,
        "limit": None if limit is None else {
            "value": limit.value, "unit": limit.unit, "source": limit.source, "verified": limit.verified,
            "valid_from": limit.valid_from,
        },
        "values": dict(evidence.values),
        "details": dict(evidence.details),
        "readings": [
            {"position": item.position, "device": item.device, "effective": format_time(item.effective),
             "values": dict(item.values)}
            for item in evidence.readings
        ],
    }  # fmt: skip


def local_days(from_us: int, to_us: int, zone: tzinfo) -> list[date]:
    """Return the local days that a span touches, in order."""
    first, last = _local(from_us, zone).date(), _local(max(to_us - 1, from_us), zone).date()
    return [first + number * DAY for number in range((last - first).days + 1)]


def midnight_us(day: date, zone: tzinfo) -> int:
    """Return the first instant of a local day."""
    return to_us(datetime.combine(day, time(), tzinfo=zone))


def _local(at_us: int, zone: tzinfo) -> datetime:
    return from_us(at_us).astimezone(zone)
