"""A limit of a table as JSON: what it is of, from when to when, whose word it is, and who changed it why."""

from collections.abc import Mapping, Sequence
from datetime import date

from ioc.api.serializers.nouns import JSONObject, Row, both, label, moment
from ioc.domain.feed import Label
from ioc.limits.tables import LimitTable
from ioc.store.registry.areas import AreaBook


def limit(row: Row, *, book: AreaBook, today: date) -> JSONObject:
    """Return one limit."""
    since, until = row["valid_from"], row["valid_to"]
    zone = next((zone.name for zone in book.zones if zone.code == row["area"]), None)
    return {
        "id": row["id"],
        "name": row["name"],
        "level": row["level"],
        "device": row["device"],
        "device_name": both(row, "device"),
        "class": row["device_class"],
        "area": row["area"],
        "area_name": label(zone or book.name_of(row["area"], today)),
        "value": row["value"],
        "unit": row["unit"],
        "source": row["source"],
        "verified": row["verified"],
        "valid_from": _day(since),
        "valid_to": _day(until),
        "in_force": (since is None or since <= today) and (until is None or today <= until),
        "state": row["state"],
        "origin": row["origin"],
        "removed": row["removed"],
        "version": row["version"],
        "changed_at": moment(row["changed_at"]),
        "changed_by": row["changed_by"],
        "changed_why": row["changed_why"],
    }


def table(found: LimitTable, titles: Mapping[str, Label]) -> JSONObject:
    """Return a table as the rules ask for it."""
    return {
        "name": found.name,
        "rules": [{"id": name, "title": label(titles.get(name))} for name in found.rules],
        "targets": sorted(found.targets),
        "units": sorted(found.units),
        "levels": sorted(found.levels),
        "feeds": sorted(found.feeds),
        "own": [
            {
                "rule": one.rule,
                "level": one.level,
                "value": one.limit.value,
                "unit": one.limit.unit,
                "source": one.limit.source,
                "verified": one.limit.verified,
                "valid_from": one.limit.valid_from,
                "label": label(one.limit.name),
            }
            for one in found.own
        ],
    }


def step(row: Row) -> JSONObject:
    """Return one step of a limit's history; ``limit`` is how it stood after it, null: taken out."""
    return {
        "number": row["number"],
        "at": moment(row["at"]),
        "actor": row["actor"],
        "action": row["action"],
        "why": row["why"],
        "version": row["version"],
        "limit": row["body"],
        "position": row["position"],
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def titles_of(bodies: Sequence[Mapping[str, JSONObject]]) -> dict[str, Label]:
    """Return the titles of rules by id."""
    return {str(body["rule"]): Label(body["title"]["vi"], body["title"]["en"]) for body in bodies}
