"""The wall and the declarations: every route against every kind of caller, own and foreign objects."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends

from ioc.api.app import create_app
from ioc.api.auth import OPERATORS, inventory
from ioc.api.http.body import Input, request_body
from ioc.api.wall.caller import Caller
from ioc.domain.people.capabilities import CAPABILITIES, Capability, Role
from ioc.store.accounts import accounts
from tests.integration.api.conftest import NOW, OTHER, World

CANARY = "CANARY-29A-123.45"


class Forgetful(Input):
    """A body that names a device and does not say so."""

    device: str


ROLES = {
    "root": Role.ADMIN, "chief": Role.SHIFT_LEADER, "op": Role.OPERATOR, "officer": Role.UNIT_OFFICER,
    "mayor": Role.LEADER, "auditor": Role.AUDITOR, "view": Role.VIEWER,
}  # fmt: skip
MAY = {
    ("GET", "/api/v1/alerts"): set(Role),
    ("POST", "/api/v1/alerts/al_one/acknowledge"): {Role.ADMIN, Role.SHIFT_LEADER, Role.OPERATOR, Role.UNIT_OFFICER},
    ("POST", "/api/v1/drills"): {Role.ADMIN, Role.SHIFT_LEADER, Role.OPERATOR},
    ("GET", "/api/v1/dead-letters"): {Role.ADMIN, Role.SHIFT_LEADER, Role.OPERATOR},
    ("POST", "/api/v1/devices"): {Role.ADMIN, Role.SHIFT_LEADER},
    ("GET", "/api/v1/audit"): {Role.ADMIN, Role.SHIFT_LEADER, Role.AUDITOR},
    ("POST", "/api/v1/rules"): {Role.ADMIN},
    ("GET", "/api/v1/users"): {Role.ADMIN},
    ("POST", "/api/v1/keys"): {Role.ADMIN},
}
"""What the roles are for, written down by hand: a preset that gives too much fails here."""
PUBLIC = {
    ("GET", "/livez"), ("GET", "/readyz"), ("POST", "/api/v1/session"), ("POST", "/api/v1/tour/session"),
    ("GET", "/.well-known/security.txt"),
}  # fmt: skip


def filled(path: str) -> str:
    names = {
        "{alert}": "al_one", "{device}": "rain-1", "{code}": "04795", "{name}": "rivers", "{feed}": "rainfall",
        "{rule}": "rain.24h", "{domain}": "disaster", "{key}": "00" * 16, "{username}": "walled",
        "{backtest}": "bt_none", "{event}": "00" * 16,
    }  # fmt: skip
    for name, value in names.items():
        path = path.replace(name, value)
    return path


async def test_every_route_answers_401_to_nobody_but_the_public_ones(world: World):
    lines = inventory(world.app)
    assert len(lines) > 40
    assert {(line.method, line.path) for line in lines if line.access is None} == PUBLIC
    async with world.client() as client:
        for line in lines:
            if line.access is None:
                continue
            answer = await client.request(line.method, filled(line.path))
            assert answer.status_code == 401, (line.method, line.path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_every_route_admits_exactly_whom_it_declares(world: World):
    """403 exactly where the declaration says so; any other answer means the caller came through."""
    await world.alert()
    await world.device("rain-1")
    lines = [line for line in inventory(world.app) if line.access is not None and line.path != "/api/v1/stream"]
    lines = [line for line in lines if (line.method, line.path) != ("DELETE", "/api/v1/session")]
    for name, role in ROLES.items():
        async with world.signed_in(name) as client:
            for line in lines:
                access = line.access
                assert access is not None
                answer = await client.request(line.method, filled(line.path), headers={"X-Role": role})
                admitted = role in access.description()["roles"]
                assert (answer.status_code != 403) == admitted, (name, line.method, line.path, answer.text)
    for kind in ("feed", "district", "metrics", "display"):
        async with world.client(key=kind) as client:
            for line in lines:
                assert line.access is not None
                answer = await client.request(line.method, filled(line.path))
                assert (answer.status_code != 403) == (kind in line.access.kinds), (kind, line.path, answer.text)


async def test_a_route_without_a_declaration_stops_the_start(world: World):
    router = APIRouter()
    router.add_api_route("/forgotten", lambda: None)
    world.app.include_router(router)
    with pytest.raises(RuntimeError, match="/forgotten must declare"):
        inventory(world.app)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/things/{thing}", None, "names thing, whose wall nobody has declared"),
        ("/forgotten", None, "names nothing that lies in one"),
        ("/alerts/{alert}/move", Forgetful, "names device, whose wall nobody has declared"),
    ],
)
async def test_a_change_that_does_not_say_what_it_reaches_stops_the_start(
    world: World, path: str, body: type[Input] | None, words: str
):
    async def change(caller: Annotated[Caller, Depends(OPERATORS)]) -> None:
        del caller

    router = APIRouter()
    router.add_api_route(path, change, methods=["POST"], openapi_extra=request_body(body) if body else None)
    world.app.include_router(router)
    with pytest.raises(RuntimeError, match=words):
        inventory(world.app)


async def test_the_door_may_declare_itself_and_nothing_else_may(world: World):
    door = APIRouter()

    async def take() -> None:
        return None

    door.add_api_route("/feeds/{feed}/events", take, methods=["POST"])
    app = create_app(world.state, door=door)
    lines = [line for line in inventory(app, [take]) if line.door]
    assert [(line.method, line.path) for line in lines] == [("POST", "/api/v1/feeds/{feed}/events")]


async def test_no_answer_to_a_walled_reader_holds_a_word_of_the_other_area(world: World):
    """Canaries of the first zone in every noun; every readable route of the second zone's people is searched."""
    words = {"vi": CANARY, "en": CANARY}
    await world.device("rain-1", name_vi=CANARY, name_en=CANARY)
    await world.device("rain-own", area=OTHER)
    await world.alert("al_one", device="rain-1", title=words, summary=words)
    await world.alert("al_zone", area=None, title=words, summary=words)
    await world.database_rows(CANARY)
    lines = [line for line in inventory(world.app) if line.method == "GET" and line.path != "/api/v1/stream"]
    for name in ("walled", "walled-admin"):
        async with world.signed_in(name) as client:
            for line in lines:
                for query in ("", "?area=04795", "?zone=hoa-binh", "?area=148", "?feed=rainfall", "?device=rain-1"):
                    answer = await client.get(filled(line.path) + query)
                    assert CANARY not in answer.text, (line.path, query)
            for path in ("alerts/al_one", "alerts/al_one/history", "alerts/al_one/evidence", "devices/rain-1",
                         "alerts/HB-al_one", "events/" + "00" * 16):  # fmt: skip
                foreign, nothing = await client.get(f"/api/v1/{path}"), await client.get("/api/v1/alerts/al_none")
                assert foreign.status_code == 404, path
                assert foreign.json()["code"] == nothing.json()["code"]
            assert (await client.get("/api/v1/series?field=rain_24h_mm&device=rain-1")).status_code == 404
            tiles = (await client.get("/api/v1/domains")).json()["items"]
            assert all(count == 0 for tile in tiles for count in tile["open"].values())
            assert tiles[0]["devices"] == 1
            found = (await client.get("/api/v1/devices")).json()["items"]
            assert [device["id"] for device in found] == ["rain-own"]
    async with world.signed_in("op") as client:
        assert CANARY in (await client.get("/api/v1/alerts")).text
        assert CANARY in (await client.get("/api/v1/events")).text


async def test_evidence_that_crosses_the_wall_only_counts_what_lies_beyond(world: World):
    """An alert inside the wall whose cluster, readings and companions reach into the other area."""
    words = {"vi": CANARY, "en": CANARY}
    await world.device("rain-1", name_vi=CANARY, name_en=CANARY)
    await world.device("rain-own", area=OTHER)
    await world.alert("al_own", area=OTHER, device=None)
    await world.alert("al_foreign", title=words, summary=words)
    readings = [{"position": number, "device": name, "effective": NOW.isoformat(), "values": {"rain_24h_mm": 1.0}}
                for number, name in enumerate(("rain-own", "rain-1"))]  # fmt: skip
    near = [{"at": NOW.isoformat(), "position": number, "lat": 20.8, "lon": 105.3, "device": name}
            for number, name in enumerate(("rain-own", "rain-1"))]  # fmt: skip
    together = [{"rule": "rain.24h", "key": CANARY, "alert": name, "severity": "high", "domain": "disaster",
                 "device": None, "at": NOW.isoformat()} for name in ("al_own", "al_foreign")]  # fmt: skip
    for number, details in enumerate(({"kind": "near", "members": near, "radius_m": 300.0, "over_s": 60.0},
                                      {"kind": "correlate", "members": together}), start=1):  # fmt: skip
        evidence = {"clause": "n >= 2", "values": {"n": 2}, "position": 3, "readings": readings, "details": details}
        await world.insert("alert_history", {"alert": "al_own", "number": number, "at": NOW, "log_time": NOW,
                                             "kind": "opened", "severity": "high", "evidence": evidence})  # fmt: skip
        async with world.signed_in("walled") as client:
            answer = await client.get("/api/v1/alerts/al_own/evidence")
            assert answer.status_code == 200, answer.text
            assert CANARY not in answer.text
            assert "rain-1" not in answer.text
            found = answer.json()
            assert (found["details"]["hidden"], len(found["details"]["members"])) == (1, 1)
            assert [reading["device"] for reading in found["readings"]] == ["rain-own"]
        async with world.signed_in("op") as client:
            found = (await client.get("/api/v1/alerts/al_own/evidence")).json()
            assert (found["details"]["hidden"], len(found["details"]["members"])) == (0, 2)


async def test_a_zone_wide_alert_is_seen_by_who_sees_the_whole_zone(world: World):
    await world.alert("al_zone", area=None)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert SET zone = 'luong-son'")
    async with world.signed_in("walled") as client:
        assert [alert["id"] for alert in (await client.get("/api/v1/alerts")).json()["items"]] == ["al_zone"]


async def test_an_account_whose_area_is_gone_sees_nothing(world: World):
    await world.alert(area=OTHER)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE account SET area = '99999' WHERE username = 'walled'")
    async with world.signed_in("walled") as client:
        assert (await client.get("/api/v1/alerts")).json()["items"] == []


async def test_a_display_sees_no_restricted_row_no_name_and_no_text_value(world: World):
    await world.device("cam-1", feed="camera_detection")
    await world.device("watch-1", feed="watch_list", name_vi=CANARY)
    await world.alert("al_open")
    await world.alert("al_hidden", restricted=True, title={"vi": CANARY, "en": CANARY})
    await world.alert("al_watch", feed="watch_list", title={"vi": CANARY, "en": CANARY})
    await world.alert("al_plate", key=CANARY)
    values = {"plate": CANARY, "speed_kmh": 92}
    readings = [{"position": 3, "device": "cam-1", "effective": "2026-11-23T13:00:00Z", "values": values}]
    evidence = {"clause": "speed_kmh > 80", "values": values, "position": 3, "readings": readings}
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET owner = $1, acknowledged_by = $1", CANARY)
    await world.insert("alert_history", {"alert": "al_open", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened",
                                         "severity": "high", "evidence": evidence})  # fmt: skip
    for field, value in (("plate", CANARY), ("speed_kmh", 92)):
        await world.insert("latest", {"device": "cam-1", "feed": "camera_detection", "field": field, "value": value,
                                      "effective": NOW, "log_time": NOW, "position": 1})  # fmt: skip
    async with world.client(key="display") as client:
        for line in inventory(world.app):
            if line.method == "GET" and line.path != "/api/v1/stream":
                path = filled(line.path).replace("al_one", "al_open")
                answer = await client.get(path)
                assert CANARY not in answer.text, path
        items = (await client.get("/api/v1/alerts")).json()["items"]
        assert {alert["id"] for alert in items} == {"al_open", "al_plate"}
        assert (await client.get("/api/v1/alerts/al_open/evidence")).json()["values"] == {"speed_kmh": 92}
        assert (await client.get("/api/v1/series?field=plate&feed=camera_detection&step=raw")).status_code == 404


async def test_keys_are_refused_by_typo_by_revocation_and_by_expiry(world: World):
    key = world.keys["display"]
    async with world.client(key="display") as client:
        assert (await client.get("/api/v1/alerts")).status_code == 200
        typo = key[:-1] + ("A" if key[-1] != "A" else "B")
        assert (await client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {typo}"})).status_code == 401
        async with world.database.connection() as connection:
            await connection.execute("UPDATE api_key SET expires_at = $1 WHERE kind = 'display'", NOW)
        assert (await client.get("/api/v1/alerts")).status_code == (
            200 if world.state.context.wall.now() < NOW else 401
        )
        async with world.signed_in("root") as root:
            found = (await root.get("/api/v1/keys")).json()["items"]
            display = next(item for item in found if item["kind"] == "display")
            assert (await root.delete(f"/api/v1/keys/{display['id']}")).status_code == 204
            assert (await root.delete(f"/api/v1/keys/{display['id']}")).status_code == 404
        assert (await client.get("/api/v1/alerts")).status_code == 401


@pytest.mark.parametrize(("name", "role"), ROLES.items())
async def test_a_role_may_do_what_it_is_for_and_nothing_else(world: World, name: str, role: Role):
    await world.alert()
    async with world.signed_in(name) as client:
        told = (await client.get("/api/v1/session")).json()
        assert told["capabilities"] == [one for one in Capability if one in CAPABILITIES[role]]
        for (method, path), roles in MAY.items():
            answer = await client.request(method, path)
            assert (answer.status_code != 403) == (role in roles), (role, method, path, answer.text)


async def test_two_administrators_cannot_disable_each_other_and_leave_nobody(world: World):
    async with world.database.connection() as connection:
        await connection.execute("UPDATE account SET area = NULL WHERE username = 'walled-admin'")
    async with world.signed_in("root") as one, world.signed_in("walled-admin") as two:
        answers = await asyncio.gather(
            one.patch("/api/v1/users/walled-admin", json={"disabled": True}),
            two.patch("/api/v1/users/root", json={"disabled": True}),
        )
    assert min(answer.status_code for answer in answers) == 200
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM account WHERE role = 'admin' AND NOT disabled") == 1


async def test_accounts_and_keys_go_no_further_than_their_maker(world: World):
    async with world.signed_in("walled-admin") as client:
        assert (await client.get("/api/v1/users")).status_code == 403
        wide = {"kind": "district", "name": "wide"}
        assert (await client.post("/api/v1/keys", json=wide)).status_code == 403
        assert (await client.post("/api/v1/keys", json={**wide, "area": "hoa-binh"})).status_code == 403
        assert (await client.post("/api/v1/keys", json={**wide, "area": OTHER})).status_code == 201
        foreign = {"id": "rain-9", "feed": "rainfall", "name": {"vi": "x"}, "area": "04795"}
        assert (await client.post("/api/v1/devices", json=foreign)).status_code == 403
    async with world.database.connection() as connection:
        assert (await accounts.get_account(connection, "root")) is not None
