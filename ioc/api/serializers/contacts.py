"""Units, contacts, their history, and whom to call, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ioc.api.serializers.nouns import JSONObject, Row, both, label, moment
from ioc.contacts.choice import Candidate, Choice
from ioc.domain.contacts.directory import ContactMethod, DirectoryNoun, Hours, Unit
from ioc.packs.pack import EmergencyNumber
from ioc.store.registry.areas import AreaBook


def unit(row: Row, *, book: AreaBook, today: date) -> JSONObject:
    """Return a unit."""
    return {
        "id": row["id"],
        "name": both(row, "name"),
        "function": both(row, "function"),
        "rank": row["rank"],
        "domains": list(row["domains"]),
        "areas": [{"code": code, "name": place_name(code, book, today)} for code in row["areas"]],
        "hours": hours(row["hours"]),
        "parent": row["parent"],
        "next_level": row["next_level"],
        **_standing(row),
    }


def contact(row: Row, persons: Mapping[str, Any]) -> JSONObject:
    """Return a contact; ``persons``: the names under their references."""
    return {
        "id": row["id"],
        "unit": row["unit"],
        "unit_name": both(row, "unit_name"),
        "title": both(row, "title"),
        "rank": row["rank"],
        "methods": list(row["methods"]),
        "hours": hours(row["hours"]),
        "severity_from": row["severity_from"],
        "deputy": row["deputy"],
        "person": persons.get(row["person"]),
        **_standing(row),
    }


def _standing(row: Row) -> JSONObject:
    return {
        "origin": row["origin"],
        "removed": row["removed"],
        "version": row["version"],
        "changed_at": moment(row["changed_at"]),
        "changed_by": row["changed_by"],
        "changed_why": row["changed_why"],
    }


def step(row: Row) -> JSONObject:
    """Return a step of the history: how it stood after it, without the name of a person."""
    body = row["body"]
    return {
        "number": row["number"],
        "at": moment(row["at"]),
        "actor": row["actor"],
        "action": row["action"],
        "why": row["why"],
        "version": row["version"],
        "unit": _unit_body(body) if body is not None and row["noun"] == DirectoryNoun.UNIT else None,
        "contact": _contact_body(body) if body is not None and row["noun"] == DirectoryNoun.CONTACT else None,
    }


def _unit_body(body: Mapping[str, Any]) -> JSONObject:
    return {
        "name": both(body, "name"),
        "function": both(body, "function"),
        "hours": hours(body["hours"]),
        **{name: body[name] for name in ("rank", "domains", "areas", "parent", "next_level")},
    }


def _contact_body(body: Mapping[str, Any]) -> JSONObject:
    return {
        "title": both(body, "title"),
        "hours": hours(body["hours"]),
        "has_person": body["person"] is not None,
        **{name: body[name] for name in ("unit", "rank", "methods", "severity_from", "deputy")},
    }


def hours(value: Hours | None) -> JSONObject | None:
    """Return when somebody is there; null: around the clock."""
    if value is None:
        return None
    return {name: value.get(name) for name in ("days", "hours", "holidays")}


def place_name(code: str, book: AreaBook, today: date) -> JSONObject | None:
    """Return the name of an area or a zone."""
    zone = next((zone.name for zone in book.zones if zone.code == code), None)
    return label(zone or book.name_of(code, today))


def whom_to_call(
    choice: Choice,
    *,
    persons: Mapping[str, Any],
    calls: Mapping[str, Row],
    numbers: tuple[EmergencyNumber, ...],
    names: Mapping[str, Unit],
    book: AreaBook,
    today: date,
) -> JSONObject:
    """Return whom to call, in order, with why, and what came of the newest call of each."""
    return {
        "items": [
            {
                **_candidate(one, persons=persons, call=calls.get(one.contact.id), names=names),
                "place_name": None if one.place is None else place_name(one.place, book, today),
            }
            for one in choice.candidates
        ],
        "gap": None if choice.gap is None else str(choice.gap),
        "unstaffed": [_named(one) for one in choice.unstaffed[:WITHOUT_MAX]],
        "without_number": [_named(one) for one in choice.without_number[:WITHOUT_MAX]],
        "without_number_count": len(choice.without_number),
        "emergency_numbers": [
            {"number": one.number, "label": label(one.label), "source": one.source, "verified": one.verified}
            for one in numbers
        ],
    }


WITHOUT_MAX = 3


def _candidate(
    one: Candidate, *, persons: Mapping[str, Any], call: Row | None, names: Mapping[str, Unit]
) -> JSONObject:
    below = names.get(one.stands_for or "")
    return {
        "unit": _named(one.unit),
        "contact": one.contact.id,
        "title": {"vi": one.contact.title_vi, "en": one.contact.title_en},
        "person": persons.get(one.contact.person or ""),
        "methods": [_method(method) for method in one.contact.methods],
        "reason": str(one.reason),
        "place": one.place,
        "domain": one.domain,
        "on_duty_until": None if one.until is None else moment(one.until),
        "next_level_of": None if below is None else _named(below),
        "outcome": None if call is None else call["outcome"],
        "called_at": None if call is None else moment(call["at"]),
        "called_by": None if call is None else call["actor"],
    }


def _named(one: Unit) -> JSONObject:
    return {"id": one.id, "name": {"vi": one.name_vi, "en": one.name_en}}


def _method(one: ContactMethod) -> JSONObject:
    return {"kind": str(one.kind), "value": one.value}
