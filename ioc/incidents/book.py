"""What the fold remembers of incidents: those that may still be joined, with their members."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ioc.domain.incidents.family import IncidentFamily
from ioc.domain.places.gazetteer import distance_m

Point = tuple[float, float]


@dataclass(slots=True)
class IncidentState:
    """One incident: ``members`` in the order in which they joined, each with its point where it has one."""

    id: str
    ordinal: int
    """How many incidents opened until it did, itself included."""
    family: str
    key: str
    """What its alerts have in common: a zone, a unit or a place; empty where it is told apart by distance."""
    opened_at: datetime
    opened_position: int
    changed_at: datetime
    """The log time of the last move of a member."""
    position: int
    moves: int = 0
    members: dict[str, Point | None] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)

    def distance_m(self, point: Point) -> float:
        """Return how far a point is from the nearest member, in whole metres: what is as near is the older one's."""
        away = (distance_m(point, known) for known in self.members.values() if known is not None)
        return float(round(min(away, default=0.0)))

    @property
    def centre(self) -> Point | None:
        """Return where its first alert is."""
        return next(iter(self.members.values()), None)

    def joinable(self, family: IncidentFamily, at: datetime) -> bool:
        """Tell whether it goes on, or was over so shortly before that an alert may still join."""
        return bool(self.firing) or at - self.changed_at <= timedelta(seconds=family.within_seconds)


class IncidentBook:
    """Incidents by id and by alert, in the order in which they opened."""

    def __init__(self, ordinal: int = 0) -> None:
        """``ordinal``: how many incidents have opened before, those that are not in the book included."""
        self.ordinal = ordinal
        self._incidents: dict[str, IncidentState] = {}
        self._of_alert: dict[str, str] = {}
        self._of_family: dict[str, dict[str, IncidentState]] = {}

    def put(self, incident: IncidentState) -> None:
        """Take an incident in; those that are there opened before it."""
        self.ordinal = max(self.ordinal, incident.ordinal)
        self._incidents[incident.id] = incident
        self._of_family.setdefault(incident.family, {})[incident.id] = incident
        for alert in incident.members:
            self._of_alert[alert] = incident.id

    def join(self, incident: IncidentState, alert: str, point: Point | None) -> None:
        """Make an alert a member."""
        incident.members[alert] = point
        self._of_alert[alert] = incident.id

    def of_alert(self, alert: str) -> IncidentState | None:
        """Return the incident that an alert belongs to."""
        found = self._of_alert.get(alert)
        return None if found is None else self._incidents[found]

    def joinable(self, family: IncidentFamily, at: datetime) -> Iterator[IncidentState]:
        """Yield the incidents of a family that an alert may join; the rest are looked at no more."""
        known = self._of_family.setdefault(family.id, {})
        for incident in list(known.values()):
            if incident.joinable(family, at):
                yield incident
            else:
                del known[incident.id]

    def revive(self, incident: IncidentState) -> None:
        """Hear that an incident goes on again: one of its alerts came back."""
        known = self._of_family.setdefault(incident.family, {})
        if incident.id not in known:
            known[incident.id] = incident

    def __iter__(self) -> Iterator[IncidentState]:
        """Yield all that is known."""
        return iter(self._incidents.values())


def incident_id(family: str, alert: str) -> str:
    """Return `in_` and 16 base32 letters of (family, the alert that opened it)."""
    digest = hashlib.blake2b(f"{family}\x00{alert}".encode(), digest_size=10).digest()
    return "in_" + base64.b32encode(digest).decode().lower()
