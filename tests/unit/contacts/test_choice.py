"""Whom to call: the nearest unit first, in hours, else a deputy, else the next level; of nobody it says why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from ioc.contacts.choice import CandidateReason, Choice, ContactGap, Situation, choose
from ioc.domain.contacts.directory import Contact, ContactMethod, Hours, MethodKind, Unit
from ioc.domain.roster.shift import NO_ROSTER, Duty, OnDuty, Shift, ShiftRole
from ioc.domain.severity import Severity

WARD, ZONE = "04792", "hoa-binh"
OFFICE: Hours = {"days": ["mon"]}
"""Of these tests: hours that do not hold now."""
TEL = (ContactMethod(MethodKind.TEL, "0218 000 0001"),)


def is_open(hours: Hours | None) -> bool:
    return hours != OFFICE


def unit(name: str, **others: Any) -> Unit:
    return Unit(id=name, name_vi=name, name_en=name, **others)


def contact(name: str, of: str, **others: Any) -> Contact:
    return Contact(id=name, unit=of, title_vi="Trực ban", title_en="Duty desk", **{"methods": TEL, **others})


def asked(units: Iterable[Unit], contacts: Iterable[Contact], duty: Duty = NO_ROSTER, **others: Any) -> Choice:
    values = {"domain": "environment", "severity": Severity.HIGH, "area": WARD, "zone": ZONE, **others}
    return choose(units, contacts, Situation(**values), is_open=is_open, duty=duty)


def called(choice: Choice) -> list[tuple[str, CandidateReason]]:
    return [(one.contact.id, one.reason) for one in choice.candidates]


COMMUNE = unit("commune", areas=(WARD,))
COMMUNE_ENVIRONMENT = unit("commune-env", areas=(WARD,), domains=("environment",))
ZONAL = unit("zonal", areas=(ZONE,))
PROVINCE = unit("province", domains=("environment",))
GENERAL = unit("general")
ELSEWHERE = unit("elsewhere", areas=("04924",))
TRAFFIC = unit("traffic", domains=("traffic",))
EVERY_UNIT = (GENERAL, PROVINCE, ZONAL, COMMUNE, COMMUNE_ENVIRONMENT, ELSEWHERE, TRAFFIC)
DESKS = tuple(contact(f"c-{one.id}", one.id) for one in EVERY_UNIT)


def test_the_commune_comes_before_the_province_and_the_domain_before_general():
    everyone = asked(EVERY_UNIT, DESKS)
    assert [one.unit.id for one in everyone.candidates] == ["commune-env", "commune", "zonal"]
    assert (everyone.candidates[0].place, everyone.candidates[0].domain) == (WARD, "environment")
    assert (everyone.candidates[2].place, everyone.candidates[2].domain) == (ZONE, None)
    wide = asked((GENERAL, PROVINCE, TRAFFIC, ELSEWHERE), DESKS)
    assert [one.unit.id for one in wide.candidates] == ["province", "general"]
    assert wide.candidates[1].place is None


def test_units_that_are_alike_near_go_by_rank_and_contacts_of_a_unit_by_theirs():
    units = (unit("a", rank=20), unit("b", rank=10))
    contacts = (contact("a1", "a"), contact("b2", "b", rank=2), contact("b1", "b", rank=1))
    assert [one for one, _ in called(asked(units, contacts))] == ["b1", "a1", "b2"]


def test_out_of_its_hours_its_deputy_is_called_and_else_the_next_level():
    low = unit("low", areas=(WARD,), next_level="middle")
    middle = unit("middle", areas=(WARD,), next_level="top", hours=OFFICE)
    top = unit("top")
    head, deputy = contact("head", "low", hours=OFFICE, deputy="deputy", rank=1), contact("deputy", "low", rank=2)
    assert called(asked((low,), (head, deputy))) == [("deputy", CandidateReason.DEPUTY)]
    both_out = (head, contact("deputy", "low", hours=OFFICE, rank=2))
    found = asked((low, middle, top), (*both_out, contact("m", "middle"), contact("t", "top")))
    assert called(found) == [("t", CandidateReason.NEXT_LEVEL)]
    assert found.candidates[0].stands_for == "low"
    # A contact of its own hours can be called although its unit is closed.
    there = contact("m", "middle", hours={})
    assert called(asked((middle,), (there,))) == [("m", CandidateReason.IN_HOURS)]


def test_a_next_level_that_serves_another_domain_or_place_is_passed_over_for_the_one_above_it():
    low = unit("low", areas=(WARD,), next_level="police")
    police = unit("police", domains=("traffic",), next_level="far")
    far = unit("far", areas=("04924",), next_level="top")
    contacts = (contact("p", "police"), contact("f", "far"), contact("t", "top"))
    assert called(asked((low, police, far, unit("top")), contacts)) == [("t", CandidateReason.NEXT_LEVEL)]
    ring = (unit("x", next_level="y"), unit("y", next_level="x"))
    assert asked(ring, ()).gap is ContactGap.NO_NUMBER, "a chain that comes back to itself ends"


def test_a_leader_is_called_from_a_severity_on():
    leader, desk = (
        contact("leader", "commune", rank=0, severity_from=Severity.CRITICAL),
        contact("desk", "commune", rank=1),
    )
    assert called(asked((COMMUNE,), (leader, desk))) == [("desk", CandidateReason.IN_HOURS)]
    critical = asked((COMMUNE,), (leader, desk), severity=Severity.CRITICAL)
    assert [name for name, _ in called(critical)] == ["leader", "desk"]


@pytest.mark.parametrize(
    ("units", "contacts", "gap"),
    [
        ((), (), ContactGap.NO_UNIT),
        ((ELSEWHERE, TRAFFIC), DESKS, ContactGap.NO_UNIT),
        ((COMMUNE, GENERAL), (), ContactGap.NO_NUMBER),
        ((COMMUNE,), (contact("c", "commune", methods=()),), ContactGap.NO_NUMBER),
        ((COMMUNE,), (contact("c", "commune", hours=OFFICE),), ContactGap.NOBODY_NOW),
        ((COMMUNE,), (contact("c", "commune", severity_from=Severity.CRITICAL),), ContactGap.NOBODY_NOW),
    ],
)
def test_where_there_is_nobody_it_says_why(units: tuple[Unit, ...], contacts: tuple[Contact, ...], gap: ContactGap):
    found = asked(units, contacts)
    assert (found.candidates, found.gap) == ((), gap)


def test_units_without_a_number_are_told_apart_and_take_nobodys_place():
    found = asked((COMMUNE, PROVINCE, GENERAL), (contact("g", "general"),))
    assert called(found) == [("g", CandidateReason.IN_HOURS)]
    assert [one.id for one in found.without_number] == ["commune", "province"]
    assert found.gap is None


def test_an_alert_without_a_place_is_for_units_that_act_everywhere():
    found = asked(EVERY_UNIT, DESKS, area=None, zone=None)
    assert [one.unit.id for one in found.candidates] == ["province", "general"]
    of_zone = asked(EVERY_UNIT, DESKS, area=None)
    assert [one.unit.id for one in of_zone.candidates] == ["zonal", "province", "general"]


SEVEN, NINETEEN = datetime(2026, 11, 29, 0, tzinfo=UTC), datetime(2026, 11, 29, 12, tzinfo=UTC)


def on_duty(*names: str, of: str = "commune", stands_for: str | None = None) -> Duty:
    """Contacts of a unit that are on duty until seven in the evening."""
    found = []
    for name in names:
        held = stands_for or name
        shift = Shift(
            id=f"sh-{name}", unit=of, contact=held, role=ShiftRole.OPERATOR, starts_at=SEVEN, ends_at=NINETEEN
        )
        found.append(OnDuty(name, NINETEEN, stands_for, shift))
    return Duty({of: tuple(found)}, frozenset())


def test_who_is_on_duty_comes_before_who_is_merely_in_hours_and_says_until_when():
    crew, desk = contact("crew", "commune", rank=9, hours=OFFICE), contact("desk", "commune", rank=1)
    found = asked((COMMUNE,), (desk, crew), on_duty("crew"))
    assert called(found) == [("crew", CandidateReason.ON_DUTY), ("desk", CandidateReason.IN_HOURS)]
    assert (found.candidates[0].until, found.candidates[1].until) == (NINETEEN, None)
    instead = asked((COMMUNE,), (desk, crew), on_duty("crew", stands_for="desk"))
    assert instead.candidates[0].stands_for == "desk"


def test_who_is_on_duty_and_cannot_be_called_is_passed_over():
    mute = contact("mute", "commune", methods=())
    leader = contact("leader", "commune", severity_from=Severity.CRITICAL)
    desk = contact("desk", "commune")
    found = asked((COMMUNE,), (mute, leader, desk), on_duty("mute", "leader", "gone"))
    assert called(found) == [("desk", CandidateReason.IN_HOURS)]


def test_where_a_roster_has_nobody_the_next_level_is_called_at_once_and_the_unit_is_named():
    low, top = unit("low", areas=(WARD,), next_level="top"), unit("top")
    contacts = (contact("desk", "low"), contact("t", "top"))
    missed = Duty({}, frozenset({"low"}))
    found = asked((low, top), contacts, missed)
    assert called(found)[:2] == [("t", CandidateReason.NEXT_LEVEL), ("desk", CandidateReason.IN_HOURS)]
    assert [one.id for one in found.unstaffed] == ["low"]
    assert asked((low, top), contacts).unstaffed == ()
    assert asked((top,), contacts, missed).unstaffed == (), "a unit that serves another place is no matter here"
