"""The JSON of each noun: pure functions from a row to a dict. Only what is named here leaves the house.

``masked`` readers (wall displays) get no names of people, no free text and no values but numbers.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ioc.api.serializers.device_health import device_health
from ioc.domain.device import DeviceState
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.messaging.presence import Presence
from ioc.domain.moment import format_time
from ioc.domain.places.area import Area, Zone
from ioc.store.registry.areas import AreaBook

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
        "ends": row["ends"],
        "overdue_at": moment(row["overdue_at"]),
        "state": row["state"],
        "severity": row["severity"],
        "peak_severity": row["peak_severity"],
        "title": row["title"],
        "summary": _headline(row) or row["summary"],
        "opening": row["opening"] or row["summary"],
        "now": _measured_value(row["now"], masked=masked),
        "peak": _measured_value(row["peak"], masked=masked),
        "trend": row["trend"],
        "domain": row["domain"],
        "feed": row["feed"],
        "device": row["device"],
        "device_name": both(row, "device_name"),
        "maintenance": _alert_maintenance(row, masked=masked),
        "silence": _alert_silence(row, masked=masked),
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
        "assigned_at": moment(row["assigned_at"]),
        "assigned_by": None if masked else row["assigned_by"],
        "acknowledged_at": moment(row["acknowledged_at"]),
        "acknowledged_by": None if masked else row["acknowledged_by"],
        "resolved_at": moment(row["resolved_at"]),
        "resolved_by": None if masked else row["resolved_by"],
        "called_at": moment(row["called_at"]),
        "called_by": None if masked else row["called_by"],
        "dispatched_at": moment(row["dispatched_at"]),
        "dispatched_by": None if masked else row["dispatched_by"],
        "false_alarm_at": moment(row["false_alarm_at"]),
        "false_alarm_by": None if masked else row["false_alarm_by"],
        "shelved_at": moment(row["shelved_at"]),
        "shelved_by": None if masked else row["shelved_by"],
        "shelved_until": moment(row["shelved_until"]),
        "started_at": moment(row["started_at"]),
        "started_by": None if masked else row["started_by"],
        "closed_at": moment(row["closed_at"]),
        "closed_by": None if masked else row["closed_by"],
        "comments": row["comments"],
        "transitions": row["transitions"],
        "incident": _incident(row),
        "version": row["version"],
    }


def _incident(row: Row) -> JSONObject | None:
    """Return which incident an alert belongs to; null: it stands alone."""
    if row["incident"] is None:
        return None
    return {"id": row["incident"], "number": row["incident_number"], "title": row["incident_title"]}


def _headline(row: Row) -> JSONObject | None:
    """Return an alert in one line, as it is or as it was; None where the engine has written none."""
    found: JSONObject | None = row["headline" if row["condition"] == "firing" else "closing"]
    return found


def _measured_value(told: Mapping[str, Any] | None, *, masked: bool) -> JSONObject | None:
    """Return a value of an alert's main measure; a masked reader gets it where it is a number or a yes or no."""
    if told is None or (masked and not isinstance(told["value"], int | float)):
        return None
    return dict(told)


def _alert_maintenance(row: Row, *, masked: bool) -> JSONObject | None:
    """Return until when and why the device of an open alert is serviced; null where it is not."""
    if row["device_state"] != DeviceState.MAINTENANCE:
        return None
    return {"window": row["maintenance_window"], "until": moment(row["maintenance_until"]),
            "reason": None if masked else row["maintenance_reason"]}  # fmt: skip


def _alert_silence(row: Row, *, masked: bool) -> JSONObject | None:
    """Return which silence an open alert is under, until when and why; null where it is heard."""
    if row["silence"] is None:
        return None
    return {"id": row["silence"], "until": moment(row["silence_until"]),
            "owner": None if masked else row["silence_owner"],
            "reason": None if masked else row["silence_reason"]}  # fmt: skip


def alert_etag(row: Row) -> str:
    """Return `"<version>.<position of now>"`: it changes with every new reading, the version only with a move.

    While its device is serviced the device's version follows, and while it is silenced a number for the silence at its
    version: what is said of these changes too.
    """
    is_serviced, silence = row["device_state"] == DeviceState.MAINTENANCE, row["silence"]
    serviced = f".{row['device_version'] if is_serviced else 0}" if is_serviced or silence is not None else ""
    of_silence = f"{silence}.{row['silence_version']}".encode()
    silenced = "" if silence is None else f".{zlib.crc32(of_silence)}"
    return f'"{row["version"]}.{(row["now"] or {}).get("position", 0)}{serviced}{silenced}"'


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
        "call": row["call"],
        "assignee": row["assignee"],
        "until": moment(row["until"]),
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
        "device_class": row["device_class"],
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
        "maintenance": _maintenance(row, masked=masked),
        "health": device_health(row, spec, masked=masked),
    }


def _maintenance(row: Row, *, masked: bool) -> JSONObject | None:
    """Return the maintenance window that a device is in; null for one that is in none, or that a person put there."""
    if row["maintenance_window"] is None or row["maintenance_until"] is None:
        return None
    return {"window": row["maintenance_window"], "until": moment(row["maintenance_until"]),
            "reason": "" if masked else row["maintenance_reason"]}  # fmt: skip


def _presence(row: Row) -> JSONObject | None:
    """Return whether a device is connected over MQTT; null for one that never was."""
    if row["presence_since"] is None:
        return None
    state = Presence.ONLINE if row["mqtt_door"] is not None else Presence.OFFLINE
    return {"state": str(state), "since": moment(row["presence_since"]), "reason": row["presence_reason"]}


def outbound(row: Row) -> JSONObject:
    """Return a message to a device; ``device`` is whose session it goes to: its own or its gateway's."""
    return {
        "number": row["number"],
        "device": row["device"],
        "meant_for": row["meant_for"] or row["device"],
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
        "words": {value: label(said) for value, said in spec.words.items()},
        "personal": spec.personal,
        "device_health": None if spec.device_health is None else str(spec.device_health),
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
        "device_required": spec.device_required,
        "occasional": spec.occasional,
        "due_field": spec.due_field or None,
        "fields": [field(part) for part in spec.fields.values()],
        "devices": devices,
        "last_log_time": moment(last_log_time),
    }


def event(row: Row, feeds: Mapping[str, FeedSpec]) -> JSONObject:
    """Return an Event; ``withheld`` names the fields of its data that are shown for a reason only."""
    spec, data = feeds.get(row["feed"]), row["data"] or {}
    withheld = sorted(name for name in data if spec is not None and spec.withholds(name))
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
        "data": {name: value for name, value in data.items() if name not in withheld},
        "withheld": withheld,
        "flags": list(row["flags"]),
        "area": row["area"],
        "zone": row["zone"],
        "lat": row["lat"],
        "lon": row["lon"],
        "revision": row["revision"],
        "door": row["door"],
    }


def latest(row: Row, feeds: Mapping[str, FeedSpec]) -> JSONObject:
    """Return one latest value; null where it is withheld."""
    spec = feeds.get(row["feed"])
    return {
        "device": row["device"],
        "feed": row["feed"],
        "field": row["field"],
        "value": None if spec is not None and spec.withholds(row["field"]) else row["value"],
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


def page(items: Sequence[JSONObject], *, following: str | None, position: int) -> JSONObject:
    """Return a list: its items, the cursor after them, and the change position it is true at."""
    return {"items": list(items), "next": following, "position": position}
