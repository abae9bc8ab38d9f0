"""Histories: small logs with everything that a rule can meet, written so that a person can read them.

A history is a list of items; `entries_of` makes the log of it, `text_of` prints it like a timeline. Seconds count from
noon of a Monday in Hòa Bình.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ioc.domain.event import Entry, EntryKind, Event, canonical, hash16
from ioc.domain.event_time import effective_time
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label

START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
METER = {"value": "number", "other": "number", "count": "integer", "up": "boolean", "word": "text"}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "meter": METER,
    "gauge": METER,
    "air": dict.fromkeys(("pm2_5", "pm10", "no2", "so2", "o3", "co"), "number"),
    "sky": dict.fromkeys(("temperature_c", "humidity_pct", "rain_mm"), "number"),
}
GAP_SECONDS = 10
PLACE = ("area", "zone", "lat", "lon")
FEEDS: dict[str, FeedSpec] = {
    name: FeedSpec(name, Label(name, name), "test", {
        item: FieldSpec(item, Label(item, item), FieldType(kind)) for item, kind in fields.items()
    })
    for name, fields in FIELDS.items()
}  # fmt: skip


class Item(NamedTuple):
    """One thing that happens.

    ``what`` is send, withdraw, rule, remove, device, calendar, limit, tick, gap, restart or crash.
    ``withdraw`` takes back the newest reading but some: 0 is the newest itself.
    """

    at: float
    what: str
    data: Any = None


def rule_body(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole rule from what matters of it."""
    label = {"vi": "a", "en": "a"}
    return {"rule": name, "title": label, "domain": "test", "summary": label, **members}


def entries_of(history: Iterable[Item]) -> list[Entry]:
    """Return the log of a history; restarts and crashes leave no entry."""
    found: list[Entry] = []
    registered: dict[str, datetime] = {}
    ordered = sorted(history, key=lambda item: item.at)
    for item in ordered:
        position, now = len(found) + 1, START + timedelta(seconds=item.at)
        if item.what == "send":
            found.append(Entry(position, now, EntryKind.EVENT, event=event_of(item.data, now, position, registered)))
        elif item.what == "withdraw":
            found.append(Entry(position, now, EntryKind.EVENT, event=withdrawal_of(found, item.data, now)))
        elif item.what == "rule":
            body = rule_body(*item.data)
            value = {"body": body, "hash": hash16(canonical(body)).hex(), "version": position}
            found.append(Entry(position, now, EntryKind.RULE, subject=body["rule"], value=value))
        elif item.what == "remove":
            found.append(Entry(position, now, EntryKind.RULE, subject=item.data, value=None))
        elif item.what == "device":
            name, value = item.data
            registered[name] = now
            whole = None if value is None else {"id": name, "feed": "meter", "state": "active", "critical": False,
                                                "extra": {}, **value}  # fmt: skip
            found.append(Entry(position, now, EntryKind.DEVICE, subject=name, value=whole))
        elif item.what == "calendar":
            days = [{"date": day} for day in item.data]
            found.append(Entry(position, now, EntryKind.CALENDAR, subject="", value={"holidays": days}))
        elif item.what == "limit":
            name, value = item.data
            whole = None if value is None else {"name": "t", "unit": "", "source": "", "verified": False, **value}
            found.append(Entry(position, now, EntryKind.LIMIT, subject=name, value=whole))
        elif item.what in ("tick", "gap"):
            found.append(Entry(position, now, EntryKind(item.what)))
    return found


def lawful(history: Iterable[Item]) -> list[Item]:
    """Return a history as the engine's worker would have written its ticks: one after ten seconds without is a gap."""
    found, last = [], -1e9
    for item in sorted(history, key=lambda item: item.at):
        if item.what in ("tick", "gap"):
            found.append(item._replace(what="tick" if item.at - last <= GAP_SECONDS else "gap"))
            last = item.at
        else:
            found.append(item)
    return found


def event_of(members: Mapping[str, Any], now: datetime, position: int, registered: Mapping[str, datetime]) -> Event:
    """Return an event; `time` is its clock's offset from the log's in seconds, `revision` its number."""
    data = dict(members)
    feed, device = data.pop("feed", "meter"), data.pop("device", "d1")
    observed = now + timedelta(seconds=data.pop("time", 0))
    place = {name: data.pop(name) for name in PLACE if name in data}
    flags = tuple(data.pop("flags", ()))
    revision, name, door = data.pop("revision", 0), data.pop("id", position), data.pop("door", "mqtt")
    effective, fault = effective_time(observed, now, registered.get(device))
    return Event(
        feed=feed, device=device, key=hash16(f"{device} {name}".encode()), effective=effective, received_at=now,
        data=data, time=observed, revision=revision, door=door, flags=(*flags, str(fault)) if fault else flags, **place,
    )  # fmt: skip


def withdrawal_of(found: Sequence[Entry], back: int, now: datetime) -> Event:
    """Return the event that takes an earlier one back; where there is none it takes nothing back."""
    sent = [entry for entry in found if entry.event is not None and "withdrawn" not in entry.event.flags]
    if not sent:
        return Event("meter", "d1", b"", now, now, {"_withdrawn": []}, flags=("withdrawn",), revision=1)
    chosen = sent[-1 - min(back, len(sent) - 1)]
    assert chosen.event is not None, "just asked for"
    return chosen.event._replace(
        received_at=now,
        data={"_withdrawn": [chosen.position]},
        flags=("withdrawn",),
        revision=chosen.event.revision + 1,
    )


def text_of(history: Iterable[Item]) -> str:
    """Return a history as the steps of a timeline, as near as they come."""
    lines = []
    for item in sorted(history, key=lambda item: item.at):
        data = item.data
        if item.what == "rule":
            data = rule_body(*data)
        elif item.what == "device":
            data = {data[0]: data[1]}
        elif item.what == "send" and "time" in data:
            data = {**data, "time": f"{data['time']:g}s"}
        shown = "true" if data is None else json.dumps(data, ensure_ascii=False)
        lines.append(f"  - {{at: {item.at:g}s, {item.what}: {shown}}}")
    return "\n".join(lines)


def shrunk(history: Sequence[Item], fails: Callable[[Sequence[Item]], bool], *, tries: int = 3_000) -> list[Item]:
    """Return a history that still fails and from which nothing can be left out, as far as ``tries`` reach."""
    found, size = list(history), max(1, len(history) // 2)
    while size:
        start, smaller = 0, False
        while start < len(found) and tries > 0:
            tries -= 1
            candidate = found[:start] + found[start + size :]
            if fails(candidate):
                found, smaller = candidate, True
            else:
                start += size
        if not smaller or size > 1:
            size = size // 2 if size > 1 or smaller else 0
        if tries <= 0:
            break
    return found
