"""Transitions of alerts to memberships and incidents (docs/incidents.md): pure, in the order of the log.

An alert joins when it opens, and stays: what it does later moves its incident and never its membership. Time is the
log's, which never goes back, so what is over for longer than its family allows is over for good, but for a member that
comes back.

Worked through: rain at one gauge opens `storm` of a zone; a second gauge of the zone joins; both end; within six hours
a third one joins the same incident, which goes on; after seven it would have opened the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.incidents.family import MEMBERS_MAX, SPREAD_MAX, IncidentFamily, Nearness
from ioc.domain.places.gazetteer import distance_m
from ioc.incidents.book import IncidentBook, IncidentState, Point, incident_id


class IncidentMoveKind(StrEnum):
    """How an incident moved."""

    OPENED = "opened"
    """Its first alert opened."""
    JOINED = "joined"
    """One more alert belongs to it."""
    CHANGED = "changed"
    """A member rose, fell, ended or came back, and the incident goes on, or is over, as before."""
    CLOSED = "closed"
    """The last member that fired has ended."""
    REOPENED = "reopened"
    """A member fires again after all had ended; by an alert that joins, too."""


@dataclass(frozen=True, slots=True)
class IncidentMove:
    """One move of one incident, by one transition of an alert."""

    kind: IncidentMoveKind
    incident: IncidentState
    transition: Transition
    joins: bool = False
    """Whether the alert is a new member."""


def fold_incidents(
    families: Sequence[IncidentFamily], book: IncidentBook, transitions: Iterable[Transition]
) -> list[IncidentMove]:
    """Take transitions into the book, in order, and return what they did."""
    moves = (_moved(families, book, made) for made in transitions)
    return [move for move in moves if move is not None]


def _moved(families: Sequence[IncidentFamily], book: IncidentBook, made: Transition) -> IncidentMove | None:
    incident = book.of_alert(made.alert_id)
    joins = incident is None and made.kind is TransitionKind.OPENED
    opens = False
    if joins:
        found = _place(families, made)
        if found is None:
            return None
        family, key, point = found
        incident = _joinable(book, family, key, point, made)
        opens = incident is None
        if incident is None:
            incident = IncidentState(
                id=incident_id(family.id, made.alert_id), ordinal=book.ordinal + 1, family=family.id, key=key,
                opened_at=made.at, opened_position=made.position, changed_at=made.log_time, position=made.position,
            )  # fmt: skip
            book.put(incident)
        book.join(incident, made.alert_id, point)
    if incident is None:
        return None
    fired = bool(incident.firing)
    if made.kind is TransitionKind.CLEARED:
        incident.firing.discard(made.alert_id)
    else:
        incident.firing.add(made.alert_id)
        if not fired:
            book.revive(incident)
    incident.changed_at, incident.position = made.log_time, made.position
    incident.moves += 1
    if opens:
        kind = IncidentMoveKind.OPENED
    elif fired != bool(incident.firing):
        kind = IncidentMoveKind.CLOSED if fired else IncidentMoveKind.REOPENED
    else:
        kind = IncidentMoveKind.JOINED if joins else IncidentMoveKind.CHANGED
    return IncidentMove(kind, incident, made, joins)


def _place(families: Sequence[IncidentFamily], made: Transition) -> tuple[IncidentFamily, str, Point | None] | None:
    """Return the first family that takes an alert and knows where it is, what it has in common, and its point."""
    point = (made.lat, made.lon) if made.lat is not None and made.lon is not None else None
    for family in families:
        if not family.takes(rule=made.rule, domain=made.domain):
            continue
        if family.near is Nearness.RADIUS:
            if point is not None:
                return family, "", point
        elif (key := _key(family, made)) is not None:
            return family, key, point
    return None


def _key(family: IncidentFamily, made: Transition) -> str | None:
    """Return what an alert has in common with others of a family: its zone, its unit or a place."""
    if family.near is Nearness.ZONE:
        return made.zone
    if family.near is Nearness.AREA:
        return made.area
    place = family.place_of(rule=made.rule, device=made.device)
    return None if place is None else place.id


def _joinable(
    book: IncidentBook, family: IncidentFamily, key: str, point: Point | None, made: Transition
) -> IncidentState | None:
    """Return the nearest incident that an alert may join, of several as near the oldest."""
    found: list[tuple[float, int, IncidentState]] = []
    for incident in book.joinable(family, made.log_time):
        if incident.key != key or len(incident.members) >= MEMBERS_MAX:
            continue
        away_m = 0.0
        if family.near is Nearness.RADIUS:
            assert point is not None, "a family told apart by distance takes no alert without a point"
            away_m = incident.distance_m(point)
            centre = incident.centre
            if away_m > family.radius_m or (
                centre is not None and round(distance_m(centre, point)) > SPREAD_MAX * family.radius_m
            ):
                continue
        found.append((away_m, incident.ordinal, incident))
    return min(found, key=lambda each: each[:2])[2] if found else None
