"""What every route shares: forged cursors, values that there are not, HEAD, the server's names, compression."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from ioc.api.auth import inventory
from ioc.api.http import paging
from tests.integration.api.conftest import NOW, OTHER, World
from tests.integration.api.identity.test_access import filled

HOSTILE: list[Any] = [
    None, True, 1.5, "", "x", "\u0000", "x" * 500, "\ud7ff", 0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30,
    "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", {}, [],
]  # fmt: skip


def lists(document: dict[str, Any]) -> list[str]:
    """Return every path that takes a cursor."""
    return [
        path
        for path, methods in document["paths"].items()
        if any(parameter["name"] == "cursor" for parameter in methods.get("get", {}).get("parameters", ()))
    ]


async def test_a_forged_cursor_is_refused_at_every_list(world: World, monkeypatch: pytest.MonkeyPatch):
    """Its check needs no secret: whoever reads the source can make one that passes it, with anything inside."""
    await world.device("rain-1")
    await world.alert("al_one", device="rain-1")
    monkeypatch.setattr(paging, "_check", lambda *_: bytes(paging.CHECK_BYTES))
    async with world.signed_in("root") as client:
        found = lists((await client.get("/api/v1/openapi.json")).json())
        assert len(found) >= 14
        for path in found:
            for value in HOSTILE:
                for keys in ([value], [value] * 2, [value] * 3, [NOW.isoformat(), value], [1, value], value):
                    try:
                        body = orjson.dumps(keys)
                    except TypeError:
                        body = json.dumps(keys).encode()
                    cursor = base64.urlsafe_b64encode(bytes(paging.CHECK_BYTES) + body).decode().rstrip("=")
                    if len(cursor) > paging.CURSOR_LENGTH_MAX:
                        continue
                    answer = await client.get(filled(path), params={"cursor": cursor})
                    assert answer.status_code in (200, 400, 404), (path, keys, answer.text)
            for text in ("x", "====", "é", "AAAA", "0" * 1_000):
                answer = await client.get(filled(path), params={"cursor": text})
                assert (answer.status_code, answer.json()["code"]) in {(400, "invalid_cursor"), (404, "not_found")}, (
                    path
                )


@pytest.mark.parametrize("shape", [(int,), (str,), (datetime, str), (int, paging.SmallNumber), (float,)])
def test_a_cursor_gives_back_only_what_its_columns_can_be_asked_with(shape: tuple[type, ...]):
    good = {int: 2**62, str: "x", datetime: NOW, paging.SmallNumber: 7, float: 0.5}
    keys = [good[kind] for kind in shape]
    assert paging.read_cursor("r", {}, paging.make_cursor("r", {}, keys), shape) == keys


async def test_a_value_that_there_is_not_is_named_with_those_that_there_are(world: World):
    """Generated from the declared filters: each list, each filter of a closed set."""
    closed = {
        "state": "acknowledged", "condition": "firing", "severity": "critical", "status": "silent", "feed": "rainfall",
        "domain": "disaster", "step": "5m", "aggregate": "max", "area": "hoa-binh", "zone": "luong-son",
    }  # fmt: skip
    own = {("/api/v1/indicators/imports", "state"): "pending", ("/api/v1/maintenance", "state"): "planned",
           ("/api/v1/silences", "state"): "running"}  # fmt: skip
    asked = 0
    async with world.signed_in("op") as client:
        for path, methods in (await client.get("/api/v1/openapi.json")).json()["paths"].items():
            names = {one["name"] for one in methods.get("get", {}).get("parameters", ()) if one["in"] == "query"}
            for name in sorted(names & closed.keys()):
                if path.endswith("dead-letters") and name == "feed":
                    continue  # a message may have named any feed
                asked += 1
                params = {"field": "rain_24h_mm", "device": "rain-1"} if path.endswith("series") else {}
                there_is = own.get((path, name), closed[name])
                for value in ("no-such", f"{there_is},no-such" if name in ("state", "severity") else "no-such"):
                    answer = await client.get(filled(path), params={**params, name: value})
                    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_value"), (path, name)
                    assert name in answer.json()["errors"][0]["field"]
                    assert there_is in answer.json()["errors"][0]["message"], (path, name)
                known = await client.get(filled(path), params={**params, name: there_is})
                assert known.status_code == 200, (path, name, known.text)
        unknown = await client.get("/api/v1/alerts", params={"device": "never-was", "rule": "never.was"})
        assert unknown.status_code == 200
    assert asked >= 20


async def test_head_answers_as_get_without_its_body(world: World):
    await world.device("rain-1")
    await world.alert("al_one", device="rain-1")
    async with world.signed_in("root") as client:
        for line in inventory(world.app):
            if line.method != "GET":
                continue
            path = filled(line.path)
            head = await client.head(path)
            assert head.content == b"", path
            if path != "/api/v1/stream":  # whose GET does not end
                got = await client.get(path)
                assert (head.status_code, head.headers["content-type"]) == (
                    got.status_code, got.headers["content-type"],
                ), path  # fmt: skip
        assert (await client.head("/api/v1/stream")).status_code == 200
        assert (await client.head("/api/v1/csp-reports")).status_code == 405
        assert not world.state.hub._clients


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/devices", "GET, HEAD, POST"), ("/api/v1/rules/rain.24h", "DELETE, GET, HEAD, PUT"),
        ("/api/v1/rules/check", "POST"), ("/api/v1/tour", "GET, HEAD, POST, PUT"), ("/livez", "GET, HEAD"),
        ("/api/v1/devices/rain-1/keys", "GET, HEAD, POST"),
    ],
)  # fmt: skip
async def test_a_method_that_a_path_lacks_is_answered_with_all_that_it_has(world: World, path: str, allow: str):
    async with world.client() as client:
        answer = await client.request("OPTIONS", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


async def test_a_name_that_is_taken_is_a_conflict(world: World):
    await world.device("rain-1")
    async with world.signed_in("root") as client:
        device = {"id": "rain-1", "feed": "rainfall", "name": {"vi": "Mưa"}, "area": "04795"}
        for path, body, named in (
            ("/api/v1/devices", device, "id"),
            ("/api/v1/users", {"username": "root", "role": "viewer"}, "username"),
        ):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, "already_exists"), answer.text
            assert answer.json()["errors"][0]["field"] == named


async def test_what_is_left_out_stays_and_null_is_refused_by_name(world: World):
    async with world.signed_in("root") as client:
        for member in ("name", "role", "disabled"):
            answer = await client.patch("/api/v1/users/root", json={member: None})
            assert answer.status_code == 422
            assert answer.json()["errors"] == [{"field": member, "message": f"{member}: Value error, cannot be null"}]
        kept = await client.patch("/api/v1/users/root", json={"name": "Trực"})
        assert (kept.json()["name"], kept.json()["role"]) == ("Trực", "admin")


@pytest.mark.parametrize("day", ["0", "20260701", "1782864000", "2026-7-1", "2026-07-01T00:00:00Z"])
async def test_a_day_is_a_date_and_no_number(world: World, day: str):
    async with world.signed_in("root") as client:
        assert (await client.get("/api/v1/areas", params={"on": day})).status_code == 422
        assert (await client.get("/api/v1/areas", params={"on": "2026-07-01"})).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("10.1.2.3", 200), ("localhost:8000", 200),
        (socket.gethostname(), 200), ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400), ("a b", 400),
        ("localhost.evil.example:8000", 400),
    ],
)  # fmt: skip
async def test_a_server_answers_to_its_own_names_only(world: World, host: str, status: int):
    """Else a foreign page whose name points here would be of one origin with the screens."""
    async with world.client() as client:
        answer = await client.get("/livez", headers={"Host": host})
    assert answer.status_code == status
    assert "content-security-policy" in answer.headers
    if status == 400:
        assert answer.json()["code"] == "unknown_host"


async def test_big_answers_are_compressed_for_who_accepts_it(world: World):
    for number in range(40):
        await world.device(f"rain-{number:02}")
    async with world.signed_in("root") as client:
        for path in ("/api/v1/devices", "/api/v1/users", "/api/v1/openapi.json"):
            plain = await client.get(path, headers={"Accept-Encoding": "identity"})
            packed = await client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
            assert "content-encoding" not in plain.headers
            assert "accept-encoding" in plain.headers["vary"].lower()
            assert packed.json() == plain.json(), path
            assert packed.headers.get("content-encoding") == "gzip", path
            assert int(packed.headers["content-length"]) < len(plain.content) / 2
        refused = await client.get("/api/v1/devices", headers={"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in refused.headers
        small = await client.get("/api/v1/session", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in small.headers
    assert gzip.decompress(gzip.compress(b"x", mtime=0)) == b"x"


async def test_lists_of_rules_people_and_keys_come_in_pages(world: World):
    async with world.signed_in("root") as client:
        for number in range(7):
            made = {"kind": "district", "name": f"key {number}", "area": OTHER}
            assert (await client.post("/api/v1/keys", json=made)).status_code == 201
        for path, name in (("keys", "id"), ("users", "username"), ("areas", "code")):
            seen, cursor = [], None
            more = {"on": "all"} if path == "areas" else {}
            while True:
                params = {"limit": "2", **more, **({"cursor": cursor} if cursor else {})}
                page = (await client.get(f"/api/v1/{path}", params=params)).json()
                seen += [(item[name], item.get("valid_from")) for item in page["items"]]
                cursor = page["next"]
                if cursor is None:
                    break
            whole = (await client.get(f"/api/v1/{path}", params=more)).json()["items"]
            assert seen == [(item[name], item.get("valid_from")) for item in whole], path
            assert len(seen) == len(set(seen)) >= 5
    async with world.signed_in("walled-admin") as client:
        own = (await client.get("/api/v1/keys?limit=500")).json()["items"]
        assert {key["area"] for key in own} == {OTHER}
        assert len(own) == 8


async def test_what_cannot_be_seen_is_taken_out_of_names(world: World):
    """U+202E turns its neighbours around, a zero width makes two names alike that are not."""
    hostile = "Tra\u0323m\u202e \u200bđo\u2066 \ufeff mưa\u0007\r\n\u00ad 1 "
    async with world.signed_in("root") as client:
        body = {"id": "rain-1", "feed": "rainfall", "name": {"vi": hostile, "en": hostile}, "area": "04795",
                "place": hostile}  # fmt: skip
        made = (await client.post("/api/v1/devices", json=body)).json()
        assert made["name"] == {"vi": "Trạm đo mưa 1", "en": "Trạm đo mưa 1"}
        assert made["place"] == "Trạm đo mưa 1"
        changed = await client.patch(
            "/api/v1/devices/rain-1", json={"name": {"vi": "\u202eTrạm 2"}}, headers={"If-Match": '"1"'}
        )
        assert changed.json()["name"]["vi"] == "Trạm 2"
        key = (await client.post("/api/v1/keys", json={"kind": "metrics", "name": "\u202ekey"})).json()
        keys = {item["id"]: item["name"] for item in (await client.get("/api/v1/keys")).json()["items"]}
        assert keys[key["id"]] == "key"
        user = {"username": "new-one", "role": "viewer", "name": "An\u200f\u061c Bình"}
        assert (await client.post("/api/v1/users", json=user)).json()["name"] == "An Bình"
        for name in ("\u202e", "\u200b\u200d", "\u3164"):
            refused = await client.post("/api/v1/keys", json={"kind": "metrics", "name": name})
            assert refused.status_code == 422


async def test_security_txt_says_whom_to_tell(world: World):
    async with world.client() as client:
        answer = await client.get("/.well-known/security.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.strip().splitlines())
    assert fields["Contact"].startswith("mailto:security@")
    ends = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=30) < ends - world.state.context.wall.now() < timedelta(days=365)
