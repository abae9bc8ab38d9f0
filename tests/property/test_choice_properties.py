"""Whoever is to be called serves place and domain, is in hours and for the severity; nobody is never silent.

The laws look at the directory anew and share nothing with the choice but what hours, domains and areas mean.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.contacts.choice import CANDIDATES_MAX, Choice, ContactGap, Situation, choose
from ioc.domain.contacts.directory import Contact, ContactMethod, Hours, MethodKind, Unit
from ioc.domain.severity import Severity
from tests.property.test_rules_properties import CHECK

CLOSED: Hours = {"days": ["mon"]}
UNITS, CONTACTS = ("u1", "u2", "u3", "u4", "u5"), tuple(f"c{number}" for number in range(9))
AREAS, ZONES, DOMAINS = ("04792", "04795", "04924"), ("hoa-binh", "luong-son"), ("environment", "traffic")
severities = st.sampled_from(list(Severity))
hours = st.sampled_from((None, {}, CLOSED))
units = st.lists(
    st.builds(
        Unit, id=st.sampled_from(UNITS), name_vi=st.just("Đơn vị"), name_en=st.just("Unit"),
        domains=st.sets(st.sampled_from(DOMAINS)).map(tuple), rank=st.integers(0, 3),
        areas=st.sets(st.sampled_from((*AREAS, *ZONES)), max_size=2).map(tuple), hours=hours,
        next_level=st.sampled_from((None, *UNITS)),
    ),
    unique_by=lambda one: one.id,
)  # fmt: skip
contacts = st.lists(
    st.builds(
        Contact, id=st.sampled_from(CONTACTS), unit=st.sampled_from(UNITS), title_vi=st.just("Trực"),
        title_en=st.just("Desk"), rank=st.integers(0, 3), hours=hours, severity_from=severities,
        methods=st.sampled_from(((), (ContactMethod(MethodKind.TEL, "0218"),))),
        deputy=st.sampled_from((None, *CONTACTS)),
    ),
    unique_by=lambda one: one.id,
)  # fmt: skip
situations = st.builds(
    Situation, domain=st.sampled_from(DOMAINS), severity=severities, area=st.sampled_from((None, *AREAS)),
    zone=st.sampled_from((None, *ZONES)),
)  # fmt: skip


def is_open(asked: Hours | None) -> bool:
    return asked != CLOSED


def serves(unit: Unit, asked: Situation) -> bool:
    here = {place for place in (asked.area, asked.zone) if place is not None}
    return (unit.domains == () or asked.domain in unit.domains) and (unit.areas == () or bool(here & set(unit.areas)))


def faults(found: Choice, known: list[Unit], listed: list[Contact], asked: Situation) -> list[str]:
    """What of an answer breaks a law."""
    by_id, told = {unit.id: unit for unit in known}, list[str]()
    for one in found.candidates:
        if one.contact.unit not in by_id or one.unit != by_id[one.contact.unit] or one.contact not in listed:
            told.append("somebody who is not in the directory")
        if not serves(one.unit, asked):
            told.append("somebody outside their area or domain")
        if not is_open(one.unit.hours if one.contact.hours is None else one.contact.hours):
            told.append("somebody out of their hours")
        if one.contact.severity_from.rank > asked.severity.rank or not one.contact.methods:
            told.append("somebody who is not to be called, or cannot")
    if len({one.contact.id for one in found.candidates}) != len(found.candidates) > 0:
        told.append("somebody twice")
    if len(found.candidates) > CANDIDATES_MAX:
        told.append("more than are asked for")
    if bool(found.candidates) is (found.gap is not None):
        told.append("silence, or a reason for none")
    callable_now = [
        contact for contact in listed
        if contact.methods and contact.severity_from.rank <= asked.severity.rank and contact.unit in by_id
        and serves(by_id[contact.unit], asked)
        and is_open(by_id[contact.unit].hours if contact.hours is None else contact.hours)
    ]  # fmt: skip
    if len(found.candidates) != min(CANDIDATES_MAX, len(callable_now)):
        told.append("fewer than can be called")
    if found.gap is ContactGap.NO_UNIT and any(serves(unit, asked) for unit in known):
        told.append("a unit that is passed over")
    return told


@CHECK
@given(units, contacts, situations)
def test_nobody_outside_their_area_domain_or_hours_is_called_and_nobody_who_can_be_is_left_out(
    known: list[Unit], listed: list[Contact], asked: Situation
):
    found = choose(known, listed, asked, is_open=is_open)
    assert faults(found, known, listed, asked) == []


def test_the_laws_see_a_choice_that_forgets_the_place():
    """The control: the same laws over an answer that was made for another place."""
    far = Unit(id="u1", name_vi="Xa", name_en="Far", areas=("04924",))
    desk = Contact(
        id="c1", unit="u1", title_vi="Trực", title_en="Desk", methods=(ContactMethod(MethodKind.TEL, "0218"),)
    )
    there = Situation(domain="traffic", severity=Severity.HIGH, area="04924", zone=None)
    here = Situation(domain="traffic", severity=Severity.HIGH, area="04792", zone="hoa-binh")
    found = choose([far], [desk], there, is_open=is_open)
    assert faults(found, [far], [desk], there) == []
    assert "somebody outside their area or domain" in faults(found, [far], [desk], here)
