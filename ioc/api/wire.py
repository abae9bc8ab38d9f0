"""The JSON of each noun: pure functions from a row to a dict. Only what is named here leaves the house.

``masked`` readers (wall displays) get no names of people, no free text and no values but numbers.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ioc.domain.area import Area, Zone
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.moment import format_time
from ioc.domain.presence import Presence
from ioc.store.areas import AreaBook

Row = Mapping[str, Any]
JSONObject = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """Return RFC 3339 in UTC with milliseconds."""
    return format_time(value) if value is not None else None


def label(value: Label | None) -> JSONObject | None:
    """Return text in both languages."""
    return {"vi": value.vi, "en": value.en} if value is not None else None


def both(row: Row, name: str) -> JSONObject | None:
    """Return text of two columns, null where there is none."""
    vi, en = row[f"{name}_vi"], row[f"{name}_en"]
    return {"vi": vi, "en": en or vi} if vi is not None else None


def numbers_only(values: Mapping[str, Any]) -> JSONObject:
    """Return the numbers and booleans of some values: plates, phones and names are text."""
    return {key: value for key, value in values.items() if isinstance(value, int | float)}


def alert(row: Row, *, book: AreaBook, today: date, masked: bool = False) -> JSONObject:
    """Return an Alert."""
    key = row["key"]
    return {
        "id": row["id"],
        "number": row["number"],
        "rule": row["rule"],
        "rule_version": row["rule_version"],
        "key": key if not masked or key in (row["device"], row["area"], row["zone"]) else "",
        "condition": row["condition"],
        "state": row["state"],
        "severity": row["severity"],
        "peak_severity": row["peak_severity"],
        "title": row["title"],
        "summary": row["summary"],
        "domain": row["domain"],
        "feed": row["feed"],
        "device": row["device"],
        "device_name": both(row, "device_name"),
        "area": row["area"],
        "area_name": label(book.name_of(row["area"], today)),
        "zone": row["zone"],
        "lat": row["lat"],
        "lon": row["lon"],
        "opened_at": moment(row["opened_at"]),
        "changed_at": moment(row["changed_at"]),
        "cleared_at": moment(row["cleared_at"]),
        "flap_count": row["flap_count"],
        "retrospective": row["retrospective"],
        "restricted": row["restricted"],
        "reason": row["reason"],
        "owner": None if masked else row["owner"],
        "acknowledged_at": moment(row["acknowledged_at"]),
        "acknowledged_by": None if masked else row["acknowledged_by"],
        "resolved_at": moment(row["resolved_at"]),
        "resolved_by": None if masked else row["resolved_by"],
        "comments": row["comments"],
        "transitions": row["transitions"],
        "version": row["version"],
    }


def history(row: Row) -> JSONObject:
    """Return one move of an alert."""
    return {
        "number": row["number"],
        "at": moment(row["at"]),
        "kind": row["kind"],
        "actor": row["actor"],
        "severity": row["severity"],
        "summary": row["summary"],
        "reason": row["reason"] or "",
        "text": row["text"],
        "position": row["position"],
    }


def device(row: Row, *, book: AreaBook, today: date, feeds: Mapping[str, FeedSpec], masked: bool = False) -> JSONObject:
    """Return a Device."""
    spec, seen, effective = feeds.get(row["feed"]), row["last_seen"], row["last_effective"]
    main = None
    value = row["main_value"]
    if value is not None and (not masked or isinstance(value, int | float)):
        field = spec.fields.get(row["main_field"]) if spec else None
        unit = field.unit if field else ""
        main = {"field": row["main_field"], "value": value, "unit": unit, "at": moment(row["main_at"])}
    return {
        "id": row["id"],
        "feed": row["feed"],
        "name": both(row, "name"),
        "area": row["area"],
        "area_name": label(book.name_of(row["area"], today)),
        "zone": row["zone"],
        "lat": row["lat"],
        "lon": row["lon"],
        "parent": row["parent"],
        "owner": row["owner"],
        "place": row["place"],
        "critical": row["critical"],
        "gateway": row["gateway"],
        "state": row["state"],
        "expected_period_seconds": row["period_seconds"],
        "registered_at": moment(row["registered_at"]),
        "version": row["version"],
        "status": row["status"],
        "last_seen": moment(seen),
        "last_effective": moment(effective),
        "lag_seconds": round((seen - effective).total_seconds(), 3) if seen and effective else None,
        "events": row["events"],
        "main": main,
        "presence": _presence(row),
    }


def _presence(row: Row) -> JSONObject | None:
    """Return whether a device is connected over MQTT; null for one that never was."""
    if row["presence_since"] is None:
        return None
    state = Presence.ONLINE if row["mqtt_door"] is not None else Presence.OFFLINE
    return {"state": str(state), "since": moment(row["presence_since"]), "reason": row["presence_reason"]}


def outbound(row: Row) -> JSONObject:
    """Return a message to a device."""
    return {
        "number": row["number"],
        "topic": row["topic"],
        "payload": bytes(row["payload"]).decode(errors="replace"),
        "qos": row["qos"],
        "created_at": moment(row["created_at"]),
        "created_by": row["created_by"],
        "expires_at": moment(row["expires_at"]),
        "outcome": row["outcome"],
        "closed_at": moment(row["closed_at"]),
    }


def area(unit: Area) -> JSONObject:
    """Return an Area."""
    return {
        "code": unit.code,
        "valid_from": unit.valid_from.isoformat(),
        "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
        "name": label(unit.name),
        "short": label(unit.short or unit.name),
        "level": unit.level,
        "zone": unit.zone,
        "lat": unit.lat,
        "lon": unit.lon,
        "aliases": list(unit.aliases),
        "successors": list(unit.successors),
        "shape": unit.shape,
        "shape_source": unit.shape_source,
    }


def zone(value: Zone) -> JSONObject:
    """Return a Zone."""
    return {
        "code": value.code,
        "name": label(value.name),
        "former_code": value.former_code,
        "areas": list(value.areas),
    }


def field(spec: FieldSpec) -> JSONObject:
    """Return one field of a feed."""
    return {
        "name": spec.name,
        "label": label(spec.label),
        "unit": spec.unit,
        "type": str(spec.type),
        "digits": spec.digits if spec.type is FieldType.NUMBER else 0,
        "required": spec.required,
        "possible": [spec.possible_min, spec.possible_max],
        "plausible": [spec.plausible_min, spec.plausible_max],
        "values": list(spec.values),
    }


def feed(spec: FeedSpec, *, devices: int, last_log_time: datetime | None) -> JSONObject:
    """Return a Feed."""
    return {
        "id": spec.id,
        "label": label(spec.label),
        "domain": spec.domain,
        "main_field": spec.main_field,
        "expected_period_seconds": int(spec.expected_period.total_seconds()),
        "restricted": spec.restricted,
        "fields": [field(part) for part in spec.fields.values()],
        "devices": devices,
        "last_log_time": moment(last_log_time),
    }


def event(row: Row) -> JSONObject:
    """Return an Event."""
    return {
        "key": bytes(row["key"]).hex(),
        "position": row["position"],
        "log_time": moment(row["log_time"]),
        "feed": row["feed"],
        "device": row["device"],
        "id": row["id"],
        "time": moment(row["time"]),
        "effective": moment(row["effective"]),
        "received_at": moment(row["received_at"]),
        "data": row["data"],
        "flags": list(row["flags"]),
        "area": row["area"],
        "zone": row["zone"],
        "lat": row["lat"],
        "lon": row["lon"],
        "revision": row["revision"],
        "door": row["door"],
    }


def latest(row: Row) -> JSONObject:
    """Return one latest value."""
    return {
        "device": row["device"],
        "feed": row["feed"],
        "field": row["field"],
        "value": row["value"],
        "effective": moment(row["effective"]),
        "log_time": moment(row["log_time"]),
        "flags": list(row["flags"]),
        "lat": row["lat"],
        "lon": row["lon"],
    }


def dead_letter(row: Row) -> JSONObject:
    """Return a DeadLetter: its raw bytes as text where they are UTF-8 without NUL, and always as base64."""
    raw = bytes(row["raw"])
    try:
        text: str | None = raw.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "id": row["id"],
        "log_time": moment(row["log_time"]),
        "door": row["door"],
        "feed": row["feed"],
        "device": row["device"],
        "topic": row["topic"],
        "content_type": row["content_type"],
        "reason": row["reason"],
        "detail": row["detail"],
        "raw_bytes": row["raw_bytes"],
        "raw_text": text if text is not None and "\x00" not in text else None,
        "raw_base64": base64.b64encode(raw).decode(),
        "released_at": moment(row["released_at"]),
        "released_by": row["released_by"],
    }


def key(row: Row) -> JSONObject:
    """Return a Key, without its secret: nobody has it any more."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "device": row["device"],
        "feed": row["feed"],
        "area": row["area"],
        "created_at": moment(row["created_at"]),
        "created_by": row["created_by"],
        "expires_at": moment(row["expires_at"]),
        "revoked_at": moment(row["revoked_at"]),
        "last_used_at": moment(row["last_used_at"]),
    }


def user(row: Row) -> JSONObject:
    """Return a User, without anything of the password."""
    return {
        "username": row["username"],
        "name": row["name"],
        "role": row["role"],
        "area": row["area"],
        "must_change": row["must_change"],
        "disabled": row["disabled"],
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "version": row["version"],
    }


def audit(row: Row) -> JSONObject:
    """Return one line of the audit trail."""
    return {
        "id": row["id"],
        "log_time": moment(row["log_time"]),
        "actor": row["actor"],
        "action": row["action"],
        "object": row["object"],
        "address": row["address"],
        "detail": row["detail"],
        "hash": bytes(row["hash"]).hex(),
    }


def page(items: Sequence[JSONObject], *, following: str | None, position: int) -> JSONObject:
    """Return a list: its items, the cursor after them, and the change position it is true at."""
    return {"items": list(items), "next": following, "position": position}
