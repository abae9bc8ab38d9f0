"""Incidents, as an operator would tell them: what joins, what stands apart, what comes back."""

from __future__ import annotations

import pytest

from ioc.domain.alert import Transition, TransitionKind
from ioc.incidents.book import IncidentBook
from ioc.incidents.fold import IncidentMove, IncidentMoveKind, fold_incidents
from proof.histories.incident_histories import FAMILIES, move

OPENED, CLEARED, REOPENED = TransitionKind.OPENED, TransitionKind.CLEARED, TransitionKind.REOPENED
HOUR = 3_600.0


class Room:
    """Folds move after move."""

    def __init__(self) -> None:
        self.book = IncidentBook()
        self.position = 0

    def hear(self, made: Transition) -> IncidentMove | None:
        found = fold_incidents(FAMILIES, self.book, [made])
        return found[0] if found else None

    def opens(self, rule: str, key: str, hours: float, **place: object) -> IncidentMove | None:
        self.position += 1
        return self.hear(move(OPENED, rule, key, seconds=hours * HOUR, position=self.position, **place))  # type: ignore[arg-type]

    def moves(self, kind: TransitionKind, rule: str, key: str, hours: float, opened: int) -> IncidentMove | None:
        self.position += 1
        return self.hear(move(kind, rule, key, seconds=hours * HOUR, position=self.position, opened=opened))


@pytest.fixture
def room() -> Room:
    return Room()


def test_rain_at_a_second_gauge_of_the_zone_joins_and_that_of_another_zone_does_not(room):
    first = room.opens("rain.1h", "g1", 0, zone="a")
    second = room.opens("rain.24h", "g2", 1, zone="a")
    other = room.opens("rain.1h", "g3", 1, zone="b")
    assert (first.kind, second.kind, other.kind) == (
        IncidentMoveKind.OPENED, IncidentMoveKind.JOINED, IncidentMoveKind.OPENED,
    )  # fmt: skip
    assert first.incident is second.incident
    assert other.incident.id != first.incident.id


def test_what_no_family_takes_stands_alone(room):
    """A fire in the middle of the storm is no part of it."""
    room.opens("rain.1h", "g1", 0, zone="a", area="a1", lat=20.8, lon=105.3)
    assert room.opens("fire", "house", 0.1, zone="a", area="a1", lat=20.8, lon=105.3, domain="utilities") is None


def test_an_alert_without_its_place_falls_to_the_next_family_or_to_none(room):
    """A river gauge that is of no dam belongs to the storm of its zone."""
    assert room.opens("river.rise", "n1", 0, device="n1", zone="a").incident.family == "dam"
    assert room.opens("river.rise", "x1", 0, device="x1", zone="a").incident.family == "storm"
    assert room.opens("wifi.down", "w1", 0, zone="a") is None, "nobody knows where it is"


def test_it_is_over_with_its_last_alert_and_goes_on_with_one_that_comes_soon(room):
    room.opens("rain.1h", "g1", 0, zone="a")
    over = room.moves(CLEARED, "rain.1h", "g1", 1, opened=1)
    assert (over.kind, bool(over.incident.firing)) == (IncidentMoveKind.CLOSED, False)
    again = room.opens("rain.1h", "g2", 7, zone="a")
    assert (again.kind, again.joins, again.incident) == (IncidentMoveKind.REOPENED, True, over.incident)
    room.moves(CLEARED, "rain.1h", "g2", 8, opened=3)
    late = room.opens("rain.1h", "g3", 14.01, zone="a")
    assert late.kind is IncidentMoveKind.OPENED, "six hours after the last move the storm is another one"
    assert late.incident.id != over.incident.id


def test_a_member_that_comes_back_is_of_its_old_incident_however_late(room):
    room.opens("rain.1h", "g1", 0, zone="a")
    room.moves(CLEARED, "rain.1h", "g1", 1, opened=1)
    room.opens("rain.1h", "g2", 20, zone="a")
    back = room.moves(REOPENED, "rain.1h", "g1", 21, opened=1)
    assert (back.kind, list(back.incident.members)) == (IncidentMoveKind.REOPENED, [back.transition.alert_id])
    assert room.opens("rain.1h", "g3", 22, zone="a").incident is back.incident, "of two that go on, the older one"


def test_two_lights_out_far_apart_are_two_incidents_and_one_between_joins_the_nearer(room):
    first = room.opens("power.out", "p1", 0, lat=20.800, lon=105.3).incident
    second = room.opens("power.out", "p2", 0, lat=20.814, lon=105.3).incident
    assert first is not second
    assert room.opens("wifi.down", "w1", 0, lat=20.806, lon=105.3).incident is first
    assert room.opens("wifi.down", "w2", 0, lat=20.8101, lon=105.3).incident in (first, second)


def test_a_chain_of_neighbours_reaches_four_radii_and_no_further(room):
    found = [room.opens("wifi.down", f"w{n}", 0, lat=20.8 + n * 0.008, lon=105.3).incident.id for n in range(7)]
    assert len(set(found[:5])) == 1
    assert found[5] != found[0]
