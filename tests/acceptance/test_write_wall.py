"""Every write passes the wall that reads pass: each operation of the API's description, each kind of caller, own and
foreign area, on one real instance. A new route is in here by being described."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.acceptance.instance import Device, Instance, items, wait_until

OWN, FOREIGN = "04924", "04795"
ZONE = "luong-son"
READS = {"get", "head", "options"}
DOOR = {"/api/v1/feeds/{feed}/events", "/api/v1/cloudevents", "/api/v1/adapters/{adapter}"}
PUBLIC = {("post", "/api/v1/session"), ("post", "/api/v1/tour/session")}
"""Where one signs in, with a password or a tour's code of one use."""
REFUSED = {401, 403, 404}
ROLES = ["viewer", "unit_officer", "operator", "shift_leader", "admin"]
SAMPLES: Mapping[str, Any] = {
    "feed": "rainfall", "kind": "district", "why": "a test of walls", "yaml": "rule: x", "scenario": "none",
    "text": "a word", "payload": "a word", "from": "2026-10-11T00:00:00+07:00", "to": "2026-10-12T00:00:00+07:00",
    "username": "nobody-else",
}  # fmt: skip
_numbers = count(1)


@dataclass(frozen=True)
class Side:
    """What lies on one side of the wall."""

    area: str
    device: Device
    alert: str
    event: str
    entry: str
    """What somebody entered by hand."""
    release: str
    """What somebody let in that had been refused."""


@dataclass(frozen=True)
class Operation:
    """One change that the API's description lists."""

    method: str
    path: str
    access: Mapping[str, Any]
    schema: Mapping[str, Any]
    parameters: tuple[str, ...]

    def admits(self, caller: Caller) -> bool:
        if caller.role is None:
            return caller.kind in self.access["keys"]
        return caller.role in self.access["roles"]

    def body(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return a body of what is required and of everything that names something with a place."""
        required = set(self.schema.get("required", ()))
        filled = {}
        for member, part in self.schema.get("properties", {}).items():
            forms = [part, *part.get("anyOf", ())]
            noun = next((form["x-names"] for form in forms if "x-names" in form), None)
            if noun is not None:
                named = names[noun]
                filled[member] = [named] if part.get("type") == "array" else named
            elif member in required or member == "name":
                filled[member] = sample(member, part)
        return filled


def sample(member: str, part: Mapping[str, Any]) -> Any:
    """Return something that a member of a body may hold."""
    if member == "id":
        return f"wall-new-{next(_numbers)}"
    if member == "name":
        return "x" if "type" in part else {"vi": "Trạm mới", "en": "New"}
    if member in SAMPLES:
        return SAMPLES[member]
    if "enum" in part:
        return part["enum"][0]
    return {"integer": part.get("minimum", 1), "number": part.get("minimum", 1), "boolean": True, "array": [],
            "object": {}}.get(part.get("type", ""), "a word")  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Who asks: a person with a role, or a key of a kind; with an area or without."""

    name: str
    client: httpx2.Client
    walled: bool
    role: str | None = None
    kind: str | None = None


@pytest.fixture(scope="module")
def sides(instance: Instance, operator: httpx2.Client) -> dict[str, Side]:
    """A gauge with an alert on each side of the wall."""
    made = {}
    for name, area in (("own", OWN), ("foreign", FOREIGN)):
        device = instance.device(f"write-wall-{name}", "rainfall", area)
        assert device.publish({"id": "w1", "rain_24h_mm": 150, "rain_1h_mm": 3}).returncode == 0
        found = wait_until(partial(items, operator, "/api/v1/alerts", device=device.id), what="an alert")
        event = items(operator, "/api/v1/events", device=device.id)[0]["key"]
        entered = {"id": f"desk-{name}", "device": device.id, "values": {"rain_mm": 0.2}}
        entry = operator.post("/api/v1/manual/rainfall", json=entered).json()["event"]
        assert device.publish({"id": "w9", "rain_24h_mm": 150, "lat": "?", "lon": 105}).returncode == 0
        cause = {"feed": "rainfall", "reason": "bad_place", "device": device.id, "names": {"lat": None, "lon": None}}
        answer = operator.post("/api/v1/dead-letters/release", json={**cause, "why": "a test of walls"})
        assert answer.json()["release"]["events"] == 1, answer.text
        made[name] = Side(area, device, found[0]["id"], event, entry, str(answer.json()["release"]["id"]))
    return made


@pytest.fixture(scope="module")
def callers(instance: Instance, operator: httpx2.Client, sides: dict[str, Side]) -> Iterator[list[Caller]]:
    """People of every role, and keys of every kind, bound to one zone; and one of each that is not."""
    with contextlib.ExitStack() as stack:
        made: list[Caller] = []
        for role in ROLES:
            person = instance.made("user", "add", f"wall-{role.replace('_', '-')}", "--role", role, "--area", ZONE)
            client = stack.enter_context(instance.signed_in(person["username"], person["password"]))
            made.append(Caller(f"walled {role}", client, walled=True, role=role))
        for kind in ("feed", "district", "metrics", "display"):
            more = {"feed": "rainfall"} if kind == "feed" else {}
            key = instance.key(kind, area=ZONE, **more)
            made.append(Caller(f"walled {kind} key", stack.enter_context(instance.client(key=key)), True, kind=kind))
        own = stack.enter_context(instance.client(key=sides["own"].device.key))
        made.append(Caller("device key", own, walled=True, kind="device"))
        made.append(Caller("admin", operator, walled=False, role="admin"))
        yield made


@pytest.fixture(scope="module")
def operations(operator: httpx2.Client) -> list[Operation]:
    """Every change of the API's description but the door's, which has its own test."""
    found = []
    description = operator.get("/api/v1/openapi.json")
    assert "mypyc" not in description.text
    for path, methods in description.json()["paths"].items():
        for method, told in methods.items():
            if method in READS or path in DOOR or (method, path) in PUBLIC:
                continue
            body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            names = tuple(one["name"] for one in told.get("parameters", ()) if one["in"] == "path")
            assert "x-ioc-access" in told, f"{method} {path} does not say whom it is for"
            found.append(Operation(method, path, told["x-ioc-access"], body, names))
    assert len(found) >= 30
    return found


def names_on(side: Side, operation: Operation, admin: httpx2.Client) -> dict[str, str]:
    """Return what paths and bodies name on a side; a key is a new one each time, so that it can be ended."""
    names = {"device": side.device.id, "parent": side.device.id, "alert": side.alert, "area": side.area,
             "event": side.event, "feed": "rainfall", "release": side.release}  # fmt: skip
    if operation.path.startswith("/api/v1/manual/entries/{event}"):
        names["event"] = side.entry
    elif "key" in operation.parameters and "device" in operation.parameters:
        path = f"/api/v1/devices/{side.device.id}/keys"
        live = [key["id"] for key in admin.get(path).json()["items"] if key["revoked_at"] is None]
        for key in live[:-1]:  # the oldest is the device's own; two may live
            admin.delete(f"{path}/{key}")
        names["key"] = admin.post(path, json={}).json()["id"]
    elif "key" in operation.parameters:
        body = {"kind": "district", "name": "to end", "area": side.area}
        names["key"] = admin.post("/api/v1/keys", json=body).json()["id"]
    if operation.path.startswith(("/api/v1/units", "/api/v1/contacts")):
        names["unit"] = new_unit(side, admin)
        names["contact"] = new_contact(names["unit"], admin)
    if operation.path.startswith("/api/v1/shifts"):
        names["unit"] = new_unit(side, admin)
        names |= new_shifts(names["unit"], admin)
    for name, make in (
        ("silence", new_silence),
        ("device_import", new_import),
        ("window", new_window),
        ("letter", new_letter),
    ):
        if name in operation.parameters:
            names[name] = make(side, admin)
    return names


def new_import(side: Side, admin: httpx2.Client) -> str:
    """Import a device of its own into a side and return the import's number."""
    sheet = f"id,feed,name_vi,area\nwall-{uuid4().hex[:12]},rainfall,Trạm thử,{side.area}\n"
    answer = admin.post("/api/v1/devices/imports", content=sheet.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def new_silence(side: Side, admin: httpx2.Client) -> str:
    """Silence the device of a side, as whoever handles alerts may, and return the silence's id."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"match": {"device": [side.device.id]}, "to": until, "reason": "a test of walls"}
    answer = admin.post("/api/v1/silences", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def new_unit(side: Side, admin: httpx2.Client) -> str:
    """Put a unit of a side into the directory and return its id."""
    answer = admin.post("/api/v1/units", json={"name_vi": "Đơn vị thử", "areas": [side.area], "why": "a test"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def new_contact(unit: str, admin: httpx2.Client) -> str:
    """Put a contact of a unit into the directory and return its id."""
    answer = admin.post("/api/v1/contacts", json={"unit": unit, "title_vi": "Trực ban", "why": "a test"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def new_shifts(unit: str, admin: httpx2.Client) -> dict[str, str]:
    """Put two shifts of a unit on the roster, one of them of a pattern, and return what they are called."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    body = {"unit": unit, "contacts": [new_contact(unit, admin)], "starts_at": start.isoformat(), "shift_hours": 8,
            "days": 1, "every_hours": 24, "why": "a test"}  # fmt: skip
    pattern = admin.post("/api/v1/shifts/patterns", json=body)
    assert pattern.status_code == 201, pattern.text
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=8)).isoformat()}
    other = admin.post(
        "/api/v1/shifts", json={"unit": unit, "contact": new_contact(unit, admin), **times, "why": "a test"}
    )
    assert other.status_code == 201, other.text
    listed = admin.get("/api/v1/shifts", params={"unit": unit}).json()["items"]
    shift = next(one["id"] for one in listed if one["pattern"] is not None)
    return {"shift": shift, "pattern": pattern.json()["pattern"]}


def new_window(side: Side, admin: httpx2.Client) -> str:
    """Plan maintenance of a side's device, far ahead, and return its window."""
    start = datetime.now(UTC) + timedelta(days=3)
    body = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(), "reason": "a test"}
    return str(admin.post(f"/api/v1/devices/{side.device.id}/maintenance", json=body).json()["id"])


def new_letter(side: Side, admin: httpx2.Client) -> str:
    """Have a side's device send what is refused, and return the number of the dead letter."""
    assert side.device.publish({"id": uuid4().hex, "rain_24h_mm": 1, "lat": "?", "lon": 105}).returncode == 0
    return str(items(admin, "/api/v1/dead-letters", device=side.device.id)[0]["id"])


def ask(operation: Operation, caller: Caller, side: Side, admin: httpx2.Client) -> httpx2.Response:
    """Send an operation for what lies on a side."""
    names, path = names_on(side, operation, admin), operation.path
    for name in operation.parameters:
        path = path.replace(f"{{{name}}}", names.get(name, "none"))
    content = json.dumps(operation.body(names)) if operation.schema else None
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    return caller.client.request(operation.method, path, content=content, headers=headers)


def test_every_change_obeys_the_wall(
    callers: list[Caller], operations: list[Operation], sides: dict[str, Side], operator: httpx2.Client
) -> None:
    """Foreign things are refused, as if they were not there, and stay as they are; own ones are within reach."""
    foreign, own = sides["foreign"], sides["own"]
    before = fingerprint(operator, foreign)
    tried = 0
    for operation in operations:
        reach = operation.access["reach"]
        if reach == "own":
            continue  # a session, a password, a report: there is no other side
        for caller in sorted(callers, key=lambda one: not one.walled):
            what = (caller.name, operation.method, operation.path)
            tried += 1
            if not operation.admits(caller) or (reach == "site" and caller.walled):
                assert ask(operation, caller, foreign, operator).status_code in (401, 403), what
                continue
            if reach == "area" and caller.walled:
                refused = ask(operation, caller, foreign, operator)
                assert refused.status_code in REFUSED | {422}, (what, refused.text)
                assert own.area not in refused.text
            if reach == "area":
                answer = ask(operation, caller, own, operator)
                assert answer.status_code not in REFUSED, (what, answer.text)
    assert tried >= 200
    assert fingerprint(operator, foreign) == before


def fingerprint(admin: httpx2.Client, side: Side) -> list[Any]:
    """Return what a walled caller could have changed of a side."""
    device = admin.get(f"/api/v1/devices/{side.device.id}").json()
    alert = admin.get(f"/api/v1/alerts/{side.alert}").json()
    told = admin.get(f"/api/v1/devices/{side.device.id}/messages").json()["items"]
    events = [event["key"] for event in items(admin, "/api/v1/events", device=side.device.id)]
    return [device["version"], alert["version"], told, events, side.device.publish({"id": "w1"}).returncode]


def test_a_key_of_a_feed_writes_into_its_area_alone(
    instance: Instance, sides: dict[str, Side], operator: httpx2.Client
) -> None:
    """By HTTP one at a time, in an array, as NDJSON, as CloudEvents: no event of the other area, and no alert."""
    path, now = "/api/v1/feeds/rainfall/events", "2026-01-02T03:04:05Z"
    with instance.client(key=instance.key("feed", feed="rainfall", area=ZONE)) as client:

        def sent(*bodies: dict[str, Any], kind: str = "application/json", to: str = path) -> dict[str, Any]:
            content = json.dumps(bodies) if kind != "application/x-ndjson" else "\n".join(map(json.dumps, bodies))
            answer = client.post(to, content=content, headers={"Content-Type": kind})
            assert answer.status_code == 202, answer.text
            return dict(answer.json())

        def reading(side: str, number: int) -> dict[str, Any]:
            return {"id": f"wall-{number}", "time": now, "device": sides[side].device.id, "rain_24h_mm": 200.0}

        for number, kind in enumerate(("application/json", "application/x-ndjson")):
            mixed = sent(reading("own", number), reading("foreign", number), kind=kind)
            assert mixed["accepted"] == 1
            assert [(one["index"], one["reason"]) for one in mixed["rejected"]] == [(1, "unknown_device")]
        for side, accepted in (("own", 1), ("foreign", 0)):
            device = sides[side].device.id
            named = {"id": "wall-7", "time": now, "rain_24h_mm": 201.0}
            assert sent(named, to=f"{path}?device={device}")["accepted"] == accepted
            cloud = {"specversion": "1.0", "id": "wall-8", "source": f"/rainfall/{device}", "time": now,
                     "type": "rainfall", "data": {"rain_24h_mm": 202.0}}  # fmt: skip
            envelopes = "application/cloudevents-batch+json"
            assert sent(cloud, kind=envelopes, to="/api/v1/cloudevents")["accepted"] == accepted
            adapted = sent({**cloud, "id": "wall-11"}, kind=envelopes, to="/api/v1/adapters/cloudevents")
            assert adapted["accepted"] == accepted
        refused = sent({**reading("foreign", 9), "device": "nobody-at-all"})["rejected"][0]
        hidden = sent(reading("foreign", 10))["rejected"][0]
        assert refused["detail"].replace("nobody-at-all", "x") == hidden["detail"].replace(
            sides["foreign"].device.id, "x"
        )
    found = items(operator, "/api/v1/events", device=sides["foreign"].device.id)
    assert {event["id"] for event in found if event["door"] not in ("manual", "release")} == {"w1"}
    assert len(items(operator, "/api/v1/alerts", device=sides["foreign"].device.id)) == 1


def test_a_key_of_metrics_sees_its_area_alone(
    instance: Instance, sides: dict[str, Side], operator: httpx2.Client
) -> None:
    """`ioc_reading`, the open alerts and the count of devices stop at the wall; what roles count is the site's."""
    ids = [side.device.id for side in sides.values()]

    def scraped() -> str:
        found = operator.get("/metrics").text
        return found if all(one in found for one in ids) else ""

    whole = wait_until(scraped, what="the readings")
    with instance.client(key=instance.key("metrics", area=ZONE)) as client:
        text = client.get("/metrics").text
    assert sides["own"].device.id in text
    assert FOREIGN not in text
    assert sides["foreign"].device.id not in text
    assert "ioc_ingest_events_total" in whole
    assert "ioc_ingest_events_total" not in text


def test_a_key_of_another_area_is_not_there_to_be_ended(instance: Instance, operator: httpx2.Client) -> None:
    """Neither a foreign area's key nor a foreign device's; nor can a gateway's key reach beyond."""
    foreign = instance.device("write-wall-gauge", "rainfall", FOREIGN)
    gateway = instance.device("write-wall-gateway", "rainfall", OWN)
    person = instance.made("user", "add", "wall-keys", "--role", "admin", "--area", ZONE)
    wide = operator.post("/api/v1/keys", json={"kind": "district", "name": "x", "area": FOREIGN}).json()["id"]
    (its,) = operator.get(f"/api/v1/devices/{foreign.id}/keys").json()["items"]
    with instance.signed_in(person["username"], person["password"]) as walled:
        for key in (wide, its["id"], "key_none"):
            assert walled.delete(f"/api/v1/keys/{key}").status_code == 404
        version = {"If-Match": '"1"'}
        own = operator.patch(f"/api/v1/devices/{gateway.id}", json={"gateway": True}, headers=version)
        assert own.status_code == 200
        assert operator.patch(
            f"/api/v1/devices/{foreign.id}", json={"parent": gateway.id}, headers=version
        ).status_code == 200  # fmt: skip
        assert walled.post(f"/api/v1/devices/{gateway.id}/keys", json={}).status_code == 403
        stolen = {"id": "write-wall-child", "feed": "rainfall", "name": {"vi": "x"}, "area": OWN, "parent": foreign.id}
        answer = walled.post("/api/v1/devices", json=stolen)
        assert answer.status_code == 422
    assert operator.get(f"/api/v1/devices/{foreign.id}/keys").json()["items"][0]["revoked_at"] is None
